"""The WebSocket to a daemon elsewhere, in a thread of its own, for a client that knows sockets and lines alone."""

from __future__ import annotations

import queue
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from runtime.client.errors import ConnectError, ConnectionLostError
from runtime.client.wires import RECEIVE_SIZE, Wire, open_wire
from runtime.network.authorities import AuthoritiesError, authorities

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.api.endpoint import HttpEndpoint

CONNECT_SECONDS: Final = 30.0
"""For the connection, with TLS and the handshake: as long as a slow line may take, and a person waits."""


def open_bridge(place: HttpEndpoint) -> socket.socket:
    """Return a socket with the daemon behind it: a message a line. Raises ConnectError, EndpointError."""
    ours, theirs = socket.socketpair()
    told: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    threading.Thread(target=trio.run, args=(_serve, place, theirs, told.put), daemon=True).start()
    failure = told.get()
    if failure is not None:
        ours.close()
        raise failure
    return ours


async def _serve(place: HttpEndpoint, theirs: socket.socket, tell: Callable[[BaseException | None], None]) -> None:
    try:
        with trio.fail_after(CONNECT_SECONDS):
            wire = await open_wire(place, authorities() if place.secure else None)
    except BaseException as error:  # the caller waits for it in another thread, and raises it there
        theirs.close()
        slow = ConnectError(place, f"it has not answered within {CONNECT_SECONDS:g} s")
        wrong = ConnectError(place, str(error)) if isinstance(error, AuthoritiesError) else error
        tell(slow if isinstance(error, trio.TooSlowError) else wrong)
        return
    tell(None)
    with trio.socket.from_stdlib_socket(theirs) as ours:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(_send, ours, wire, nursery.cancel_scope))
            try:
                while True:
                    messages = await wire.receive()
                    await trio.SocketStream(ours).send_all(b"".join(message + b"\n" for message in messages))
            except (ConnectionLostError, trio.BrokenResourceError):
                nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await wire.aclose()


async def _send(ours: trio.socket.SocketType, wire: Wire, scope: trio.CancelScope) -> None:
    """Pass on what the client sends, until it has closed its end."""
    held = bytearray()
    try:
        while data := await ours.recv(RECEIVE_SIZE):
            held += data
            *lines, rest = held.split(b"\n")
            held = bytearray(rest)
            if lines:
                await wire.send([bytes(line) for line in lines])
    except (ConnectionLostError, OSError):
        pass
    scope.cancel()
