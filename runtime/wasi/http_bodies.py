"""Bodies of HTTP messages between a guest and the network: bounded buffers with a synchronous face for the guest.

The guest reads and writes at its own pace; the network's side waits where a buffer is full or empty, so that a guest that
does not read stops the sender through TCP, and a server that does not read stops the guest.
"""

from __future__ import annotations

from typing import Final

import trio

from runtime.network import HttpError
from runtime.wasi.streams import (
    Data,
    InputStream,
    IoError,
    OutputStream,
    Source,
    StreamClosed,
    StreamFailed,
    take_front,
)

REQUEST_BUFFER: Final = 256 * 1024
"""Prompts are mostly below this, and a body that is complete before it is sent goes out with a content-length."""

RESPONSE_BUFFER: Final = 128 * 1024
"""Two reads of the socket: the next is on its way while the guest takes one."""


def stream_failed(error: HttpError) -> StreamFailed:
    """Return the failure of a stream; `http-error-code` finds the HttpError in it again."""
    return StreamFailed(IoError(str(error), error))


class RequestBody(OutputStream):
    """What a guest writes as the body of a request; the network iterates over it, once.

    `declared` is the content-length in the request's headers: to write more fails, to finish with less is an error.
    """

    def __init__(self, declared: int | None = None) -> None:
        super().__init__()
        self._declared = declared
        self._buffer = bytearray()
        self._written = 0
        self._finished = False
        self._error: HttpError | None = None
        self._unread = True  # somebody may still read what is written
        self._changed = trio.lowlevel.ParkingLot()

    def check_write(self) -> int:
        """See OutputStream."""
        if self._finished or self._error is not None or not self._unread:
            raise StreamClosed
        return REQUEST_BUFFER - len(self._buffer)

    def write(self, data: Data) -> None:
        """See OutputStream."""
        self._written += len(data)
        if self._declared is not None and self._written > self._declared:
            self._error = HttpError("HTTP-request-body-size", self._written)
            self._wake()
            raise stream_failed(self._error)
        self._buffer += data
        self._wake()

    def finish(self) -> None:
        """End the body; HttpError if it is shorter or longer than declared, which also fails the request."""
        if self._error is None and self._declared is not None and self._written != self._declared:
            self._error = HttpError("HTTP-request-body-size", self._written)
        self._finished = True
        self._wake()
        if self._error is not None:
            raise self._error

    def abandon(self) -> None:
        """End the body unfinished, which breaks the request off; without effect after `finish`."""
        if not self._finished and self._error is None:
            self._error = HttpError("connection-terminated", message="the guest dropped the request's body")
            self._wake()

    def known_length(self) -> int | None:
        """Return the whole body's length if it is already complete, else None."""
        return self._written if self._finished and self._error is None else None

    def close(self) -> None:
        """The network's side takes no more: the request is over, whatever its body."""
        self._unread = False
        self._buffer.clear()
        self.notify()

    def __aiter__(self) -> RequestBody:
        return self

    async def __anext__(self) -> bytes:
        """Return what was written since; HttpError if the body broke off."""
        await trio.lowlevel.checkpoint()
        while True:
            if self._error is not None:
                raise self._error
            if self._buffer:
                data = bytes(self._buffer)
                self._buffer.clear()
                self.notify()
                return data
            if self._finished:
                raise StopAsyncIteration
            await self._changed.park()

    def _wake(self) -> None:
        self._changed.unpark_all()
        self.notify()


class ResponseBody(InputStream):
    """What a guest reads of an answer; the network feeds it."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = bytearray()
        self._ended = False
        self._error: HttpError | None = None
        self._discarding = False
        self._room = trio.lowlevel.ParkingLot()
        self.end_reached = EndOfBody(self)

    @property
    def ended(self) -> bool:
        """Whether the network has given all there is."""
        return self._ended

    @property
    def error(self) -> HttpError | None:
        """Why the body broke off, if it did."""
        return self._error

    def read(self, count: int) -> Data:
        """See InputStream."""
        if self._buffer:
            data, self._buffer = take_front(self._buffer, count)
            self._room.unpark_all()
            return data
        if self._error is not None:
            raise stream_failed(self._error)
        if self._ended:
            raise StreamClosed
        return b""

    def is_ready(self) -> bool:
        """See Source."""
        return bool(self._buffer) or self._ended

    async def feed(self, data: bytes) -> None:
        """Give the guest the next bytes, at once if there is any room, so that at most one piece is above the cap."""
        while len(self._buffer) >= RESPONSE_BUFFER:
            await self._room.park()
        if not self._discarding:
            self._buffer += data
            self.notify()

    def end(self, error: HttpError | None = None) -> None:
        """No more bytes: the guest reads the rest, then the end or the error. Only the first call counts."""
        if not self._ended:
            self._ended = True
            self._error = error
            self.notify()
            self.end_reached.notify()

    def discard(self) -> None:
        """The guest reads no more: what is there and what comes is dropped."""
        self._discarding = True
        self._buffer.clear()
        self._room.unpark_all()


class EndOfBody(Source):
    """Ready when the network has given a body's last byte, whether or not the guest has read it."""

    def __init__(self, body: ResponseBody) -> None:
        super().__init__()
        self._body = body

    def is_ready(self) -> bool:
        """See Source."""
        return self._body.ended
