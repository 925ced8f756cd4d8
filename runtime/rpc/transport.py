"""The transport that a connection needs, and its form over a Unix socket: one line a message.

The other way is `runtime.rpc.websocket`. A connection does not know which one it has; the tests of connections and
subscriptions run over both.
"""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING, Protocol

import trio

from runtime.api.limits import MAX_LINE
from runtime.rpc.framing import LineReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Transport(Protocol):
    """Messages in and out. One task may receive and one may send at a time; closing is done once, when both have ended."""

    async def receive(self) -> bytes | None:
        """Return the next message, None at the end; cancellation loses nothing.

        Raises LineTooLongError, and trio.BrokenResourceError when the peer is gone.
        """
        ...

    async def send(self, lines: Sequence[bytes]) -> None:
        """Write messages, or parts of them, of which the last ends in a newline. Cancelled, it may have written any part.

        No checkpoint where the peer takes them at once. Raises trio.BrokenResourceError.
        """
        ...

    async def skip_line(self, patience: float) -> None:
        """Read and drop the rest of a message that was too long.

        Returns at its end, or where nothing has come for `patience` seconds, or after `MAX_SKIPS` reads.
        """
        ...

    def count(self, charge: Callable[[int], None]) -> None:
        """Call `charge` with every change of the number of bytes held for a message that is not returned yet."""
        ...

    @property
    def gone(self) -> bool:
        """After `receive` has returned None: whether the peer is gone, and has not only stopped writing."""
        ...

    async def aclose(self) -> None:
        """Close it."""
        ...


class LineTransport:
    """NDJSON over a Unix socket."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._reader = LineReader(stream, MAX_LINE)
        self.receive = self._reader.receive
        self.skip_line = self._reader.skip_line
        self.aclose = stream.aclose

    def count(self, charge: Callable[[int], None]) -> None:
        """See `Transport`."""
        self._reader.charge = charge

    async def send(self, lines: Sequence[bytes]) -> None:
        """Write lines; no checkpoint where the socket takes them at once."""
        data = lines[0] if len(lines) == 1 else b"".join(lines)
        try:
            sent = os.write(self._stream.socket.fileno(), data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise trio.BrokenResourceError from error
        if sent < len(data):
            await self._stream.send_all(memoryview(data)[sent:])

    @property
    def gone(self) -> bool:
        """Whether the peer has closed both directions: one that stopped writing only (`nc -N`) wants its answers."""
        poll = select.poll()
        poll.register(self._stream.socket.fileno(), 0)  # POLLHUP comes unasked
        return bool(poll.poll(0))
