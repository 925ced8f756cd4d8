"""The transcript of one live session: numbering, committing, publishing.

Every event is `{"jsonrpc": "2.0", "method", "params"}`, and `params.sessionId` is always the public id. What the agent
sends is recorded under ACP's names (`session/update`, `session/request_permission` with a `permissionId`); so are the
user's prompts (`user_message_chunk`) and the changes of mode and config options that the agent did not announce itself.
All else has a name of ours: `runtime.api.events` has them all, with their params.

An event is published after its commit and never before. When a commit fails, so do all after it (the store keeps the log
free of gaps): the transcript is then `failed` for good, and its session is taken down and read back from the file.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import trio

from runtime.acp.messages import SESSION_UPDATE
from runtime.acp.session_state import SessionState, event_type
from runtime.api.errors import ApiError
from runtime.api.events import SESSION_EVENT
from runtime.clock import epoch_ms
from runtime.hub import Notice
from runtime.large_json import STEP_BYTES, is_small, one, parts
from runtime.sessions.options.redaction import NOTHING
from runtime.store.writer import WAITING_BYTES
from runtime.wire_json import encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runtime.hub import Hub
    from runtime.store.store import Store
    from runtime.store.writer import Write

logger = logging.getLogger(__name__)


UNCOMMITTED: Final = 1000
"""Events of one session that may wait for their commit before its agent has to wait: one group of the writer, so that the
writer is never idle for lack of them, and at most that many lines are held."""
UNCOMMITTED_BYTES: Final = 8 * 1024 * 1024
"""The same in bytes, for agents whose events are large."""


class Transcript:
    """The events of one session. `append` never waits; a caller that relays an agent's messages awaits `room` before each."""

    def __init__(self, store: Store, hub: Hub, vm: str, session_id: str) -> None:
        self.session_id = session_id
        self.state = SessionState()
        """The state after all events so far, committed or not."""
        self.redactor = NOTHING
        """Removes the secrets from every event."""
        self.failed: Exception | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self.on_change: Callable[[SessionState, SessionState], Write | None] = lambda _before, _after: None
        """Called when an event changed `state`. Returns the write of the session's row, which is committed with that event."""
        self.on_growth: Callable[[int], None] = lambda _size: None
        """Called after each event with its size in bytes."""
        self.bytes = 0
        """The sum of all events so far, committed or not."""
        self._store = store
        self._hub = hub
        self._vm = vm
        self._row: int | None = None
        self._next_seq = 0
        self._held: list[tuple[str, dict[str, Any]]] = []
        self._held_bytes = 0
        self._uncommitted = 0
        self._uncommitted_bytes = 0
        self._committed = -1
        self._progress = trio.lowlevel.ParkingLot()

    @property
    def last_seq(self) -> int:
        """The seq of the last event appended, -1 when there is none."""
        return self._next_seq - 1

    def open(self, row: int, next_seq: int, state: SessionState, size: int = 0) -> None:
        """Begin to write: the session has the row `row`, and the file its events below `next_seq`, whose fold is `state` and
        which have `size` bytes.

        Events that were appended before (a new session has no row until its agent has taken it) are written now.
        """
        self._row, self._next_seq, self._committed, self.state = row, next_seq, next_seq - 1, state
        self.bytes = size
        held, self._held = self._held, []
        for method, params in held:
            self.append(method, params)
        self._progress.unpark_all()

    async def append_large(self, method: str, params: dict[str, Any]) -> int:
        """As `append`; a large event is encoded in small steps, and takes its place among the others after that."""
        if is_small(params) or self._row is None:
            return self.append(method, params)
        whole = {"jsonrpc": "2.0", "method": method, "params": {**params, "sessionId": self.session_id}}
        body = await one(await parts(whole))
        return self.append(method, params, body=None if await self._holds_secrets(body) else body)

    async def _holds_secrets(self, body: bytes) -> bool:
        for at in range(0, len(body), STEP_BYTES):
            if self.redactor.found_in(body[at : at + STEP_BYTES + self.redactor.longest]):
                return True
            await trio.lowlevel.checkpoint()
        return False

    def append(
        self, method: str, params: dict[str, Any], *, notices: Iterable[Notice] = (), body: bytes | None = None
    ) -> int:
        """Append one event and return its seq, -1 before `open`; `notices` are published right after it.

        `body`: the event as JSON, without secrets, where that is made already.
        Once the transcript has failed, events are dropped: nobody may see an event that cannot be committed.
        """
        if self.failed is not None:
            return -1
        if self._row is None:
            self._held.append((method, params))
            self._held_bytes += len(encoded(params))
            return -1
        seq, self._next_seq = self._next_seq, self._next_seq + 1
        params = {**params, "sessionId": self.session_id}
        type_ = event_type(method, params)
        if body is None:
            body = encoded({"jsonrpc": "2.0", "method": method, "params": params})
            if self.redactor.found_in(body):
                params = self.redactor.value(params)
                body = encoded({"jsonrpc": "2.0", "method": method, "params": params})
        created_at = epoch_ms()
        self.bytes += len(body)
        state = self.state.fold(type_, params)
        also: Write | None = None
        if state is not self.state and state != self.state:
            also = self.on_change(self.state, state)
            self.state = state
        self._uncommitted += 1
        self._uncommitted_bytes += len(body)
        notice = Notice(
            method=SESSION_EVENT,
            vm=self._vm,
            session_id=self.session_id,
            seq=seq,
            type=type_,
            params={
                "vm": self._vm,
                "sessionId": self.session_id,
                "seq": seq,
                "createdAt": created_at,
                "event": msgspec.Raw(body),
            },
            size=len(body),
        )

        then = partial(self._stored, seq, len(body), (notice, *notices))
        try:
            self._store.transcript.append(self._row, seq, created_at, type_, body, then, also)
        except ApiError as error:  # the store is closing
            self.fail(error)
        self.on_growth(len(body))
        return seq

    def _stored(self, seq: int, size: int, notices: Iterable[Notice], error: Exception | None) -> None:
        """Publish an event that is committed; with an error, fail."""
        self._uncommitted -= 1
        self._uncommitted_bytes -= size
        if error is None:
            self._committed = seq
            for notice in notices:
                self._hub.publish(notice)
        else:
            if self.failed is None:
                logger.error("session %s: an event could not be stored", self.session_id, exc_info=error)
            self.fail(error)
        if self._progress:
            self._progress.unpark_all()

    def fail(self, error: Exception) -> None:
        """Give the transcript up: nothing more is written, and the tasks that wait for it get `error`."""
        if self.failed is None:
            self.failed = error
            self._held.clear()
            self.on_failure()
            self._progress.unpark_all()

    def update(self, update: dict[str, Any]) -> int:
        """Append a `session/update` that the runtime itself makes."""
        return self.append(SESSION_UPDATE, {"update": update})

    async def room(self) -> None:
        """Wait until another event may be appended without memory growing.

        No checkpoint where there is room: with one for every event half of a flood's time goes to the scheduler, and
        reading from the agent is one for every 64 KiB.
        """
        if not self._full() and self._store.writer.waiting_bytes < WAITING_BYTES:
            return
        await self._store.writer.room()
        while self.failed is None and self._full():
            await self._progress.park()

    async def committed(self) -> None:
        """Wait until every event appended so far is committed and published. Raises the error in `failed`."""
        target = self.last_seq
        if self.failed is not None or self._committed >= target:
            await trio.lowlevel.checkpoint()
        while self.failed is None and self._committed < target:
            await self._progress.park()
        if self.failed is not None:
            raise self.failed

    def _full(self) -> bool:
        if self._row is None:
            return len(self._held) >= UNCOMMITTED or self._held_bytes >= UNCOMMITTED_BYTES
        return self._uncommitted >= UNCOMMITTED or self._uncommitted_bytes >= UNCOMMITTED_BYTES
