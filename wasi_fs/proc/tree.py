"""/proc in one tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasi_fs.backend import Dentry, FileType, page_of
from wasi_fs.device import PROC
from wasi_fs.errors import FsCode, FsError
from wasi_fs.proc.nodes import FIRST_INO, ProcDirectory, ProcFile, node_of
from wasi_fs.values import check_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

    from wasi_fs.backend import Data
    from wasi_fs.inode import Directory, File, Inode
    from wasi_fs.proc.entries import Made, MadeDirectory
    from wasi_fs.tree import Tree


class _Top:
    """What the host has put there."""

    number: Final = 0
    mode: Final = 0o555

    def __init__(self) -> None:
        self.made: MadeDirectory | None = None

    def open(self) -> None:
        """Anybody may."""

    def entries(self) -> Iterable[tuple[str, int, FileType]]:
        """See MadeDirectory."""
        return () if self.made is None else self.made.entries()

    def find(self, name: str) -> Made | None:
        """See MadeDirectory."""
        return None if self.made is None else self.made.find(name)


class Proc:
    """See the package's docstring; as `Foreign`. What is read-only is not asked to change."""

    fixed: Final = True
    """Nothing of it is moved or removed."""
    confines: Final = False
    """Its symlinks lead through the VM."""

    def __init__(self, tree: Tree, *, absent: bool) -> None:
        self._tree = tree
        self._absent = absent
        self._made = _Top()
        self.contents = ProcContents()
        self.top = ProcDirectory(self._made, tree.root, self, 0)

    @property
    def made(self) -> MadeDirectory | None:
        """What is in it; its number is not looked at."""
        return self._made.made

    @made.setter
    def made(self, made: MadeDirectory | None) -> None:
        self._made.made = made

    # What the VM's own directories show of it

    def beside(self, directory: Directory, name: str) -> Inode | None:
        """What stands for a name of which one of the VM's own directories has nothing itself."""
        return self.top if name == PROC and self._shows(directory) else None

    def entries_beside(self, directory: Directory) -> dict[str, Dentry]:
        """All that one of the VM's own directories shows under a name of which it has nothing itself."""
        return {PROC: Dentry(self.top.ino, self.top.type)} if self._shows(directory) else {}

    def _shows(self, directory: Directory) -> bool:
        return directory is self._tree.root and not self._absent

    # As Foreign

    def begin(self) -> None:
        """See `Tree.begin`."""
        self._tree.begin()

    def enter(self, directory: Directory) -> Directory:
        """A directory that was opened earlier."""
        return directory

    def is_top(self, directory: Directory) -> bool:
        """It is /proc itself."""
        return directory is self.top

    def lookup(self, directory: Directory, name: str) -> Inode | None:
        """What `name` stands for; None if nothing. FsError(NAME_TOO_LONG), and what the host says."""
        check_name(name)
        made = _made(directory).find(name)
        return None if made is None else node_of(made, directory, self, self._tree.clock())

    def parent(self, directory: Directory) -> Directory:
        """The directory above."""
        assert isinstance(directory, ProcDirectory)
        return directory.above

    def entries(self, directory: Directory) -> list[tuple[str, Dentry]]:
        """All names with what they stand for, in the order of their bytes."""
        return sorted((name, Dentry(FIRST_INO + number, kind)) for name, number, kind in _made(directory).entries())

    def entries_after(
        self, directory: Directory, after: str, count: int
    ) -> tuple[list[tuple[str, int, FileType]], str | None]:
        """As `Backend.entries_after`."""
        return page_of(self.entries(directory), after, count)

    def hold(self, node: Inode, *, readable: bool = False, writable: bool = False) -> None:
        """It is about to be opened. FsError: what the host says."""
        del readable, writable  # what is read-only was refused before
        if isinstance(node, ProcDirectory):
            node.made.open()
        elif isinstance(node, ProcFile):
            node.make()

    def release(self, node: Inode) -> None:
        """A handle is closed."""
        node.opens -= 1

    def accessed(self, _node: Inode) -> None:
        """There are no access times."""

    def make_file(self, _directory: Directory, _name: str, _mode: int) -> NoReturn:
        """It is read-only."""
        raise _refusal()

    def make_directory(self, _directory: Directory, _name: str, _mode: int) -> NoReturn:
        """It is read-only."""
        raise _refusal()

    def make_symlink(self, _directory: Directory, _name: str, _target: str) -> NoReturn:
        """It is read-only."""
        raise _refusal()

    def link(self, _directory: Directory, _name: str, _node: Inode) -> NoReturn:
        """It is read-only."""
        raise _refusal()

    def detach(self, _directory: Directory, _name: str, _node: Inode) -> NoReturn:
        """It is read-only."""
        raise _refusal()

    def move(self, *_: object) -> NoReturn:
        """It is read-only."""
        raise _refusal()

    def set_mode(self, _node: Inode, _mode: int) -> NoReturn:
        """It is read-only."""
        raise _refusal()

    def set_times(self, _node: Inode, _atime: int | None, _mtime: int | None) -> NoReturn:
        """It is read-only."""
        raise _refusal()


class ProcContents:
    """What is read from files in /proc; as `Contents` has it for those of the VM."""

    def read(self, node: File, offset: int, count: int) -> Data:
        """At most `count` bytes from `offset`. FsError: what the host says."""
        assert isinstance(node, ProcFile)
        return node.content(offset)[offset : offset + count]

    def write(self, _node: File, _offset: int, _data: Data) -> NoReturn:
        """It is read-only."""
        raise _refusal()

    def append(self, _node: File, _data: Data) -> NoReturn:
        """It is read-only."""
        raise _refusal()

    def resize(self, _node: File, _size: int) -> NoReturn:
        """It is read-only."""
        raise _refusal()

    def identity(self, _node: File) -> None:
        """Nothing tells what will be read."""
        return

    def sync(self, node: File) -> None:
        """There is nothing to wait for."""

    def check_replace(self, _node: File | None, _size: int) -> NoReturn:
        """It is read-only."""
        raise _refusal()

    def check_new(self, _offset: int, _size: int) -> NoReturn:
        """It is read-only."""
        raise _refusal()


def _made(directory: Directory) -> MadeDirectory:
    assert isinstance(directory, ProcDirectory)
    return directory.made


def _refusal() -> FsError:
    return FsError(FsCode.READ_ONLY, "in /proc")
