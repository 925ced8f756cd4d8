"""Inodes as a backend keeps them."""

from __future__ import annotations

from wasi_fs.backend import FileType, InodeRecord
from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import NO_CUT, Directory, File, Inode, Symlink


def record_of(node: Inode) -> InodeRecord:
    """The attributes as they are kept."""
    return InodeRecord(
        node.ino,
        node.type,
        node.mode,
        node.nlink,
        node.size,
        node.allocated,
        node.atime,
        node.mtime,
        node.ctime,
        node.parent if isinstance(node, Directory) else 0,
        node.target if isinstance(node, Symlink) else None,
        node.read_only,
    )


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
