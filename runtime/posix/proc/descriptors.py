"""/proc/PID/fd: what a process has open, as links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.posix.names import descriptor_number
from runtime.posix.proc.looking import check_access
from wasi_fs import FileType, FsCode, FsError
from wasi_fs.proc import MadeLink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runtime.posix.proc.listing import Listed
    from runtime.posix.process import PosixProcess
    from wasi_fs.proc.entries import Made


class Descriptors:
    """The directory; as `MadeDirectory`. `number` is its own, and those of its links follow it."""

    mode: Final = 0o500

    def __init__(self, process: Callable[[], PosixProcess], number: int) -> None:
        self._process = process
        self.number: Final = number

    def open(self) -> None:
        """See MadeDirectory: for those of the same command. FsError(ACCESS, NO_ENTRY)."""
        check_access(self._process())

    def entries(self) -> Iterable[Listed]:
        """See MadeDirectory."""
        table = self._process().table
        return [(str(fd), self.number + 1 + fd, FileType.SYMLINK) for fd in table.numbers()]

    def find(self, name: str) -> Made | None:
        """See MadeDirectory. FsError(ACCESS)."""
        process = self._process()
        check_access(process)
        fd = descriptor_number(name)
        if fd is None or process.table.get(fd) is None:
            return None
        return MadeLink(self.number + 1 + fd, lambda: self._target(fd))

    def _target(self, fd: int) -> str:
        process = self._process()
        description = process.table.get(fd)
        if description is None:
            raise FsError(FsCode.NO_ENTRY)
        return description.link(process.kernel.filesystem)
