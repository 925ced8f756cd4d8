"""The server: accepts connections on the Unix socket, from the daemon's own user only."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import struct
import time
from importlib.metadata import version as distribution_version
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.errors import ApiError, ErrorCode
from runtime.rpc.api import METHODS
from runtime.rpc.api_daemon import PROTOCOL, Welcome
from runtime.rpc.connection import MAX_IN_FLIGHT, MAX_RESPONSE, Connection
from runtime.rpc.framing import MAX_LINE
from runtime.rpc.listener import listening
from runtime.rpc.messages import error_line
from runtime.rpc.subscriptions import MAX_SUBSCRIPTIONS

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.rpc.facade import HostFace
    from runtime.rpc.methods import MethodTable

logger = logging.getLogger(__name__)

MAX_CONNECTIONS: Final = 512
"""Connections at once: half of the 1,024 descriptors that a process has by default, the rest is for files and guests."""
CAPABILITIES: Final = ["vms", "sessions", "events", "subscriptions", "permissions", "options", "files", "raw"]
DRAIN_POLL: Final = 0.02  # seconds between looks whether all connections are quiet, at the very end of a daemon only

_PEER: Final = struct.Struct("3i")  # struct ucred: pid, uid, gid (unix(7))


class Server:
    """The daemon's face to its clients."""

    def __init__(self, host: HostFace, path: Path) -> None:
        self.host = host
        self.path = path
        self.methods: MethodTable = METHODS
        self.version = distribution_version("torpor")
        self.epoch = secrets.token_hex(8)
        """Names this run of the daemon."""
        self.closing = False
        self._started = time.time()
        self._connections: set[Connection] = set()

    def welcome(self) -> Welcome:
        """Return the result of `hello`."""
        limits = {
            "maxLineBytes": MAX_LINE,
            "maxResponseBytes": MAX_RESPONSE,
            "maxRequestsInFlight": MAX_IN_FLIGHT,
            "maxSubscriptions": MAX_SUBSCRIPTIONS,
        }
        return Welcome("torpor", self.version, PROTOCOL, CAPABILITIES, limits, self.epoch)

    def status(self) -> dict[str, Any]:
        """Return this layer's part of `daemon.status`."""
        return {
            "pid": os.getpid(),
            "version": self.version,
            "epoch": self.epoch,
            "socket": os.fspath(self.path),
            "startedAt": int(self._started * 1000),
            "connections": len(self._connections),
            "subscriptions": sum(connection.subscriptions for connection in self._connections),
            "requests": sum(connection.running for connection in self._connections),
        }

    def refuse(self) -> None:
        """Answer `shutting_down` to new requests from now on; those under way go on."""
        self.closing = True

    async def drain(self, seconds: float) -> None:
        """Wait until every answer has been handed to its peer, for `seconds` at most."""
        with trio.move_on_after(seconds):
            while not all(connection.quiet for connection in self._connections):  # noqa: ASYNC110 - once in its life
                await trio.sleep(DRAIN_POLL)

    async def serve_stream(self, stream: trio.SocketStream) -> None:
        """Serve one peer; no failure of one connection reaches the others."""
        uid = peer_uid(stream.socket)
        if uid != os.geteuid():
            logger.warning("a connection of uid %d was refused", uid)
            await stream.aclose()
        elif len(self._connections) >= MAX_CONNECTIONS:
            await _turn_away(stream)
        else:
            connection = Connection(stream, self)
            self._connections.add(connection)
            try:
                await connection.run()
            except* Exception as group:
                logger.exception("a connection failed", exc_info=group)
            finally:
                self._connections.discard(connection)


def peer_uid(connected: trio.socket.SocketType) -> int:
    """Return the uid of the process at the other end, as the kernel noted it when it connected."""
    credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _pid, uid, _gid = _PEER.unpack(credentials)
    return int(uid)


async def _turn_away(stream: trio.SocketStream) -> None:
    error = ApiError(ErrorCode.BUSY, "the daemon has too many connections")
    async with stream:
        with trio.move_on_after(1), contextlib.suppress(trio.BrokenResourceError):
            await stream.send_all(error_line(None, error))


async def serve(host: HostFace, path: Path, *, task_status: trio.TaskStatus[Server] = trio.TASK_STATUS_IGNORED) -> None:
    """Serve `host` on the Unix socket at `path` until cancelled; reports the Server once it listens.

    A graceful end is the caller's to arrange: `refuse`, end what is under way, `drain`, then cancel.
    Raises EndpointError (SocketInUseError among them) when the socket cannot be had.
    """
    with listening(path) as listener:
        listener.setblocking(False)
        server = Server(host, path)
        listeners = [trio.SocketListener(trio.socket.from_stdlib_socket(listener))]
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, server.serve_stream, listeners)
            task_status.started(server)
