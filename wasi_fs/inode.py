"""Inodes in memory: attributes, and what of a directory or a file is not saved yet.

A directory caches dentries, a file holds its unsaved chunks; both keep two generations of unsaved state: what the next
change set will carry, and (`flight*`) what the one under way carries, so that reads stay right whether or not the backend
shows it already.

An inode knows which part of the tree it is in; what is asked of those that are not the VM's own is described here, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, Protocol

from wasi_fs.backend import Dentry, FileType

if TYPE_CHECKING:
    from collections.abc import Hashable
    from collections.abc import Set as AbstractSet

    from wasi_fs.backend import Data
    from wasi_fs.values import Mount

NO_CUT: Final = 1 << 62
"""A chunk index that no file reaches: nothing is cut."""

NO_NAMES: Final[AbstractSet[str]] = frozenset()
"""What most directories have for their unsaved names, so that a clean inode is one object."""


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
    mount: Foreign | None = None
    """The mounted host directory that this is in, or the devices, /proc or the base that it is of; None: the VM's own tree."""

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
    sized: ClassVar[bool] = True
    """Its size tells where it ends; else the first read that finds nothing does."""

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


class Content(Protocol):
    """What files hold, in one part of the tree: `Contents` for those of the VM. All raise FsError."""

    def read(self, node: File, offset: int, count: int, /) -> Data:
        """At most `count` bytes from `offset`."""
        ...

    def write(self, node: File, offset: int, data: Data, /) -> None:
        """Write all of `data` at `offset`."""
        ...

    def append(self, node: File, data: Data, /) -> int:
        """Write all of `data` at the end, in one step; the offset where it begins."""
        ...

    def identity(self, node: File, /) -> Hashable | None:
        """See `FileSystem.identity`."""
        ...

    def resize(self, node: File, size: int, /) -> None:
        """Cut the file off, or extend it by a hole."""
        ...

    def check_replace(self, node: File | None, size: int, /) -> None:
        """So many bytes may take the place of what the file holds, or be a new one's."""
        ...

    def check_new(self, offset: int, size: int, /) -> None:
        """So many bytes may be at that place of a new file."""
        ...


class ForeignContent(Content, Protocol):
    """Of files that no change set carries."""

    def sync(self, node: File, /) -> None:
        """Wait until what was written is on the disk; for a worker thread."""
        ...


class Foreign(Protocol):
    """A part of the tree that is not the VM's own: a mounted host directory, devices, /proc, the base. All raise FsError."""

    @property
    def fixed(self) -> bool:
        """Nothing of it is moved or removed."""
        ...

    @property
    def confines(self) -> bool:
        """Its symlinks lead nowhere else."""
        ...

    @property
    def contents(self) -> ForeignContent:
        """What its files hold."""
        ...

    def is_top(self, directory: Directory, /) -> bool:
        """It is the directory that all of it is in."""
        ...

    def enter(self, directory: Directory, /) -> Directory:
        """What a directory of it that was opened earlier is now."""
        ...

    def hold(self, node: Inode, /, *, readable: bool = False, writable: bool = False) -> None:
        """The inode is about to be opened."""
        ...

    def entries_after(
        self, directory: Directory, after: str, count: int, /
    ) -> tuple[list[tuple[str, int, FileType]], str | None]:
        """As `Backend.entries_after`."""
        ...

    def begin(self) -> None:
        """An operation begins."""
        ...

    def lookup(self, directory: Directory, name: str, /) -> Inode | None:
        """What `name` stands for; None if nothing."""
        ...

    def parent(self, directory: Directory, /) -> Directory:
        """The directory above, which is one of the VM for the top."""
        ...

    def entries(self, directory: Directory, /) -> list[tuple[str, Dentry]]:
        """All names with what they stand for, in the order of their bytes."""
        ...

    def make_file(self, directory: Directory, name: str, mode: int, /) -> File:
        """Make an empty file."""
        ...

    def make_directory(self, directory: Directory, name: str, mode: int, /) -> Directory:
        """Make an empty directory."""
        ...

    def make_symlink(self, directory: Directory, name: str, target: str, /) -> None:
        """Make a symlink."""
        ...

    def link(self, directory: Directory, name: str, node: Inode, /) -> None:
        """Give the inode a further name."""
        ...

    def detach(self, directory: Directory, name: str, node: Inode, /) -> None:
        """Take a name away."""
        ...

    def move(
        self, old: Directory, old_name: str, new: Directory, new_name: str, node: Inode, victim: Inode | None, /
    ) -> None:
        """Move a name to another, in place of `victim`, which is what is there."""
        ...

    def set_mode(self, node: Inode, mode: int, /) -> None:
        """Set the permission bits."""
        ...

    def set_times(self, node: Inode, atime: int | None, mtime: int | None, /) -> None:
        """Set times; None leaves one as it is."""
        ...

    def accessed(self, node: Inode, /) -> None:
        """Content was read."""
        ...

    def release(self, node: Inode, /) -> None:
        """A handle is closed."""
        ...


class Mounted(Foreign, Protocol):
    """A host directory that is mounted in the tree."""

    @property
    def mount(self) -> Mount:
        """What is mounted, and where."""
        ...

    @property
    def point(self) -> Directory:
        """The directory of the VM that it covers."""
        ...

    @property
    def read_only(self) -> bool:
        """Nothing in it can be changed."""
        ...

    @property
    def held(self) -> int:
        """Files and directories that are open."""
        ...

    def top(self) -> Directory:
        """The mounted directory as it is now. FsError(NO_DEVICE) when it is not there."""
        ...

    def take_away(self) -> None:
        """Refuse whatever comes from now on, through what is open as well."""
        ...
