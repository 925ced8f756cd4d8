"""A small HTTP/1.1 server on the loopback interface, for scripted answers that a real server would avoid.

h11 keeps the protocol; a handler drives one exchange step by step, so that it can answer before it has read the
request, pause, or break off in the middle of a message. It is meant for tests and demos, not for the open network.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs
import h11
import trio

if TYPE_CHECKING:
    import ssl

MAX_REQUEST_BODY: Final = 64 * 1024 * 1024
"""Twice what the Messages API takes (32 MB), so that tests can exceed that."""

RECEIVE_SIZE: Final = 64 * 1024
"""One read fills a common socket buffer."""

Header = tuple[str, str]
Handler = Callable[["Exchange"], Awaitable[None]]


class ClientGoneError(Exception):
    """The client closed its connection before the exchange was over."""


class BodyTooLargeError(Exception):
    """A request's body is longer than MAX_REQUEST_BODY."""


class Exchange:
    """One request and its answer, in the hands of a handler.

    `method`, `target` and `headers` (names in lower case, in order) are the request's. A handler that returns without
    an answer, or in the middle of one, has the connection closed under the client: so a disconnect is played.
    """

    def __init__(self, stream: trio.abc.Stream, connection: h11.Connection, request: h11.Request) -> None:
        self._stream = stream
        self._connection = connection
        self.method = request.method.decode("ascii")
        self.target = request.target.decode("ascii")
        self.headers: list[Header] = [
            (name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers
        ]

    def header(self, name: str) -> str | None:
        """Return the first value of a header (name in lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)

    async def receive(self) -> bytes:
        """Return the next bytes of the request's body as they arrive, b"" at its end; ClientGoneError if cut off."""
        if self._connection.they_are_waiting_for_100_continue:
            await self._send(h11.InformationalResponse(status_code=100, headers=[]))
        while True:
            try:
                event = self._connection.next_event()
            except h11.RemoteProtocolError as error:
                raise ClientGoneError from error
            if event is h11.NEED_DATA:
                self._connection.receive_data(await self._receive_some())
            elif isinstance(event, h11.Data):
                return bytes(event.data)
            else:
                return b""

    async def read_body(self) -> bytes:
        """Return the whole request body; BodyTooLargeError if it is longer than MAX_REQUEST_BODY."""
        body = bytearray()
        while data := await self.receive():
            body += data
            if len(body) > MAX_REQUEST_BODY:
                raise BodyTooLargeError
        return bytes(body)

    async def start(self, status: int, headers: Sequence[Header] = ()) -> None:
        """Send the status line and the headers; without a content-length the body is sent in chunks."""
        await self._send(h11.Response(status_code=status, headers=list(headers)))

    async def send(self, data: bytes) -> None:
        """Send bytes of the body, at once."""
        await self._send(h11.Data(data=data))

    async def finish(self) -> None:
        """End the body."""
        await self._send(h11.EndOfMessage())

    async def respond(self, status: int, headers: Sequence[Header] = (), body: bytes = b"") -> None:
        """Send a whole answer with its content-length."""
        await self.start(status, [*headers, ("content-length", str(len(body)))])
        if body and self.method != "HEAD":
            await self.send(body)
        await self.finish()

    async def send_raw(self, data: bytes) -> None:
        """Put bytes on the connection that are no well-formed HTTP."""
        await self._write(data)

    async def hang_up(self) -> None:
        """Close the connection now, while the handler goes on."""
        await trio.aclose_forcefully(self._stream)

    async def client_gone(self) -> None:
        """Return once the client has closed its side; call it only after the whole request was received."""
        while data := await self._receive_some():
            self._connection.receive_data(data)

    async def _receive_some(self) -> bytes:
        try:
            return bytes(await self._stream.receive_some(RECEIVE_SIZE))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return b""

    async def _send(self, event: h11.Event) -> None:
        data = self._connection.send(event)
        if data:
            await self._write(data)

    async def _write(self, data: bytes) -> None:
        try:
            await self._stream.send_all(data)
        except trio.BrokenResourceError as error:
            raise ClientGoneError from error


@attrs.define
class HttpServer:
    """A running server: where it listens, and how many connections it has accepted."""

    host: str
    port: int
    scheme: str
    connections: int = 0

    @property
    def url(self) -> str:
        """The server's root, without a trailing slash."""
        return f"{self.scheme}://{self.host}:{self.port}"


@asynccontextmanager
async def http_server(
    handler: Handler, *, port: int = 0, ssl_context: ssl.SSLContext | None = None
) -> AsyncIterator[HttpServer]:
    """Serve on 127.0.0.1 while the block runs; port 0 takes a free one, an `ssl_context` makes it HTTPS.

    An exception of the handler, other than ClientGoneError, ends the block: a test does not go on with a broken server.
    """
    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
    host, bound = listeners[0].socket.getsockname()[:2]
    server = HttpServer(host, bound, "http" if ssl_context is None else "https")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            partial(trio.serve_listeners, handler_nursery=nursery), _acceptor(server, handler, ssl_context), listeners
        )
        try:
            yield server
        finally:
            nursery.cancel_scope.cancel()


def _acceptor(
    server: HttpServer, handler: Handler, ssl_context: ssl.SSLContext | None
) -> Callable[[trio.SocketStream], Awaitable[None]]:
    async def accept(socket: trio.SocketStream) -> None:
        server.connections += 1
        stream: trio.abc.Stream = socket
        if ssl_context is not None:
            stream = trio.SSLStream(socket, ssl_context, server_side=True, https_compatible=True)
        try:
            await _serve_connection(stream, handler)
        except (ClientGoneError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # either side may leave at any point, also in the handshake
        finally:
            await trio.aclose_forcefully(stream)

    return accept


async def _serve_connection(stream: trio.abc.Stream, handler: Handler) -> None:
    connection = h11.Connection(h11.SERVER)
    while True:
        request = await _next_request(stream, connection)
        if request is None:
            return
        exchange = Exchange(stream, connection, request)
        await handler(exchange)
        if connection.our_state is not h11.DONE:
            return
        if connection.their_state is not h11.DONE:
            while await exchange.receive():
                pass
        if connection.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            return
        connection.start_next_cycle()


async def _next_request(stream: trio.abc.Stream, connection: h11.Connection) -> h11.Request | None:
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            data = connection.send(
                h11.Response(status_code=400, headers=[("connection", "close"), ("content-length", "0")])
            )
            await stream.send_all(data or b"")
            return None
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            return None
        connection.receive_data(bytes(await stream.receive_some(RECEIVE_SIZE)))
