"""pi and MCP servers that no SDK would make: streams that close before the answer, and images that are none."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from runtime.testing.loopback import http_server
from runtime.testing.script import ToolCall, Turn, say
from runtime.testing.scripted_model import scripted_model
from tests.agents.conftest import Bench, open_bench
from tests.agents.pi import results
from tests.sessions.fakes import create_options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from runtime.engine import Engine
    from runtime.testing.loopback import Exchange
    from runtime.testing.scripted_model import ScriptedModel

JSON = [("content-type", "application/json")]
STREAM = [("content-type", "text/event-stream")]
TOOL = {"name": "slow", "inputSchema": {"type": "object"}}


def message(request: dict[str, Any], **members: Any) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request["id"], **members})


@attrs.define
class Server:
    """It answers a call with a stream that closes after an event without data, as often as `closes` says."""

    result: dict[str, Any]
    closes: int = 0
    retry: int = 1
    resumed: list[str] = attrs.field(factory=list)
    """The Last-Event-ID of each stream that was taken up again."""
    call: dict[str, Any] = attrs.field(factory=dict)

    async def handle(self, exchange: Exchange) -> None:
        if exchange.method == "GET":
            last = exchange.header("last-event-id")
            if last is None:
                await exchange.respond(405)
                return
            self.resumed.append(last)
            await self._stream(exchange)
            return
        request = msgspec.json.decode(await exchange.read_body())
        match request["method"]:
            case "initialize":
                info = {
                    "protocolVersion": request["params"]["protocolVersion"],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "raw", "version": "1"},
                }
                await exchange.respond(200, [*JSON, ("mcp-session-id", "one")], message(request, result=info))
            case "tools/list":
                await exchange.respond(200, JSON, message(request, result={"tools": [TOOL]}))
            case "tools/call":
                self.call = request
                await self._stream(exchange)
            case _:
                await exchange.respond(202)

    async def _stream(self, exchange: Exchange) -> None:
        await exchange.start(200, STREAM)
        number = len(self.resumed)
        await exchange.send(b"id: event-%d\nretry: %d\ndata:\n\n" % (number, self.retry))
        if number == self.closes:
            answer = message(self.call, result=self.result)
            await exchange.send(b"id: event-%d\ndata: %s\n\n" % (number + 1, answer))
        await exchange.finish()


@asynccontextmanager
async def calling(
    engine: Engine, state: Path, server: Server, arguments: str = "{}", patience_ms: int = 60_000
) -> AsyncIterator[tuple[Bench, ScriptedModel]]:
    script = [Turn((ToolCall("mcp__raw__slow", raw_input=arguments),)), say("done"), say("still")]
    async with http_server(server.handle) as served, scripted_model(script) as model:
        allow = [url.removeprefix("http://") for url in (served.url, model.url)]
        async with open_bench(engine, state, {"network": {"allow": allow}}) as bench:
            env = {"ANTHROPIC_API_KEY": "key", "ANTHROPIC_BASE_URL": model.url, "PI_MCP_TIMEOUT_MS": str(patience_ms)}
            remote = {"type": "remote", "name": "raw", "url": served.url + "/mcp"}
            vm = await bench.host.vm("test")
            bench.session_id = (await vm.sessions.create("pi", create_options({"env": env, "mcpServers": [remote]})))[
                "sessionId"
            ]
            yield bench, model


async def test_a_stream_that_the_server_closes_is_taken_up_again(engine: Engine, tmp_path: Path) -> None:
    server = Server({"content": [{"type": "text", "text": "at last"}]}, closes=3)
    async with calling(engine, tmp_path / "state.db", server) as (bench, model):
        assert await bench.say("go") == "done"
        assert results(model) == ["at last"]
        assert server.resumed == ["event-0", "event-1", "event-2"]


async def test_the_wait_is_what_the_server_asks_for(engine: Engine, tmp_path: Path) -> None:
    """A wait that is longer than the call may take: it is given up, and nothing was taken up."""
    server = Server({"content": []}, closes=1, retry=60_000)
    async with calling(engine, tmp_path / "state.db", server, patience_ms=5000) as (bench, model):
        assert await bench.say("go") == "done"
        assert "timed out" in results(model)[0].lower()
        assert server.resumed == []


async def test_an_image_of_a_tool_that_is_none_becomes_text(engine: Engine, tmp_path: Path) -> None:
    page = base64.b64encode(b"<html>404</html>").decode()
    content = [
        {"type": "image", "data": page, "mimeType": "image/png"},
        {"type": "resource", "resource": {"uri": "u:1", "blob": page, "mimeType": "image/png"}},
    ]
    async with calling(engine, tmp_path / "state.db", Server({"content": content})) as (bench, model):
        assert await bench.say("go") == "done"
        assert results(model)[0].count("An image that cannot be looked at") == 2
        assert await bench.say("again") == "still"


async def test_arguments_that_are_not_json_do_not_reach_the_server(engine: Engine, tmp_path: Path) -> None:
    server = Server({"content": []})
    async with calling(engine, tmp_path / "state.db", server, '{"half": "of') as (bench, model):
        assert await bench.say("go") == "done"
        assert "not valid JSON" in results(model)[0]
        assert server.call == {}


async def test_in_the_mode_plan_no_server_is_called(engine: Engine, tmp_path: Path) -> None:
    server = Server({"content": []})
    async with calling(engine, tmp_path / "state.db", server) as (bench, model):
        vm = await bench.host.vm("test")
        await vm.sessions.set_mode(bench.session_id, "plan")
        assert await bench.say("go") == "done"
        assert results(model) == ["Tool mcp__raw__slow not found"]
        assert server.call == {}
