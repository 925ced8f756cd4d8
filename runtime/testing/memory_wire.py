"""The API without a socket: the two ends of a connection in this process, one for the server and one for a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from runtime.client.errors import ConnectionLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

IN_FLIGHT: Final = 64
"""Batches under way in each direction: the sender waits beyond, as on a socket."""


class ClientEnd:
    """`runtime.client.wires.Wire`."""

    def __init__(self, send: trio.MemorySendChannel[bytes], receive: trio.MemoryReceiveChannel[list[bytes]]) -> None:
        self._send = send
        self._receive = receive

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send messages."""
        for message in messages:
            try:
                await self._send.send(message)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise ConnectionLostError("the host has ended") from error

    async def receive(self) -> list[bytes]:
        """Return what has come."""
        try:
            return await self._receive.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError) as error:
            raise ConnectionLostError("the host has ended") from error

    async def aclose(self) -> None:
        """Close it."""
        await self._send.aclose()
        await self._receive.aclose()


class ServerEnd:
    """`runtime.rpc.transport.Transport`."""

    gone = True

    def __init__(self, send: trio.MemorySendChannel[list[bytes]], receive: trio.MemoryReceiveChannel[bytes]) -> None:
        self._send = send
        self._receive = receive
        self._parts: list[bytes] = []

    async def receive(self) -> bytes | None:
        """Return the next message, None at the end."""
        try:
            return await self._receive.receive()
        except trio.EndOfChannel:
            return None

    async def send(self, lines: Sequence[bytes]) -> None:
        """Send messages."""
        messages: list[bytes] = []
        for line in lines:
            self._parts.append(line)
            if line.endswith(b"\n"):
                messages.append(b"".join(self._parts))
                self._parts = []
        if messages:
            await self._send.send(messages)

    async def skip_line(self, patience: float) -> None:
        """Nothing is left of a message here: each comes whole."""

    def count(self, charge: Callable[[int], None]) -> None:
        """Nothing is held here of a message that has not come."""

    async def aclose(self) -> None:
        """Close it."""
        await self._send.aclose()
        await self._receive.aclose()


def memory_wire() -> tuple[ClientEnd, ServerEnd]:
    """Return the two ends of a new connection."""
    up_send, up_receive = trio.open_memory_channel[bytes](IN_FLIGHT)
    down_send, down_receive = trio.open_memory_channel[list[bytes]](IN_FLIGHT)
    return ClientEnd(up_send, down_receive), ServerEnd(down_send, up_receive)
