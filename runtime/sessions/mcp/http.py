"""MCP's streamable HTTP in front of local servers: the server behind `http://mcp.torpor.internal/NAME`.

A guest cannot start processes, so the runtime runs its local MCP servers and the agent reaches them as remote ones. The
requests never leave this process: the gate of the agent's own process hands them to `McpHost`. Source: MCP 2025-11-25,
"Streamable HTTP". Every answer to a request comes as an event stream, since nobody knows in advance whether progress comes
before it; there are no MCP session ids, as a server has one client, and no event ids, as a stream that breaks off here has
lost its reader. A server that is gone is told as a JSON-RPC error, which clients report better than an HTTP status.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import trio

from runtime.acp.codec import MAX_LINE, ErrorObject, Malformed, Request, encode_error, read_line, whole_line
from runtime.jsonrpc import INVALID_REQUEST

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping

    from runtime.network import GateRequest, GateResponse
    from runtime.sessions.mcp.stdio import StdioServer
    from runtime.sessions.mcp.streams import Stream

PIECE: Final = 64 * 1024
"""Bytes of a body handed over at once: what `GateResponse.receive` promises."""

JSON: Final = [("content-type", b"application/json")]
EVENTS: Final = [("content-type", b"text/event-stream"), ("cache-control", b"no-store")]


class HttpAnswer:
    """A `GateResponse` made here."""

    def __init__(self, status: int, headers: list[tuple[str, bytes]], parts: Callable[[], Awaitable[bytes]]) -> None:
        self.status = status
        self.headers = headers
        self._parts = parts
        self._rest = b""

    async def receive(self) -> bytes:
        """See GateResponse."""
        await trio.lowlevel.checkpoint()
        data = self._rest or await self._parts()
        self._rest = data[PIECE:]
        return data[:PIECE]


class McpHost:
    """The local servers of one agent, by name; implements `runtime.network.InternalHost`."""

    def __init__(self, servers: Mapping[str, StdioServer]) -> None:
        self._servers = servers

    @asynccontextmanager
    async def answer(self, request: GateRequest) -> AsyncIterator[GateResponse]:
        """See InternalHost."""
        name = unquote(request.path.partition("?")[0].removeprefix("/"))
        server = self._servers.get(name)
        if server is None:
            yield _plain(404, f"there is no MCP server {name!r}")
        elif request.method == "POST":
            async with self._post(server, request) as answer:
                yield answer
        elif request.method == "GET" and server.gone is None:
            stream = server.listen()
            try:
                yield _events(stream)
            finally:
                stream.discard()
        else:
            yield _plain(405, "use POST, or GET while the server runs")

    @asynccontextmanager
    async def _post(self, server: StdioServer, request: GateRequest) -> AsyncIterator[GateResponse]:
        body = await _read(request.body)
        if body is None:
            yield _plain(413, f"a message has at most {MAX_LINE} bytes")
            return
        message = await read_line(body)
        if isinstance(message, Malformed):
            yield _json(400, encode_error(message.request, ErrorObject(message.code, message.reason)))
            return
        body = whole_line(body)
        if isinstance(message, Request):
            async with self._call(server, message, body) as answer:
                yield answer
        else:
            try:
                await server.send(body)
            except trio.BrokenResourceError:
                yield _plain(404, server.gone or "the server takes no more input")
            else:
                yield _plain(202, "")

    @asynccontextmanager
    async def _call(self, server: StdioServer, request: Request, body: bytes) -> AsyncIterator[GateResponse]:
        try:
            stream = server.open(request)
        except ValueError as error:
            yield _json(400, encode_error(request.id, ErrorObject(INVALID_REQUEST, str(error))))
            return
        try:
            await server.send(body)
            yield _events(stream)
        except trio.BrokenResourceError:
            yield _json(200, server.refusal(request.id))
        finally:
            server.close(request.id, stream)


async def _read(body: AsyncIterable[bytes] | None) -> bytes | None:
    """The whole body on one line, None if it is longer than a message may be."""
    whole = bytearray()
    if body is not None:
        async for part in body:
            whole += part
            if len(whole) > MAX_LINE:
                return None
    return bytes(whole).replace(b"\n", b" ").replace(b"\r", b" ")  # in JSON both stand between tokens only


def _events(stream: Stream) -> HttpAnswer:
    async def part() -> bytes:
        message = await stream.get()
        return b"" if message is None else b"event: message\ndata: " + message + b"\n\n"

    return HttpAnswer(200, list(EVENTS), part)


def _json(status: int, body: bytes) -> HttpAnswer:
    return _whole(status, list(JSON), body)


def _plain(status: int, text: str) -> HttpAnswer:
    return _whole(status, [("content-type", b"text/plain; charset=utf-8")] if text else [], text.encode())


def _whole(status: int, headers: list[tuple[str, bytes]], body: bytes) -> HttpAnswer:
    parts = [body]

    async def part() -> bytes:
        return parts.pop() if parts else b""

    return HttpAnswer(status, headers, part)
