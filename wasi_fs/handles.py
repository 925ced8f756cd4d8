"""Open files and directories. A handle keeps its inode usable, names or not, until it is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wasi_fs.content import Contents, Cut
from wasi_fs.errors import FsCode, FsError
from wasi_fs.tree import Tree
from wasi_fs.values import check_data, check_extent, check_place

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
    from typing import Self

    from wasi_fs.backend import Data, FileType
    from wasi_fs.inode import Content, Directory, File, Foreign, Inode, Stat


PAGE_ENTRIES: Final = 1000
"""Entries that `OpenDirectory.stream` looks up at a time, which takes about a millisecond."""


class DirEntry(NamedTuple):
    """One name of a directory; `.` and `..` are never among them."""

    name: str
    type: FileType
    ino: int


class Handle:
    """An open inode; also a context manager that closes it."""

    __slots__ = ("_open", "_tree", "node")

    def __init__(self, tree: Tree | Foreign, node: Inode) -> None:
        self._tree = tree
        self._open = True
        self.node = node
        """The inode: what `at` of the path-based methods takes, if it is a directory."""
        node.opens += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stat(self) -> Stat:
        """The inode's attributes as they are now."""
        self.node.refresh()
        return self.node.stat()

    def close(self) -> None:
        """Let go of the inode; once is enough, and again does nothing."""
        if self._open:
            self._open = False
            self._tree.release(self.node)


class OpenFile(Handle):
    """An open regular file. Offsets are the caller's: there is no position."""

    __slots__ = ("_contents", "node", "readable", "writable")
    node: File

    def __init__(
        self,
        tree: Tree | Foreign,
        contents: Content,
        node: File,
        *,
        readable: bool,
        writable: bool,
    ) -> None:
        super().__init__(tree, node)
        self._contents = contents
        self.readable = readable
        self.writable = writable

    def duplicate(self) -> OpenFile:
        """A handle of its own to the same file, with the same rights."""
        return OpenFile(self._tree, self._contents, self.node, readable=self.readable, writable=self.writable)

    def read(self, offset: int, count: int) -> Data:
        """At most `count` bytes from `offset`, fewer only at the end of the file. FsError(BAD_DESCRIPTOR, INVALID)."""
        if not (self._open and self.readable):
            raise FsError(FsCode.BAD_DESCRIPTOR, "not open for reading")
        check_extent(offset, count)
        return self._contents.read(self.node, offset, count)

    def pieces(self, offset: int, count: int) -> list[Data]:
        """What `read` gives, in pieces that are to be copied before anything else is done."""
        if not isinstance(self._contents, Contents):
            return [self.read(offset, count)]
        if not (self._open and self.readable):
            raise FsError(FsCode.BAD_DESCRIPTOR, "not open for reading")
        check_extent(offset, count)
        return self._contents.pieces(self.node, offset, count)

    def identity(self) -> Hashable | None:
        """`FileSystem.identity` of the file that is open."""
        return self._contents.identity(self.node)

    def write(self, offset: int, data: Data | Cut) -> None:
        """Write all of `data` at `offset`, which may lie past the end.

        FsError(BAD_DESCRIPTOR, READ_ONLY, INVALID, FILE_TOO_LARGE, INSUFFICIENT_SPACE): nothing was written.
        """
        self._check_write()
        check_extent(offset)
        if isinstance(data, Cut):
            if isinstance(self._contents, Contents):
                self._contents.write(self.node, offset, data)
                return
            data = b"".join(data.chunks)
        check_data(data)
        self._contents.write(self.node, offset, data)

    def append(self, data: Data) -> int:
        """Write all of `data` at the end, in one step; the offset where it begins. Errors as for `write`."""
        self._check_write()
        check_data(data)
        return self._contents.append(self.node, data)

    def truncate(self, size: int) -> None:
        """Cut off, or extend by a hole. FsError(INVALID if not open for writing, READ_ONLY, FILE_TOO_LARGE)."""
        check_extent(size)
        if not self.writable:
            raise FsError(FsCode.INVALID, "not open for writing")
        self._check_write()
        self._contents.resize(self.node, size)

    def _check_write(self) -> None:
        if not (self._open and self.writable):
            raise FsError(FsCode.BAD_DESCRIPTOR, "not open for writing")
        if self.node.read_only:
            raise FsError(FsCode.READ_ONLY, "sealed by the host")


class OpenDirectory(Handle):
    """An open directory."""

    __slots__ = ("node",)
    node: Directory

    def entries(self) -> list[DirEntry]:
        """All entries as they are now, in the order of their names' bytes. FsError(BAD_DESCRIPTOR)."""
        if not self._open:
            raise FsError(FsCode.BAD_DESCRIPTOR, "closed")
        self._tree.begin()
        return list_entries(self._tree, self.node)

    def duplicate(self) -> OpenDirectory:
        """A handle of its own to the same directory."""
        return OpenDirectory(self._tree, self.node)

    def stream(self) -> Iterator[DirEntry]:
        """As `entries`, but a large directory is looked through page by page, as the caller goes on. FsError, then too.

        An error ends nothing: after WOULD_BLOCK the same call gets on.
        """
        tree, node = self._tree, self.node
        if isinstance(tree, Tree) and (not node.persisted or (node.listed and len(node.children) <= PAGE_ENTRIES)):
            return iter(self.entries())
        found, until = self.page("", PAGE_ENTRIES)
        return iter(found) if until is None else _Pages(tree, node, found, until)

    def page(self, after: str, count: int) -> tuple[list[DirEntry], str | None]:
        """Some of the entries after the name `after` ("" for the first), and where to go on; None there at the end.

        Looks at about `count` names, however many there are, but for those that are not saved yet. A name that comes or
        goes between two pages may be in them or not, as for readdir(3). FsError(BAD_DESCRIPTOR).
        """
        if not self._open:
            raise FsError(FsCode.BAD_DESCRIPTOR, "closed")
        check_place(after)
        check_extent(count)
        return list_page(self._tree, self.node, after, count)


class _Pages:
    """The entries of a large directory."""

    def __init__(self, tree: Tree | Foreign, directory: Directory, found: list[DirEntry], until: str) -> None:
        self._tree = tree
        self._directory = directory
        self._found = iter(found)
        self._until: str | None = until

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> DirEntry:
        while (entry := next(self._found, None)) is None:
            if self._until is None:
                raise StopIteration
            found, self._until = list_page(self._tree, self._directory, self._until, PAGE_ENTRIES)
            self._found = iter(found)
        return entry


def open_directory(tree: Tree, node: Directory) -> OpenDirectory:
    """A handle of a directory of the VM, or of a mount in it. FsError as for `Foreign.hold`."""
    if node.mount is None:
        return OpenDirectory(tree, node)
    node.mount.hold(node)
    return OpenDirectory(node.mount, node)


def open_file(tree: Tree, contents: Contents, node: File, *, readable: bool, writable: bool) -> OpenFile:
    """A handle of a file of the VM, or of a mount in it. FsError as for `Foreign.hold`."""
    if node.mount is None:
        return OpenFile(tree, contents, node, readable=readable, writable=writable)
    node.mount.hold(node, readable=readable, writable=writable)
    return OpenFile(node.mount, node.mount.contents, node, readable=readable, writable=writable)


def list_page(tree: Tree | Foreign, directory: Directory, after: str, count: int) -> tuple[list[DirEntry], str | None]:
    """`OpenDirectory.page`."""
    if not isinstance(tree, Tree):
        found, until = tree.entries_after(directory, after, count)
        return [DirEntry(name, kind, ino) for name, ino, kind in found], until
    tree.accessed(directory)
    if not directory.persisted:  # nothing of it is stored
        known = [entry for entry in list_entries(tree, directory) if entry.name > after]
        return known[:count], known[count - 1].name if len(known) > count else None
    stored, until = tree.backend.entries_after(directory.ino, after, count)
    unsaved = directory.changed | directory.flight_changed
    entries = {name: DirEntry(name, kind, ino) for name, ino, kind in stored if name not in unsaved}
    changed = ((name, directory.children.get(name)) for name in unsaved)
    for name, dentry in (*changed, *tree.entries_beside(directory).items()):
        if dentry is not None and after < name and (until is None or name <= until):
            entries.setdefault(name, DirEntry(name, dentry.type, dentry.ino))
    return sorted(entries.values()), until


def list_entries(tree: Tree | Foreign, directory: Directory) -> list[DirEntry]:
    """All entries of a directory, in the order of their names' bytes."""
    tree.accessed(directory)
    entries = tree.entries(directory)
    if isinstance(tree, Tree) and (beside := tree.entries_beside(directory)):
        entries = sorted({**beside, **dict(entries)}.items())
    return [DirEntry(name, dentry.type, dentry.ino) for name, dentry in entries]
