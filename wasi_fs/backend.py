"""The interface between a tree and the place that stores it.

The tree reads lazily through `Backend` and writes through `Changes`, one atomic step each. A backend hides whatever
lies below: layers that forks share, hashing, compression. All calls are made on the thread that owns the `FileSystem`.

Rules that both sides keep:

* Inode numbers are never used twice within a VM (nor in a fork of it): `Changes.next_ino` is kept with each commit.
* A chunk is a string of 1 to `CHUNK_SIZE` bytes at `index * CHUNK_SIZE` of a file's content. It may be shorter than
  its part of the file: what a chunk does not cover, up to the file's size, reads as zeros. No chunk reaches beyond the
  file's size.
* An inode with `nlink == 0` is an orphan: unlinked while open when it was last committed. Nobody can have it open after
  a reload, so the tree removes what `orphans()` names with its first change set.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

import attrs
import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT_INO: Final = 1
"""The inode number of the root directory, which is its own parent."""

CHUNK_SIZE: Final = 64 * 1024
"""Bytes a chunk. Small enough that an edit in a large file stores little, large enough that a row, a hash and a zstd
frame each are cheap beside the data."""


Data: TypeAlias = bytes | bytearray | memoryview
"""Content on its way: what is written is copied, and what is read nobody changes any more."""

PERMISSIONS: Final = 0o7777
"""The bits of `mode` that chmod can set."""


class FileType(IntEnum):
    """The type of an inode; the numbers are those of `d_type` in dirent.h, and what a backend stores."""

    OTHER = 0
    """A device, FIFO or socket of a mounted host directory, which is never opened; no backend stores one."""
    CHARACTER = 2
    """A device of /dev; no backend stores one."""
    DIRECTORY = 4
    REGULAR = 8
    SYMLINK = 10


STORED_TYPES: Final = frozenset({FileType.DIRECTORY, FileType.REGULAR, FileType.SYMLINK})
"""What a backend has."""


class Dentry(msgspec.Struct, frozen=True, gc=False):
    """The inode that a name in a directory stands for. A tree has many in memory, hidden from the garbage collector."""

    ino: int
    type: FileType


def page_of(
    entries: Iterable[tuple[str, Dentry]], after: str, count: int
) -> tuple[list[tuple[str, int, FileType]], str | None]:
    """`Backend.entries_after` of entries that are all at hand, in the order of their names."""
    found = [(name, dentry.ino, dentry.type) for name, dentry in entries if name > after]
    return found[:count], found[count - 1][0] if len(found) > count else None


class Usage(NamedTuple):
    """The size of a tree, as its limits count it."""

    bytes: int
    """Content: the sum of the lengths of all chunks and symlink targets, before compression."""
    entries: int
    """Names: each file, directory, symlink and further hard link. The root has none."""


@attrs.frozen
class InodeRecord:
    """An inode as it is stored: its attributes, without content and entries."""

    ino: int
    type: FileType
    mode: int
    """Permission bits, 0 to 0o7777."""
    nlink: int
    """Hard links; a directory's: 2 + its subdirectories; 0: an orphan."""
    size: int
    """Bytes of a file's content or of a symlink's target; the number of a directory's entries."""
    allocated: int
    """Bytes that count towards `Usage.bytes`; below `size` when the file has holes."""
    atime: int
    """Last access, nanoseconds since 1970 (as `mtime` and `ctime`); signed 64 bits."""
    mtime: int
    ctime: int
    parent: int
    """A directory's parent; 0 for all else."""
    target: str | None
    """A symlink's target; None for all else."""
    read_only: bool
    """Sealed by the host: guests and clients get EROFS."""


@attrs.frozen
class DentryChange:
    """A name set in a directory, or removed from it (`dentry` None)."""

    dir_ino: int
    name: str
    dentry: Dentry | None


@attrs.frozen
class ChunkWrite:
    """The new content of one chunk: it replaces the chunk stored at that index."""

    ino: int
    index: int
    data: bytes | bytearray
    """1 to `CHUNK_SIZE` bytes; nobody changes them any more."""


@attrs.frozen
class Changes:
    """All changes since the last change set, for one transaction.

    Apply it in the order of the fields. Afterwards call `committed`, `failed` or `refused`, exactly once, on the thread that
    owns the `FileSystem`; the data stays readable through the tree until then.
    """

    removed: list[int]
    """Inodes to delete, with all their chunks. A removed directory's dentries may go too: nothing reaches them."""
    inodes: list[InodeRecord]
    """Inodes that are new or have new attributes."""
    dentries: list[DentryChange]
    """At most one for each name of a directory."""
    truncated: list[tuple[int, int]]
    """(ino, n): delete the stored chunks of `ino` from index n on, before `chunks`, which may write there."""
    chunks: list[ChunkWrite]
    usage: Usage
    """The whole tree's usage after this change set."""
    next_ino: int
    """The first inode number that is still free after this change set."""
    committed: Callable[[], None] = attrs.field(repr=False, eq=False)
    """The transaction is durable: memory may be given back."""
    failed: Callable[[], None] = attrs.field(repr=False, eq=False)
    """Nothing of it was stored: all of it is dirty again, under everything that was written since."""
    refused: Callable[[], None] = attrs.field(repr=False, eq=False)
    """Nothing of it can ever be stored: the tree is put back to the backend's state, and everything written since is lost."""


class Backend(Protocol):
    """The store of one tree. Every method is one bounded query, but for `entries` and `orphans`."""

    def load_inode(self, ino: int) -> InodeRecord | None:
        """The inode's attributes; None if there is no such inode (for `ROOT_INO`: the tree is new)."""

    def lookup(self, dir_ino: int, name: str) -> Dentry | None:
        """The dentry of `name` in that directory; None if there is no such name. Names compare byte by byte."""

    def entries(self, dir_ino: int) -> Iterable[tuple[str, int, FileType]]:
        """(name, ino, type) of everything in that directory, in any order."""

    def entries_after(self, dir_ino: int, after: str, count: int) -> tuple[list[tuple[str, int, FileType]], str | None]:
        """Some of the entries whose names come after `after`, by name, and the name up to which there are no others.

        That name is None if these are the last ones; a query looks at `count` names of each layer.
        """

    def load_chunk(self, ino: int, index: int) -> bytes | None:
        """The chunk, 1 to `CHUNK_SIZE` bytes; None: a hole."""

    def chunk_sizes(self, ino: int, first: int, count: int) -> tuple[list[tuple[int, int]], int | None]:
        """(index, length in bytes before compression) of stored chunks with an index of `first` or more, and where to go on.

        That index is None if these are all; a query looks at `count` chunks of each layer.
        """

    def orphans(self) -> Iterable[tuple[int, int]]:
        """(ino, `InodeRecord.allocated`) of the inodes that are kept with `nlink == 0`."""

    def usage(self) -> Usage:
        """The usage of the last change set; (0, 0) for a new tree."""

    def next_ino(self) -> int:
        """`Changes.next_ino` of the last change set; `ROOT_INO + 1` for a new tree."""
