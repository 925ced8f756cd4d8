"""The base system in one tree: what lies beneath which of the VM's own directories, and how that becomes the VM's own."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Final

from wasi_fs.backend import page_of
from wasi_fs.base.nodes import KINDS, BaseDirectory, entry_of
from wasi_fs.errors import FsCode, FsError
from wasi_fs.handles import list_page
from wasi_fs.inode import Directory
from wasi_fs.values import check_name

if TYPE_CHECKING:
    from typing import NoReturn

    from wasi_fs.backend import Data, Dentry, FileType
    from wasi_fs.base.layer import Base, Digest, Entry
    from wasi_fs.base.nodes import BaseNode
    from wasi_fs.content import Contents
    from wasi_fs.inode import File, Inode
    from wasi_fs.tree import Tree

COPIED_BYTES: Final = 1024 * 1024
"""Of a file of the base that is written to, which copies it first, in a millisecond. Texts have less; programs are replaced."""


class BaseTree:
    """What a base is to one tree; as `Foreign`. All raise FsError."""

    fixed: Final = True
    """Nothing of it is moved or removed."""
    confines: Final = False
    """Its symlinks lead through the VM."""

    def __init__(self, tree: Tree, contents: Contents, base: Base) -> None:
        self._tree = tree
        self.base = base
        self.contents = BaseContents(contents)
        self._nodes: dict[int, BaseNode] = {}
        self._root = weakref.ref(base.root)
        """Of the base as it was when one of these was last looked for."""

    # What the VM's own directories show of it

    def beside(self, directory: Directory, name: str) -> Inode | None:
        """What stands for a name of which one of the VM's own directories has nothing itself."""
        if name not in self.base.names:
            return None
        entry = self._under(directory)
        return None if entry is None else self._child(entry, name)

    def entries_beside(self, directory: Directory) -> dict[str, Dentry]:
        """All that lies under one of the VM's own directories, be it covered or not."""
        entry = self._under(directory)
        return {} if entry is None else entry.dentries

    def _under(self, directory: Directory) -> Entry | None:
        """The base's directory under one of the VM's own."""
        tree = self._tree
        if not self.base.names or directory.nlink == 0:
            return None
        chain: list[Directory] = []
        while directory is not tree.root:
            if len(chain) == self.base.depth:
                return None
            chain.append(directory)
            directory = tree.parent(directory)
        entry: Entry | None = self.base.root
        for own in reversed(chain):
            assert entry is not None
            entry = next((below for name, below in entry.ways.items() if tree.own(directory, name) is own), None)
            if entry is None:
                return None
            directory = own
        return entry

    def _over(self, directory: Directory) -> Directory | None:
        """The VM's own directory over one of the base; None if it has none."""
        tree = self._tree
        node: Inode | None = tree.root
        for name in entry_of(directory).way:
            if not isinstance(node, Directory):
                return None
            node = tree.own(node, name)
            if node is not None and node.ino in tree.mounts:
                return None
        return node if isinstance(node, Directory) else None

    def _child(self, entry: Entry, name: str) -> BaseNode | None:
        child = entry.children.get(name)
        return None if child is None else self._node(child)

    def _node(self, entry: Entry) -> BaseNode:
        if self._root() is not self.base.root:  # what nobody has open goes, and with it the host's files
            self._root = weakref.ref(self.base.root)
            self._nodes.clear()
        node = self._nodes.get(entry.ino)
        if node is None or node.entry is not entry:
            node = self._nodes[entry.ino] = KINDS[entry.type](entry, self)
        return node

    # What becomes the VM's own

    def own_directory(self, directory: Directory, *, names: int = 1) -> Directory:
        """The VM's own directory in the place of one of the base, made if need be, and if there is room for `names` in it.

        FsError(INSUFFICIENT_SPACE, NO_ENTRY where something else of the VM's own is in the way by now).
        """
        tree = self._tree
        way = entry_of(directory).way
        above, missing = tree.root, 0
        for position, name in enumerate(way):
            node = tree.own(above, name)
            if node is None:
                missing = len(way) - position
                break
            if not isinstance(node, Directory) or node.ino in tree.mounts:
                raise FsError(FsCode.NO_ENTRY, f"/{'/'.join(way)} is covered")
            above = node
        self._check_entries(missing + names)
        entry = self.base.root
        for position, name in enumerate(way):
            entry = entry.children.get(name, entry_of(directory))
            if position >= len(way) - missing:
                above = tree.make_directory(above, name, entry.mode)
        return above

    def own_file(self, directory: Directory, name: str, node: Inode, *, emptied: bool = False) -> File:
        """A file of the VM's own with the content of the base's file `node`, or none if `emptied`, and in its place.

        FsError(READ_ONLY for more than `COPIED_BYTES`, INSUFFICIENT_SPACE).
        """
        content = entry_of(node).content
        size = 0 if emptied or content is None else content.size
        if size > COPIED_BYTES:
            raise FsError(
                FsCode.READ_ONLY, f"{name} of the base system is not copied to be changed: put a file in its place"
            )
        self.contents.check_replace(None, size)
        data = content.read(0, size) if content is not None and size else b""
        if directory.mount is self:
            directory = self.own_directory(directory)
        file = self._tree.make_file(directory, name, node.mode)
        self.contents.of_the_vm.write(file, 0, data)
        return file

    def _check_entries(self, count: int) -> None:
        limits = self._tree.limits
        if self._tree.entries_used + count > limits.entries:
            raise FsError(FsCode.INSUFFICIENT_SPACE, f"the limit is {limits.entries} entries")

    # As Foreign

    def begin(self) -> None:
        """See `Tree.begin`."""
        self._tree.begin()

    def enter(self, directory: Directory) -> Directory:
        """What a directory that was opened earlier is now: the VM's own, if it has become that."""
        return self._over(directory) or directory

    def is_top(self, _directory: Directory) -> bool:
        """Its directories are no mount's."""
        return False

    def lookup(self, directory: Directory, name: str) -> Inode | None:
        """What `name` stands for; None if nothing. FsError(NAME_TOO_LONG)."""
        check_name(name)
        return self._child(entry_of(directory), name)

    def parent(self, directory: Directory) -> Directory:
        """The directory above."""
        entry = self.base.root
        for name in entry_of(directory).way[:-1]:
            entry = entry.ways.get(name, self.base.root)
        if entry is self.base.root:
            return self._tree.root
        above = self._node(entry)
        assert isinstance(above, BaseDirectory)
        return self._over(above) or above

    def entries(self, directory: Directory) -> list[tuple[str, Dentry]]:
        """All names with what they stand for, in the order of their bytes."""
        found = entry_of(directory).dentries
        own = self._over(directory)
        return sorted((found if own is None else {**found, **dict(self._tree.entries(own))}).items())

    def entries_after(
        self, directory: Directory, after: str, count: int
    ) -> tuple[list[tuple[str, int, FileType]], str | None]:
        """As `Backend.entries_after`."""
        own = self._over(directory)
        if own is not None:
            listed, until = list_page(self._tree, own, after, count)
            return [(entry.name, entry.ino, entry.type) for entry in listed], until
        return page_of(self.entries(directory), after, count)

    def make_file(self, directory: Directory, name: str, mode: int) -> File:
        """Make an empty file in the VM's own directory. FsError(INSUFFICIENT_SPACE)."""
        return self._tree.make_file(self.own_directory(directory), name, mode)

    def make_directory(self, directory: Directory, name: str, mode: int) -> Directory:
        """Make a directory in the VM's own directory. FsError(INSUFFICIENT_SPACE)."""
        return self._tree.make_directory(self.own_directory(directory), name, mode)

    def make_symlink(self, directory: Directory, name: str, target: str) -> None:
        """Make a symlink in the VM's own directory. FsError(INSUFFICIENT_SPACE)."""
        self._tree.make_symlink(self.own_directory(directory), name, target)

    def link(self, _directory: Directory, _name: str, _node: Inode) -> NoReturn:
        """Files of the base get no other names."""
        raise _refusal()

    def detach(self, _directory: Directory, _name: str, _node: Inode) -> NoReturn:
        """What is in the base stays."""
        raise _refusal()

    def move(self, *_: object) -> NoReturn:
        """What is in the base stays."""
        raise _refusal()

    def set_mode(self, node: Inode, mode: int) -> None:
        """Have a directory of the VM's own with that mode. FsError(READ_ONLY for what is none)."""
        self._tree.set_mode(self._own_of(node), mode)

    def set_times(self, node: Inode, atime: int | None, mtime: int | None) -> None:
        """Have a directory of the VM's own with those times. FsError(READ_ONLY for what is none)."""
        self._tree.set_times(self._own_of(node), atime, mtime)

    def _own_of(self, node: Inode) -> Directory:
        if not isinstance(node, BaseDirectory):
            raise _refusal()
        return self.own_directory(node, names=0)

    def accessed(self, _node: Inode) -> None:
        """The base keeps no access times."""

    def hold(self, node: Inode, *, readable: bool = False, writable: bool = False) -> None:
        """It is about to be opened."""

    def release(self, node: Inode) -> None:
        """A handle is closed."""
        node.opens -= 1


class BaseContents:
    """What is read from files of the base; as `Contents` has it for those of the VM."""

    def __init__(self, of_the_vm: Contents) -> None:
        self.of_the_vm = of_the_vm

    def read(self, node: File, offset: int, count: int) -> Data:
        """At most `count` bytes from `offset`, fewer only at the end of the file. FsError(IO)."""
        content = entry_of(node).content
        count = min(count, node.size - offset)
        return content.read(offset, count) if content is not None and count > 0 else b""

    def write(self, _node: File, _offset: int, _data: Data) -> NoReturn:
        """It is read-only."""
        raise _refusal()

    def append(self, _node: File, _data: Data) -> NoReturn:
        """It is read-only."""
        raise _refusal()

    def resize(self, _node: File, _size: int) -> NoReturn:
        """It is read-only."""
        raise _refusal()

    def identity(self, node: File) -> Digest | None:
        """The digest of its content, in whichever tree."""
        content = entry_of(node).content
        return None if content is None else content.digest

    def sync(self, node: File) -> None:
        """There is nothing to wait for."""

    def check_replace(self, _node: File | None, size: int) -> None:
        """As for the file of the VM that a new one is."""
        self.of_the_vm.check_replace(None, size)

    def check_new(self, offset: int, size: int) -> None:
        """As for the file of the VM that a new one is."""
        self.of_the_vm.check_new(offset, size)


def _refusal() -> FsError:
    return FsError(FsCode.READ_ONLY, "of the base system")
