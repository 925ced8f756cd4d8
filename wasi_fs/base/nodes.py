"""Inodes of the base system, as one tree has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasi_fs.backend import ROOT_INO, FileType
from wasi_fs.base.layer import FIRST_INO, LAST_INO
from wasi_fs.inode import Directory, File, Inode, Symlink

if TYPE_CHECKING:
    from wasi_fs.base.layer import Entry
    from wasi_fs.inode import Foreign


class BaseDirectory(Directory):
    """A directory of the base. It may be changed: then it becomes one of the VM."""

    __slots__ = ("entry", "mount")
    mount: Foreign

    def __init__(self, entry: Entry, mount: Foreign) -> None:
        super().__init__(entry.ino, entry.mode, 0, ROOT_INO)
        self.entry = entry
        self.mount = mount
        self.size = len(entry.children)
        self.nlink += sum(child.type is FileType.DIRECTORY for child in entry.children.values())


class BaseFile(File):
    """A file of the base."""

    __slots__ = ("entry", "mount")
    mount: Foreign

    def __init__(self, entry: Entry, mount: Foreign) -> None:
        super().__init__(entry.ino, entry.mode, 0)
        self.entry = entry
        self.mount = mount
        self.nlink = len(entry.names)
        self.size = 0 if entry.content is None else entry.content.size
        self.read_only = True


class BaseSymlink(Symlink):
    """A symlink of the base."""

    __slots__ = ("entry", "mount")
    mount: Foreign

    def __init__(self, entry: Entry, mount: Foreign) -> None:
        super().__init__(entry.ino, 0, entry.target)
        self.entry = entry
        self.mount = mount
        self.nlink = 1
        self.size = len(entry.target.encode())
        self.read_only = True


BaseNode = BaseDirectory | BaseFile | BaseSymlink
KINDS: Final[dict[FileType, type[BaseNode]]] = {
    FileType.DIRECTORY: BaseDirectory,
    FileType.REGULAR: BaseFile,
    FileType.SYMLINK: BaseSymlink,
}


def is_of_base(node: Inode) -> bool:
    """Whether it is the base's, and not the VM's."""
    return isinstance(node, BaseNode)


def is_base_number(ino: int) -> bool:
    """Whether the number is one of a base's inodes."""
    return FIRST_INO <= ino <= LAST_INO


def entry_of(node: Inode) -> Entry:
    """What an inode of the base stands for."""
    assert isinstance(node, BaseNode)
    return node.entry
