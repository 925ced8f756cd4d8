"""Open file descriptions (POSIX 3.258): what descriptors stand for, of one process or of several, and when it is over.

A description is counted by the descriptors that stand for it. What does not wait is answered at once; `read` and `write` answer
None where they would have to, and whoever waits is among the `waiters` until something may have changed.
"""

from __future__ import annotations

import itertools
import stat
from typing import TYPE_CHECKING, Final

from runtime.posix.errnos import Errno, PosixError
from runtime.wasi.streams import PipeInput, PipeOutput, Source, StreamClosed, StreamFailed
from wasi_fs.backend import FileType
from wasi_fs.errors import FsCode, FsError
from wasi_fs.handles import DirEntry
from wasi_fs.inode import Stat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.wasi.streams import Data, InputStream, OutputStream
    from wasi_fs.filesystem import FileSystem
    from wasi_fs.handles import OpenDirectory, OpenFile

ATOMIC: Final = 4096
"""POSIX's PIPE_BUF, in bytes: so much is written to a pipe in one piece, whoever else writes to it. Linux's."""

_NUMBERS: Final = itertools.count(1)
_DELETED: Final = " (deleted)"


class How:
    """The bits of `how`: numbers, since an enumeration takes a microsecond for each `&`."""

    READ: Final = 1
    WRITE: Final = 2
    CREATE: Final = 4
    EXCLUSIVE: Final = 8
    TRUNCATE: Final = 16
    APPEND: Final = 32
    DIRECTORY: Final = 64
    NO_FOLLOW: Final = 128
    CLOSE_ON_EXEC: Final = 256
    NO_WAIT: Final = 512

    KEPT: Final = READ | WRITE | APPEND | NO_WAIT
    """What an open file keeps of them."""
    CHANGEABLE: Final = APPEND | NO_WAIT
    """What fcntl can change of that."""


class Ready:
    """The bits of poll's events, as those of `How`."""

    IN: Final = 1
    OUT: Final = 4
    ERROR: Final = 8
    HANG_UP: Final = 16
    INVALID: Final = 32

    ALWAYS: Final = ERROR | HANG_UP | INVALID
    """What is told whether it was asked for or not."""


class Description(Source):
    """What is open. Its `waiters` are told when a read, a write or `ready` may have another answer."""

    mode: int
    """Type and permission bits."""

    def __init__(self, flags: int) -> None:
        super().__init__()
        self.flags = flags
        """READ, WRITE, APPEND, NO_WAIT."""
        self.holders = 0
        """Descriptors that stand for it."""
        self.ino = next(_NUMBERS)
        """What stat tells of a description that is no file."""
        self.on_close: Callable[[], None] | None = None
        """Called when the last descriptor is gone: gives up its lock."""

    def hold(self) -> None:
        """One descriptor more."""
        self.holders += 1

    def release(self) -> None:
        """One descriptor less; without any it is closed."""
        self.holders -= 1
        if not self.holders:
            if self.on_close is not None:
                self.on_close()
            self.close()

    def close(self) -> None:
        """The last descriptor is gone."""

    def read(self, _size: int) -> Data | None:
        """At most so many bytes, b"" at the end; None: there is nothing yet. PosixError, FsError."""
        raise PosixError(Errno.EINVAL)

    def write(self, _data: Data) -> int | None:
        """Take bytes, by copy: how many; None: there is no room yet. PosixError EPIPE where nobody reads, FsError."""
        raise PosixError(Errno.EINVAL)

    def put(self, data: Data) -> None:
        """Take all of it, room or not: for who has looked at `room` before. PosixError EPIPE, FsError."""
        self.write(data)

    def room(self) -> int | None:
        """Bytes that `put` should be given now; None: any number. PosixError EPIPE."""
        return None

    def ready(self) -> int:
        """Bits of `Ready`."""
        return Ready.IN | Ready.OUT

    def is_ready(self) -> bool:
        """See Source: of a description that goes in one direction, whether that would not wait."""
        return bool(self.ready())

    def waiting(self) -> int:
        """Bytes that can be read now (FIONREAD)."""
        return 0

    def link(self, _files: FileSystem) -> str:
        """What /proc/self/fd tells of it. FsError: the same call gets on after WOULD_BLOCK."""
        return f"pipe:[{self.ino}]"

    def stat(self) -> Stat:
        """What stat(2) tells of what is no file; `mode` has the type too."""
        return Stat(self.ino, FileType.OTHER, self.mode, 1, 0, 0, 0, 0, read_only=False)


class File(Description):
    """A file, or a device, that is open, with its offset."""

    def __init__(self, handle: OpenFile, flags: int, path: str | None) -> None:
        super().__init__(flags)
        self.handle: Final = handle
        self.path: Final = path
        """By which it was opened, as `told_path` has it; None: unknown."""
        self.offset = 0
        self.seekable: Final = handle.node.type is FileType.REGULAR

    def close(self) -> None:
        """See Description."""
        self.handle.close()

    def read(self, size: int) -> Data:
        """See Description; never None."""
        data = self.handle.read(self.offset, size)
        if self.seekable:
            self.offset += len(data)
        return data

    def pieces(self, size: int) -> list[Data]:
        """What `read` gives, in pieces that are to be copied before anything else is done."""
        pieces = self.handle.pieces(self.offset, size)
        if self.seekable:
            self.offset += sum(map(len, pieces))
        return pieces

    def write(self, data: Data) -> int:
        """See Description; never None: all is taken."""
        if self.flags & How.APPEND:
            offset = self.handle.append(data)
        else:
            offset = self.offset
            self.handle.write(offset, data)
        if self.seekable:
            self.offset = offset + len(data)
        return len(data)

    def waiting(self) -> int:
        """See Description."""
        return max(0, self.handle.stat().size - self.offset)

    def link(self, _files: FileSystem) -> str:
        """See Description."""
        node = self.handle.node
        path = self.path or f"file:[{node.ino}]"
        return path if node.nlink else path + _DELETED


class Folder(Description):
    """A directory that is open, with its place in the listing."""

    def __init__(self, handle: OpenDirectory, flags: int, path: str | None) -> None:
        super().__init__(flags)
        self.handle: Final = handle
        self.path: Final = path
        """By which it was opened, as `told_path` has it; None: unknown."""
        self._entries: Iterator[DirEntry] | None = None
        self._put_back: DirEntry | None = None

    def close(self) -> None:
        """See Description."""
        self.handle.close()

    def read(self, _size: int) -> Data:
        """Directories are listed."""
        raise PosixError(Errno.EISDIR)

    def rewind(self) -> None:
        """List from the beginning."""
        self._entries = None
        self._put_back = None

    def listing(self, files: FileSystem) -> Iterator[DirEntry]:
        """The entries that are left, `.` and `..` first. FsError: the same call gets on after WOULD_BLOCK."""
        if self._entries is None:
            node = self.handle.node
            above = files.resolve("..", at=node)
            first = [DirEntry(".", node.type, node.ino), DirEntry("..", above.type, above.ino)]
            self._entries = itertools.chain(first, self.handle.stream())
        if (entry := self._put_back) is not None:
            self._put_back = None
            yield entry
        yield from self._entries

    def link(self, files: FileSystem) -> str:
        """See Description."""
        try:
            return files.path_of(self.handle.node)
        except FsError as error:
            if error.code is FsCode.WOULD_BLOCK:
                raise
            return (self.path or f"directory:[{self.handle.node.ino}]") + _DELETED

    def put_back(self, entry: DirEntry) -> None:
        """List it again."""
        self._put_back = entry


class HostInput(Description):
    """What the host gives the first process to read."""

    mode = stat.S_IFIFO | 0o600

    def __init__(self, stream: InputStream) -> None:
        super().__init__(How.READ)
        self._stream = stream
        self.waiters = stream.waiters

    def close(self) -> None:
        """See Description: the host is told that nobody reads any more."""
        if isinstance(self._stream, PipeInput):
            self._stream.break_()

    def read(self, size: int) -> Data | None:
        """See Description."""
        try:
            return self._stream.read(size) or (None if size else b"")
        except StreamClosed:
            return b""
        except StreamFailed:
            raise PosixError(Errno.EIO) from None

    def ready(self) -> int:
        """See Description."""
        return Ready.IN if self._stream.is_ready() else 0

    def waiting(self) -> int:
        """See Description."""
        return self._stream.available if isinstance(self._stream, PipeInput) else 0


class HostOutput(Description):
    """What the host takes from the first process and all that inherit it; it ends when the last of them lets go of it."""

    mode = stat.S_IFIFO | 0o600

    def __init__(self, stream: OutputStream) -> None:
        super().__init__(How.WRITE)
        self._stream = stream
        self.waiters = stream.waiters

    def close(self) -> None:
        """See Description: the host reads what is left, then the end."""
        if isinstance(self._stream, PipeOutput):
            self._stream.end()

    def write(self, data: Data) -> int | None:
        """See Description."""
        if not (count := portion(len(data), self.room())):
            return None if data else 0
        self.put(memoryview(data)[:count])
        return count

    def put(self, data: Data) -> None:
        """See Description."""
        try:
            self._stream.write(data)
        except (StreamClosed, StreamFailed):
            raise PosixError(Errno.EPIPE) from None

    def room(self) -> int:
        """See Description."""
        try:
            return self._stream.check_write()
        except (StreamClosed, StreamFailed):
            raise PosixError(Errno.EPIPE) from None

    def ready(self) -> int:
        """See Description."""
        try:
            return Ready.OUT if self.room() >= ATOMIC else 0
        except PosixError:
            return Ready.OUT | Ready.ERROR


def portion(size: int, room: int) -> int:
    """How much of a write goes into a pipe with so much room: up to `ATOMIC` bytes all or nothing."""
    if size <= room:
        return size
    return max(0, room) if size > ATOMIC else 0
