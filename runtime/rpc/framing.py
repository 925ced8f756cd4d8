"""NDJSON from a byte stream: one JSON text a line (docs/api.md). For outgoing lines see `runtime.rpc.outbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from runtime.api.limits import MAX_LINE
from runtime.budget import uncounted
from runtime.jsonrpc import Lines, Long, TooLong
from runtime.large_json import one

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.jsonrpc import Line

RECEIVE_SIZE: Final = 64 * 1024
"""Bytes asked of the socket at a time: what Linux's default Unix socket buffer holds at most anyway."""


MAX_SKIPS: Final = 4096
"""Reads of what is left of a message that was too long: 256 MiB of a peer that sends fast, and an end for one that sends a byte
now and then."""


class LineTooLongError(Exception):
    """The peer sent more than `MAX_LINE` bytes without a newline; the stream cannot be resynchronised."""


async def receive_within(stream: trio.abc.ReceiveStream, seconds: float) -> bytes | bytearray:
    """Return what comes next; nothing at the end of the stream, or when nothing has come for so long."""
    with trio.move_on_after(seconds):
        return await stream.receive_some(RECEIVE_SIZE)
    return b""


class LineReader:
    """Splits a stream into lines. One task may call `receive` at a time."""

    def __init__(self, stream: trio.abc.ReceiveStream, max_line: int = MAX_LINE) -> None:
        self._stream = stream
        self._lines = Lines(max_line)
        self._ready = iter(self._lines)
        self._taken: Line | None = None  # a line that is not returned yet
        self._held = 0
        self._ended = False
        self.charge: Callable[[int], None] = uncounted
        """Called with every change of the number of bytes held for lines that are not returned yet."""

    async def receive(self) -> bytes | None:
        """Return the next line without its line ending, or None at the end of the stream.

        Blank lines (of up to 64 KiB) are skipped. An unfinished last line counts as a line: whoever pipes one request into
        the socket need not end it. Cancellation loses nothing: the next call goes on where this one was.
        Raises LineTooLongError, and trio.BrokenResourceError when the peer is gone.
        """
        while True:
            line = self._taken = self._taken or next(self._ready, None)
            if isinstance(line, TooLong) or self._lines.dropping:
                raise LineTooLongError
            if isinstance(line, Long):
                line = await one(line.pieces)  # cancelled, the next call begins here
            self._taken = None
            self._count()
            if line is not None or self._ended:
                return line
            data = await self._stream.receive_some(RECEIVE_SIZE)
            self._ended = not data
            self._lines.push(data or b"\n")
            self._ready = iter(self._lines)
            self._count()

    async def skip_line(self, patience: float) -> None:
        """Read and drop the rest of a line that was too long. Bytes after it may be dropped as well."""
        for _ in range(MAX_SKIPS):
            if not self._lines.dropping or not (data := await receive_within(self._stream, patience)):
                return
            self._lines.push(data)
            for _line in self._lines:
                pass

    def _count(self) -> None:
        held = self._lines.held
        self.charge(held - self._held)
        self._held = held
