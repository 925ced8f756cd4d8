"""/dev: the devices that programs expect, in every tree, and in no backend.

The directory is there as long as the VM has nothing of its own under that name. Who makes something in it makes it a
directory of the VM, where the devices are found beside what the VM has put there; what it has under a device's name hides
the device. Their names cannot be taken away (EBUSY), and nothing is moved or linked into the directory as long as it is not
the VM's own (EXDEV): on Linux, too, it is a filesystem of its own.

What a program has open as its standard streams only its host functions know (`runtime.wasi.filesystem.devices`): for
everybody else those devices can be seen, and neither read nor written (ENXIO).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasi_fs.backend import ROOT_INO, Dentry, page_of
from wasi_fs.device import DESCRIPTORS, FIRST_INO, KINDS, LAST_INO, NAME, STANDARD, Device, DeviceDirectory, Kind
from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import Directory
from wasi_fs.values import check_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from wasi_fs.backend import Data, FileType
    from wasi_fs.content import Contents
    from wasi_fs.inode import File, Inode
    from wasi_fs.tree import Tree

MAX_READ: Final = 1024 * 1024
"""Bytes that one read takes out of a device without an end: as much as of a file."""

MAX_RANDOM_READ: Final = 128 * 1024
"""The same for random bytes, which take the processor's time: 1 to 2 ms of the event loop."""


class Devices:
    """The devices of one tree; what `HostTree` is for a mounted directory. All raise FsError."""

    fixed: Final = True
    """Nothing of it is moved or removed."""
    confines: Final = False
    """It has no symlinks."""

    def __init__(self, tree: Tree, contents: Contents, random: Callable[[int], bytes] | None) -> None:
        self._tree = tree
        self._absent = random is None
        self.contents = DeviceContents(contents, random or bytes)
        numbers = iter(range(FIRST_INO, LAST_INO))
        self.top = DeviceDirectory(next(numbers), self)
        self._fd = DeviceDirectory(next(numbers), self)
        self._descriptors: dict[str, Inode] = {
            name: Device(next(numbers), kind, self) for name, kind in DESCRIPTORS.items()
        }
        self._devices: dict[str, Inode] = {
            "fd": self._fd,
            **{name: Device(next(numbers), kind, self) for name, kind in KINDS.items()},
        }
        self.top.size, self.top.nlink = len(self._devices), 3
        self._fd.size = len(self._descriptors)

    # What the VM's own directories show of it

    def beside(self, directory: Directory, name: str) -> Inode | None:
        """What stands for a name of which one of the VM's own directories has nothing itself."""
        return self._beside(directory).get(name)

    def entries_beside(self, directory: Directory) -> dict[str, Dentry]:
        """All that one of the VM's own directories shows under a name of which it has nothing itself."""
        return {name: Dentry(node.ino, node.type) for name, node in self._beside(directory).items()}

    def _beside(self, directory: Directory) -> dict[str, Inode]:
        if self._absent:
            return {}
        if directory is self._tree.root:
            return {NAME: self.top}
        if directory.parent == ROOT_INO and directory is self._own():
            return self._devices
        return {}

    def _own(self) -> Directory | None:
        """The VM's own /dev."""
        node = self._tree.own(self._tree.root, NAME)
        return node if isinstance(node, Directory) and node.ino not in self._tree.mounts else None

    # As HostTree

    def begin(self) -> None:
        """See `Tree.begin`."""
        self._tree.begin()

    def enter(self, directory: Directory) -> Directory:
        """A directory that was opened earlier."""
        return directory

    def is_top(self, directory: Directory) -> bool:
        """It is /dev itself."""
        return directory is self.top

    def lookup(self, directory: Directory, name: str) -> Inode | None:
        """What `name` stands for; None if nothing. A handle of /dev leads to what that is now. FsError(NAME_TOO_LONG)."""
        check_name(name)
        if directory is self._fd:
            return self._descriptors.get(name)
        own = self._own()
        return self._devices.get(name) if own is None else self._tree.lookup(own, name)

    def parent(self, directory: Directory) -> Directory:
        """The directory above."""
        return self._tree.root if directory is self.top else self._own() or self.top

    def entries(self, directory: Directory) -> list[tuple[str, Dentry]]:
        """All names with what they stand for, in the order of their bytes."""
        names = self._descriptors if directory is self._fd else self._devices
        own = None if directory is self._fd else self._own()
        found = {name: Dentry(node.ino, node.type) for name, node in names.items()}
        return sorted((found if own is None else {**found, **dict(self._tree.entries(own))}).items())

    def entries_after(
        self, directory: Directory, after: str, count: int
    ) -> tuple[list[tuple[str, int, FileType]], str | None]:
        """As `Backend.entries_after`."""
        return page_of(self.entries(directory), after, count)

    def make_file(self, directory: Directory, name: str, mode: int) -> File:
        """Make an empty file in the VM's own /dev. FsError(READ_ONLY, INSUFFICIENT_SPACE)."""
        return self._tree.make_file(self._made(directory), name, mode)

    def make_directory(self, directory: Directory, name: str, mode: int) -> Directory:
        """Make a directory in the VM's own /dev. FsError(READ_ONLY, INSUFFICIENT_SPACE)."""
        return self._tree.make_directory(self._made(directory), name, mode)

    def make_symlink(self, directory: Directory, name: str, target: str) -> None:
        """Make a symlink in the VM's own /dev. FsError(READ_ONLY, INSUFFICIENT_SPACE)."""
        self._tree.make_symlink(self._made(directory), name, target)

    def _made(self, directory: Directory) -> Directory:
        """The VM's own /dev, which is made if need be, and if there is room for another name in it."""
        if directory is not self.top:
            raise FsError(FsCode.READ_ONLY, "a directory of devices")
        own = self._own()
        if own is not None:
            return own
        tree = self._tree
        if tree.entries_used + 2 > tree.limits.entries:
            raise FsError(FsCode.INSUFFICIENT_SPACE, f"the limit is {tree.limits.entries} entries")
        return tree.make_directory(tree.root, NAME, self.top.mode)

    def link(self, _directory: Directory, _name: str, _node: Inode) -> NoReturn:
        """Devices have one name."""
        raise FsError(FsCode.NOT_PERMITTED, "a device")

    def detach(self, _directory: Directory, _name: str, _node: Inode) -> NoReturn:
        """Devices stay."""
        raise FsError(FsCode.BUSY, "a device")

    def move(self, *_: object) -> NoReturn:
        """Devices stay."""
        raise FsError(FsCode.BUSY, "a device")

    def set_mode(self, _node: Inode, _mode: int) -> NoReturn:
        """Devices are as they are."""
        raise FsError(FsCode.READ_ONLY, "a device")

    def set_times(self, _node: Inode, _atime: int | None, _mtime: int | None) -> None:
        """Devices keep no times."""

    def accessed(self, _node: Inode) -> None:
        """Devices keep no times."""

    def hold(self, node: Inode, *, readable: bool = False, writable: bool = False) -> None:
        """A device is about to be opened. FsError(ACCESS, NO_SUCH_DEVICE)."""
        del readable  # of what can be written to, too: a program may ask for both, and never read
        if not isinstance(node, Device):
            return
        if node.kind is Kind.TTY:
            raise FsError(FsCode.NO_SUCH_DEVICE, "no program has a terminal")
        if (writable and node.kind is Kind.STDIN) or (not writable and node.kind in {Kind.STDOUT, Kind.STDERR}):
            raise FsError(FsCode.ACCESS, f"{node.kind} goes the other way")

    def release(self, node: Inode) -> None:
        """A handle is closed."""
        node.opens -= 1


class DeviceContents:
    """What is read from devices and becomes of what is written; as `Contents` has it for files."""

    def __init__(self, contents: Contents, random: Callable[[int], bytes]) -> None:
        self._contents = contents
        self._random = random

    def read(self, node: File, _offset: int, count: int) -> Data:
        """At most `count` bytes, and MAX_READ or MAX_RANDOM_READ. FsError(NO_SUCH_DEVICE)."""
        match _kind(node):
            case Kind.NULL:
                return b""
            case Kind.RANDOM:
                return self._random(min(count, MAX_RANDOM_READ))
            case _:
                return bytes(min(count, MAX_READ))

    def write(self, node: File, _offset: int, data: Data) -> None:
        """Forget it. FsError(INSUFFICIENT_SPACE of /dev/full, NO_SUCH_DEVICE)."""
        if _kind(node) is Kind.FULL and len(data):
            raise FsError(FsCode.INSUFFICIENT_SPACE, "/dev/full")

    def append(self, node: File, data: Data) -> int:
        """As `write`."""
        self.write(node, 0, data)
        return 0

    def identity(self, _node: File) -> None:
        """Nothing tells what will be read."""
        return

    def resize(self, _node: File, _size: int) -> NoReturn:
        """Devices have no size (ftruncate(3p): EINVAL)."""
        raise FsError(FsCode.INVALID, "a device has no size")

    def sync(self, node: File) -> None:
        """There is nothing to wait for."""

    def check_replace(self, node: File | None, size: int) -> None:
        """As for the file of the VM that a new one is."""
        if node is None:
            self._contents.check_replace(None, size)

    def check_new(self, offset: int, size: int) -> None:
        """As for the file of the VM that a new one is."""
        self._contents.check_new(offset, size)


def _kind(node: File) -> Kind:
    assert isinstance(node, Device)
    if node.kind in STANDARD or node.kind is Kind.TTY:
        raise FsError(FsCode.NO_SUCH_DEVICE, "only a program that runs has one")
    return node.kind
