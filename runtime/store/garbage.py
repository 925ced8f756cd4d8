"""Giving back what nobody refers to any more: layers of destroyed VMs and of snapshots that are not kept, chunks without an
extent (of files that were overwritten or deleted), empty pages.

Triggers note what has lost a reference, so the work is in proportion to the garbage and not to the file. Each step is one
write of bounded size: commits in between wait a few milliseconds at most. A collection that is cut short has lost nothing,
the next one goes on.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, TypeVar

import attrs
import trio

from runtime.api.errors import ApiError
from runtime.store.files import REMOVED
from runtime.store.sql import rows, run

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from runtime.store.reading import Reader
    from runtime.store.writer import Writer

T = TypeVar("T")

logger = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 10.0
"""What a program overwrites again and again costs the file at most what it writes in this time; to look whether there
is anything to collect takes some 20 us."""

STEP_ROWS: Final = 1000
"""Rows of a dead layer that one step deletes, of each kind: some 5 ms."""

STEP_CHUNKS: Final = 256
"""Chunks that one step looks at; 16 MiB if it deletes all of them."""

STEP_PAGES: Final = 1024
"""Pages that one step takes from the end of the file: 4 MiB of copying at most."""

KEPT_PAGES: Final = 4096
"""16 MiB of empty pages stay in the file for the next writes: to shrink and to grow it again costs more than they do."""

_IS_ANY: Final = "SELECT EXISTS (SELECT 1 FROM loose_layer) OR EXISTS (SELECT 1 FROM loose_chunk)"

FOLDED_ROWS: Final = 10_000
"""A layer between two others that nobody needs by itself is folded into the one above it, unless it has more rows than
this: the bulk of a large tree is not moved again and again, as snapshots come and go."""

_IS_USED: Final = """
SELECT EXISTS (SELECT 1 FROM vm WHERE layer = ?1) OR EXISTS (SELECT 1 FROM snapshot WHERE layer = ?1)
"""

_HELD: Final = (("extent", ("ino", "position"), "ino"), ("dentry", ("dir", "name"), "dir"), ("inode", ("ino",), "ino"))
"""What a layer holds of each kind: the table, its key within the layer, and whose a row is. Inodes come last, for where
one is removed above, its whiteout is what tells that the rest is not to be kept."""


@attrs.frozen
class Collected:
    """The counts of what one collection has removed."""

    layers: int
    chunks: int
    pages: int


async def collect_regularly(writer: Writer, reader: Reader) -> None:
    """Collect garbage at intervals, when there is some, until cancelled. A full disk is logged, and tried again."""
    while True:
        await trio.sleep(INTERVAL_SECONDS)
        try:
            if reader.one(_IS_ANY) == (1,):
                await collect_garbage(writer)
        except ApiError as error:
            logger.warning("garbage could not be collected: %s", error.message)


async def collect_garbage(writer: Writer) -> Collected:
    """Remove dead layers, then unused chunks, then give empty pages back to the filesystem.

    Cancellation leaves what was removed removed. Raises `ApiError` IO_ERROR.
    """
    layers = 0
    while (removed := await _step(writer, _prune)) is not None:
        layers += removed
    chunks = 0
    while (swept := await _step(writer, _sweep)) is not None:
        chunks += swept
    pages = 0
    while freed := await _step(writer, _shrink):
        pages += freed
    return Collected(layers, chunks, pages)


async def _step(writer: Writer, write: Callable[[apsw.Connection], T]) -> T:
    await writer.room()  # clients' writes come first
    return await writer.commit(write)


def _prune(connection: apsw.Connection) -> int | None:
    """Delete rows of a loose layer that nobody uses, and itself once it has none: 1 then, None when no layer is loose.

    A layer that is only something for one other to stand on is folded into that one first.
    """
    found = rows(connection, "SELECT layer FROM loose_layer ORDER BY layer DESC LIMIT 1")
    if not found:
        return None
    ((layer,),) = found
    ((used,),) = rows(connection, _IS_USED, (layer,))
    children = [row[0] for row in rows(connection, "SELECT id FROM layer WHERE parent = ? LIMIT 2", (layer,))]
    removed = 0
    if not used and len(children) == 1 and _is_small(connection, layer):
        _fold(connection, layer, children[0])
        return 0
    if not used and not children:
        for table, key, _ in _HELD:
            keys = ", ".join(key)
            run(
                connection,
                f"DELETE FROM {table} WHERE layer = ?1 AND ({keys}) IN "  # noqa: S608
                f"(SELECT {keys} FROM {table} WHERE layer = ?1 LIMIT {STEP_ROWS})",
                layer,
            )
            if connection.changes() == STEP_ROWS:
                return 0
        run(connection, "DELETE FROM layer WHERE id = ?", layer)
        removed = connection.changes()
    run(connection, "DELETE FROM loose_layer WHERE layer = ?", layer)
    return removed


def _is_small(connection: apsw.Connection, layer: int) -> bool:
    counts = "+".join(
        f"(SELECT count(*) FROM (SELECT 1 FROM {table} WHERE layer = ?1 LIMIT {FOLDED_ROWS + 1}))"  # noqa: S608
        for table, *_ in _HELD
    )
    ((found,),) = rows(connection, f"SELECT {counts}", (layer,))
    return bool(found <= FOLDED_ROWS)


def _fold(connection: apsw.Connection, layer: int, above: int) -> None:
    """Move some rows of a layer into the only one above it, which shows the same before and after; at last let it go."""
    for table, key, owner in _HELD:
        keys = ", ".join(key)
        some = f"({keys}) IN (SELECT {keys} FROM {table} WHERE layer = ?1 ORDER BY {keys} LIMIT {STEP_ROWS})"  # noqa: S608
        same = " AND ".join(f"n.{column} = {table}.{column}" for column in key)
        hidden = (
            f"(EXISTS (SELECT 1 FROM {table} AS n WHERE n.layer = ?2 AND {same}) OR EXISTS "  # noqa: S608
            f"(SELECT 1 FROM inode AS n WHERE n.layer = ?2 AND n.ino = {table}.{owner} AND n.type = {REMOVED}))"
        )
        both = (layer, above)
        run(connection, f"DELETE FROM {table} WHERE layer = ?1 AND {some} AND {hidden}", *both)  # noqa: S608
        done = connection.changes()
        run(connection, f"UPDATE {table} SET layer = ?2 WHERE layer = ?1 AND {some} AND NOT {hidden}", *both)  # noqa: S608
        if done or connection.changes():
            return
    run(connection, "UPDATE layer SET parent = (SELECT parent FROM layer WHERE id = ?1) WHERE id = ?2", layer, above)


def _sweep(connection: apsw.Connection) -> int | None:
    """Delete the unused among some loose chunks, and note none of these any longer; the number, None at the end."""
    some = f"(SELECT chunk FROM loose_chunk ORDER BY chunk LIMIT {STEP_CHUNKS})"  # noqa: S608
    run(
        connection,
        f"DELETE FROM chunk WHERE id IN {some} "  # noqa: S608
        "AND NOT EXISTS (SELECT 1 FROM extent WHERE extent.chunk = chunk.id)",
    )
    deleted = connection.changes()
    run(connection, f"DELETE FROM loose_chunk WHERE chunk IN {some}")  # noqa: S608
    return deleted if connection.changes() else None


def _shrink(connection: apsw.Connection) -> int:
    spare = connection.pragma("freelist_count")
    if spare <= KEPT_PAGES:
        return 0
    rows(connection, f"PRAGMA incremental_vacuum({min(STEP_PAGES, spare - KEPT_PAGES)})")
    return int(spare - connection.pragma("freelist_count"))
