"""One connection of the asynchronous client: any number of requests under way, and the daemon's notifications.

A link that is lost stays lost; `runtime.client.client` opens the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from runtime.client.errors import ConnectionLostError, RpcError
from runtime.client.notification import Notification

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.client.wires import Wire


class _Answer:
    """The place for one request's answer."""

    def __init__(self, then: Callable[[Any], None] | None) -> None:
        self.come = anyio.Event()
        self.then = then
        self.result: Any = None
        self.error: RpcError | ConnectionLostError | None = None


class Link:
    """A connection, served by the task that runs `run`."""

    def __init__(
        self, wire: Wire, hear: Callable[[Notification], None], on_lost: Callable[[Link], None] = lambda _link: None
    ) -> None:
        self._wire = wire
        self._hear = hear
        self._on_lost = on_lost
        self._scope = anyio.CancelScope()
        self._answers: dict[int, _Answer] = {}
        self._last_id = 0
        self._outgoing: list[bytes] = []
        self._filled = anyio.Event()
        self._failure: RpcError | ConnectionLostError | None = None

    async def run(self) -> None:
        """Serve the connection until it is lost; then every call under way has failed. Cancelling it closes it."""
        failure: RpcError | ConnectionLostError = ConnectionLostError("the client has been closed")
        try:
            with self._scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._write, tasks.cancel_scope)
                    try:
                        while True:
                            for message in await self._wire.receive():
                                self._take(_decoded(message))
                    except (ConnectionLostError, RpcError) as error:
                        failure = error
                    tasks.cancel_scope.cancel()
        finally:
            self._failure = failure
            for answer in self._answers.values():
                answer.error = failure
                answer.come.set()
            self._answers.clear()
            self._on_lost(self)
            with anyio.CancelScope(shield=True):
                await self._wire.aclose()

    def close(self) -> None:
        """End `run`."""
        self._scope.cancel()

    def check(self) -> None:
        """Raise why it is over, if it is."""
        if self._failure is not None:
            raise self._failure.again()

    async def call(self, method: str, params: dict[str, Any], then: Callable[[Any], None] | None = None) -> Any:
        """Send a request and wait for its result; members of `params` that are None are left out.

        `then` is called with the result before anything that the daemon sent after it is looked at. Cancelled, the call
        tells the daemon that the answer is not wanted any more (`$/cancel_request`); if a result comes all the same,
        because the two have crossed, `then` is still called.
        Raises RpcError, ConnectionLostError, and UnicodeEncodeError for a string that UTF-8 cannot carry.
        """
        self.check()
        self._last_id += 1
        number = self._last_id
        present = {name: value for name, value in params.items() if value is not None}
        line = msgspec.json.encode({"jsonrpc": "2.0", "id": number, "method": method, "params": present})
        answer = self._answers[number] = _Answer(then)
        self._put(line)
        try:
            await answer.come.wait()
        finally:
            if not answer.come.is_set():
                self.notify("$/cancel_request", id=number)
        if answer.error is not None:
            raise answer.error.again()
        return answer.result

    def notify(self, method: str, /, **params: Any) -> None:
        """Send a notification; does nothing if the link is lost."""
        self._put(msgspec.json.encode({"jsonrpc": "2.0", "method": method, "params": params}))

    def _put(self, line: bytes) -> None:
        self._outgoing.append(line)
        self._filled.set()

    async def _write(self, scope: anyio.CancelScope) -> None:
        try:
            while True:
                await self._filled.wait()
                self._filled = anyio.Event()
                batch, self._outgoing = self._outgoing, []
                await self._wire.send(batch)
        except ConnectionLostError:
            scope.cancel()

    def _take(self, message: dict[str, Any]) -> None:
        if "method" in message:
            self._hear(Notification(message["method"], message.get("params", {})))
            return
        error = message.get("error")
        answer = self._answers.pop(message["id"], None) if message.get("id") is not None else None
        if answer is not None:
            if error is not None:
                answer.error = RpcError.of(error)
            else:
                answer.result = message.get("result")
                if answer.then is not None:
                    answer.then(answer.result)
            answer.come.set()
        elif message.get("id") is None and error is not None:  # about the connection itself, such as `busy`
            raise RpcError.of(error)


def _decoded(message: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(message)
    except (ValueError, RecursionError) as error:
        raise ConnectionLostError(f"what answers is no daemon: it does not send JSON ({error})") from error
    if not isinstance(value, dict):
        raise ConnectionLostError("what answers is no daemon: it sends JSON that is no message")
    return value
