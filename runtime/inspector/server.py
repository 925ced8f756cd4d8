"""The HTTP of `torpor inspect`: the page's files and its WebSocket, for who is let in.

One request a connection, and GET alone: it is the handshake of a WebSocket, by the `websockets` library's protocol core, that
is answered with a file where a file is asked for.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import attrs
import trio
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.protocol import SEND_EOF, State
from websockets.server import ServerProtocol

from runtime.api.limits import MAX_LINE
from runtime.inspector.bridge import bridge
from runtime.inspector.files import HEADERS
from runtime.inspector.owner import is_ours
from runtime.rpc.framing import RECEIVE_SIZE
from runtime.rpc.gate import PATH
from runtime.rpc.websocket import HANDSHAKE_SECONDS, WebSocketTransport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runtime.inspector.door import Door
    from runtime.rpc.gate import Gate

# As for the daemon's own WebSocket: at DEBUG the library would note the headers, of which one is the cookie.
_library_logger: Final = logging.getLogger("runtime.inspector.server.library")
_library_logger.setLevel(logging.WARNING)

MAX_CONNECTIONS: Final = 256
"""At once: some tabs, each with a handful of files under way. Who comes beyond it is hung up on, and costs no descriptor."""

USED: Final = (
    "This address works no more: each lets one browser in. `torpor inspect` prints the next one where it runs.\n"
)


@attrs.define
class Inspector:
    """A page and its way to the daemon at `socket`."""

    socket: Path
    files: Mapping[str, tuple[str, bytes]]
    """By path: type and content."""
    gate: Gate
    door: Door
    _connections: int = 0

    async def serve(self, listeners: list[trio.SocketListener]) -> None:
        """Serve until cancelled."""
        await trio.serve_listeners(self._serve_one, listeners)

    async def _serve_one(self, stream: trio.SocketStream) -> None:
        if self._connections >= MAX_CONNECTIONS or not is_ours(stream):
            await trio.aclose_forcefully(stream)
            return
        self._connections += 1
        try:
            await self._answer(stream)
        except trio.BrokenResourceError:
            pass
        finally:
            self._connections -= 1
            await trio.aclose_forcefully(stream)

    async def _answer(self, stream: trio.SocketStream) -> None:
        protocol = ServerProtocol(max_size=MAX_LINE, logger=_library_logger)
        daemon: trio.SocketStream | None = None
        with trio.move_on_after(HANDSHAKE_SECONDS) as patience:
            while not (events := protocol.events_received()) and protocol.handshake_exc is None:
                data = await stream.receive_some(RECEIVE_SIZE)
                if data:
                    protocol.receive_data(data)
                else:
                    protocol.receive_eof()
            if events:
                assert isinstance(events[0], Request)
                response = self._response(events[0])
                if response is None:
                    daemon, response = await self._handshake(protocol, events[0])
                protocol.send_response(response)
            await stream.send_all(b"".join(part for part in protocol.data_to_send() if part is not SEND_EOF))
        if patience.cancelled_caught or daemon is None or protocol.state is not State.OPEN:
            if daemon is not None:
                await trio.aclose_forcefully(daemon)
            return
        await bridge(WebSocketTransport(stream, protocol), daemon)

    async def _handshake(self, protocol: ServerProtocol, request: Request) -> tuple[trio.SocketStream | None, Response]:
        """Reach the daemon first: a page whose daemon is away has no WebSocket, and tries again."""
        try:
            return await trio.open_unix_socket(str(self.socket)), protocol.accept(request)
        except OSError as error:
            return None, _text(
                HTTPStatus.SERVICE_UNAVAILABLE, f"no daemon answers at {self.socket}: {error.strerror}\n"
            )

    def _response(self, request: Request) -> Response | None:
        """Answer a request; None for a WebSocket that may be."""
        foreign = self.gate.foreign(request.headers)
        if foreign is not None:
            return _text(*foreign)
        path, _, query = request.path.partition("?")
        cookie = self.door.enter(query) if path == "/" else None
        if cookie is None and not self.door.knows(request.headers.get_all("Cookie")):
            return _text(HTTPStatus.UNAUTHORIZED, USED)
        if path == PATH:
            # Programs have the daemon's own socket; what comes here without an Origin is no page of ours.
            return None if "Origin" in request.headers else _text(HTTPStatus.FORBIDDEN, "This is for the page.\n")
        if path not in self.files:
            return _text(HTTPStatus.NOT_FOUND, "There is no such file.\n")
        kind, content = self.files[path]
        return _full(HTTPStatus.OK, kind, content, {} if cookie is None else {"Set-Cookie": cookie})


def _text(status: HTTPStatus, text: str) -> Response:
    return _full(status, "text/plain; charset=utf-8", text.encode(), {})


def _full(status: HTTPStatus, kind: str, content: bytes, more: Mapping[str, str]) -> Response:
    headers = Headers({**HEADERS, **more})
    headers["Content-Type"] = kind
    headers["Content-Length"] = str(len(content))
    headers["Connection"] = "close"
    return Response(status.value, status.phrase, headers, content)
