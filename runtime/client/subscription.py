"""Subscriptions that outlast the daemon: `async for event in conn`, or callbacks, without a gap or a duplicate.

A subscription of the daemon's ends when the link is lost, when its peer does not keep up, and, here, when nobody takes the
events out of the queue. All three are mended in the same way: subscribe again, and have what was missed replayed after the
last `seq` that was seen of each session. Of one session the daemon does that itself (`after`). Of a whole VM the client does:
it subscribes, reads the transcripts of the sessions that have grown, and only then goes on with what has come meanwhile.

What is in no transcript cannot be replayed. In its place come, once the subscription stands again, a `vmState` with the
state as it is now and the reason `reconnected`, and at any time the requests of agents that wait and were not told of. How
agents ended is in the transcripts (`_torpor/agent_exit`); the `agentExit`s and `processExit`s themselves are not made up.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import anyio
import anyio.lowlevel

from runtime.api.events import ELICITATION_REQUEST, PERMISSION_REQUEST, SESSION_EVENT, SUBSCRIPTION_LAGGED, VM_STATE
from runtime.client.errors import ConnectionLostError, RpcError
from runtime.client.notification import Notification

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from types import TracebackType

    from runtime.client.link import Link

    Callback = Callable[[dict[str, Any]], Awaitable[None] | None]

MAX_QUEUED: Final = 10_000
"""Notifications that wait for the program: some 10 MB; what comes beyond is read from the daemon again."""
MAX_ASKED: Final = 1000
"""Permission requests that are remembered as told: many times what can wait at once."""

RETRY_SECONDS: Final = 0.1
"""After `busy` or `shutting_down`."""

ASKED: Final = {
    PERMISSION_REQUEST: ("pendingPermissions", "permissionId"),
    ELICITATION_REQUEST: ("pendingElicitations", "questionId"),
}
"""What agents ask of clients: notification -> the member of `getSession` with those that wait, and what names each."""


class Links(Protocol):
    """What a subscription needs of its client."""

    @property
    def tasks(self) -> anyio.abc.TaskGroup:
        """Where its tasks run."""
        ...

    @property
    def lost(self) -> bool:
        """Whether the daemon went away and has not come back in time."""
        ...

    async def link(self) -> Link:
        """Return the link, once there is one. Raises ConnectionLostError when the daemon has not come back."""
        ...

    def hears(self, subscription_id: str, subscription: Subscription) -> None:
        """Let `subscription` have what comes for this id of the link."""
        ...

    def forget(self, subscription_id: str) -> None:
        """End a subscription; what still comes for it is dropped."""
        ...


class Subscription:
    """The events of a VM or of one session, from `async with` to its end; made by `Vm.connect`.

    Either it is iterated, which yields Notifications, or it has callbacks (`on`).
    """

    def __init__(
        self,
        client: Links,
        vm: str | list[str],
        ready: Callable[[], Awaitable[None]],
        session_id: str | None,
        after: int | None,
        types: Iterable[str] | None,
    ) -> None:
        self._client = client
        self._vm = vm
        self._ready = ready  # has the VM made, if that is meant
        self._session_id = session_id
        self._types = None if types is None else sorted(types)
        self._seen: dict[str, int] = {}  # the last `seq` of each session that has been queued or called back
        if session_id is not None and after is not None:
            self._seen[session_id] = after
        self._asked: dict[tuple[str | None, str], None] = {}  # requests of agents that were delivered, the oldest first
        self._begun = after is not None
        self._attached = False
        self._subscription: str | None = None
        self._early: list[Notification] | None = None  # notifications that come while transcripts are read
        self._queue: deque[Notification] = deque()
        self._changed = anyio.Event()
        self._detached = anyio.Event()
        self._callbacks: dict[str, list[Callback]] = {}
        self._failure: Exception | None = None
        self._closed = False
        self._feeding: anyio.CancelScope | None = None
        self._scope: anyio.CancelScope | None = None

    def on(self, method: str, callback: Callback) -> None:
        """Have `callback` called with the params of each notification of this method, as it comes.

        It is called before the answer of the call that caused the event is given; the rest of an async function runs as a
        task of its own. Callbacks that are there before `async with` miss nothing. An exception of theirs ends the
        `async with` block, which raises it.
        """
        self._callbacks.setdefault(method, []).append(callback)
        waiting, self._queue = self._queue, deque()
        for notification in waiting:
            self._call_back(notification)

    async def __aenter__(self) -> Self:
        await self._ready()
        try:
            await self._attach(await self._client.link())
        except BaseException:
            self._closed = True
            self._detach()
            raise
        self._client.tasks.start_soon(self._feed)
        self._scope = anyio.CancelScope()
        self._scope.__enter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._closed = True
        self._detach()
        self._wake()
        if self._feeding is not None:
            self._feeding.cancel()
        assert self._scope is not None
        swallowed = bool(self._scope.__exit__(kind, error, trace))
        if self._callbacks and self._failure is not None and (error is None or swallowed):
            raise self._failure
        return swallowed

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Notification:
        """Return the next notification. Raises RpcError (the session is gone), ConnectionLostError (the daemon is)."""
        if self._callbacks:
            raise RuntimeError("a subscription with callbacks is not iterated")
        await anyio.lowlevel.checkpoint()
        while not self._queue:
            if self._failure is not None:
                raise self._failure
            if self._closed:
                raise StopAsyncIteration
            await self._changed.wait()
        notification = self._queue.popleft()
        if len(self._queue) == MAX_QUEUED // 2:
            self._wake()
        return notification

    def hear(self, notification: Notification) -> None:
        """Take a message for the subscription."""
        if notification.method == SUBSCRIPTION_LAGGED:
            self._detach()
        elif self._early is None:
            self._deliver(notification)
        elif len(self._early) < MAX_QUEUED:
            self._early.append(notification)
        else:
            self._detach()

    def detached(self) -> None:
        """Take note that the link is lost."""
        self._subscription = None
        self._detached.set()

    def _detach(self) -> None:
        """End the subscription, to begin another one later."""
        if self._subscription is not None:
            self._client.forget(self._subscription)
        self.detached()

    def _deliver(self, notification: Notification) -> None:
        """Hand on a notification that is news; when the queue is full, the subscription ends for now."""
        if not self._callbacks and len(self._queue) >= MAX_QUEUED:
            self._detach()
        if self._detached.is_set():
            return
        session_id, seq = notification.session_id, notification.seq
        if notification.method in ASKED and not self._is_asked_first(notification):
            return
        if notification.method == SESSION_EVENT and session_id is not None and seq is not None:
            self._seen[session_id] = seq
        if self._callbacks:
            self._call_back(notification)
        else:
            self._queue.append(notification)
            if len(self._queue) == 1:
                self._wake()

    def _is_asked_first(self, notification: Notification) -> bool:
        key = notification.session_id, notification.params["request"][ASKED[notification.method][1]]
        if key in self._asked:
            return False
        if len(self._asked) >= MAX_ASKED:
            del self._asked[next(iter(self._asked))]
        self._asked[key] = None
        return True

    def _call_back(self, notification: Notification) -> None:
        try:
            for callback in self._callbacks.get(notification.method, ()):
                rest = callback(notification.params)
                if rest is not None:
                    self._client.tasks.start_soon(self._finish, rest)
        except Exception as error:  # it is the program's, and raised there
            self._fail(error)

    async def _finish(self, rest: Awaitable[None]) -> None:
        try:
            await rest
        except Exception as error:  # as above
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._detach()
        self._wake()
        if self._callbacks and self._scope is not None:
            self._scope.cancel()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def _feed(self) -> None:
        """Subscribe again whenever the subscription has ended and the program has taken most of the notifications."""
        with anyio.CancelScope() as self._feeding:
            while self._failure is None:
                await self._detached.wait()
                while len(self._queue) > MAX_QUEUED // 2:
                    await self._changed.wait()
                if self._closed:
                    return
                try:
                    await self._attach(await self._client.link())
                except (RpcError, ConnectionLostError) as error:
                    self._detach()
                    if self._client.lost or (isinstance(error, RpcError) and not error.retryable):
                        self._fail(error)
                    elif isinstance(error, RpcError):
                        await anyio.sleep(RETRY_SECONDS)

    async def _attach(self, link: Link) -> None:
        """Subscribe, from the last event that was seen. Raises RpcError, ConnectionLostError."""
        self._detached = anyio.Event()
        vm, session_id = self._vm, self._session_id
        if session_id is not None:
            if not self._begun:
                row = await link.call("getSession", {"vm": vm, "sessionId": session_id})
                self._seen.setdefault(session_id, row["lastSeq"])
            after = self._seen.get(session_id, -1)
            await self._subscribe(link, {"sessionId": session_id, "after": after})
            await self._tell_state(link)
            await self._tell_pending(link, session_id)
        else:
            if not self._begun:
                self._seen = {row["sessionId"]: row["lastSeq"] for row in await self._rows(link)}
            self._early = []
            try:
                await self._subscribe(link, {})
                self._begun = True
                await self._tell_state(link)
                await self._catch_up(link)
                for notification in self._early:
                    if not self._is_old(notification):
                        self._deliver(notification)
            finally:
                self._early = None
        self._begun = self._attached = True

    async def _tell_state(self, link: Link) -> None:
        """After a gap: deliver the VM's present state, since its changes in between are unknown."""

        def heard(info: Any) -> None:
            params = {"vm": info["vm"], "state": info["state"], "reason": "reconnected"}
            self._deliver(Notification(VM_STATE, params))

        if self._attached and self._wants(VM_STATE):
            await link.call("vm.get", {"vm": self._vm}, heard)

    async def _tell_pending(self, link: Link, session_id: str) -> None:
        """Tell of the requests of its agent that wait, if they are news."""
        wanted = [method for method in ASKED if self._wants(method)]

        def heard(session: Any) -> None:
            for method in wanted:
                for request in session[ASKED[method][0]]:
                    params = {"vm": self._vm, "sessionId": session_id, "request": request}
                    self._deliver(Notification(method, params))

        if wanted:
            try:
                await link.call("getSession", {"vm": self._vm, "sessionId": session_id}, heard)
            except RpcError as error:
                if error.name != "session_not_found":  # destroyed meanwhile
                    raise

    def _wants(self, method: str) -> bool:
        return self._types is None or method in self._types

    async def _subscribe(self, link: Link, params: dict[str, Any]) -> None:
        def heard(result: Any) -> None:
            self._subscription = result["subscriptionId"]
            self._client.hears(result["subscriptionId"], self)
            if self._closed:  # closed while the answer was on its way
                self._detach()

        await link.call("subscribe", {"vm": self._vm, "types": self._types, **params}, heard)

    async def _rows(self, link: Link) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await link.call("listPersistedSessions", {"vm": self._vm})
        return rows

    async def _catch_up(self, link: Link) -> None:
        """Deliver the events in the transcripts that were not delivered yet."""
        types = None if self._types is None or SESSION_EVENT in self._types else self._types
        rows = await self._rows(link)
        for row in rows:
            session_id, last = row["sessionId"], row["lastSeq"]
            if last < self._seen.get(session_id, -1):
                self._seen[session_id] = -1  # destroyed meanwhile, and another one of this id made
            while self._seen.get(session_id, -1) < last and not self._detached.is_set():
                page = await link.call(
                    "getSessionEvents",
                    {
                        "vm": self._vm,
                        "sessionId": session_id,
                        "after": self._seen.get(session_id, -1),
                        "limit": 256,
                        "types": types,
                    },
                )
                for event in page:
                    self._deliver(Notification(SESSION_EVENT, {"vm": self._vm, **event}))
                if not page:
                    self._seen[session_id] = last
        for row in rows:
            if row["status"] == "running":
                await self._tell_pending(link, row["sessionId"])

    def _is_old(self, notification: Notification) -> bool:
        """Whether an event that came meanwhile was in a transcript already."""
        if notification.method != SESSION_EVENT or notification.seq is None:
            return False
        return notification.seq <= self._seen.get(str(notification.session_id), -1)
