"""The record that stat fills in."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from runtime.posix.numbers import BLOCK, DEVICES, MOUNTS, NO_FILE, TREE
from wasi_fs.base.nodes import is_of_base
from wasi_fs.device import is_device
from wasi_fs.proc.nodes import is_of_proc

if TYPE_CHECKING:
    from runtime.engine.abi.context import Context
    from wasi_fs.inode import Inode, Stat


_RECORD: Final = struct.Struct("<QQIIqqqqQ")


def put_record(memory: Context, to: int, found: Stat | Inode, node: Inode | None) -> None:
    """64 bytes: device, inode, mode, links, size, atime, mtime, ctime, blocks. `node` None: of what is no file."""
    if node is None:
        device = NO_FILE
    elif node.mount is None or is_of_base(node):
        device = TREE
    else:
        device = DEVICES if is_device(node.ino) or is_of_proc(node.ino) else MOUNTS
    _RECORD.pack_into(
        memory.reach(to + _RECORD.size),
        to,
        device,
        found.ino,
        found.type << 12 | found.mode,  # a FileType is what Linux has in these bits
        found.nlink,
        found.size,
        found.atime,
        found.mtime,
        found.ctime,
        0 if node is None else -(-node.allocated // BLOCK),
    )
