"""One turn: its data, and the signals it takes. `runtime.sessions.operations.running` runs it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.acp.turn import End, Phase, Signal, TurnState
from runtime.api.defaults import CANCEL_GRACE_MS
from runtime.api.errors import ApiError, ErrorCode
from runtime.sessions.options.options import new_session_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.acp.codec import ErrorObject
    from runtime.sessions.agent.process import Agent

MAX_TURN_TEXT: Final = 16 * 1024 * 1024
"""Characters of `text` in a prompt's result: it has to fit into one line of the API. The events have the whole."""

CANCEL_GRACE: Final = CANCEL_GRACE_MS / 1000
"""Seconds that an agent has to end a cancelled turn where nobody says otherwise (api.md, cancelPrompt)."""


class Turn:
    """One turn, from the accepted prompt to its result."""

    def __init__(
        self,
        blocks: list[dict[str, Any]],
        *,
        key: str | None,
        content_hash: bytes,
        timeout_ms: int | None,
        trace: dict[str, str] | None,
    ) -> None:
        self.turn_id = new_session_id()
        self.blocks = blocks
        self.key = key
        self.content_hash = content_hash
        self._trace = trace
        self.machine = TurnState()
        self.deadline = trio.current_time() + (math.inf if timeout_ms is None else timeout_ms / 1000)
        self.timed_out = False
        self.limit: ApiError | None = None
        """The limit that ended it, if one did."""
        self.done = trio.Event()
        """Set once everything about the turn is committed and published, and `result` has an answer."""
        self.restoring = trio.CancelScope(deadline=self.deadline)
        self.agent: Agent | None = None
        """The agent that has the prompt."""
        self.cancel_prompt: Callable[[], None] = _nothing
        """Asks that agent to end the turn."""
        self.answer: Any = None
        self.stop_reason: str | None = None
        self.error: ErrorObject | None = None
        self._over = trio.Event()
        self._scope: trio.CancelScope | None = None
        self._text: list[str] = []
        self._room = MAX_TURN_TEXT
        self.text_length = 0
        """Characters of `text`."""
        self._outcome: dict[str, Any] | ApiError | None = None

    @property
    def killing(self) -> bool:
        """Whether an exit of the agent is expected: we have cancelled or killed it."""
        return self.machine.phase is Phase.CANCELLING or self.machine.end in (End.CANCELLED, End.KILLED)

    def describe(self) -> dict[str, Any]:
        """The members of `_torpor/turn_started`."""
        given = {"idempotencyKey": self.key, "traceContext": self._trace}
        return {"turnId": self.turn_id, **{name: value for name, value in given.items() if value is not None}}

    def meta(self) -> dict[str, Any]:
        """The `_meta` of the agent's prompt, if it has any (ACP, "Extensibility")."""
        return {} if self._trace is None else {"_meta": self._trace}

    @property
    def text(self) -> str:
        """The agent's message so far."""
        return "".join(self._text)

    @property
    def truncated(self) -> bool:
        """Whether `text` is not the whole message."""
        return self._room < 0

    def add_text(self, text: str) -> int:
        """Take the text of an `agent_message_chunk`, and return how many characters of it are kept."""
        if self.machine.phase is Phase.RESTORING:
            return 0
        added = text[: max(0, self._room)]
        self._room -= len(text)
        if added:
            self._text.append(added)
            self.text_length += len(added)
        return len(added)

    def signal(self, signal: Signal) -> bool:
        """Take a signal; return whether it changed the phase."""
        changed = self.machine.signal(signal)
        if self.machine.over:
            self._over.set()
        return changed

    def cancel(self, grace: float) -> None:
        """Ask for the end of the turn; an agent that has not ended it within `grace` seconds is killed. Never waits.

        After several calls the earliest end of a grace counts.
        """
        ends = trio.current_time() + grace
        phase = self.machine.phase
        self.signal(Signal.CANCEL)
        if phase is Phase.RESTORING:
            self.restoring.cancel()
        elif phase is Phase.PROMPTING:
            self.expire_at(ends)
            self.cancel_prompt()
        elif phase is Phase.CANCELLING:
            self.expire_at(min(ends, self.deadline))

    def stop(self, limit: ApiError) -> None:
        """Cancel the turn, since a limit is reached; `limit` becomes its result."""
        if not self.machine.over:
            self.limit = limit
            self.cancel(CANCEL_GRACE)

    def expire_at(self, deadline: float) -> None:
        """Let the present phase expire at `deadline` (trio's clock)."""
        self.deadline = deadline
        if self._scope is not None:
            self._scope.deadline = deadline

    async def phase_over(self) -> bool:
        """Wait for the end of the turn or the deadline; return True for the end of the turn."""
        with trio.CancelScope(deadline=self.deadline) as self._scope:
            await self._over.wait()
        return self.machine.over

    def resolve(self, outcome: dict[str, Any] | ApiError) -> None:
        """Set the result, unless there is one, and wake the tasks that wait for it."""
        if self._outcome is None:
            self._outcome = outcome
        self.done.set()

    def result(self) -> dict[str, Any]:
        """The prompt's result, once `done`. Raises `ApiError`: a new one for every caller, so tracebacks do not mix."""
        if isinstance(self._outcome, dict):
            return self._outcome
        if self._outcome is None:
            raise ApiError(ErrorCode.SHUTTING_DOWN, "the VM was closed before the turn was over")
        raise ApiError(self._outcome.code, self._outcome.message, **self._outcome.data)


def _nothing() -> None:
    pass
