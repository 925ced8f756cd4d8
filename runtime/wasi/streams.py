"""The streams and pollables behind wasi:io, without their WIT face.

Readiness is level-triggered: a `Source` says whether it is ready now, and notifies its waiters whenever that may have
changed. A waiter looks again; a notification too many does no harm.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeAlias

import trio

from runtime.engine import Resource

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_TRANSFER: Final = 1024 * 1024
"""A read or write moves at most this much at once: a millisecond of the event loop where the bytes go into the tree or
come from the store. No file's read or write is short below it."""

PIPE_CAPACITY: Final = 64 * 1024
"""What a guest may have written and the host not taken yet, and the other way round; then the writer waits. As much as
in Linux's pipes: a process has three, and what its reader finds there (an agent's messages) is handled in one go."""

Data: TypeAlias = bytes | bytearray | memoryview
"""Bytes on their way through. As an argument: to be copied by whoever keeps them; as a result: nobody changes them any more."""


class IoError(Resource):
    """A wasi:io `error`: says what went wrong. `code` is for interfaces that can tell more (filesystem, http)."""

    def __init__(self, message: str, code: object = None) -> None:
        self.message = message
        self.code = code


class StreamClosed(Exception):  # noqa: N818 - the end of a stream is not an error
    """The stream has ended, or its other side is gone."""


class StreamFailed(Exception):  # noqa: N818 - carries the error
    """The last operation failed; `error` says why."""

    def __init__(self, error: IoError) -> None:
        super().__init__(error.message)
        self.error = error


class Source:
    """Something that can be waited for."""

    def __init__(self) -> None:
        self.waiters: set[trio.Event] = set()

    @property
    def deadline(self) -> float:
        """When the source becomes ready by itself, on trio's clock."""
        return math.inf

    def is_ready(self) -> bool:
        """Whether whoever waits for the source may go on."""
        raise NotImplementedError

    def notify(self) -> None:
        """Let everybody who waits look again."""
        for event in self.waiters:
            event.set()


async def wait_any(sources: Sequence[Source]) -> None:
    """Return as soon as one of the sources is ready; always a checkpoint. Cancellation leaves nothing behind."""
    if any(source.is_ready() for source in sources):
        await trio.lowlevel.checkpoint()
        return
    while not any(source.is_ready() for source in sources):
        event = trio.Event()
        for source in sources:
            source.waiters.add(event)
        try:
            with trio.move_on_at(min(source.deadline for source in sources)):
                await event.wait()
        finally:
            for source in sources:
                source.waiters.discard(event)


class Timer(Source):
    """Ready from a point of trio's clock on."""

    def __init__(self, deadline: float) -> None:
        super().__init__()
        self._deadline = deadline

    @property
    def deadline(self) -> float:
        """See Source."""
        return self._deadline

    def is_ready(self) -> bool:
        """See Source."""
        return trio.current_time() >= self._deadline


class Pollable(Resource):
    """A guest's handle to a source."""

    def __init__(self, source: Source) -> None:
        self.source = source


def pollable_of(source: Source) -> Pollable:
    """A new handle that becomes ready with the source."""
    return Pollable(source)


def take_front(buffer: bytearray, count: int) -> tuple[bytearray, bytearray]:
    """Take `count` bytes, or all that there are, off a buffer: (what was taken, the buffer to go on with)."""
    if count >= len(buffer):
        return buffer, bytearray()
    taken = buffer[:count]
    del buffer[:count]
    return taken, buffer


class InputStream(Resource, Source):
    """Bytes that a guest reads."""

    def read(self, count: int) -> Data:
        """At most `count` bytes that are there now, `b""` for none. Raises StreamClosed at the end, StreamFailed."""
        raise NotImplementedError


class OutputStream(Resource, Source):
    """Bytes that a guest writes."""

    def check_write(self) -> int:
        """How many bytes `write` takes now. Raises StreamClosed, StreamFailed."""
        raise NotImplementedError

    def write(self, data: Data) -> None:
        """Take the bytes, by copy; never more than `check_write` allowed. Raises StreamClosed, StreamFailed."""
        raise NotImplementedError

    def flush(self) -> None:
        """Ask that what was written gets to its destination; the stream is ready again once it has."""

    def is_ready(self) -> bool:
        """Ready when bytes can be written, or when the next call would report the end."""
        try:
            return self.check_write() > 0
        except (StreamClosed, StreamFailed):
            return True


class PipeInput(InputStream):
    """From the host to a guest: its stdin."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = bytearray()
        self._ended = False
        self._broken = False
        self._room = trio.lowlevel.ParkingLot()

    def read(self, count: int) -> Data:
        """See InputStream."""
        if not self._buffer:
            if self._ended:
                raise StreamClosed
            return b""
        data, self._buffer = take_front(self._buffer, count)
        self._room.unpark_all()
        return data

    def is_ready(self) -> bool:
        """See Source."""
        return bool(self._buffer) or self._ended

    @property
    def available(self) -> int:
        """Bytes that can be read now."""
        return len(self._buffer)

    def offer(self, data: memoryview) -> memoryview:
        """Give the guest what there is room for; returns the rest. Raises as `send` does."""
        if self._broken:
            raise trio.BrokenResourceError("the process has ended")
        if self._ended:
            raise trio.ClosedResourceError("stdin is closed")
        room = PIPE_CAPACITY - len(self._buffer)
        if room > 0:
            self._buffer += data[:room]
            self.notify()
        return data[max(0, room) :]

    async def send(self, data: bytes) -> None:
        """Give the guest bytes; waits while its buffer is full.

        Raises BrokenResourceError when the guest is gone, ClosedResourceError after `end`. If cancelled, some of the
        data may have been given.
        """
        rest = memoryview(data)
        await trio.lowlevel.checkpoint()
        while rest := self.offer(rest):
            await self._room.park()

    def end(self) -> None:
        """No more bytes: the guest reads the rest, then the end."""
        self._ended = True
        self._room.unpark_all()
        self.notify()

    def break_(self) -> None:
        """The guest is gone: whoever sends is told."""
        self._broken = True
        self._buffer.clear()
        self._room.unpark_all()


class PipeOutput(OutputStream):
    """From a guest to the host: its stdout or stderr."""

    def __init__(self, arrived: trio.lowlevel.ParkingLot | None = None) -> None:
        super().__init__()
        self._buffer = bytearray()
        self.ended = False
        """The guest is gone; the rest may not have been received yet."""
        self._arrived = trio.lowlevel.ParkingLot() if arrived is None else arrived

    def check_write(self) -> int:
        """See OutputStream."""
        return PIPE_CAPACITY - len(self._buffer)

    def write(self, data: Data) -> None:
        """See OutputStream."""
        self._buffer += data
        self._arrived.unpark_all()

    async def receive(self) -> bytes:
        """What the guest has written since the last call; `b""` once it has ended. Cancellation loses nothing."""
        if self._buffer or self.ended:
            await trio.lowlevel.checkpoint()
        while not self._buffer:
            if self.ended:
                return b""
            await self._arrived.park()
        return self.take()

    def take(self) -> bytes:
        """As `receive`, but `b""` where there is nothing yet."""
        data = bytes(self._buffer)
        if data:
            self._buffer.clear()
            self.notify()
        return data

    def end(self) -> None:
        """The guest is gone: the reader gets the rest, then the end."""
        self.ended = True
        self._arrived.unpark_all()
