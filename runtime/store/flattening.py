"""One VM's tree as a single layer: the tree that its chain of layers shows, read in one pass, for exports and imports.

Whiteouts, orphans (unlinked, but open when last committed) and whatever only they had are left out. Temporary tables hold
what is visible; they are the connection's own, so that a file which is open for reading alone can be read like this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.files import CHAIN
from runtime.store.sql import placeholders, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

    from runtime.store.meter import Meter

MAX_CHAIN: Final = 64
"""Layers of one chain: twice as many as snapshots let it grow (`runtime.store.snapshots.MAX_DEPTH`)."""

INODE: Final = "ino, type, mode, nlink, size, allocated, atime_ns, mtime_ns, ctime_ns, parent, target, read_only"
DENTRY: Final = "dir, name, ino, type"
EXTENT: Final = "ino, position, chunk"


class FlatTree:
    """The tree that `layer` shows, on a connection that is inside a read transaction."""

    def __init__(self, connection: apsw.Connection, layer: int) -> None:
        self._connection = connection
        # One more than allowed tells that there are too many, and a chain without an end is not followed.
        self._chain = [row[0] for row in rows(connection, f"{CHAIN} LIMIT {MAX_CHAIN + 1}", (layer,))]
        if not 0 < len(self._chain) <= MAX_CHAIN:
            raise ApiError(ErrorCode.STATE_CORRUPT, f"the VM's files have {len(self._chain)} layers")
        connection.execute(
            "DROP TABLE IF EXISTS temp.live; DROP TABLE IF EXISTS temp.used;"
            "CREATE TEMP TABLE live (ino INTEGER PRIMARY KEY); CREATE TEMP TABLE used (chunk INTEGER PRIMARY KEY)"
        )
        visible = self._visible("inode", "ino", "type, nlink")
        connection.execute(
            f"INSERT INTO temp.live SELECT ino FROM {visible} WHERE type <> 0 AND nlink <> 0",  # noqa: S608
            self._chain,
        )

    def inodes(self) -> Iterator[tuple[Any, ...]]:
        """The columns of INODE, by ino."""
        rest = INODE.removeprefix("ino, ")
        return self._all(INODE, self._visible("inode", "ino", rest), "ino IN temp.live", "ino")

    def dentries(self) -> Iterator[tuple[Any, ...]]:
        """The columns of DENTRY, by directory and name."""
        visible = self._visible("dentry", "dir, name", "ino, type")
        return self._all(DENTRY, visible, "ino IS NOT NULL AND dir IN temp.live", "dir, name")

    def extents(self) -> Iterator[tuple[Any, ...]]:
        """The columns of EXTENT, by ino and position; no holes."""
        visible = self._visible("extent", "ino, position", "chunk")
        return self._all(EXTENT, visible, "chunk IS NOT NULL AND ino IN temp.live", "ino, position")

    def chunks(self) -> Iterator[tuple[Any, ...]]:
        """(id, hash, size, data) of every chunk that an extent has, once."""
        visible = self._visible("extent", "ino, position", "chunk")
        self._connection.execute(
            f"INSERT OR IGNORE INTO temp.used SELECT chunk FROM {visible} "  # noqa: S608
            "WHERE chunk IS NOT NULL AND ino IN temp.live",
            self._chain,
        )
        return self._connection.execute("SELECT id, hash, size, data FROM chunk WHERE id IN temp.used ORDER BY id")

    def contents(self) -> Iterator[tuple[Any, ...]]:
        """(ino, position, hash, size, data) of every extent; the last three None where its chunk is missing."""
        visible = self._visible("extent", "ino, position", "chunk")
        return self._connection.execute(
            f"SELECT e.ino, e.position, c.hash, c.size, c.data FROM {visible} AS e LEFT JOIN chunk AS c "  # noqa: S608
            "ON c.id = e.chunk WHERE e.chunk IS NOT NULL AND e.ino IN temp.live",
            self._chain,
        )

    def expect_contents(self, meter: Meter) -> None:
        """Tell `meter` how many bytes `contents` has."""
        visible = self._visible("extent", "ino, position", "chunk")
        meter.expect(
            self._connection,
            f"SELECT total (c.size) FROM {visible} AS e JOIN chunk AS c ON c.id = e.chunk WHERE e.ino IN temp.live",  # noqa: S608
            *self._chain,
        )

    def next_ino(self) -> int:
        """The first inode number that was never used."""
        ((value,),) = rows(self._connection, "SELECT next_ino FROM layer WHERE id = ?", (self._chain[0],))
        return int(value)

    def _all(self, columns: str, visible: str, where: str, order: str) -> Iterator[tuple[Any, ...]]:
        sql = f"SELECT {columns} FROM {visible} WHERE {where} ORDER BY {order}"  # noqa: S608
        return self._connection.execute(sql, self._chain)

    def _visible(self, table: str, key: str, rest: str) -> str:
        # The bare columns come from the row that has the maximum.
        among = placeholders(len(self._chain))
        return f"(SELECT {key}, {rest}, max (layer) FROM {table} WHERE layer IN {among} GROUP BY {key})"  # noqa: S608
