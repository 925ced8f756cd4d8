"""The server: accepts connections of the daemon's own user on the Unix socket, and of peers with the token over HTTP."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.rpc.api import SERVED
from runtime.rpc.connection import Connection
from runtime.rpc.listener import listening
from runtime.rpc.messages import error_line
from runtime.rpc.service import Service
from runtime.rpc.transport import LineTransport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from runtime.rpc.gate import Gate
    from runtime.rpc.http_listener import HttpOptions
    from runtime.rpc.transport import Transport
    from runtime.vms.host import Host

logger = logging.getLogger(__name__)

MAX_CONNECTIONS: Final = 512
"""Connections at once: half of the 1,024 descriptors that a process has by default, the rest is for files and guests."""

MAX_HANDSHAKES: Final = 64
"""HTTP peers that have not shown the token yet: each may take its seconds, and costs a descriptor and a few KiB."""

DRAIN_POLL: Final = 0.02
"""Seconds between looks whether all connections are quiet, at the very end of a daemon only."""

_PEER: Final = struct.Struct("3i")
"""`struct ucred`: pid, uid, gid (unix(7))."""


class Server:
    """The daemon's face to its clients."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.accepting: list[trio.CancelScope] = []
        """One for each kind of listener: cancelled, nobody is let in any more."""
        self.used_at = trio.current_time()
        """When a connection was last made or ended."""
        self._handshakes = 0

    @property
    def connected(self) -> int:
        """How many peers there are, with those that have not shown their token yet."""
        return len(self.service.peers) + self._handshakes

    def refuse(self) -> None:
        """Accept no connections, and answer new requests with `shutting_down`, from now on; requests under way go on."""
        self.service.closing = True
        for scope in self.accepting:
            scope.cancel()

    async def drain(self, seconds: float) -> None:
        """Wait until every answer has been handed to its peer, for `seconds` at most."""
        with trio.move_on_after(seconds):
            while not self.service.answered:  # noqa: ASYNC110 - once in its life
                await trio.sleep(DRAIN_POLL)

    async def serve_stream(self, stream: trio.SocketStream) -> None:
        """Serve one peer on the Unix socket."""
        uid = peer_uid(stream.socket)
        if uid != os.geteuid():
            logger.warning("a connection of uid %d was refused", uid)
            await stream.aclose()
        else:
            await self._serve(LineTransport(stream))

    async def serve_http(self, gate: Gate, stream: trio.SocketStream) -> None:
        """Serve one peer over HTTP, if `gate` lets it in."""
        from runtime.rpc.plain_http import enter  # noqa: PLC0415 - not every daemon needs it

        if self._handshakes >= MAX_HANDSHAKES:
            await trio.aclose_forcefully(stream)
            return
        self._handshakes += 1
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a peer whose machine is gone closes nothing
        transport: Transport | None = None
        try:
            transport = await enter(stream, gate, self.service)
        except Exception:
            logger.exception("a handshake failed")
        finally:
            self._handshakes -= 1
        if transport is not None:
            await self._serve(transport)

    async def _serve(self, transport: Transport) -> None:
        """Serve one peer; no failure of one connection reaches the others."""
        if len(self.service.peers) >= MAX_CONNECTIONS:
            await _turn_away(transport)
            return
        connection = Connection(transport, self.service, SERVED)
        self.service.peers.add(connection)
        self.used_at = trio.current_time()
        try:
            await connection.run()
        except* Exception as group:
            logger.exception("a connection failed", exc_info=group)
        finally:
            self.service.peers.discard(connection)
            self.used_at = trio.current_time()


def peer_uid(connected: trio.socket.SocketType) -> int:
    """Return the uid of the process at the other end, as the kernel noted it when it connected."""
    credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _pid, uid, _gid = _PEER.unpack(credentials)
    return int(uid)


async def _turn_away(transport: Transport) -> None:
    error = ApiError(ErrorCode.BUSY, "the daemon has too many connections")
    async with contextlib.aclosing(transport):
        with trio.move_on_after(1), contextlib.suppress(trio.BrokenResourceError):
            await transport.send([error_line(None, error)])


async def serve(
    host: Host,
    path: Path,
    http: HttpOptions | None = None,
    *,
    passed: socket.socket | None = None,
    facts: Mapping[str, Any] = MappingProxyType({}),
    task_status: trio.TaskStatus[Server] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve `host` on the Unix socket at `path`, and over `http`, until cancelled; reports the Server once it listens.

    `passed` is a socket that somebody else listens on at `path`; `facts` are what `daemon.status` tells besides.
    For a graceful end the caller calls `refuse`, ends the work under way, calls `drain`, and cancels.
    Raises EndpointError (SocketInUseError among them) if the socket or the address cannot be used.
    """
    with listening(path, passed) as listener:
        listener.setblocking(False)
        server = Server(Service(host, path, facts))
        listeners = [trio.SocketListener(trio.socket.from_stdlib_socket(listener))]
        async with contextlib.AsyncExitStack() as stack:
            nursery = await stack.enter_async_context(trio.open_nursery())
            await nursery.start(_accept, server, server.serve_stream, listeners, nursery)
            if http is not None:
                stack.enter_context(await _serve_http(server, http, nursery))
            task_status.started(server)
            await trio.sleep_forever()


async def _accept(
    server: Server,
    handler: Callable[[trio.SocketStream], Awaitable[None]],
    listeners: list[trio.SocketListener],
    connections: trio.Nursery,
    task_status: trio.TaskStatus[Any],
) -> None:
    """Accept connections; when this is cancelled, open connections stay."""
    scope = trio.CancelScope()
    server.accepting.append(scope)
    with scope:
        await trio.serve_listeners(handler, listeners, handler_nursery=connections, task_status=task_status)


async def _serve_http(
    server: Server, http: HttpOptions, nursery: trio.Nursery
) -> contextlib.AbstractContextManager[None]:
    """Serve HTTP; returns what leaves the token for clients on this machine while it is entered."""
    from runtime.rpc.http_listener import http_url, open_http, token_left  # noqa: PLC0415 - as above
    from runtime.rpc.metrics import Meters  # noqa: PLC0415 - as above

    listeners = await open_http(http)
    server.service.http = http_url(listeners[0])
    server.service.meters = Meters(server.service.host.hub)
    await nursery.start(_accept, server, partial(server.serve_http, http.gate), listeners, nursery)
    return token_left(listeners, http.gate.token)
