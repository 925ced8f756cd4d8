"""Inodes of the host, each held by a descriptor, so that what was looked at is what is worked on.

The descriptor is one of O_PATH, which opens nothing: neither the device nor the FIFO that it may stand for. `/proc/self/fd`
leads from it to the inode and to nothing else, also where the name has come to stand for another one meanwhile.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from wasi_fs.backend import PERMISSIONS, FileType
from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import Directory, File, Inode, Symlink
from wasi_fs.mounts.kernel import failed, host_ino

if TYPE_CHECKING:
    from wasi_fs.inode import Mounted
    from wasi_fs.mounts.scan import Scan

LOOK: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


class HostNode(Inode):
    """What all types of host inode share. It closes its descriptor with itself."""

    __slots__ = ()  # those that differ in type have their own: Python lays out one base's only
    if TYPE_CHECKING:
        fd: int
        mount: Mounted

    def place(self) -> str:
        """The path that leads to this very inode."""
        return f"/proc/self/fd/{self.fd}"

    def refresh(self) -> None:
        """Look at the attributes again. FsError(BAD_DESCRIPTOR) after `close`."""
        try:
            self.take(os.fstat(self.fd))
        except OSError as error:
            raise failed(error) from None

    def take(self, status: os.stat_result) -> None:
        """Have these attributes."""
        self.ino = host_ino(status.st_dev, status.st_ino)
        self.mode = status.st_mode & PERMISSIONS
        self.nlink = status.st_nlink
        self.size = status.st_size
        self.allocated = status.st_blocks * 512  # which they are counted in
        self.atime = status.st_atime_ns
        self.mtime = status.st_mtime_ns
        self.ctime = status.st_ctime_ns

    def close(self) -> None:
        """Give the descriptor back; idempotent."""
        fd, self.fd = self.fd, -1  # type: ignore[misc] # the slot is in each type
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        self.close()


class HostDirectory(HostNode, Directory):
    """A directory of the host."""

    __slots__ = ("fd", "is_top", "listing", "mount")
    is_top: bool
    """It is the mount's own directory."""
    listing: Scan | None
    """What `HostTree.entries_after` goes on from."""

    def forget_listing(self) -> None:
        """Look at the names anew the next time."""
        if self.listing is not None:
            self.listing.close()
            self.listing = None

    def close(self) -> None:
        """See HostNode."""
        super().close()
        self.forget_listing()


class HostFile(HostNode, File):
    """A regular file of the host."""

    __slots__ = ("fd", "mount", "opened")
    opened: bool
    """The descriptor is one for content."""


class HostSymlink(HostNode, Symlink):
    """A symbolic link of the host."""

    __slots__ = ("fd", "mount")

    @property
    def target(self) -> str:  # type: ignore[override] # nobody sets one
        """The target, read when it is asked for. FsError(ILLEGAL_BYTE_SEQUENCE) where it is not UTF-8."""
        try:
            return os.readlink(b"", dir_fd=self.fd).decode()
        except UnicodeDecodeError:
            raise FsError(FsCode.ILLEGAL_BYTE_SEQUENCE, "the symlink's target is not UTF-8") from None
        except OSError as error:
            raise failed(error) from None


class HostOther(HostNode):
    """A device, FIFO or socket: to be seen, renamed and removed, never opened."""

    __slots__ = ("fd", "mount")
    type = FileType.OTHER


def adopt(mount: Mounted, fd: int, *, is_top: bool = False, opened: bool = False) -> HostNode:
    """The inode behind a descriptor, which is the node's from now on. FsError."""
    try:
        status = os.fstat(fd)
    except OSError as error:
        os.close(fd)
        raise failed(error) from None
    kind = stat.S_IFMT(status.st_mode)
    node: HostNode
    if kind == stat.S_IFDIR:
        node = directory = HostDirectory.__new__(HostDirectory)
        directory.is_top = is_top
        directory.listing = None
        directory.children = {}  # nothing is kept of it: `Tree.lookup` asks the mount
    elif kind == stat.S_IFREG:
        node = file = HostFile.__new__(HostFile)
        file.opened = opened
    elif kind == stat.S_IFLNK:
        node = HostSymlink.__new__(HostSymlink)
    else:
        node = HostOther.__new__(HostOther)
    node.fd = fd
    node.mount = mount
    node.read_only = mount.read_only
    node.opens = 0
    node.take(status)
    return node
