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
from wasi_fs.errors import FsCode, FsError

__all__ = [
    "CHUNK_SIZE",
    "ROOT_INO",
    "Backend",
    "Changes",
    "ChunkWrite",
    "Dentry",
    "DentryChange",
    "FileType",
    "FsCode",
    "FsError",
    "InodeRecord",
    "Usage",
]
