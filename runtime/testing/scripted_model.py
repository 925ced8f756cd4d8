"""A model on the loopback interface that says what a script tells it to, through Anthropic's and OpenAI's APIs.

    async with scripted_model([call("write", path="a.txt", content="hi"), say("Done.")]) as model:
        ...                                 # ANTHROPIC_BASE_URL=model.url, any ANTHROPIC_API_KEY
    assert model.requests[1].tool_results()

Served are POST /v1/messages, /v1/chat/completions and /v1/responses (each streamed or whole),
POST /v1/messages/count_tokens, and GET /v1/models; OPENAI_BASE_URL is the URL with "/v1". From a shell:
`python -m runtime.testing.scripted_model [--script FILE.json] [--port N] [--delay SECONDS]` prints its URL and serves
the file, or the demo script.
"""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import trio

from runtime.testing import messages_api as api
from runtime.testing import openai_common
from runtime.testing.demo_script import demo_script
from runtime.testing.dialects import CHAT, DIALECTS, MESSAGES, Dialect
from runtime.testing.loopback import ClientGoneError, Exchange, http_server
from runtime.testing.messages_api import ModelRequest
from runtime.testing.script import Failure, Step, Turn, load_script, say

Script = Sequence[Step | str] | Callable[[ModelRequest], Step | str]


class ScriptedModel:
    """The script's progress, and every request for a message that arrived, in order.

    A list serves one step per request; a request beyond its end gets a 400, which clients do not retry. A string in
    place of a step is a turn of that text.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._served = 0
        self._arrival = trio.Event()
        self.requests: list[ModelRequest] = []
        self.url = ""

    async def wait_for_requests(self, number: int) -> None:
        """Wait until so many requests for a message have arrived in all."""
        while len(self.requests) < number:
            await self._arrival.wait()

    def next_step(self, request: ModelRequest) -> Step:
        """Return what the script answers to this request."""
        if callable(self._script):
            step = self._script(request)
        elif self._served < len(self._script):
            step = self._script[self._served]
            self._served += 1
        else:
            step = Failure(400, f"the script has only {len(self._script)} steps")
        return say(step) if isinstance(step, str) else step

    async def handle(self, exchange: Exchange) -> None:
        """Answer one HTTP request."""
        path = exchange.target.partition("?")[0]
        # The two vendors list models under the same path; only one of them has a version header.
        models: Any = api if exchange.header("anthropic-version") else openai_common
        if exchange.method == "GET" and path == "/v1/models":
            await _json(exchange, 200, models.model_list())
        elif exchange.method == "GET" and path.startswith("/v1/models/"):
            await _json(exchange, 200, models.model_info(path.removeprefix("/v1/models/")))
        elif exchange.method == "POST" and path == "/v1/messages/count_tokens":
            await self._count(exchange)
        elif exchange.method == "POST" and path in DIALECTS:
            await self._turn(exchange, path, DIALECTS[path])
        else:
            dialect = MESSAGES if models is api else CHAT
            await _fail(exchange, Failure(404, f"Not found: {exchange.method} {path}"), dialect)

    async def _count(self, exchange: Exchange) -> None:
        body = _decoded(await exchange.read_body())
        mistake = api.check_request(body, dict(exchange.headers), counting=True)
        if mistake is None:
            await _json(exchange, 200, {"input_tokens": api.count_tokens(body)})
        else:
            await _fail(exchange, mistake, MESSAGES)

    async def _turn(self, exchange: Exchange, path: str, dialect: Dialect) -> None:
        headers = dict(exchange.headers)
        body = _decoded(await exchange.read_body())
        mistake = dialect.check(body, headers)
        request = dialect.request(path, headers, body if isinstance(body, dict) else {})
        self.requests.append(request)
        self._arrival.set()
        self._arrival = trio.Event()
        step = mistake or self.next_step(request)
        if isinstance(step, Failure):
            request.outcome = "failed"
            await _fail(exchange, step, dialect)
            return
        # The client's leaving must be seen also while nothing is sent, so it is watched beside the answer.
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_watch, exchange, request, nursery.cancel_scope)
            try:
                await _answer(exchange, request, step, dialect)
            except ClientGoneError:
                request.outcome = request.outcome or "client_gone"
            nursery.cancel_scope.cancel()


async def _answer(exchange: Exchange, request: ModelRequest, turn: Turn, dialect: Dialect) -> None:
    if not request.body.get("stream"):
        await _answer_whole(exchange, request, turn, dialect)
        return
    headers = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache")]
    await exchange.start(200, [*headers, *_request_ids()])
    events = list(dialect.events(turn, request))
    for number, event in enumerate(events):
        if turn.break_ is not None and turn.break_.after == number:
            request.outcome = None if turn.break_.kind == "hang" else "broken"
            match turn.break_.kind:
                case "disconnect":
                    return
                case "hang":
                    await trio.sleep_forever()
                case "error":
                    await exchange.send(dialect.error_event(Failure(529, "Overloaded")))
                    await exchange.finish()
                    return
                case "malformed":
                    await exchange.send(dialect.malformed)
        await trio.sleep(turn.delay)
        if number == len(events) - 1:  # a client that has it may leave before we know that it was sent
            request.outcome = request.outcome or "answered"
        await exchange.send(event)
    await exchange.finish()


async def _answer_whole(exchange: Exchange, request: ModelRequest, turn: Turn, dialect: Dialect) -> None:
    """Answer without a stream; a break comes in the middle of the body, whatever its `after`."""
    await trio.sleep(turn.delay)
    body = msgspec.json.encode(dialect.whole(turn, request))
    if turn.break_ is None:
        await exchange.respond(200, [("content-type", "application/json"), *_request_ids()], body)
        request.outcome = "answered"
        return
    request.outcome = None if turn.break_.kind == "hang" else "broken"
    half = body[: len(body) // 2]
    match turn.break_.kind:
        case "error":
            await _fail(exchange, Failure(529, "Overloaded"), dialect)
        case "malformed":
            await exchange.respond(200, [("content-type", "application/json"), *_request_ids()], half)
        case "disconnect" | "hang":
            length = ("content-length", str(len(body)))
            await exchange.start(200, [("content-type", "application/json"), length, *_request_ids()])
            await exchange.send(half)
            if turn.break_.kind == "hang":
                await trio.sleep_forever()


async def _watch(exchange: Exchange, request: ModelRequest, scope: trio.CancelScope) -> None:
    await exchange.client_gone()
    request.outcome = request.outcome or "client_gone"
    scope.cancel()


def _request_ids() -> list[tuple[str, str]]:
    new = api.new_id("req")
    return [("request-id", new), ("x-request-id", new)]  # Anthropic's name, and OpenAI's


async def _json(exchange: Exchange, status: int, body: object, headers: Sequence[tuple[str, str]] = ()) -> None:
    common = [("content-type", "application/json"), *_request_ids()]
    await exchange.respond(status, [*common, *headers], msgspec.json.encode(body))


async def _fail(exchange: Exchange, failure: Failure, dialect: Dialect) -> None:
    extra = [] if failure.retry_after is None else [("retry-after", f"{failure.retry_after:g}")]
    await _json(exchange, failure.status, dialect.error_body(failure), extra)


def _decoded(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return None


@asynccontextmanager
async def scripted_model(script: Script, *, port: int = 0) -> AsyncIterator[ScriptedModel]:
    """Serve a script on 127.0.0.1 while the block runs; `model.url` is what clients call their base URL."""
    model = ScriptedModel(script)
    async with http_server(model.handle, port=port) as server:
        model.url = server.url
        yield model


async def _serve(script: Script, port: int) -> None:
    async with scripted_model(script, port=port) as model:
        print(model.url, flush=True)  # noqa: T201 - the URL on standard output is this command's result
        await trio.sleep_forever()


def main() -> None:
    """Serve a script from the command line until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m runtime.testing.scripted_model", description="A scripted model.")
    parser.add_argument("--script", type=Path, metavar="FILE.json", help="the steps to serve (default: the demo)")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--delay", type=float, default=0.0, help="pause before each event of the demo, in seconds")
    options = parser.parse_args()
    script: Script = demo_script(delay=options.delay)
    if options.script is not None:
        script = load_script(options.script.read_bytes())
    try:
        trio.run(_serve, script, options.port)
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
