"""Pipes between processes: 64 KiB, then the writer waits; the end when nobody writes, EPIPE when nobody reads."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Final

from runtime.posix.descriptions import ATOMIC, Description, How, Ready, portion
from runtime.posix.errnos import Errno, PosixError
from runtime.wasi.streams import take_front

if TYPE_CHECKING:
    from runtime.wasi.streams import Data

CAPACITY: Final = 64 * 1024
"""Bytes that were written to a pipe and not read yet; then the writer waits. Linux's."""

MAX_PIPES: Final = 1024
"""Of a VM at a time, with 64 KiB each at most: as many as there are processes by default, in pipelines or not."""


class Pipes:
    """How many pipes a VM has."""

    def __init__(self) -> None:
        self._count = 0

    def make(self, flags: int) -> tuple[PipeReader, PipeWriter]:
        """A new pipe's two ends; `flags`: NO_WAIT. PosixError ENFILE."""
        if self._count >= MAX_PIPES:
            raise PosixError(Errno.ENFILE)
        self._count += 1
        pipe = _Pipe(self)
        pipe.reader = PipeReader(pipe, How.READ | flags)
        pipe.writer = PipeWriter(pipe, How.WRITE | flags)
        pipe.writer.ino = pipe.reader.ino
        return pipe.reader, pipe.writer

    def gone(self) -> None:
        """Both ends of a pipe are closed."""
        self._count -= 1


class _Pipe:
    reader: PipeReader
    writer: PipeWriter

    def __init__(self, pipes: Pipes) -> None:
        self.buffer = bytearray()
        self.read_from = self.written_to = True
        self._pipes = pipes

    def closed(self) -> None:
        if not (self.read_from or self.written_to):
            self._pipes.gone()


class PipeReader(Description):
    """The end that is read from."""

    mode = stat.S_IFIFO | 0o600

    def __init__(self, pipe: _Pipe, flags: int) -> None:
        super().__init__(flags)
        self._pipe = pipe

    def close(self) -> None:
        """See Description: writers are told."""
        self._pipe.read_from = False
        self._pipe.buffer.clear()
        self._pipe.writer.notify()
        self._pipe.closed()

    def read(self, size: int) -> Data | None:
        """See Description."""
        pipe = self._pipe
        if not size:
            return b""
        if not pipe.buffer:
            return None if pipe.written_to else b""
        data, pipe.buffer = take_front(pipe.buffer, size)
        pipe.writer.notify()
        return data

    def ready(self) -> int:
        """See Description."""
        pipe = self._pipe
        return (Ready.IN if pipe.buffer else 0) | (0 if pipe.written_to else Ready.HANG_UP)

    def waiting(self) -> int:
        """See Description."""
        return len(self._pipe.buffer)


class PipeWriter(Description):
    """The end that is written to."""

    mode = stat.S_IFIFO | 0o600

    def __init__(self, pipe: _Pipe, flags: int) -> None:
        super().__init__(flags)
        self._pipe = pipe

    def close(self) -> None:
        """See Description: readers get the rest, then the end."""
        self._pipe.written_to = False
        self._pipe.reader.notify()
        self._pipe.closed()

    def write(self, data: Data) -> int | None:
        """See Description."""
        if not (count := portion(len(data), self.room())):
            return None if data else 0
        self.put(memoryview(data)[:count])
        return count

    def put(self, data: Data) -> None:
        """See Description."""
        self.room()
        self._pipe.buffer += data
        self._pipe.reader.notify()

    def room(self) -> int:
        """See Description."""
        if not self._pipe.read_from:
            raise PosixError(Errno.EPIPE)
        return CAPACITY - len(self._pipe.buffer)

    def ready(self) -> int:
        """See Description."""
        if not self._pipe.read_from:
            return Ready.OUT | Ready.ERROR
        return Ready.OUT if self.room() >= ATOMIC else 0
