"""What files of a mount hold: read and written in place, outside the quotas of the VM.

A file's descriptor is turned from one that stands for the inode into one for its content when it is opened, by way of
`/proc/self/fd`: what is opened is what was looked at, a regular file.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from wasi_fs.errors import FsCode, FsError
from wasi_fs.mounts.kernel import failed
from wasi_fs.mounts.nodes import HostFile

if TYPE_CHECKING:
    from collections.abc import Hashable

    from wasi_fs.backend import Data
    from wasi_fs.inode import File
    from wasi_fs.tree import Tree

_OPEN: Final = os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
"""O_NONBLOCK: a lease of another program is not waited for."""

MAX_OFFSET: Final = (1 << 63) - 1
"""The last offset in a file that the kernel has a number for (`off_t`)."""

SETTLED_NS: Final = 2_000_000_000
"""A change that follows another so soon may leave the same times behind: the kernel's clock ticks every 10 ms at the most, and
some filesystems keep whole seconds, FAT two."""


class HostContents:
    """The content of the files of one mount, as `Contents` has that of the VM's."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.gone = False
        """The mount was taken away."""

    def open(self, node: HostFile, *, readable: bool, writable: bool) -> None:
        """Make the node's descriptor one for its content."""
        access = os.O_RDWR if readable and writable else os.O_WRONLY if writable else os.O_RDONLY
        try:
            fd = os.open(node.place(), access | _OPEN)
        except OSError as error:
            raise failed(error) from None
        node.close()
        node.fd, node.opened = fd, True

    def read(self, node: File, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer only at the end of the file."""
        fd = self._descriptor(node).fd
        if offset + count > MAX_OFFSET:
            return b""
        try:
            data = os.pread(fd, count, offset)
            while 0 < len(data) < count and (more := os.pread(fd, count - len(data), offset + len(data))):
                data += more
        except OSError as error:
            raise failed(error) from None
        return data

    def write(self, node: File, offset: int, data: Data) -> None:
        """Write all of `data` at `offset`. On a disk that is full, some of it may have been written."""
        self.check_replace(node, offset + len(data))
        fd = self._descriptor(node).fd
        rest = memoryview(data)
        try:
            while rest:
                written = os.pwrite(fd, rest, offset)
                offset += written
                rest = rest[written:]
        except OSError as error:
            raise failed(error) from None

    def append(self, node: File, data: Data) -> int:
        """Write all of `data` at the end, wherever other programs have moved that; the offset where it begins."""
        file = self._descriptor(node)
        file.refresh()
        self.check_replace(node, file.size + len(data))
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.pwritev(file.fd, [rest], 0, os.RWF_APPEND) :]
        except OSError as error:
            raise failed(error) from None
        file.refresh()
        return file.size - len(data)

    def identity(self, node: File) -> Hashable | None:
        """See `FileSystem.identity`; None for what has just been changed."""
        assert isinstance(node, HostFile)
        self._check()
        try:
            status = os.fstat(node.fd)
        except OSError as error:
            raise failed(error) from None
        if time.time_ns() - status.st_ctime_ns < SETTLED_NS:
            return None
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns

    def resize(self, node: File, size: int) -> None:
        """Cut the file off, or extend it by a hole."""
        self.check_replace(node, size)
        assert isinstance(node, HostFile)
        self._check()
        try:
            os.truncate(node.fd if node.opened else node.place(), size)
        except OSError as error:
            raise failed(error) from None

    def sync(self, node: File) -> None:
        """Wait until what was written is on the disk; for a worker thread."""
        try:
            os.fsync(self._descriptor(node).fd)
        except OSError as error:
            raise failed(error) from None

    def check_replace(self, _node: File | None, size: int) -> None:
        """A file may be so large: the limit of every file of the VM."""
        if size > self._tree.limits.file_size:
            raise FsError(FsCode.FILE_TOO_LARGE, f"the limit is {self._tree.limits.file_size} bytes")

    def check_new(self, offset: int, size: int) -> None:
        """A new file may be so large."""
        self.check_replace(None, offset + size)

    def _check(self) -> None:
        if self.gone:
            raise FsError(FsCode.IO, "the mount was taken away")

    def _descriptor(self, node: File) -> HostFile:
        assert isinstance(node, HostFile)
        self._check()
        if not node.opened:
            self.open(node, readable=True, writable=False)
        return node
