"""Committing a VM's changed files: one change set of the tree, one step of the writer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.chunks import ChunkStore
from runtime.store.errors import blames_value
from runtime.store.files import REMOVED, LayerFiles, chain_of
from runtime.store.sql import json_text, placeholders, rows
from runtime.store.writer import Insert

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from runtime.store.reading import Reader
    from runtime.store.writer import Then, Writer
    from wasi_fs.backend import Changes

logger = logging.getLogger(__name__)

_SET_INODE: Final = Insert(
    "INSERT OR REPLACE INTO inode (layer, ino, type, mode, nlink, size, allocated, atime_ns, mtime_ns, ctime_ns, parent, "
    "target, read_only)",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
)
_SET_DENTRY: Final = Insert("INSERT OR REPLACE INTO dentry (layer, dir, name, ino, type)", "(?, ?, ?, ?, ?)")
_SET_EXTENT: Final = Insert(
    "INSERT INTO extent (layer, ino, position, chunk)",
    "(?, ?, ?, (SELECT id FROM chunk WHERE hash = ?))",
    " ON CONFLICT DO UPDATE SET chunk = excluded.chunk",  # REPLACE would not fire the trigger that notes the old chunk
)

ROW_OVERHEAD_BYTES: Final = 200
"""What an inode or a dentry keeps in memory while it waits, about."""


class FileTrees:
    """The file trees of all VMs: read by layer, changed by the row id of the VM (`VmRecord.row`)."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader
        self._chunks = ChunkStore()

    def backend(self, layer: int) -> LayerFiles:
        """The tree as `layer` shows it: a VM's own (`VmRecord.layer`), or a frozen one of its past.

        Raises `ApiError` NOT_FOUND.
        """
        return LayerFiles(self._reader, layer)

    def commit_changes(self, vm: int, changes: Changes, then: Then | None = None) -> None:
        """Submit a change set of the VM's tree (see `Writer.submit`), and call its callback for the outcome afterwards.

        It goes to the layer that is the VM's own when the write runs: after a snapshot, to the one on top of it.
        Hashing and compression happen on the writer's thread.
        """

        def write(connection: apsw.Connection) -> None:
            _apply(connection, self._chunks, vm, changes)

        def answer(error: Exception | None) -> None:
            try:
                if error is None:
                    changes.committed()
                elif blames_value(error):
                    logger.error("changed files of VM %d are none that can be stored: given up", vm, exc_info=error)
                    changes.refused()
                else:
                    changes.failed()
            finally:  # in any case a caller waits
                if then is not None:
                    then(error)
                elif error is not None:
                    logger.error("the changed files of VM %d could not be stored", vm, exc_info=error)

        size = sum(len(chunk.data) for chunk in changes.chunks)
        size += ROW_OVERHEAD_BYTES * (len(changes.inodes) + len(changes.dentries) + len(changes.chunks))
        self._writer.submit(write, answer, size=size)


def _apply(connection: apsw.Connection, chunks: ChunkStore, vm: int, changes: Changes) -> None:
    layer, ancestors = writable_layer(connection, vm)
    if changes.removed:
        _remove(connection, layer, ancestors, changes.removed)
    _SET_INODE.insert(
        connection,
        [
            (
                layer,
                inode.ino,
                int(inode.type),
                inode.mode,
                inode.nlink,
                inode.size,
                inode.allocated,
                inode.atime,
                inode.mtime,
                inode.ctime,
                inode.parent,
                inode.target,
                inode.read_only,
            )
            for inode in changes.inodes
        ],
    )
    unlinked = [(change.dir_ino, change.name) for change in changes.dentries if change.dentry is None]
    if unlinked:
        _unlink(connection, layer, ancestors, unlinked)
    _SET_DENTRY.insert(
        connection,
        [
            (layer, change.dir_ino, change.name, change.dentry.ino, int(change.dentry.type))
            for change in changes.dentries
            if change.dentry is not None
        ],
    )
    for ino, first in changes.truncated:
        _truncate(connection, layer, ancestors, ino, first)
    hashes = chunks.add(connection, (chunk.data for chunk in changes.chunks)) if changes.chunks else []
    _SET_EXTENT.insert(
        connection,
        [(layer, chunk.ino, chunk.index, hash_) for chunk, hash_ in zip(changes.chunks, hashes, strict=True)],
    )
    connection.execute(
        "UPDATE layer SET next_ino = ?, bytes = ?, entries = ? WHERE id = ?",
        (changes.next_ino, changes.usage.bytes, changes.usage.entries, layer),
    )


def writable_layer(connection: apsw.Connection, vm: int) -> tuple[int, list[int]]:
    """The VM's own layer, and its ancestors, nearest first. Raises `ApiError` VM_NOT_FOUND."""
    layers = rows(connection, "SELECT layer FROM vm WHERE id = ?", (vm,))
    if not layers:
        raise ApiError(ErrorCode.VM_NOT_FOUND, "the VM was destroyed")
    layer = layers[0][0]
    return layer, chain_of(connection, layer)[1:]


def _remove(connection: apsw.Connection, layer: int, ancestors: Sequence[int], inos: Sequence[int]) -> None:
    among = "IN (SELECT value FROM json_each(?))"
    listed = json_text(inos)
    connection.execute(f"DELETE FROM inode WHERE layer = ? AND ino {among}", (layer, listed))  # noqa: S608
    connection.execute(f"DELETE FROM extent WHERE layer = ? AND ino {among}", (layer, listed))  # noqa: S608
    connection.execute(f"DELETE FROM dentry WHERE layer = ? AND dir {among}", (layer, listed))  # noqa: S608
    if ancestors:
        # The whiteout hides the ancestors' chunks and dentries as well: nobody reaches them, and no ino comes twice.
        connection.execute(
            "INSERT INTO inode (layer, ino, type, mode, nlink, size, allocated, atime_ns, mtime_ns, ctime_ns, parent, "  # noqa: S608
            f"read_only) SELECT DISTINCT ?, ino, {REMOVED}, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM inode "
            f"WHERE layer IN {placeholders(len(ancestors))} AND ino {among}",
            (layer, *ancestors, listed),
        )


def _unlink(
    connection: apsw.Connection, layer: int, ancestors: Sequence[int], names: Sequence[tuple[int, str]]
) -> None:
    among = "(dir, name) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))"
    listed = json_text(names)
    connection.execute(f"DELETE FROM dentry WHERE layer = ? AND {among}", (layer, listed))  # noqa: S608
    if ancestors:
        connection.execute(
            "INSERT INTO dentry (layer, dir, name) SELECT DISTINCT ?, dir, name FROM dentry "  # noqa: S608
            f"WHERE layer IN {placeholders(len(ancestors))} AND {among}",
            (layer, *ancestors, listed),
        )


def _truncate(connection: apsw.Connection, layer: int, ancestors: Sequence[int], ino: int, first: int) -> None:
    connection.execute("DELETE FROM extent WHERE layer = ? AND ino = ? AND position >= ?", (layer, ino, first))
    if ancestors:
        connection.execute(
            "INSERT INTO extent (layer, ino, position) SELECT DISTINCT ?, ino, position FROM extent "  # noqa: S608
            f"WHERE layer IN {placeholders(len(ancestors))} AND ino = ? AND position >= ?",
            (layer, *ancestors, ino, first),
        )
