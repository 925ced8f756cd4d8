"""Inodes in memory: attributes, and what of a directory or a file is not saved yet.

A directory caches dentries, a file holds its unsaved chunks; both keep two generations of unsaved state: what the next
change set will carry, and (`flight*`) what the one under way carries, so that reads stay right whether or not the backend
shows it already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from wasi_fs.backend import Dentry, FileType, InodeRecord
from wasi_fs.errors import FsCode, FsError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from wasi_fs.devices import Devices
    from wasi_fs.mounts.tree import HostTree

NO_CUT: Final = 1 << 62
"""A chunk index that no file reaches: nothing is cut."""

NO_NAMES: Final[AbstractSet[str]] = frozenset()
"""What most directories have for their unsaved names, so that a clean inode is one object."""

PERMISSIONS: Final = 0o7777
"""The bits of `mode` that chmod can set."""


class Stat(NamedTuple):
    """What stat tells of an inode. Times are nanoseconds since 1970."""

    ino: int
    type: FileType
    mode: int
    """Permission bits, without the type."""
    nlink: int
    size: int
    """Bytes; of a directory the number of its entries."""
    atime: int
    mtime: int
    ctime: int
    read_only: bool


class Inode:
    """What all types of inode share; the fields are those of `InodeRecord`."""

    __slots__ = (
        "allocated",
        "atime",
        "ctime",
        "ino",
        "mode",
        "mtime",
        "nlink",
        "opens",
        "persisted",
        "read_only",
        "size",
        "used",
    )
    type: ClassVar[FileType]
    mount: HostTree | Devices | None = None
    """The mounted host directory that this is in, or the devices that this is one of; None: the VM's own tree."""

    def __init__(self, ino: int, mode: int, nlink: int, now: int) -> None:
        self.ino = ino
        self.mode = mode
        self.nlink = nlink
        self.size = 0
        self.allocated = 0
        self.atime = self.mtime = self.ctime = now
        self.read_only = False
        self.opens = 0
        """Open handles; the inode stays in memory while there are any."""
        self.persisted = False
        """The backend may know this inode."""
        self.used = True
        """Touched since the cache was last trimmed (second-chance replacement)."""

    def refresh(self) -> None:
        """Have the attributes of this moment, which the VM's inodes always have."""

    def stat(self) -> Stat:
        """The attributes."""
        return Stat(
            self.ino, self.type, self.mode, self.nlink, self.size, self.atime, self.mtime, self.ctime, self.read_only
        )

    def record(self) -> InodeRecord:
        """The attributes as they are kept."""
        return InodeRecord(
            self.ino,
            self.type,
            self.mode,
            self.nlink,
            self.size,
            self.allocated,
            self.atime,
            self.mtime,
            self.ctime,
            self.parent if isinstance(self, Directory) else 0,
            self.target if isinstance(self, Symlink) else None,
            self.read_only,
        )


class Directory(Inode):
    """A directory with the dentries that are known so far."""

    __slots__ = ("changed", "children", "flight_changed", "listed", "parent")
    type = FileType.DIRECTORY

    def __init__(self, ino: int, mode: int, now: int, parent: int) -> None:
        super().__init__(ino, mode, 2, now)
        self.parent = parent
        self.children: dict[str, Dentry | None] = {}
        """Known names; None: known to be absent."""
        self.listed = True
        """`children` is complete: a name that is not in it does not exist."""
        self.changed: AbstractSet[str] = NO_NAMES
        """Names set or removed since the last change set; they are in `children` unless that is complete without them."""
        self.flight_changed: AbstractSet[str] = NO_NAMES
        """The same for the change set under way."""

    def change(self, *names: str) -> None:
        """Count names to those that have changed."""
        if isinstance(self.changed, set):
            self.changed.update(names)
        else:
            self.changed = set(names)


class File(Inode):
    """A regular file with its unsaved chunks.

    A chunk is looked for in `dirty`; then, below index `cut`, in `flight`; then, below `flight_cut`, in the backend.
    """

    __slots__ = ("cut", "dirty", "flight", "flight_cut", "version")
    type = FileType.REGULAR

    def __init__(self, ino: int, mode: int, now: int) -> None:
        super().__init__(ino, mode, 0, now)
        self.dirty: dict[int, bytearray] = {}
        self.cut = 0
        self.flight: dict[int, bytearray] = {}
        self.flight_cut = NO_CUT
        self.version: int | None = None
        """A number that only the content of this moment has; None: nobody has asked for one since the content has changed."""


class Symlink(Inode):
    """A symbolic link."""

    __slots__ = ("target",)
    type = FileType.SYMLINK

    def __init__(self, ino: int, now: int, target: str) -> None:
        super().__init__(ino, 0o777, 0, now)
        self.target = target


def from_record(record: InodeRecord) -> Inode:
    """The clean inode that a backend's record describes. FsError(IO) for a record that cannot be."""
    node: Inode
    if record.type == FileType.DIRECTORY:
        node = directory = Directory(record.ino, record.mode, record.ctime, record.parent)
        directory.listed = False
    elif record.type == FileType.SYMLINK:
        if not record.target:
            raise FsError(FsCode.IO, f"symlink {record.ino} has no target")
        node = Symlink(record.ino, record.ctime, record.target)
    else:
        node = file = File(record.ino, record.mode, record.ctime)
        file.cut = NO_CUT
    take_attributes(node, record)
    node.persisted = True
    return node


def take_attributes(node: Inode, record: InodeRecord) -> None:
    """Set what all types of inode share to what the record says."""
    node.mode = record.mode
    node.nlink = record.nlink
    node.size = record.size
    node.allocated = record.allocated
    node.atime = record.atime
    node.mtime = record.mtime
    node.ctime = record.ctime
    node.read_only = record.read_only
