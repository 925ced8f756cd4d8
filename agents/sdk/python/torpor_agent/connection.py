"""JSON-RPC with the client: its requests are served as tasks, and ours wait for their answers."""

from __future__ import annotations

import asyncio
import itertools
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from torpor_agent.wire import Wire

METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
CANCELLED = -32800
NOT_FOUND = -32002


class ClientError(Exception):
    """The client has answered a request with an error."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(f"{method}: {error.get('message')}")
        self.code: int = error.get("code", 0)
        self.data: Any = error.get("data")


class Refusal(Exception):  # noqa: N818 - it is not always a mistake
    """What a request is answered with in place of a result."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Connection:
    """Both directions of one wire."""

    def __init__(self, wire: Wire, serve: Callable[[str, dict[str, Any]], Awaitable[Any] | None]) -> None:
        """`serve` begins to serve a method, and returns what its result comes from; None for a notification."""
        self._wire = wire
        self._serve = serve
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._serving: dict[Any, asyncio.Future[Any]] = {}

    async def run(self) -> None:
        """Serve until the input ends; what is not served then is cancelled."""
        await self._wire.receive(self._take)
        serving = list(self._serving.values())
        for each in serving:
            each.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def request(self, method: str, params: dict[str, Any]) -> Any:
        """The client's result. Raises ClientError. Cancelled, it tells the client so, whose answer is then dropped."""
        number = next(self._ids)
        answered = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._wire.send({"id": number, "method": method, "params": params})
        try:
            answer = await answered
        except asyncio.CancelledError:
            self.notify("$/cancel_request", {"requestId": number})
            raise
        finally:
            del self._waiting[number]
        if "error" in answer:
            raise ClientError(method, answer["error"])
        return answer.get("result")

    def post(self, method: str, params: dict[str, Any]) -> None:
        """Make a request of which nobody waits for the answer."""
        self._wire.send({"id": next(self._ids), "method": method, "params": params})

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Tell the client something."""
        self._wire.send({"method": method, "params": params})

    def _take(self, message: dict[str, Any]) -> None:
        method, params = message.get("method"), message.get("params") or {}
        if method is None:
            waiting = self._waiting.get(message.get("id", 0))
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
        elif method == "$/cancel_request":
            if (serving := self._serving.get(params.get("requestId"))) is not None:
                serving.cancel()
        elif "id" in message:
            self._begin(message["id"], method, params)
        else:
            try:
                self._serve(method, params)
            except Exception:
                traceback.print_exc()

    def _begin(self, number: Any, method: str, params: dict[str, Any]) -> None:
        try:
            served = self._serve(method, params)
        except Exception as error:
            self._fail(number, error)
            return
        task = asyncio.ensure_future(served if served is not None else _nothing())
        self._serving[number] = task
        task.add_done_callback(lambda done: self._answer(number, done))

    def _answer(self, number: Any, done: asyncio.Future[Any]) -> None:
        del self._serving[number]
        if done.cancelled():
            self._fail(number, Refusal(CANCELLED, "cancelled"))
        elif (error := done.exception()) is None:
            self._wire.send({"id": number, "result": done.result()})
        else:
            self._fail(number, error)

    def _fail(self, number: Any, error: BaseException) -> None:
        if not isinstance(error, Refusal):
            traceback.print_exception(error)
            error = Refusal(INTERNAL_ERROR, "".join(traceback.format_exception_only(error)).strip())
        self._wire.send({"id": number, "error": {"code": error.code, "message": str(error)}})


async def _nothing() -> None:
    return None
