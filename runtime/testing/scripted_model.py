"""A model on the loopback interface that says what a script tells it to, through Anthropic's and OpenAI's APIs.

    async with scripted_model([call("write", path="a.txt", content="hi"), say("Done.")]) as model:
        ...                                 # ANTHROPIC_BASE_URL=model.url, any ANTHROPIC_API_KEY
    assert model.requests[1].tool_results()

Served are POST /v1/messages, /v1/chat/completions and /v1/responses (each streamed or whole), with message threads and
stored responses; POST /v1/messages/count_tokens and /v1/responses/input_tokens; GET /v1/models and /v1/responses/ID.
OPENAI_BASE_URL is the URL with "/v1". From a shell:
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
from runtime.testing import openai_common, responses_api
from runtime.testing.demo_script import demo_script
from runtime.testing.dialects import CHAT, DIALECTS, MESSAGES, RESPONSES, Dialect
from runtime.testing.held import Nothing, Responses, Threads
from runtime.testing.loopback import BodyTooLargeError, ClientGoneError, Exchange, http_server
from runtime.testing.messages_api import ModelRequest
from runtime.testing.model_json import encoded
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
        self._responses = Responses()
        self._held: dict[str, Threads | Responses] = {api.PATH: Threads(), responses_api.PATH: self._responses}
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
        try:
            await self._route(exchange, path)
        except BodyTooLargeError:
            dialect = next((each for prefix, each in DIALECTS.items() if path.startswith(prefix)), MESSAGES)
            await _fail(exchange, Failure(413, "Request exceeds the maximum size"), dialect)

    async def _route(self, exchange: Exchange, path: str) -> None:
        # The two vendors list models under the same path; only one of them has a version header.
        models: Any = api if exchange.header("anthropic-version") else openai_common
        if exchange.method == "GET" and path == "/v1/models":
            await _json(exchange, 200, models.model_list())
        elif exchange.method == "GET" and path.startswith("/v1/models/"):
            await _json(exchange, 200, models.model_info(path.removeprefix("/v1/models/")))
        elif exchange.method == "POST" and path == "/v1/messages/count_tokens":
            await self._count(exchange)
        elif exchange.method == "POST" and path == f"{responses_api.PATH}/input_tokens":
            await self._count_input(exchange)
        elif exchange.method in {"GET", "DELETE"} and path.startswith(f"{responses_api.PATH}/"):
            await self._stored(exchange, path.removeprefix(f"{responses_api.PATH}/"))
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

    async def _count_input(self, exchange: Exchange) -> None:
        body = _decoded(await exchange.read_body())
        request = RESPONSES.request(responses_api.PATH, {}, body if isinstance(body, dict) else {})
        mistake = self._responses.complete(body, request) or RESPONSES.check(
            request.body if isinstance(body, dict) else body, dict(exchange.headers)
        )
        if mistake is None:
            await _json(exchange, 200, responses_api.input_tokens(request.body))
        else:
            await _fail(exchange, mistake, RESPONSES)

    async def _stored(self, exchange: Exchange, response_id: str) -> None:
        found = self._responses.get(response_id)
        if found is None:
            await _fail(exchange, Failure(404, f"Response with id '{response_id}' not found."), RESPONSES)
        elif exchange.method == "GET":
            await _json(exchange, 200, found)
        else:
            self._responses.delete(response_id)
            await _json(exchange, 200, {"id": response_id, "object": "response", "deleted": True})

    async def _turn(self, exchange: Exchange, path: str, dialect: Dialect) -> None:
        headers = dict(exchange.headers)
        body = _decoded(await exchange.read_body())
        request = dialect.request(
            path, headers, body if isinstance(body, dict) else {}, reply_id=api.new_id(dialect.reply)
        )
        held = self._held.get(path, Nothing())
        mistake = held.complete(body, request) or dialect.check(
            request.body if isinstance(body, dict) else body, headers
        )
        self.requests.append(request)
        self._arrival.set()
        self._arrival = trio.Event()
        try:
            step = mistake or self.next_step(request)
            if isinstance(step, Failure):
                request.outcome = "failed"
                await _fail(exchange, step, dialect)
            else:
                turn = api.with_ids(step, dialect.call)
                await _Answer(exchange, request, turn, dialect, held).run()
        finally:
            held.release(request)


class _Answer:
    """One turn on its way to the client."""

    def __init__(
        self,
        exchange: Exchange,
        request: ModelRequest,
        turn: Turn,
        dialect: Dialect,
        held: Threads | Responses | Nothing,
    ) -> None:
        self._exchange = exchange
        self._request = request
        self._turn = turn
        self._dialect = dialect
        self._held = held
        self._whole = dialect.whole(turn, request)

    async def run(self) -> None:
        """Send it. The client's leaving must be seen also while nothing is sent, so it is watched beside the answer."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_watch, self._exchange, self._request, nursery.cancel_scope)
            try:
                await (self._stream() if self._request.body.get("stream") else self._send_whole())
            except ClientGoneError:
                self._request.outcome = self._request.outcome or "client_gone"
            nursery.cancel_scope.cancel()

    def _answered(self) -> None:
        """The rest goes out now: a client that has it may leave, or go on from it, before we know that it was sent."""
        if self._request.outcome is None:
            self._request.outcome = "answered"
            self._held.keep(self._request, self._whole)

    async def _stream(self) -> None:
        exchange, turn, dialect = self._exchange, self._turn, self._dialect
        headers = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache")]
        await exchange.start(200, [*headers, *_request_ids()])
        events = list(dialect.events(turn, self._whole, self._request))
        for number, event in enumerate(events):
            if turn.break_ is not None and turn.break_.after == number:
                self._request.outcome = None if turn.break_.kind == "hang" else "broken"
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
            if number == len(events) - 1:
                self._answered()
            await exchange.send(event)
        await exchange.finish()

    async def _send_whole(self) -> None:
        """Answer without a stream; a break comes in the middle of the body, whatever its `after`."""
        exchange, turn = self._exchange, self._turn
        await trio.sleep(turn.delay)
        body = encoded(self._whole)
        if turn.break_ is None:
            self._answered()
            await exchange.respond(200, [("content-type", "application/json"), *_request_ids()], body)
            return
        self._request.outcome = None if turn.break_.kind == "hang" else "broken"
        half = body[: len(body) // 2]
        match turn.break_.kind:
            case "error":
                await _fail(exchange, Failure(529, "Overloaded"), self._dialect)
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
    await exchange.respond(status, [*common, *headers], encoded(body))


async def _fail(exchange: Exchange, failure: Failure, dialect: Dialect) -> None:
    extra = [] if failure.retry_after is None else [("retry-after", f"{failure.retry_after:g}")]
    await _json(exchange, failure.status, dialect.error_body(failure), extra)


def _decoded(data: bytes) -> Any:
    """A request's body; None where it is no JSON, halves of characters included, as the vendors' own servers have it."""
    try:
        return msgspec.json.decode(data)
    except (ValueError, RecursionError):
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
