"""The record that stat fills in."""

from __future__ import annotations

import stat
import struct
from typing import TYPE_CHECKING, Final

from runtime.posix.numbers import BLOCK, DEVICES, MOUNTS, NO_FILE, TREE
from wasi_fs.backend import FileType
from wasi_fs.base.nodes import is_of_base
from wasi_fs.device import is_device
from wasi_fs.proc.nodes import is_of_proc

if TYPE_CHECKING:
    from wasi_fs.inode import Inode, Stat


_RECORD: Final = struct.Struct("<QQIIqqqqQ")
_TYPES: Final = {
    FileType.DIRECTORY: stat.S_IFDIR,
    FileType.REGULAR: stat.S_IFREG,
    FileType.SYMLINK: stat.S_IFLNK,
    FileType.CHARACTER: stat.S_IFCHR,
    FileType.OTHER: 0,
}


def record(found: Stat, node: Inode | None) -> bytes:
    """64 bytes: device, inode, mode, links, size, atime, mtime, ctime, blocks. `node` None: of what is no file."""
    if node is None:
        device = NO_FILE
    elif node.mount is None or is_of_base(node):
        device = TREE
    else:
        device = DEVICES if is_device(node.ino) or is_of_proc(node.ino) else MOUNTS
    blocks = 0 if node is None else -(-node.allocated // BLOCK)
    return _RECORD.pack(
        device,
        found.ino,
        _TYPES[found.type] | found.mode,
        found.nlink,
        found.size,
        found.atime,
        found.mtime,
        found.ctime,
        blocks,
    )
