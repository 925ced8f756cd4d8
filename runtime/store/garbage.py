"""Giving back what nobody refers to any more: layers of destroyed VMs, chunks without an extent, empty pages.

Each step is one write of bounded size, so that commits in between wait a few milliseconds at most. A collection that is cut
short has lost nothing: the next one starts over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from runtime.store.sql import rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from runtime.store.writer import Writer

STEP_ROWS: Final = 1000  # rows of a dead layer that one step deletes, of each kind: some 5 ms
STEP_CHUNKS: Final = 256  # chunks that one step looks at; 16 MiB if it deletes all of them
STEP_PAGES: Final = 1024  # pages that one step takes from the end of the file: 4 MiB of copying at most

KEPT_PAGES: Final = 4096
# 16 MiB of empty pages stay in the file for the next writes: to shrink and to grow it again costs more than they do.

_DEAD_LAYER: Final = """
SELECT id FROM layer AS dead
WHERE NOT EXISTS (SELECT 1 FROM vm WHERE vm.layer = dead.id)
AND NOT EXISTS (SELECT 1 FROM snapshot WHERE snapshot.layer = dead.id)
AND NOT EXISTS (SELECT 1 FROM layer AS child WHERE child.parent = dead.id)
LIMIT 1
"""


@attrs.frozen
class Collected:
    """What one collection has removed."""

    layers: int
    chunks: int
    pages: int


async def collect_garbage(writer: Writer) -> Collected:
    """Remove dead layers, then unused chunks, then give empty pages back to the filesystem.

    Cancellation leaves what was removed removed. Raises `ApiError` IO_ERROR.
    """
    layers = 0
    while (found := await writer.commit(_dead_layer)) is not None:
        while await writer.commit(_emptying(found)):
            pass
        layers += 1
    chunks = 0
    after: bytes | None = b""
    while after is not None:
        deleted, after = await writer.commit(_sweeping(after))
        chunks += deleted
    pages = 0
    while freed := await writer.commit(_shrink):
        pages += freed
    return Collected(layers, chunks, pages)


def _dead_layer(connection: apsw.Connection) -> int | None:
    found = rows(connection, _DEAD_LAYER)
    return found[0][0] if found else None


def _emptying(layer: int) -> Callable[[apsw.Connection], bool]:
    """Delete some rows of a dead layer, and itself once it has none; True while there is more to do."""

    def step(connection: apsw.Connection) -> bool:
        for table, key in (("extent", "ino, position"), ("dentry", "dir, name"), ("inode", "ino")):
            connection.execute(
                f"DELETE FROM {table} WHERE layer = ?1 AND ({key}) IN "  # noqa: S608
                f"(SELECT {key} FROM {table} WHERE layer = ?1 LIMIT {STEP_ROWS})",
                (layer,),
            )
            if connection.changes() == STEP_ROWS:
                return True
        connection.execute("DELETE FROM layer WHERE id = ?", (layer,))
        return False

    return step


def _sweeping(after: bytes) -> Callable[[apsw.Connection], tuple[int, bytes | None]]:
    """Delete the unused among the next chunks by hash; the number deleted, and the last hash seen (None at the end)."""

    def step(connection: apsw.Connection) -> tuple[int, bytes | None]:
        # In the order of the hash, because its index is dense; the table's own pages are full of content.
        end = rows(
            connection, "SELECT hash FROM chunk WHERE hash > ? ORDER BY hash LIMIT 1 OFFSET ?", (after, STEP_CHUNKS - 1)
        )
        last: bytes | None = end[0][0] if end else None
        connection.execute(
            "DELETE FROM chunk WHERE hash > ?1 AND (?2 IS NULL OR hash <= ?2) "
            "AND NOT EXISTS (SELECT 1 FROM extent WHERE extent.chunk = chunk.id)",
            (after, last),
        )
        return connection.changes(), last

    return step


def _shrink(connection: apsw.Connection) -> int:
    spare = connection.pragma("freelist_count")
    if spare <= KEPT_PAGES:
        return 0
    rows(connection, f"PRAGMA incremental_vacuum({min(STEP_PAGES, spare - KEPT_PAGES)})")
    return int(spare - connection.pragma("freelist_count"))
