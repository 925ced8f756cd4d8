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
        self._waiting: dict[int, Callable[[dict[str, Any]], None]] = {}
        self._serving: dict[Any, asyncio.Future[Any]] = {}

    async def run(self) -> None:
        """Serve until the input ends; what is not served then is cancelled."""
        await self._wire.receive(self._take)
        serving = list(self._serving.values())
        for each in serving:
            each.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def request(self, method: str, params: dict[str, Any], late: Callable[[Any], None] | None = None) -> Any:
        """The client's result. Raises ClientError. Cancelled, it tells the client so; a result that comes all the same is
        `late`'s, or dropped."""
        number = next(self._ids)
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._wire.send({"id": number, "method": method, "params": params})

        def drop(answer: dict[str, Any]) -> None:
            if late is not None and "error" not in answer:
                late(answer.get("result"))

        def take(answer: dict[str, Any]) -> None:
            (drop if answered.cancelled() else answered.set_result)(answer)

        self._waiting[number] = take
        try:
            answer = await answered
        except asyncio.CancelledError:
            if number in self._waiting:
                self.notify("$/cancel_request", {"requestId": number})
            elif not answered.cancelled():  # the answer has come, and has not been taken
                drop(answered.result())
            raise
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
            if (waiting := self._waiting.pop(message.get("id", 0), None)) is not None:
                waiting(message)
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
        elif (error := done.exception()) is not None:
            self._fail(number, error)
        else:
            try:
                self._wire.send({"id": number, "result": done.result()})
            except (TypeError, ValueError) as no_json:  # of what `prompt` has returned
                self._fail(number, no_json)

    def _fail(self, number: Any, error: BaseException) -> None:
        if not isinstance(error, Refusal):
            traceback.print_exception(error)
            error = Refusal(INTERNAL_ERROR, "".join(traceback.format_exception_only(error)).strip())
        self._wire.send({"id": number, "error": {"code": error.code, "message": str(error)}})


async def _nothing() -> None:
    return None
