"""A local server behind its HTTP face, where a real one would be hard to bring to do the same."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.acp.codec import MAX_LINE
from runtime.api.errors import ApiError, ErrorCode
from runtime.network import GateRequest
from runtime.sessions.mcp.http import McpHost
from runtime.sessions.mcp.stdio import MAX_HELD, MAX_HELD_SIZE, MAX_PENDING, StdioServer
from runtime.sessions.mcp.streams import MAX_UNREAD
from runtime.sessions.options.mcp_servers import url_of
from tests.sessions.fakes import Exit, FakeProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.network import GateResponse


class Body:
    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        await trio.lowlevel.checkpoint()
        if not self.parts:
            raise StopAsyncIteration
        return self.parts.pop(0)


class Bench:
    """A server named "a b" whose process is the test."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self.process = FakeProcess(1, ["server"], {}, "/")
        self.can_start = trio.Event()
        self.failure: ApiError | None = None
        self.stderr: list[str] = []
        self.exits: list[tuple[Exit | None, str, str]] = []
        self.server = StdioServer("a b", self.spawn, self.on_stderr, lambda *exit_: self.exits.append(exit_))
        self.host = McpHost({"a b": self.server})

    async def spawn(self) -> FakeProcess:
        await self.can_start.wait()
        if self.failure is not None:
            raise self.failure
        return self.process

    async def on_stderr(self, text: str, dropped: int) -> None:
        self.stderr.append(text)

    @asynccontextmanager
    async def request(self, method: str = "POST", *body: bytes, path: str = "/a%20b") -> AsyncIterator[GateResponse]:
        async with self.host.answer(GateRequest(method, "http", "h", path, body=Body(*body) if body else None)) as got:
            yield got

    @asynccontextmanager
    async def call(self, id_: Any = 1, **params: Any) -> AsyncIterator[GateResponse]:
        async with self.request("POST", encode(id=id_, method="x", params=params)) as response:
            yield response

    async def reads(self) -> Any:
        """The next message that the server is sent."""
        return json.loads(await self.process.stdin.receive())

    async def writes(self, **message: Any) -> None:
        await self.process.stdout.send(encode(**message) + b"\n")

    def dies(self, code: int = 3) -> None:
        self.process.finish(Exit(code))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with trio.open_nursery() as nursery:
        bench = Bench(nursery)
        nursery.start_soon(bench.server.run)
        bench.can_start.set()
        yield bench
        nursery.cancel_scope.cancel()


def encode(**message: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode()


async def whole(response: GateResponse) -> bytes:
    body = b""
    while part := await response.receive():
        body += part
    return body


async def event(response: GateResponse) -> Any:
    """The next message of an event stream; small ones come whole."""
    part = (await response.receive()).decode()
    assert part.startswith("event: message\ndata: ")
    assert part.endswith("\n\n")
    return json.loads(part.removeprefix("event: message\ndata: "))


async def status(bench: Bench, *arguments: Any, **options: Any) -> tuple[int, bytes]:
    async with bench.request(*arguments, **options) as response:
        return response.status, await whole(response)


def test_urls_hold_any_name() -> None:
    assert url_of("a/b ü") == "http://mcp.torpor.internal/a%2Fb%20%C3%BC"


async def test_answers_go_to_their_requests_in_any_order(bench: Bench) -> None:
    async with bench.call(1) as first, bench.call("two") as second:
        assert dict(first.headers)["content-type"] == b"text/event-stream"
        assert [(await bench.reads())["id"] for _ in range(2)] == [1, "two"]
        await bench.writes(id="two", result={"b": 2})
        await bench.writes(id=99, result={})
        await bench.writes(id=1, error={"code": 5, "message": "no"})
        assert (await event(second))["result"] == {"b": 2}
        assert (await event(first))["error"]["code"] == 5
        assert await whole(first) == await whole(second) == b""


async def test_what_belongs_to_no_request_goes_where_somebody_listens(bench: Bench) -> None:
    for number in range(MAX_HELD + 3):
        await bench.writes(method="news", params={"n": number})
    await bench.writes(
        method="news", params={"n": "x" * MAX_HELD_SIZE}
    )  # is not kept, and puts nothing out of its place
    await wait_all_tasks_blocked()
    async with bench.request("GET") as news:
        assert [(await event(news))["params"]["n"] for _ in range(MAX_HELD)] == list(range(3, MAX_HELD + 3))
        async with bench.call(1, _meta={"progressToken": 7}) as answer:
            await bench.writes(method="notifications/progress", params={"progressToken": 7, "progress": 1})
            await bench.writes(method="news", params={"n": "live"})
            assert (await event(answer))["params"]["progress"] == 1
            assert (await event(news))["params"]["n"] == "live"
    async with bench.call(2) as answer:
        await bench.writes(id=1, method="roots/list")
        assert (await event(answer))["method"] == "roots/list"


async def test_a_new_listener_takes_the_place_of_the_old(bench: Bench) -> None:
    async with bench.request("GET") as old, bench.request("GET") as new:
        assert await whole(old) == b""
        await bench.writes(method="news")
        assert (await event(new))["method"] == "news"


async def test_notifications_and_answers_of_the_agent_are_passed_on(bench: Bench) -> None:
    pretty = json.dumps({"jsonrpc": "2.0", "method": "hello"}, indent=1).encode()
    assert await status(bench, "POST", pretty[:9], pretty[9:]) == (202, b"")
    assert await bench.reads() == {"jsonrpc": "2.0", "method": "hello"}
    assert await status(bench, "POST", encode(id=4, result={})) == (202, b"")
    assert (await bench.reads())["id"] == 4


async def test_wrong_requests(bench: Bench) -> None:
    assert (await status(bench, "POST", b"nonsense"))[0] == 400
    assert (await status(bench, "POST", b"[]"))[0] == 400
    assert (await status(bench, "POST", b'{"a":"', b"x" * MAX_LINE, b'"}'))[0] == 413
    assert (await status(bench, "DELETE"))[0] == 405
    assert (await status(bench, "POST", encode(method="x"), path="/other"))[0] == 404
    async with bench.call(1), bench.call(1) as twice:
        assert (twice.status, json.loads(await whole(twice))["error"]["code"]) == (400, -32600)


async def test_requests_at_once_are_limited(bench: Bench) -> None:
    async with trio.open_nursery() as nursery:

        async def one(number: int) -> None:
            async with bench.call(number):
                await trio.sleep_forever()

        for number in range(MAX_PENDING):
            nursery.start_soon(one, number)
        await wait_all_tasks_blocked()
        assert (await status(bench, "POST", encode(id="more", method="x")))[0] == 400
        nursery.cancel_scope.cancel()
    async with bench.call("again") as answer:
        await bench.writes(id="again", result=1)
        assert (await event(answer))["result"] == 1


async def test_a_server_that_ends_answers_what_waits_and_what_comes(bench: Bench) -> None:
    async with bench.call(1) as waiting, bench.request("GET") as news:
        await bench.process.stderr.send(b"last words\n")
        await wait_all_tasks_blocked()
        bench.dies()
        error = (await event(waiting))["error"]
        assert error == {"code": -32000, "message": "the MCP server a b ended with exit code 3"}
        assert await whole(news) == b""
    async with bench.call(2) as late:
        assert (late.status, json.loads(await whole(late))) == (200, {"jsonrpc": "2.0", "id": 2, "error": error})
    assert (await status(bench, "POST", encode(method="x")))[0] == 404
    assert (await status(bench, "GET"))[0] == 405
    ((how, message, stderr),) = bench.exits
    assert how is not None
    assert (how.code, message, stderr) == (3, error["message"], "last words")


async def test_a_server_that_cannot_start(nursery: trio.Nursery) -> None:
    bench = Bench(nursery)
    bench.failure = ApiError(ErrorCode.NOT_FOUND, "no command")
    nursery.start_soon(bench.server.run)
    answers: list[Any] = []

    async def call() -> None:
        async with bench.call(1) as response:
            answers.append(json.loads(await whole(response)))

    nursery.start_soon(call)
    await wait_all_tasks_blocked()
    assert answers == [], "whoever comes early waits"
    bench.can_start.set()
    await wait_all_tasks_blocked()
    assert answers[0]["error"]["message"] == "the MCP server a b cannot be started: no command"
    assert bench.exits == [(None, answers[0]["error"]["message"], "")]


async def test_cancelling_kills_it_and_says_nothing(nursery: trio.Nursery) -> None:
    bench = Bench(nursery)
    bench.can_start.set()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as inner:
            inner.start_soon(bench.server.run)
            await wait_all_tasks_blocked()
            scope.cancel()
    assert bench.process.status is not None
    assert bench.exits == []


async def test_an_agent_that_does_not_read_holds_the_server_up(bench: Bench) -> None:
    big = "x" * (MAX_UNREAD // 4)
    written: list[int] = []

    async def write() -> None:
        for number in range(8):
            await bench.writes(method="news", params=big)
            written.append(number)

    async with bench.request("GET") as news:
        bench.nursery.start_soon(write)
        await wait_all_tasks_blocked()
        assert len(written) < 8
        size = 0
        while size < 8 * len(big):
            part = await news.receive()
            assert len(part) <= 64 * 1024
            size += len(part)
        await wait_all_tasks_blocked()
        assert len(written) == 8


async def test_output_that_is_no_message_is_recorded(bench: Bench) -> None:
    await bench.process.stdout.send(b"Listening...\n\n" + b"y" * 300 + b"\n")
    await wait_all_tasks_blocked()
    assert bench.stderr[0] == "stdout, not a message: Listening...\n"
    assert len(bench.stderr[1]) < 300


UNREADABLE = {"error": {"code": -32603, "message": "the answer of the MCP server a b cannot be read"}}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b'"result":"cut \\ud83d and \xff"}', {"result": "cut \ufffd and \ufffd"}),
        (b'"result":NaN}', {"result": None}),
        (b'"result":"' + b"x" * MAX_LINE + b'"}', UNREADABLE),
        (b'"result":[}', UNREADABLE),
    ],
)
async def test_an_answer_that_is_not_whole_ends_its_request(bench: Bench, answer: bytes, told: Any) -> None:
    async with bench.call(1) as response:
        await bench.reads()
        await bench.process.stdout.send(b'{"jsonrpc":"2.0","id":1,' + answer + b"\n")
        assert await event(response) == {"jsonrpc": "2.0", "id": 1, **told}


async def test_a_request_that_is_not_whole_reaches_the_server_whole(bench: Bench) -> None:
    line = b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"\\ud83d\xff"}}'
    async with bench.request("POST", line) as response:
        assert (await bench.reads())["params"] == {"a": "\ufffd\ufffd"}
        await bench.writes(id=1, result=1)
        assert (await event(response))["result"] == 1
