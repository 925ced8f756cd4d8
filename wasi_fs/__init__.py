"""The virtual filesystem of a VM: one inode tree that all its guests share, kept in a backend chunk by chunk.

    filesystem  the face: POSIX operations on paths and handles
    handles     open files and directories
    resolve     paths and links
    paths       and back, from an inode to its path
    checks      what must hold before names and inodes are changed
    values      what must hold of numbers and names that are given
    sealing     what the host has put into a tree, and nobody else changes
    bulk        operations on whole subtrees

    tree        inodes and names: as they are kept, and as they have changed since
    inode       one inode in memory
    records     inodes as they are kept
    content     what the files hold
    shared      what all trees keep of it together
    device      one of /dev
    devices     all of it
    proc/       /proc
    mounts/     host directories in the tree
    base/       the base system beneath it

    memory      what of a tree is in memory
    kept        what it is kept by
    changes     how changes are handed over to be kept
    backend     the seam: what a tree asks of the place where it is kept
    errors      FsError and its codes

Pure, synchronous, and of the standard library and attrs alone: it knows neither guests nor the runtime. The package
`runtime.wasi.filesystem` shows a tree to guests, `runtime.store` keeps it.
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
from wasi_fs.base import Base
from wasi_fs.content import DIRTY_LIMIT, Cut, cut
from wasi_fs.errors import FsCode, FsError
from wasi_fs.filesystem import FileSystem
from wasi_fs.handles import DirEntry, OpenDirectory, OpenFile
from wasi_fs.inode import Stat
from wasi_fs.tree import Limits
from wasi_fs.values import Mount

__all__ = [
    "CHUNK_SIZE",
    "DIRTY_LIMIT",
    "ROOT_INO",
    "Backend",
    "Base",
    "Changes",
    "ChunkWrite",
    "Cut",
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
    "cut",
]
