"""HTTP without WebSockets, by the h11 library's protocol core: one request on a connection, which is closed then.

    POST /rpc     one JSON-RPC request in the body, its answer in the body of the answer
    GET  /events  a subscription, as server-sent events
    GET  /health  that the daemon answers
    GET  /metrics figures for Prometheus

To a `Connection` the first two are transports like the others: what bounds requests, answers and slow peers holds for them.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

import h11
import trio
from websockets.datastructures import Headers

from runtime.api.endpoint import HTTP_PATH
from runtime.api.limits import MAX_LINE
from runtime.budget import uncounted
from runtime.jsonrpc import INVALID_REQUEST
from runtime.rpc import websocket
from runtime.rpc.framing import MAX_SKIPS, RECEIVE_SIZE, LineTooLongError, receive_within
from runtime.rpc.messages import ProtocolError, error_line, is_notification
from runtime.rpc.server_events import LAST_EVENT_ID, begins_stream, ends_stream, event, refusal_status, subscribe_line
from runtime.wire_json import encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime.rpc.gate import Gate
    from runtime.rpc.service import Service
    from runtime.rpc.transport import Transport

MAX_HEAD: Final = 16 * 1024
"""Bytes of a request's line and headers: a browser's have some 2 KiB, and the longest token 1 KiB."""

JSON: Final = "application/json"
PLAIN: Final = "text/plain; charset=utf-8"
EXPOSITION: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format (its documentation, "Exposition formats")."""

MAX_FIRST_LINE: Final = 8 * 1024
"""Bytes: what a WebSocket's handshake may have in a line."""

EVENTS_PATH: Final = "/events"
HEALTH_PATH: Final = "/health"
METRICS_PATH: Final = "/metrics"

METHODS: Final = {HTTP_PATH: "POST", EVENTS_PATH: "GET", HEALTH_PATH: "GET", METRICS_PATH: "GET"}
"""What is served; a WebSocket is at the first path, too."""

PATHS: Final = frozenset(METHODS)
OTHER_METHODS: Final = frozenset({b"POST", b"HEAD", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})


class Exchange:
    """The wire of one request and its answer."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self.answered = trio.Event()
        """The answer has been sent to its end."""
        self.head_only = False
        """The answer has no body, whatever its head says of one (RFC 9110, 9.3.2): the request's method is HEAD."""

    async def next_event(self) -> h11.Request | h11.Data | h11.EndOfMessage | h11.ConnectionClosed:
        """Return the next part of the request. Raises h11.RemoteProtocolError, trio.BrokenResourceError."""
        while (found := self.protocol.next_event()) is h11.NEED_DATA:
            if self.protocol.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            self.protocol.receive_data(bytes(await self.stream.receive_some(RECEIVE_SIZE)))
        assert not isinstance(found, type)
        return found  # type: ignore[return-value]  # h11's types do not tell its sides apart

    async def begin(self, status: int, content_type: str, *headers: tuple[str, str], size: int | None = None) -> None:
        """Send the head of the answer; its body comes by `body`, in pieces where `size` is not given."""
        length = [("Content-Length", str(size))] if size is not None else [("Transfer-Encoding", "chunked")]
        fixed = [("Content-Type", content_type), ("Cache-Control", "no-store"), ("Connection", "close")]
        reason = HTTPStatus(status).phrase.encode()
        await self._send(h11.Response(status_code=status, headers=[*fixed, *headers, *length], reason=reason))

    async def body(self, data: bytes, *, end: bool) -> None:
        """Send a piece of the answer's body."""
        if data and not self.head_only:
            await self._send(h11.Data(data=data))
        if end:
            await self._send(h11.EndOfMessage())
            self.answered.set()

    async def answer(self, status: int, content_type: str, body: bytes, *headers: tuple[str, str]) -> None:
        """Send a whole answer."""
        await self.begin(status, content_type, *headers, size=len(body))
        await self.body(body, end=True)

    async def over(self) -> None:
        """Return when the answer has been sent, or the peer has gone."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._departure, nursery.cancel_scope)
            await self.answered.wait()
            nursery.cancel_scope.cancel()

    async def _departure(self, scope: trio.CancelScope) -> None:
        try:
            while await self.stream.receive_some(RECEIVE_SIZE):
                pass  # another request: this connection serves one
        except trio.BrokenResourceError:
            pass
        scope.cancel()

    async def _send(self, event: h11.Event) -> None:
        data = self.protocol.send(event)
        if data:
            await self.stream.send_all(data)


class _Transport:
    """What both transports do in the same way; see `runtime.rpc.transport.Transport`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._charge: Callable[[int], None] = uncounted

    def count(self, charge: Callable[[int], None]) -> None:
        """See `Transport`."""
        self._charge = charge

    @property
    def gone(self) -> bool:
        """Nothing follows the one request."""
        return True

    async def skip_line(self, patience: float) -> None:
        """Read and drop the rest of a body that was too long."""
        for _ in range(MAX_SKIPS):
            if not await receive_within(self._exchange.stream, patience):
                return

    async def aclose(self) -> None:
        """Close the connection."""
        await self._exchange.stream.aclose()


class PostTransport(_Transport):
    """One request by POST."""

    def __init__(self, exchange: Exchange, length: int | None) -> None:
        super().__init__(exchange)
        self._length = length
        self._asked = False
        self._begun = False
        self._status = HTTPStatus.OK

    async def receive(self) -> bytes | None:
        """Return the body; then None, once its answer is sent or the peer is gone."""
        if self._asked:
            await self._exchange.over()
            return None
        self._asked = True
        body = await self._read()
        if body is not None and is_notification(body):
            fault = ProtocolError(INVALID_REQUEST, "a request by POST has an id: it is answered")
            await self._exchange.answer(HTTPStatus.BAD_REQUEST, JSON, error_line(None, fault))
            return None
        return body

    async def _read(self) -> bytes | None:
        if self._length is not None and self._length > MAX_LINE:
            self._status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            raise LineTooLongError
        body = bytearray()
        try:
            try:
                while isinstance(event := await self._exchange.next_event(), h11.Data):
                    body += event.data
                    self._charge(len(event.data))
                    if len(body) > MAX_LINE:
                        self._status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                        raise LineTooLongError
            except h11.RemoteProtocolError:
                return None
            return bytes(body) if isinstance(event, h11.EndOfMessage) else None
        finally:
            self._charge(-len(body))

    async def send(self, lines: Sequence[bytes]) -> None:
        """Send the answer, or a part of it."""
        for line in lines:
            if self._exchange.answered.is_set():
                return
            last = line.endswith(b"\n")
            if not self._begun:
                self._begun = True
                await self._exchange.begin(self._status, JSON, size=len(line) if last else None)
            await self._exchange.body(line, end=last)


class EventsTransport(_Transport):
    """One subscription as a stream of server-sent events."""

    def __init__(self, exchange: Exchange, line: bytes) -> None:
        super().__init__(exchange)
        self._line: bytes | None = line
        self._begun = False

    async def receive(self) -> bytes | None:
        """Return the request to subscribe; then None, once the stream has ended or the peer is gone."""
        if self._line is None:
            await self._exchange.over()
            return None
        line, self._line = self._line, None
        return line

    async def send(self, lines: Sequence[bytes]) -> None:
        """Send notifications as events. The first line is the answer to the request: it says what the stream begins with."""
        for line in lines:
            if self._exchange.answered.is_set():
                return
            if self._begun:
                await self._exchange.body(event(line), end=ends_stream(line))
            elif begins_stream(line):
                self._begun = True
                await self._exchange.begin(HTTPStatus.OK, "text/event-stream")
            else:
                await self._exchange.answer(refusal_status(line), JSON, line)


async def enter(stream: trio.abc.Stream, gate: Gate, service: Service) -> Transport | None:
    """Answer a peer's request, or return the transport of one that a `Connection` has to answer, a WebSocket's too.

    Returns None, with the stream closed, if the peer is answered, refused, slow or gone.
    """
    try:
        with trio.fail_after(websocket.HANDSHAKE_SECONDS):
            begun = await _first_line(stream)
            if not _is_plain(begun):
                return await websocket.accept(stream, gate, begun=begun)
            transport = await _accept_plain(stream, begun, gate, service)
            if transport is None:
                await stream.aclose()
            return transport
    except (trio.BrokenResourceError, trio.TooSlowError):
        await trio.aclose_forcefully(stream)
        return None
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise


async def _first_line(stream: trio.abc.Stream) -> bytes:
    """Return what has come, when a line of it has, or as much as no line of a request has, or the end."""
    begun = b""
    while b"\n" not in begun and len(begun) <= MAX_FIRST_LINE:
        data = await stream.receive_some(RECEIVE_SIZE)
        if not data:
            break
        begun += data
    return begun


def _is_plain(begun: bytes) -> bool:
    """Say whether a request cannot be for a WebSocket, which is at /rpc and asked for by GET."""
    method, _, rest = begun.partition(b"\n")[0].partition(b" ")
    path = rest.partition(b" ")[0].partition(b"?")[0].decode("latin-1")
    return method in OTHER_METHODS or (method == b"GET" and path in PATHS and path != HTTP_PATH)


async def _accept_plain(
    stream: trio.abc.Stream, received: bytes, gate: Gate, service: Service
) -> PostTransport | EventsTransport | None:
    """Answer a request whose first bytes are `received`, or return the transport of one that a `Connection` has to answer.

    Returns None once the request is answered, or where the peer is gone.
    """
    exchange = Exchange(stream)
    exchange.protocol.receive_data(received)
    try:
        request = await exchange.next_event()
        if not isinstance(request, h11.Request):
            return None
        exchange.head_only = request.method == b"HEAD"
        return await _route(exchange, request, gate, service)
    except h11.RemoteProtocolError as error:
        if exchange.protocol.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            await exchange.answer(error.error_status_hint, PLAIN, b"This is no HTTP request.\n")
        return None


async def _route(
    exchange: Exchange, request: h11.Request, gate: Gate, service: Service
) -> PostTransport | EventsTransport | None:
    headers = Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers])
    path, _, query = request.target.decode("latin-1").partition("?")
    refusal = gate.refusal(path, headers, PATHS)
    if refusal is not None:
        status, reason = refusal
        challenge = [("WWW-Authenticate", "Bearer")] if status is HTTPStatus.UNAUTHORIZED else []
        await exchange.answer(status, PLAIN, f"{reason}\n".encode(), *challenge)
    elif request.method != METHODS[path].encode():
        allowed = METHODS[path]
        await exchange.answer(
            HTTPStatus.METHOD_NOT_ALLOWED, PLAIN, f"{path} takes {allowed}.\n".encode(), ("Allow", allowed)
        )
    elif path == HTTP_PATH:
        length = headers.get("Content-Length")
        return PostTransport(exchange, None if length is None else int(length))
    elif path == EVENTS_PATH:
        return EventsTransport(exchange, subscribe_line(parse_qsl(query), ", ".join(headers.get_all(LAST_EVENT_ID))))
    elif path == HEALTH_PATH:
        about = {"status": "closing" if service.closing else "ok", "version": service.version, "epoch": service.epoch}
        status = HTTPStatus.SERVICE_UNAVAILABLE if service.closing else HTTPStatus.OK
        await exchange.answer(status, JSON, encoded(about) + b"\n")
    else:
        assert service.meters is not None
        usage = await service.host.queries.usage()
        text = service.meters.text({**service.status(), **service.host.status()}, usage)
        await exchange.answer(HTTPStatus.OK, EXPOSITION, text)
    return None
