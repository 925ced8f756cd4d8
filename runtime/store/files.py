"""The files of a VM as rows: `wasi_fs.backend.Backend` over layers of inodes, dentries and content-addressed chunks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.chunks import Unpacker
from runtime.store.sql import json_text, placeholders, rows
from wasi_fs.backend import Dentry, FileType, InodeRecord, Usage
from wasi_fs.errors import FsCode, FsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

logger = logging.getLogger(__name__)

REMOVED: Final = 0
"""The `type` of an inode's whiteout."""

CHAIN: Final = """
WITH RECURSIVE chain (id, parent) AS (
    SELECT id, parent FROM layer WHERE id = ?
    UNION ALL SELECT layer.id, layer.parent FROM chain JOIN layer ON layer.id = chain.parent
)
SELECT id FROM chain
"""
"""The layer and its ancestors, nearest first."""


def chain_of(connection: apsw.Connection, layer: int) -> list[int]:
    """The layer and its ancestors, nearest first."""
    return [row[0] for row in rows(connection, CHAIN, (layer,))]


class Queries(Protocol):
    """The queries that read the tree: by `runtime.store.reading.Reader`, or on a connection inside a long read."""

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""


class LayerFiles:
    """The tree as one layer shows it. Implements `Backend`; to be used on the trio thread.

    To make one raises `ApiError` NOT_FOUND if there is no such layer.

    Every read raises FsError(IO), and logs the cause, where the state file cannot be read or is damaged: for a guest that
    is EIO, as from a disk.
    """

    def __init__(self, reader: Queries, layer: int) -> None:
        self._reader = reader
        self._unpacker = Unpacker()
        chain = [row[0] for row in self._reader.all(CHAIN, (layer,))]
        if not chain:
            raise ApiError(ErrorCode.NOT_FOUND, f"the state file has no filesystem layer {layer}")
        self.show(chain)

    def show(self, chain: Sequence[int]) -> None:
        """Read from a layer and its ancestors, nearest first, from now on. That cannot fail: the caller that put the
        layer there knows its ancestors."""
        self._layer = chain[0]
        self._chain = list(chain)
        self._in = placeholders(len(chain))

    def load_inode(self, ino: int) -> InodeRecord | None:
        """The inode's attributes, None if there is no such inode."""
        row = self._nearest(
            "type, ino, mode, nlink, size, allocated, atime_ns, mtime_ns, ctime_ns, parent, target, read_only",
            "inode",
            "ino = ?",
            (ino,),
        )
        if row is None or row[0] == REMOVED:
            return None
        type_, number, mode, nlink, size, allocated, atime, mtime, ctime, parent, target, read_only = row
        return InodeRecord(
            number, _type(type_), mode, nlink, size, allocated, atime, mtime, ctime, parent, target, bool(read_only)
        )

    def lookup(self, dir_ino: int, name: str) -> Dentry | None:
        """The dentry of `name` in that directory, None if there is no such name."""
        row = self._nearest("ino, type", "dentry", "dir = ? AND name = ?", (dir_ino, name))
        return None if row is None or row[0] is None else Dentry(row[0], _type(row[1]))

    def entries(self, dir_ino: int) -> list[tuple[str, int, FileType]]:
        """(name, ino, type) of everything in that directory."""
        # max () makes SQLite take the other columns from the row that has the maximum.
        sql = (
            f"SELECT name, ino, type, max (layer) FROM dentry WHERE layer IN {self._in} AND dir = ? "  # noqa: S608
            "GROUP BY name HAVING ino IS NOT NULL"
        )
        return [(name, ino, _type(type_)) for name, ino, type_, _ in self._all(sql, (*self._chain, dir_ino))]

    def entries_after(self, dir_ino: int, after: str, count: int) -> tuple[list[tuple[str, int, FileType]], str | None]:
        """Some of the entries after the name `after`, by name, and the name up to which there are no others, None at the end.

        At most `count` names of each layer are looked at.
        """
        dentries: dict[str, tuple[int | None, int]] = {}
        until: str | None = None
        for layer in reversed(self._chain):  # the nearest last: it hides the others
            some = self._all(
                "SELECT name, ino, type FROM dentry WHERE layer = ? AND dir = ? AND name > ? ORDER BY name LIMIT ?",
                (layer, dir_ino, after, count),
            )
            dentries.update((name, (ino, type_)) for name, ino, type_ in some)
            if len(some) == count:
                until = some[-1][0] if until is None else min(until, some[-1][0])
        names = sorted(name for name in dentries if until is None or name <= until)
        seen = [(name, *dentries[name]) for name in names]
        return [(name, ino, _type(type_)) for name, ino, type_ in seen if ino is not None], until

    def load_chunk(self, ino: int, index: int) -> bytes | None:
        """The chunk, 1 to `CHUNK_SIZE` bytes, None for a hole."""
        row = self._one(
            f"SELECT size, data FROM chunk WHERE id = (SELECT chunk FROM extent WHERE layer IN {self._in} "  # noqa: S608
            "AND ino = ? AND position = ? ORDER BY layer DESC LIMIT 1)",
            (*self._chain, ino, index),
        )
        try:
            return None if row is None else self._unpacker.unpack(*row)
        except ApiError as error:
            raise _unreadable(error) from error

    def chunk_sizes(self, ino: int, first: int, count: int) -> tuple[list[tuple[int, int]], int | None]:
        """(index, length before compression) of stored chunks with an index of `first` or more, and where to go on."""
        extents: dict[int, int | None] = {}
        until: int | None = None
        for layer in reversed(self._chain):  # the nearest last: it hides the others
            some = self._all(
                "SELECT position, chunk FROM extent WHERE layer = ? AND ino = ? AND position >= ? ORDER BY position LIMIT ?",
                (layer, ino, first, count),
            )
            extents.update(some)
            if len(some) == count:
                until = some[-1][0] if until is None else min(until, some[-1][0])
        chunks = {position: chunk for position, chunk in extents.items() if until is None or position <= until}
        among = json_text(sorted({chunk for chunk in chunks.values() if chunk is not None}))
        sizes = dict(self._all("SELECT id, size FROM chunk WHERE id IN (SELECT value FROM json_each(?))", (among,)))
        return (
            [(position, sizes[chunk]) for position, chunk in sorted(chunks.items()) if chunk in sizes],
            None if until is None else until + 1,
        )

    def orphans(self) -> list[tuple[int, int]]:
        """(ino, `InodeRecord.allocated`) of the inodes that are kept with `nlink == 0`."""
        sql = (
            f"SELECT ino, allocated FROM inode AS o WHERE layer IN {self._in} AND nlink = 0 AND type <> 0 AND NOT EXISTS "  # noqa: S608
            f"(SELECT 1 FROM inode AS n WHERE n.layer IN {self._in} AND n.ino = o.ino AND n.layer > o.layer)"
        )
        return [(ino, allocated) for ino, allocated in self._all(sql, (*self._chain, *self._chain))]

    def usage(self) -> Usage:
        """The usage of the last change set."""
        return Usage(*self._of_layer("bytes, entries"))

    def next_ino(self) -> int:
        """`Changes.next_ino` of the last change set."""
        return int(self._of_layer("next_ino")[0])

    def _of_layer(self, columns: str) -> tuple[Any, ...]:
        row = self._one(f"SELECT {columns} FROM layer WHERE id = ?", (self._layer,))  # noqa: S608
        if row is None:
            raise FsError(FsCode.IO, f"the state file has no filesystem layer {self._layer} any more")
        return row

    def _one(self, sql: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
        result = self._all(sql, parameters)
        return result[0] if result else None

    def _all(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        try:
            return self._reader.all(sql, parameters)
        except ApiError as error:
            raise _unreadable(error) from error

    def _nearest(self, columns: str, table: str, where: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
        return self._one(
            f"SELECT {columns} FROM {table} WHERE layer IN {self._in} AND {where} ORDER BY layer DESC LIMIT 1",  # noqa: S608
            (*self._chain, *parameters),
        )


def _unreadable(error: ApiError) -> FsError:
    logger.error("a VM's files cannot be read: %s", error.message)
    return FsError(FsCode.IO, error.message)


def _type(number: int) -> FileType:
    try:
        return FileType(number)
    except ValueError:
        raise FsError(FsCode.IO, f"the state file has a type {number} that no file has") from None
