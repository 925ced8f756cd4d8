"""wasi:http as a guest sees it, by calling the host functions in a guest's place."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.engine import Err, Ok, WitError
from runtime.network import HttpExchange, HttpGate, NetworkPolicy
from runtime.testing.loopback import Exchange, HttpServer, http_server
from runtime.wasi.http import INTERFACES
from runtime.wasi.http_bodies import REQUEST_BUFFER, RESPONSE_BUFFER
from runtime.wasi.http_fields import Fields
from runtime.wasi.http_messages import FutureIncomingResponse, IncomingBody, IncomingResponse, OutgoingRequest
from runtime.wasi.streams import InputStream, IoError, OutputStream, StreamClosed, StreamFailed, wait_any
from tests.patience import WAIT
from tests.settled import settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.testing.loopback import Handler

TYPES, HANDLER = (interface.functions for interface in INTERFACES)


class GuestState:
    """The part of a WasiState that HTTP needs."""

    def __init__(self, gate: HttpGate, nursery: trio.Nursery) -> None:
        self.http = gate
        self.start_soon = nursery.start_soon


class Guest:
    """Calls host functions by their WIT names."""

    def __init__(self, server: HttpServer, nursery: trio.Nursery, allow: list[str]) -> None:
        self.server = server
        self.exchanges: list[HttpExchange] = []
        self.gate = HttpGate(NetworkPolicy.parse(allow), self.exchanges.append)
        self.state = GuestState(self.gate, nursery)

    def __call__(self, name: str, *arguments: Any) -> Any:
        return TYPES[name](self.state, *arguments)

    def error(self, name: str, *arguments: Any) -> Any:
        with pytest.raises(WitError) as caught:
            self(name, *arguments)
        return caught.value.value

    def request(self, method: str = "get", path: str = "/", *headers: tuple[str, bytes]) -> OutgoingRequest:
        request: OutgoingRequest = self(
            "[constructor]outgoing-request", self("[static]fields.from-list", list(headers))
        )
        self("[method]outgoing-request.set-method", request, (method, None))
        self("[method]outgoing-request.set-scheme", request, ("HTTP", None))
        self("[method]outgoing-request.set-authority", request, f"127.0.0.1:{self.server.port}")
        self("[method]outgoing-request.set-path-with-query", request, path)
        return request

    def handle(self, request: OutgoingRequest, options: Any = None) -> FutureIncomingResponse:
        future = HANDLER["handle"](self.state, request, options)  # type: ignore[arg-type]
        assert isinstance(future, FutureIncomingResponse)
        return future

    async def answer(self, future: FutureIncomingResponse) -> Any:
        """Wait for the future; the response, or the error code."""
        assert self("[method]future-incoming-response.get", future) is None
        await wait_any([self("[method]future-incoming-response.subscribe", future).source])
        outer = self("[method]future-incoming-response.get", future)
        assert isinstance(outer, Ok)
        assert self("[method]future-incoming-response.get", future) == Err()
        return outer.value.value

    def body(self, response: IncomingResponse) -> tuple[IncomingBody, InputStream]:
        body = self("[method]incoming-response.consume", response)
        return body, self("[method]incoming-body.stream", body)

    async def read_all(self, response: IncomingResponse) -> bytes:
        _, stream = self.body(response)
        data = b""
        while True:
            await wait_any([stream])
            try:
                data += stream.read(10_000)
            except StreamClosed:
                return data


@asynccontextmanager
async def guest_of(handler: Handler, allow: list[str] | None = None) -> AsyncIterator[Guest]:
    async with http_server(handler) as server, trio.open_nursery() as nursery:
        guest = Guest(server, nursery, ["127.0.0.1"] if allow is None else allow)
        yield guest
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await guest.gate.aclose()


async def write(stream: OutputStream, data: bytes) -> None:
    while data:
        await wait_any([stream])
        room = stream.check_write()
        stream.write(data[:room])
        data = data[room:]


async def echo(exchange: Exchange) -> None:
    body = await exchange.read_body()
    framing = exchange.header("content-length") or exchange.header("transfer-encoding") or "none"
    headers = [("x-framing", framing), ("x-method", exchange.method), ("keep-alive", "timeout=5")]
    await exchange.respond(200, headers, exchange.target.encode() + b" " + body)


async def test_get() -> None:
    async with guest_of(echo) as guest:
        response = await guest.answer(guest.handle(guest.request("get", "/a?b=c", ("accept", b"*/*"))))
        assert isinstance(response, IncomingResponse)
        assert guest("[method]incoming-response.status", response) == 200
        headers = guest("[method]incoming-response.headers", response)
        assert guest("[method]fields.get", headers, "X-Framing") == [b"none"]
        assert not guest("[method]fields.has", headers, "keep-alive")
        assert guest.error("[method]fields.append", headers, "a", b"b") == "immutable"
        assert await guest.read_all(response) == b"/a?b=c "
        guest.error("[method]incoming-response.consume", response)
    assert guest.exchanges[0].error is None


async def test_post_that_is_complete_beforehand_has_a_length() -> None:
    async with guest_of(echo) as guest:
        request = guest.request("post")
        body = guest("[method]outgoing-request.body", request)
        guest.error("[method]outgoing-request.body", request)
        stream = guest("[method]outgoing-body.write", body)
        guest.error("[method]outgoing-body.write", body)
        future = guest.handle(request)
        stream.write(b"hello")
        guest("[static]outgoing-body.finish", body, None)
        with pytest.raises(StreamClosed):
            stream.check_write()
        response = await guest.answer(future)
        assert response.headers.get("x-framing") == [b"5"]
        assert await guest.read_all(response) == b"/ hello"


async def test_post_that_streams_is_sent_in_chunks_at_once() -> None:
    arrived: list[bytes] = []
    news = trio.Event()

    async def reader(exchange: Exchange) -> None:
        nonlocal news
        while data := await exchange.receive():
            arrived.append(data)
            news.set()
        await exchange.respond(200, [], (exchange.header("transfer-encoding") or "").encode())

    async with guest_of(reader) as guest:
        request = guest.request("post")
        body = guest("[method]outgoing-request.body", request)
        stream = guest("[method]outgoing-body.write", body)
        future = guest.handle(request)
        for piece in (b"one", b"two"):
            news = trio.Event()
            await write(stream, piece)
            await news.wait()
            assert arrived[-1] == piece
        large = b"x" * (3 * REQUEST_BUFFER)
        await write(stream, large)
        guest("[static]outgoing-body.finish", body, None)
        assert await guest.read_all(await guest.answer(future)) == b"chunked"
    assert b"".join(arrived[2:]) == large


async def test_a_server_that_does_not_read_stops_the_guest() -> None:
    go_on = trio.Event()

    async def lazy(exchange: Exchange) -> None:
        await go_on.wait()
        await exchange.respond(200, [], str(len(await exchange.read_body())).encode())

    async with guest_of(lazy) as guest:
        request = guest.request("post")
        body = guest("[method]outgoing-request.body", request)
        stream = guest("[method]outgoing-body.write", body)
        future = guest.handle(request)
        sent = 0

        async def write_on() -> None:
            nonlocal sent
            while True:
                await write(stream, b"x" * 65536)
                sent += 65536

        async with trio.open_nursery() as nursery:
            nursery.start_soon(write_on)
            while stream.check_write() >= 65536:
                await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        go_on.set()
        await wait_any([stream])
        guest("[static]outgoing-body.finish", body, None)
        assert int(await guest.read_all(await guest.answer(future))) >= sent


async def test_body_that_does_not_match_its_content_length() -> None:
    async with guest_of(echo) as guest:
        for text, finishes in ((b"abc", True), (b"abcdef", False)):
            request = guest.request("post", "/", ("content-length", b"5"))
            body = guest("[method]outgoing-request.body", request)
            stream = guest("[method]outgoing-body.write", body)
            future = guest.handle(request)
            if finishes:
                stream.write(text)
            else:
                with pytest.raises(StreamFailed) as failed:
                    stream.write(text)
                code = guest("http-error-code", failed.value.error)
                assert code == ("HTTP-request-body-size", len(text))
            error = guest.error("[static]outgoing-body.finish", body, None)
            assert error == ("HTTP-request-body-size", len(text))
            assert await guest.answer(future) == ("HTTP-request-body-size", len(text))
        request = guest.request("post", "/", ("content-length", b"5"))
        body = guest("[method]outgoing-request.body", request)
        guest("[method]outgoing-body.write", body).write(b"12345")
        guest("[static]outgoing-body.finish", body, None)
        assert await guest.read_all(await guest.answer(guest.handle(request))) == b"/ 12345"
        guest.error("[method]outgoing-request.body", guest.request("post", "/", ("content-length", b"many")))


async def test_body_dropped_unfinished_breaks_the_request() -> None:
    async with guest_of(echo) as guest:
        request = guest.request("post")
        body = guest("[method]outgoing-request.body", request)
        future = guest.handle(request)
        body.drop()
        assert (await guest.answer(future))[0] == "connection-terminated"


async def test_request_trailers_are_refused_rather_than_lost() -> None:
    async with guest_of(echo) as guest:
        request = guest.request("post")
        body = guest("[method]outgoing-request.body", request)
        future = guest.handle(request)
        error = guest.error("[static]outgoing-body.finish", body, Fields([("a", b"b")]))
        assert error == ("HTTP-request-trailer-section-size", 0)
        assert (await guest.answer(future))[0] == "connection-terminated"


async def test_every_chunk_wakes_the_guest() -> None:
    go_on = [trio.Event() for _ in range(3)]

    async def sse(exchange: Exchange) -> None:
        await exchange.start(200, [("content-type", "text/event-stream")])
        for event in go_on:
            await event.wait()
            await exchange.send(b"data: x\n\n")
        await exchange.finish()

    async with guest_of(sse) as guest:
        body, stream = guest.body(await guest.answer(guest.handle(guest.request())))
        guest.error("[method]incoming-body.stream", body)
        for event in go_on:
            assert stream.read(100) == b""
            event.set()
            await wait_any([stream])
            assert stream.read(4) == b"data"
            assert stream.read(100) == b": x\n\n"
        await wait_any([stream])
        with pytest.raises(StreamClosed):
            stream.read(100)
        trailers = guest("[static]incoming-body.finish", body)
        await wait_any([guest("[method]future-trailers.subscribe", trailers).source])
        assert guest("[method]future-trailers.get", trailers) == Ok(Ok(None))
        assert guest("[method]future-trailers.get", trailers) == Err()


async def test_a_guest_that_does_not_read_stops_the_server() -> None:
    sent = 0

    async def flood(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.start(200)
        for _ in range(1000):
            await exchange.send(b"x" * 65536)
            sent += 65536
        await exchange.finish()

    async with guest_of(flood) as guest:
        response = await guest.answer(guest.handle(guest.request()))
        await settled()
        assert sent < 65536 * 1000
        body, stream = guest.body(response)
        assert len(stream.read(10_000_000)) <= RESPONSE_BUFFER + 65536
        body.drop()
        await wait_all_tasks_blocked()
    assert guest.exchanges[0].error == "cancelled"


async def test_a_body_that_breaks_off() -> None:
    async def half(exchange: Exchange) -> None:
        await exchange.start(200, [("content-length", "10")])
        await exchange.send(b"12345")

    async with guest_of(half) as guest:
        body, stream = guest.body(await guest.answer(guest.handle(guest.request())))
        await wait_any([stream])
        assert stream.read(100) == b"12345"
        await wait_any([stream])
        with pytest.raises(StreamFailed) as failed:
            stream.read(100)
        assert guest("http-error-code", failed.value.error) == ("HTTP-response-incomplete", None)
        trailers = guest("[static]incoming-body.finish", body)
        assert guest("[method]future-trailers.get", trailers) == Ok(Err(("HTTP-response-incomplete", None)))
    assert guest("http-error-code", IoError("a file's")) is None


@pytest.mark.parametrize("dropped", ["future", "response", "body", "trailers"])
async def test_dropping_closes_the_connection(dropped: str) -> None:
    left = trio.Event()

    async def endless(exchange: Exchange) -> None:
        if dropped != "future":
            await exchange.start(200)
            await exchange.send(b"x")
        await exchange.client_gone()
        left.set()

    async with guest_of(endless) as guest:
        future = guest.handle(guest.request())
        if dropped == "future":
            await wait_all_tasks_blocked()
            future.drop()
        else:
            response = await guest.answer(future)
            future.drop()
            if dropped == "response":
                response.drop()
            else:
                body, _ = guest.body(response)
                response.drop()
                last = guest("[static]incoming-body.finish", body) if dropped == "trailers" else body
                last.drop()
        with trio.fail_after(WAIT):
            await left.wait()


async def test_refusals_are_told_at_once() -> None:
    async with guest_of(echo, []) as guest:
        request = guest.request()
        with pytest.raises(WitError) as caught:
            guest.handle(request)
        assert caught.value.value == ("HTTP-request-denied", None)
        request = OutgoingRequest(Fields())
        with pytest.raises(WitError) as caught:
            guest.handle(request)
        assert caught.value.value == ("HTTP-request-URI-invalid", None)
        await wait_all_tasks_blocked()
    assert guest.server.connections == 0


async def test_failures_come_through_the_future() -> None:
    async def nothing(exchange: Exchange) -> None:
        pass

    async with guest_of(nothing) as guest:
        assert await guest.answer(guest.handle(guest.request())) == ("connection-terminated", None)


async def test_timeouts_of_the_guest(autojump_clock: trio.testing.MockClock) -> None:
    async def silent(exchange: Exchange) -> None:
        await trio.sleep_forever()

    async with guest_of(silent) as guest:
        options = guest("[constructor]request-options")
        for name in ("connect", "first-byte", "between-bytes"):
            assert guest(f"[method]request-options.{name}-timeout", options) is None
            guest(f"[method]request-options.set-{name}-timeout", options, 7_000_000_000)
            assert guest(f"[method]request-options.{name}-timeout", options) == 7_000_000_000
        began = trio.current_time()
        assert await guest.answer(guest.handle(guest.request(), options)) == ("connection-read-timeout", None)
        assert trio.current_time() - began == pytest.approx(7, abs=0.1)


async def test_parts_of_a_request() -> None:
    async with guest_of(echo) as guest:
        request = guest("[constructor]outgoing-request", Fields([("a", b"b")]))
        assert guest("[method]outgoing-request.method", request) == ("get", None)
        assert guest("[method]outgoing-request.scheme", request) is None
        assert guest("[method]outgoing-request.authority", request) is None
        assert guest("[method]outgoing-request.path-with-query", request) is None
        assert (
            guest.error("[method]fields.set", guest("[method]outgoing-request.headers", request), "a", [])
            == "immutable"
        )
        for name, bad in {
            "method": ("other", "a b"),
            "scheme": ("other", "1x"),
            "authority": "user@host",
            "path-with-query": "/a b",
        }.items():
            guest.error(f"[method]outgoing-request.set-{name}", request, bad)
        guest("[method]outgoing-request.set-method", request, ("other", "PURGE"))
        guest("[method]outgoing-request.set-scheme", request, ("HTTP", None))
        guest("[method]outgoing-request.set-authority", request, f"127.0.0.1:{guest.server.port}")
        guest("[method]outgoing-request.set-path-with-query", request, "?q")
        response = await guest.answer(guest.handle(request))
        assert response.headers.get("x-method") == [b"PURGE"]
        assert await guest.read_all(response) == b"/?q "


def test_a_response_of_the_guests_own() -> None:
    response = TYPES["[constructor]outgoing-response"](None, Fields())
    assert TYPES["[method]outgoing-response.status-code"](None, response) == 200
    TYPES["[method]outgoing-response.set-status-code"](None, response, 404)
    with pytest.raises(WitError):
        TYPES["[method]outgoing-response.set-status-code"](None, response, 1000)
    assert TYPES["[method]outgoing-response.status-code"](None, response) == 404


def test_every_function_of_the_wit_is_there() -> None:
    server_only = {name for name in TYPES if "incoming-request" in name or "response-outparam" in name}
    assert len(server_only) == 8
    for name in server_only:
        with pytest.raises(RuntimeError):
            TYPES[name](None)
    assert len(TYPES) == 52  # the functions of interface types in wasi:http@0.2.12
