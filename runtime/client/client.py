"""The asynchronous client: calls over one connection, which is opened again when it is lost. Runs under trio and asyncio.

async with torpor.connect() as client:
    agent = client.vm.get_or_create("my-agent")
    session = await agent.create_session("echo")
    async with agent.connect(session.session_id) as conn:
        response = await agent.send_prompt(session.session_id, "Hello")
    print(response.text)

When the daemon goes away, the calls under way fail with ConnectionLostError: whether they took effect is not known. Calls
made afterwards wait for the daemon to be back, and what was subscribed to goes on where it was (`Subscription`). Who has
more to do then hears of it by `Client.on`.
"""

from __future__ import annotations

import math
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

import anyio
import anyio.abc

from runtime.api.defaults import PROTOCOL
from runtime.api.endpoint import EndpointError, HttpEndpoint, UnixEndpoint, endpoint
from runtime.client.errors import ClientError, ConnectError, ConnectionLostError, RpcError
from runtime.client.generated.daemon import DaemonMethods
from runtime.client.link import Link
from runtime.client.vm import Vms
from runtime.client.wires import open_wire

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator
    from pathlib import Path

    from runtime.client.notification import Notification
    from runtime.client.subscription import Callback, Subscription

NAME: Final = "torpor-python"

CONNECT_SECONDS: Final = 10.0
"""For one attempt, handshake and `hello` included."""

PATIENCE_SECONDS: Final = 60.0
"""How long a daemon may be away: a restart takes a second, with the machine's a minute."""

FIRST_DELAY: Final = 0.02
"""Seconds between attempts; doubled each time."""

LAST_DELAY: Final = 1.0
"""The longest such time: a daemon that is back is noticed within a second."""


class Client(DaemonMethods):
    """A client; made by `connect`. May be used by any number of tasks of one event loop."""

    def __init__(self, place: UnixEndpoint | HttpEndpoint, patience: float, tasks: anyio.abc.TaskGroup) -> None:
        self.vm = Vms(self)
        """The VMs, by name."""
        self.welcome: dict[str, Any] = {}
        """The daemon's answer to `hello`: version, limits, and the `epoch`, which names its run."""
        self.tasks = tasks
        self._place = place
        self._patience = patience
        self._link: Link | None = None
        self._linked = anyio.Event()
        self._failure: ClientError | EndpointError | None = None
        self._subscriptions: dict[str, Subscription] = {}
        self._callbacks: dict[str, list[Callback]] = {}

    def on(self, event: Literal["disconnected", "reconnected"], callback: Callback) -> None:
        """Have `callback` called when the link is lost, or is there again.

        `disconnected` has no params; `reconnected` has `{epoch, restarted}`, where `restarted` says that it is another run of
        the daemon: processes and open turns of the one before have ended. The rest of an async function runs as a task of its
        own. An exception of theirs ends the client, whose `async with` raises it in an ExceptionGroup.
        """
        self._callbacks.setdefault(event, []).append(callback)

    async def call(self, method: str, /, **params: Any) -> Any:
        """Call any method of the API; params that are None are left out.

        Waits for the daemon while it is away. Cancelling the call cancels the request, never a session's turn.
        Raises RpcError, ConnectionLostError.
        """
        return await (await self.link()).call(method, params)

    async def _invoke(self, method: str, params: dict[str, Any]) -> Any:
        return await self.call(method, **params)

    async def link(self) -> Link:
        """Return the link, once there is one. Raises ConnectionLostError when the daemon has not come back."""
        while self._link is None:
            if self._failure is not None:
                raise ConnectionLostError(f"the daemon has not come back: {self._failure}") from self._failure
            await self._linked.wait()
        return self._link

    def hears(self, subscription_id: str, subscription: Subscription) -> None:
        """Give `subscription` the notifications with this id."""
        self._subscriptions[subscription_id] = subscription

    def forget(self, subscription_id: str) -> None:
        """End a subscription; notifications that still come for it are dropped."""
        if self._subscriptions.pop(subscription_id, None) is not None and self._link is not None:
            self._link.notify("unsubscribe", subscriptionId=subscription_id)

    @property
    def lost(self) -> bool:
        """Whether the daemon went away and has not come back in time: every call fails from then on."""
        return self._failure is not None

    async def open(self) -> None:
        """Open a link. Raises ConnectError, EndpointError, and RpcError from `hello`."""
        link: Link | None = None
        try:
            with anyio.fail_after(CONNECT_SECONDS):
                link = Link(await open_wire(self._place), self._hear, self._on_lost)
                self.tasks.start_soon(link.run)
                self.welcome = await link.call("hello", {"client": NAME, "protocol": PROTOCOL})
            link.check()
        except BaseException as error:
            if link is not None:
                link.close()
            if isinstance(error, TimeoutError):
                raise ConnectError(self._place, "it does not answer in time") from error
            if isinstance(error, ConnectionLostError):
                raise ConnectError(self._place, str(error)) from error
            raise
        self._link = link
        self._linked.set()

    def _on_lost(self, link: Link) -> None:
        """Take note that a link is lost; if it was the one in use, see to the next one."""
        if self._link is link:
            self._link = None
            self._linked = anyio.Event()
            lost, self._subscriptions = self._subscriptions, {}
            for subscription in set(lost.values()):
                subscription.detached()
            self.tasks.start_soon(self._reopen)
            self._tell("disconnected", {})

    def _tell(self, event: str, params: dict[str, Any]) -> None:
        for callback in self._callbacks.get(event, ()):
            self.tasks.start_soon(_finish, callback, params)

    async def _reopen(self) -> None:
        """Try to open a link until there is one, or `patience` is over."""
        epoch = self.welcome["epoch"]
        deadline = anyio.current_time() + self._patience
        delay = FIRST_DELAY
        while True:
            try:
                await self.open()
            except (ClientError, EndpointError) as error:
                refused = isinstance(error, RpcError) and not error.retryable
                if refused or anyio.current_time() + delay > deadline:
                    self._failure = error
                    self._linked.set()
                    return
                await anyio.sleep(delay)
                delay = min(2 * delay, LAST_DELAY)
            else:
                now = self.welcome["epoch"]
                self._tell("reconnected", {"epoch": now, "restarted": now != epoch})
                return

    def _hear(self, notification: Notification) -> None:
        subscription = self._subscriptions.get(notification.params.get("subscriptionId", ""))
        if subscription is not None:
            subscription.hear(notification)


async def _start(path: Path, failure: ConnectError) -> None:
    """Have a daemon started. Raises ConnectError."""
    from runtime.client.starting import START_SECONDS, check_start, start_command  # noqa: PLC0415 - seldom needed

    command = start_command(failure, path)
    done = None
    with anyio.move_on_after(START_SECONDS):
        done = await anyio.run_process(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    if done is None:
        raise ConnectError(path, f"`torpor start` has not ended within {START_SECONDS:g} s") from failure
    check_start(failure, path, done.returncode, done.stderr or b"")


async def _finish(callback: Callback, params: dict[str, Any]) -> None:
    rest = callback(params)
    if rest is not None:
        await rest


@asynccontextmanager
async def connect(
    place: str | os.PathLike[str] | None = None,
    *,
    token: str | None = None,
    patience: float = PATIENCE_SECONDS,
    autostart: bool = True,
) -> AsyncIterator[Client]:
    """Connect to a daemon: `async with connect() as client`.

    `place` is a Unix socket's path (also `unix:///PATH`), by default the default one, or `http://HOST:PORT`, with the
    token (else `$TORPOR_TOKEN`). For `patience` seconds the client tries again when the daemon has gone away: 0 is
    never, math.inf for ever. Where nobody listens on the socket at first, `torpor` on the PATH starts a daemon, unless
    `autostart` is false.
    Raises ConnectError when no daemon answers at first, and EndpointError for a place that is none.
    """
    if math.isnan(patience) or patience < 0:
        raise ValueError("patience is a number of seconds")
    address = endpoint(place, token)
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        try:
            client = Client(address, patience, tasks)
            try:
                await client.open()
            except ConnectError as unserved:
                if not autostart or isinstance(address, HttpEndpoint):
                    raise
                await _start(address.path, unserved)
                await client.open()
            yield client
        except Exception as error:  # raised again below, where the task group does not wrap it
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
