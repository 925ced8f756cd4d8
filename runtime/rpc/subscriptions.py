"""Subscriptions: replay from the store, then live, without a gap or a duplicate, and never at the producer's expense.

A subscription listens to the hub from its first moment. While it replays, notices from the hub wait in `_pending`. Every
event is committed before it is published, so an event that the last page of the store does not have is among them. Once
the store has no more and none waits, the subscription is live: each notice goes straight to the connection's outbox, or, if
the peer has not kept up, the subscription ends with `subscriptionLagged`. A replay waits for its peer and so never lags; if
too many events wait meanwhile, they are dropped and read from the store again.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Final

import attrs
import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.api.events import COMPILING, PROCESS_EXIT, PROCESS_OUTPUT, SESSION_EVENT, SHELL_DATA, SUBSCRIPTION_LAGGED
from runtime.api.names import as_given
from runtime.rpc.messages import notification_line
from runtime.rpc.outbox import FLOW_BYTES, Flow, Outbox
from runtime.wire_json import encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runtime.hub import Notice
    from runtime.rpc.file_serving import FileServing
    from runtime.vms.host import Host

MAX_SUBSCRIPTIONS: Final = 4096
"""Subscriptions of one connection: well over one for each session that a daemon can hold."""
REPLAY_PAGE: Final = 256
"""Events read from the store at a time: some 100 KiB of ordinary ones for each subscription that replays."""
MAX_PENDING: Final = 1024
"""Notices that wait beside a replay; events beyond it are read again, anything else makes the subscription lag."""
SUBSCRIPTION_COST: Final = 4 * 1024
"""Bytes that a subscription counts for among those of all connections: it takes some 2 KiB, and a notice waits now and then."""

NOT_OF_SESSIONS: Final = frozenset({PROCESS_OUTPUT, PROCESS_EXIT, SHELL_DATA, COMPILING})
"""What subscribers of one session do not get: it is none of theirs, and a flood of it would have them lag."""

logger = logging.getLogger(__name__)

_PREFIX: Final = b'{"jsonrpc":"2.0","method":%s,"params":{"subscriptionId":"%s",'
_SESSION_EVENT: Final = encoded(SESSION_EVENT)


class _Encoder:
    """Encodes a notice once for all its subscribers: they differ in `subscriptionId` alone."""

    def __init__(self) -> None:
        self._notice: Notice | None = None
        self._body = memoryview(b"")
        self._method = b""

    def line(self, notice: Notice, subscription_id: str) -> bytes:
        if notice is not self._notice:
            params = notice.params
            if params.get("vm") == notice.vm:
                params = {**params, "vm": as_given(notice.vm)}
            self._body = memoryview(encoded(params))[1:]
            self._method = encoded(notice.method)
            self._notice = notice
        return _joined(self._method, subscription_id, self._body)


def _joined(method: bytes, subscription_id: str, body: bytes | memoryview) -> bytes:
    head = _PREFIX % (method, subscription_id.encode())
    return b"".join((head[:-1] if len(body) == 1 else head, body, b"}\n"))  # one copy of what may be large


class Subscription:
    """One subscription of one connection."""

    def __init__(
        self,
        subscription_id: str,
        vm: str,
        session_id: str | None,
        types: frozenset[str] | None,
        owner: Subscriptions,
    ) -> None:
        self.id = subscription_id
        self.vm = vm
        self.session_id = session_id
        self.last_seq: int | None = None
        self.settled = trio.Event()  # live, or over
        self._types = types
        self._owner = owner
        self._flow = Flow()
        self._pending: deque[Notice] = deque()
        self._pending_bytes = 0
        self._reread = False
        self._detach: Callable[[], None] = owner.host.hub.attach(vm, self._hear)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._owner.find(self.id) is not self

    async def replay(self, after: int) -> None:
        """Send the session's events after `after`, then go live."""
        self.last_seq = after
        try:
            await self._catch_up()
        except ApiError as error:  # the session was destroyed meanwhile
            logger.info("the replay of %s ended: %s", self.id, error)
            self._owner.drop(self.id)

    async def _catch_up(self) -> None:
        while not self.over:
            if await self._replay_page():
                continue
            while self._pending and not self._reread and not self.over:
                notice = self._pending.popleft()
                self._pending_bytes -= notice.size
                await self._send(notice)
            if not self._reread:
                break
            self._reread = False
        self.settled.set()

    def go_live(self) -> None:
        """Start without a replay."""
        self.settled.set()

    def end(self) -> None:
        """Stop listening. Idempotent."""
        self._detach()
        self._pending.clear()
        self.settled.set()

    async def _replay_page(self) -> bool:
        """Send the next page from the store; False when there was none."""
        assert self.session_id is not None
        assert self.last_seq is not None
        types = None if self._types is None or SESSION_EVENT in self._types else sorted(self._types)
        page = await self._owner.host.queries.session_events(
            self.vm, self.session_id, after=self.last_seq, limit=REPLAY_PAGE, types=types
        )
        for event in page:
            if self.over:
                return False
            body = encoded({"vm": as_given(self.vm), **event})[1:]
            await self._owner.outbox.send(_joined(_SESSION_EVENT, self.id, body), self._flow)
            self.last_seq = event["seq"]
        return bool(page)

    async def _send(self, notice: Notice) -> None:
        if self._is_news(notice):
            await self._owner.outbox.send(self._owner.encoder.line(notice, self.id), self._flow)
            self._note(notice)

    def _hear(self, notice: Notice) -> None:
        """Take a notice from the hub; never waits."""
        if not self._wants(notice):
            return
        if not self.settled.is_set():
            self._pending.append(notice)
            self._pending_bytes += notice.size
            if len(self._pending) > MAX_PENDING or self._pending_bytes > FLOW_BYTES:
                self._forget_events()
        elif self._is_news(notice):
            if self._owner.outbox.offer(self._owner.encoder.line(notice, self.id), self._flow):
                self._note(notice)
            else:
                self._lag(notice)

    def _wants(self, notice: Notice) -> bool:
        if self.session_id is not None and (
            notice.session_id not in (None, self.session_id) or notice.method in NOT_OF_SESSIONS
        ):
            return False
        return self._types is None or notice.type in self._types or notice.method in self._types

    def _is_news(self, notice: Notice) -> bool:
        if notice.method != SESSION_EVENT or self.session_id is None or notice.seq is None:
            return True
        return self.last_seq is None or notice.seq > self.last_seq

    def _note(self, notice: Notice) -> None:
        if notice.method == SESSION_EVENT and self.session_id is not None:
            self.last_seq = notice.seq

    def _forget_events(self) -> None:
        """Drop the events that wait: they are committed, and are read from the store again."""
        others = [notice for notice in self._pending if notice.method != SESSION_EVENT]
        self._pending = deque(others)
        self._pending_bytes = 0  # the other notices count as 0: they are small
        self._reread = True
        if len(others) > MAX_PENDING // 2:
            self._lag(others[-1])

    def _lag(self, missed: Notice) -> None:
        last_seq = self.last_seq
        if last_seq is None and self.session_id is not None and missed.seq is not None:
            last_seq = missed.seq - 1
        params = {"subscriptionId": self.id, "lastSeq": last_seq}
        self._owner.drop(self.id)
        self._owner.outbox.force(notification_line(SUBSCRIPTION_LAGGED, params))


@attrs.define(eq=False)
class Subscriptions:
    """The subscriptions of one connection."""

    host: Host
    outbox: Outbox
    nursery: trio.Nursery
    """Where replays run: the connection's."""
    encoder: _Encoder = attrs.field(factory=_Encoder)
    _live: dict[str, Subscription] = attrs.field(factory=dict)
    file_servings: dict[str, FileServing] = attrs.field(factory=dict)
    """What the peer serves of sessions' files, which ends as subscriptions do."""
    _count: int = 0

    def __len__(self) -> int:
        return len(self._live) + len(self.file_servings)

    def find(self, subscription_id: str) -> Subscription | None:
        """Return the subscription of this id, if it is not over."""
        return self._live.get(subscription_id)

    def reserve(self) -> str:
        """Return a new subscription's id. Raises `ApiError` limit_exceeded."""
        if len(self) >= MAX_SUBSCRIPTIONS:
            raise ApiError(ErrorCode.LIMIT_EXCEEDED, "too many subscriptions on this connection", limit="subscriptions")
        self._count += 1
        return f"sub-{self._count}"

    def start(
        self, subscription_id: str, vm: str, session_id: str | None, after: int | None, types: Iterable[str] | None
    ) -> None:
        """Begin after the event `after` (needs `session_id`), or now. The caller has put the answer into the outbox."""
        only = None if types is None else frozenset(types)
        subscription = Subscription(subscription_id, vm, session_id, only, self)
        self._live[subscription_id] = subscription
        self.outbox.charge(SUBSCRIPTION_COST)
        if after is None:
            subscription.go_live()
        else:
            self.nursery.start_soon(subscription.replay, after)

    def serve_files(self, serving: FileServing) -> None:
        """Have the peer serve files of a session, under an id of `reserve`. The caller has put the answer into the outbox."""
        self.file_servings[serving.id] = serving
        self.outbox.charge(SUBSCRIPTION_COST)
        serving.begin(self.host.hub.file_servers)

    def drop(self, subscription_id: str) -> bool:
        """End a subscription, or what is served; False when there is none of this id."""
        ended = self._live.pop(subscription_id, None) or self.file_servings.pop(subscription_id, None)
        if ended is not None:
            ended.end()
            self.outbox.charge(-SUBSCRIPTION_COST)
        return ended is not None

    async def settled(self, vm: str, session_id: str | None) -> None:
        """Wait for the replays that concern this session: then every event committed so far is in the outbox."""
        for subscription in list(self._live.values()):
            concerned = subscription.vm == vm and subscription.session_id in (None, session_id)
            if concerned and not subscription.settled.is_set():
                await subscription.settled.wait()

    def close(self) -> None:
        """End all of them."""
        for subscription_id in (*self._live, *self.file_servings):
            self.drop(subscription_id)
