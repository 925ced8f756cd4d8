"""The names of one host directory, read from the kernel piece by piece."""

from __future__ import annotations

import heapq
import os
from bisect import bisect_right
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, TypeAlias

from wasi_fs.backend import FileType
from wasi_fs.errors import FsCode, FsError
from wasi_fs.mounts.kernel import host_ino

if TYPE_CHECKING:
    from collections.abc import Iterator

Entry: TypeAlias = tuple[str, int, FileType]
"""Name, inode number, type."""

MAX_NAMES: Final = 200_000
"""Names of one directory: 40 MB."""

STEP: Final = 1000
"""Names that are read at a time, in some 2 ms."""


class Scan:
    """One look at a directory. Raises OSError."""

    def __init__(self, directory: int) -> None:
        fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
        try:
            self._device = os.fstat(fd).st_dev
            self._entries = os.scandir(fd)  # has a descriptor of its own
        finally:
            os.close(fd)
        self._pieces: list[list[Entry]] = []
        self._count = 0
        self.complete = False
        self.served = False
        """Its first page was given out."""

    def step(self) -> bool:
        """Read on. Whether all is there; FsError(INSUFFICIENT_MEMORY) for too many names."""
        if not self.complete:
            piece: list[Entry] = []
            read = 0
            for entry in islice(self._entries, STEP):
                read += 1
                name = _utf8(entry.name)
                if name is not None:
                    piece.append((name, host_ino(self._device, entry.inode()), _type(entry)))
            piece.sort()
            self._pieces.append(piece)
            self._count += len(piece)
            if self._count > MAX_NAMES:
                raise FsError(FsCode.INSUFFICIENT_MEMORY, f"the directory has more than {MAX_NAMES} names")
            if read < STEP:
                self.complete = True
                self.close()
        return self.complete

    def after(self, name: str, count: int) -> list[Entry]:
        """At most `count` of the entries whose names come after `name`, in order."""
        rests = (islice(piece, bisect_right(piece, name, key=_name), None) for piece in self._pieces)
        return list(islice(heapq.merge(*rests), count))

    def unsorted(self) -> Iterator[Entry]:
        """All entries."""
        return chain.from_iterable(self._pieces)

    def close(self) -> None:
        """Give the descriptor back; idempotent."""
        self._entries.close()


def _name(entry: Entry) -> str:
    return entry[0]


def _utf8(name: str) -> str | None:
    """A name that guests can have; others are not listed."""
    if name.isascii():
        return name
    try:
        return os.fsencode(name).decode()
    except UnicodeDecodeError:
        return None


def _type(entry: os.DirEntry[str]) -> FileType:
    if entry.is_symlink():
        return FileType.SYMLINK
    if entry.is_dir(follow_symlinks=False):
        return FileType.DIRECTORY
    return FileType.REGULAR if entry.is_file(follow_symlinks=False) else FileType.OTHER
