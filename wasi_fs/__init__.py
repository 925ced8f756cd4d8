"""The virtual filesystem of a VM: one inode tree that all its guests share, kept in a backend chunk by chunk.

Pure and synchronous, but for `wasi_fs.wasi`, which shows the tree to guests as wasi:filesystem.
"""

from __future__ import annotations

from wasi_fs.backend import (
    CHUNK_SIZE,
    ROOT_INO,
    Backend,
    Changes,
    ChunkWrite,
    Dentry,
    DentryChange,
    FileType,
    InodeRecord,
    Usage,
)
from wasi_fs.content import DIRTY_LIMIT
from wasi_fs.errors import FsCode, FsError
from wasi_fs.filesystem import FileSystem
from wasi_fs.handles import DirEntry, OpenDirectory, OpenFile
from wasi_fs.inode import Stat
from wasi_fs.mounts import Mount
from wasi_fs.tree import Limits

__all__ = [
    "CHUNK_SIZE",
    "DIRTY_LIMIT",
    "ROOT_INO",
    "Backend",
    "Changes",
    "ChunkWrite",
    "Dentry",
    "DentryChange",
    "DirEntry",
    "FileSystem",
    "FileType",
    "FsCode",
    "FsError",
    "InodeRecord",
    "Limits",
    "Mount",
    "OpenDirectory",
    "OpenFile",
    "Stat",
    "Usage",
]
