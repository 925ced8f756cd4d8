"""One mounted host directory: its names and attributes, as `Tree` has those of the VM.

The kernel is asked for one name in one directory at a time, with the directory held open, so that no link is followed and
nothing outside is reached whatever other programs do meanwhile. Upwards and from a directory that a guest holds, the
kernel is asked where that is now: what has left the mount is not reached through it.
"""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from wasi_fs.backend import Dentry
from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import Directory, File, Inode
from wasi_fs.mounts.content import HostContents
from wasi_fs.mounts.kernel import failed
from wasi_fs.mounts.nodes import LOOK, HostDirectory, HostFile, HostNode, adopt
from wasi_fs.mounts.scan import Scan
from wasi_fs.mounts.still import check_moving
from wasi_fs.resolve import check_relative

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasi_fs.backend import FileType
    from wasi_fs.tree import Tree
    from wasi_fs.values import Mount

MAX_OPEN: Final = 128
"""Files and directories of the host that one VM holds open: each is a descriptor of the daemon."""

MAX_OPEN_OF_ALL: Final = 512
"""Files and directories of the host that all VMs hold open: a process has 1024 descriptors by default, and the daemon needs
the others for itself."""

SPECIAL_BITS: Final = 0o6000
"""Set-user-ID and set-group-ID: a program on the host with the daemon's rights, for whoever starts it there."""


def open_top(host: str) -> int:
    """A descriptor (O_PATH) of the directory with this real path. Raises OSError; ELOOP where the path is not its real one."""
    fd = os.open(host, LOOK | os.O_DIRECTORY)
    try:
        real = _where(fd) == os.fsencode(host)
    except BaseException:
        os.close(fd)
        raise
    if real:
        return fd
    # A guest may have put a link where another mount has its directory.
    os.close(fd)
    raise OSError(errno.ELOOP, "the path is not the directory's real path")


def _where(fd: int) -> bytes:
    return os.readlink(f"/proc/self/fd/{fd}".encode())  # noqa: PTH115 - as bytes


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise failed(error) from None


class HostTree:
    """A mount that is in a VM's tree. All raise FsError: the kernel's reasons, and IO once the mount was taken away."""

    fixed: Final = False
    """What is in it can be moved and removed."""
    confines: Final = True
    """Its symlinks lead nowhere else."""

    held_by_all: ClassVar[int] = 0
    """What all mounts of the process hold open."""

    def __init__(self, mount: Mount, tree: Tree, point: Directory) -> None:
        self.mount = mount
        self.read_only = mount.read_only
        self.contents = HostContents(tree)
        self.point = point
        """The directory of the VM that it covers."""
        self._tree = tree
        self._host = os.fsencode(mount.host)
        self.held = 0
        """Files and directories that are open."""
        self._gone = False

    def take_away(self) -> None:
        """Refuse whatever comes from now on, through what is open as well."""
        self._gone = self.contents.gone = True

    def begin(self) -> None:
        """An operation begins: see `Tree.begin`."""

    # Resolution

    def top(self) -> HostDirectory:
        """The mounted directory as it is now. FsError(NO_DEVICE) when it is not there."""
        self._check()
        try:
            top = adopt(self, open_top(self.mount.host), is_top=True)
        except OSError as error:
            raise FsError(
                FsCode.NO_DEVICE, f"the host directory of this mount cannot be used: {error.strerror}"
            ) from None
        assert isinstance(top, HostDirectory)
        return top

    def is_top(self, directory: Directory) -> bool:
        """It is the mounted directory itself."""
        return isinstance(directory, HostDirectory) and directory.is_top

    def enter(self, directory: Directory) -> Directory:
        """A directory that was opened earlier, and is still in the mount. FsError(NO_ENTRY)."""
        self._check()
        self._is_inside(_own(directory).fd)
        return directory

    def lookup(self, directory: Directory, name: str) -> HostNode | None:
        """What `name` stands for; None if nothing."""
        self._check()
        try:
            fd = os.open(name.encode(), LOOK, dir_fd=_own(directory).fd)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise failed(error, name) from None
        return adopt(self, fd)

    def parent(self, directory: Directory) -> Directory:
        """The directory above, which is one of the VM for the mounted one."""
        self._check()
        if self.is_top(directory):
            return self._tree.parent(self.point)
        with _telling():
            fd = os.open("..", LOOK | os.O_DIRECTORY, dir_fd=_own(directory).fd)
        try:
            is_top = self._is_inside(fd)
        except BaseException:
            os.close(fd)
            raise
        above = adopt(self, fd, is_top=is_top)
        assert isinstance(above, HostDirectory)
        return above

    def entries(self, directory: Directory) -> list[tuple[str, Dentry]]:
        """All names that are UTF-8, with what they stand for, in the order of their bytes, however long it takes."""
        scan = self._look(_own(directory))
        with _telling():
            while not scan.step():
                pass
        return [(name, Dentry(ino, kind)) for name, ino, kind in sorted(scan.unsorted())]

    def unsorted(self, directory: Directory) -> Iterator[tuple[str, int, FileType]]:
        """As `entries`, in any order. FsError(WOULD_BLOCK) until all is read, a little with each call."""
        node = _own(directory)
        scan = self._scan(node)
        node.listing = None
        return scan.unsorted()

    def entries_after(
        self, directory: Directory, after: str, count: int
    ) -> tuple[list[tuple[str, int, FileType]], str | None]:
        """As `Backend.entries_after`; one look at the directory serves for all of its pages. FsError as `unsorted`."""
        node = _own(directory)
        if not after and node.listing is not None and node.listing.served:
            node.forget_listing()
        scan = self._scan(node)
        scan.served = True
        page = scan.after(after, count)
        if len(page) == count:
            return page, page[-1][0]
        node.listing = None
        return page, None

    # Changes; the caller has checked names, types and whether the mount is read-only

    def make_file(self, directory: Directory, name: str, mode: int) -> File:
        """Make an empty file, open for its content."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        _check_mode(mode)
        self._check_room()
        with _telling():
            fd = os.open(name.encode(), flags, mode, dir_fd=_own(directory).fd)
        file = adopt(self, fd, opened=True)
        assert isinstance(file, HostFile)
        return file

    def make_directory(self, directory: Directory, name: str, mode: int) -> Directory:
        """Make an empty directory."""
        _check_mode(mode)
        with _telling():
            os.mkdir(name.encode(), mode, dir_fd=_own(directory).fd)
        made = self.lookup(directory, name)
        if not isinstance(made, HostDirectory):
            raise FsError(FsCode.IO, f"{name} was replaced while it was made")
        return made

    def make_symlink(self, directory: Directory, name: str, target: str) -> None:
        """Make a symlink, but none that is absolute: programs on the host would follow it to where no guest may look."""
        check_relative(target)
        check_moving(self.mount.host)
        with _telling():
            os.symlink(target.encode(), name.encode(), dir_fd=_own(directory).fd)

    def link(self, directory: Directory, name: str, node: Inode) -> None:
        """Give the inode a further name."""
        check_moving(self.mount.host)
        with _telling():
            os.link(_inode(node).place(), name.encode(), dst_dir_fd=_own(directory).fd, follow_symlinks=True)

    def detach(self, directory: Directory, name: str, node: Inode) -> None:
        """Take a name away; a directory's when it is empty."""
        remove = os.rmdir if isinstance(node, Directory) else os.unlink
        with _telling():
            remove(name.encode(), dir_fd=_own(directory).fd)

    def move(
        self, old: Directory, old_name: str, new: Directory, new_name: str, _node: Inode, _victim: Inode | None
    ) -> None:
        """Move a name to another, in place of what is there."""
        check_moving(self.mount.host)
        with _telling():
            os.rename(old_name.encode(), new_name.encode(), src_dir_fd=_own(old).fd, dst_dir_fd=_own(new).fd)

    def set_mode(self, node: Inode, mode: int) -> None:
        """Set the permission bits. FsError(UNSUPPORTED for a symlink, NOT_PERMITTED for set-user-ID)."""
        _check_mode(mode)
        with _telling():
            Path(_inode(node).place()).chmod(mode)

    def set_times(self, node: Inode, atime: int | None, mtime: int | None) -> None:
        """Set times; None leaves one as it is."""
        if atime is None and mtime is None:
            return
        node = _inode(node)
        node.refresh()
        times = (node.atime if atime is None else atime, node.mtime if mtime is None else mtime)
        with _telling():
            os.utime(node.place(), ns=times)

    def accessed(self, node: Inode) -> None:
        """The kernel keeps access times itself."""

    # What is open

    def hold(self, node: Inode, *, readable: bool = False, writable: bool = False) -> None:
        """The inode is about to be opened, a file for its content. FsError(INSUFFICIENT_MEMORY)."""
        self._check()
        self._check_room()
        if isinstance(node, HostFile) and not node.opened:
            self.contents.open(node, readable=readable, writable=writable)
        self._count(1)

    def release(self, node: Inode) -> None:
        """A handle is closed; with the last one the descriptor goes."""
        node.opens -= 1
        if node.opens == 0:
            _inode(node).close()
            self._count(-1)

    # Helpers

    def _check(self) -> None:
        if self._gone:
            raise FsError(FsCode.IO, "the mount was taken away")

    def _check_room(self) -> None:
        here = sum(mount.held for mount in self._tree.mounts.values())
        if here >= MAX_OPEN or HostTree.held_by_all >= MAX_OPEN_OF_ALL:
            raise FsError(FsCode.INSUFFICIENT_MEMORY, "too many files and directories of host directories are open")

    def _count(self, more: int) -> None:
        self.held += more
        HostTree.held_by_all += more

    def _is_inside(self, fd: int) -> bool:
        """Whether it is the mounted directory itself. FsError(NO_ENTRY) for one that is not in the mount."""
        with _telling():
            where = _where(fd)
        if where == self._host:
            return True
        if not where.startswith(self._host.rstrip(b"/") + b"/"):
            raise FsError(FsCode.NO_ENTRY, "the directory has left its mount")
        return False

    def _look(self, directory: HostDirectory) -> Scan:
        self._check()
        with _telling():
            return Scan(directory.fd)

    def _scan(self, directory: HostDirectory) -> Scan:
        """The look at the directory that has begun, or a new one, once it is complete."""
        if directory.listing is None:
            directory.listing = self._look(directory)
        try:
            with _telling():
                complete = directory.listing.step()
        except FsError:
            directory.forget_listing()
            raise
        if not complete:
            raise FsError(FsCode.WOULD_BLOCK, "there are more names")
        return directory.listing


def _own(directory: Directory) -> HostDirectory:
    assert isinstance(directory, HostDirectory)
    return directory


def _inode(node: Inode) -> HostNode:
    assert isinstance(node, HostNode)
    return node


def _check_mode(mode: int) -> None:
    if mode & SPECIAL_BITS:
        raise FsError(FsCode.NOT_PERMITTED, f"mode {mode:#o} on the host")
