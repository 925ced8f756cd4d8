"""Snapshots: a VM's tree as it was, kept by freezing the layer that the VM wrote to and putting an empty one on top."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import attrs

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.changes import writable_layer
from runtime.store.files import REMOVED, chain_of
from runtime.store.sql import json_text, placeholders, rows, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from runtime.store.files import LayerFiles
    from runtime.store.reading import Reader
    from runtime.store.writer import Then, Writer

logger = logging.getLogger(__name__)

MAX_DEPTH: Final = 32
"""Every read of a file's row looks into each layer of the chain, at 1 us a layer. At this depth a snapshot merges all
but the lowest: the bulk of a tree is never copied again, and what changed since is copied once in 30 snapshots."""

KEPT_OF_SESSION: Final = 100
"""Each keeps what was overwritten after it. A hundred turns back is further than anybody returns to start anew."""

_COLUMNS: Final = "id, vm, layer, session, seq, label, created_at"

MAX_NAMED: Final = 1000
"""Named snapshots of one VM: each may keep what was overwritten since, which the VM's quota does not count."""

_LAST_OF_SESSION: Final = "SELECT layer FROM snapshot WHERE session = ? ORDER BY seq DESC, id DESC LIMIT 1"

_THIN_OUT: Final = """
DELETE FROM snapshot WHERE session = ?1
AND seq <= (SELECT seq FROM snapshot WHERE session = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)
"""


@attrs.frozen
class SnapshotRecord:
    """One row of the table of snapshots."""

    row: int
    vm: int
    """The row id of its VM."""
    layer: int
    """The frozen layer: for `FileTrees.backend` to read it, for `Vms.get_or_create` to fork it."""
    session: int | None
    """The row id of the session that it belongs to, and the session's last event before it."""
    seq: int | None
    label: str | None
    """The name that a client gave it."""
    created_at: int
    """Epoch milliseconds."""


class Snapshots:
    """The snapshots of all VMs; they go with their session or VM."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    def take(
        self,
        vm: int,
        created_at: int,
        *,
        files: LayerFiles | None = None,
        session: int | None = None,
        seq: int | None = None,
        label: str | None = None,
        changed_only: bool = False,
        then: Then | None = None,
    ) -> None:
        """Submit a snapshot of the VM's tree with every change that was submitted before.

        `files` is the backend that the VM's tree uses now, if any: it reads from the new layer before `then` is called. If
        nothing changed since the last snapshot, both share a layer. With `changed_only` no snapshot is taken if it would
        share its layer with the session's last one. Each session keeps its last `KEPT_OF_SESSION` snapshots. `then` may
        get `ApiError` EXISTS for a `label` that the VM has already, LIMIT_EXCEEDED.
        """
        own: list[int] = []

        def write(connection: apsw.Connection) -> None:
            if label is not None:
                _check_label(connection, vm, label)
            frozen, current = freeze(connection, vm)
            own[:] = chain_of(connection, current)
            if changed_only and rows(connection, _LAST_OF_SESSION, (session,)) == [(frozen,)]:
                return
            run(
                connection,
                "INSERT INTO snapshot (vm, layer, session, seq, label, created_at) VALUES (?, ?, ?, ?, ?, ?)",
                *(vm, frozen, session, seq, label, created_at),
            )
            if session is not None:
                run(connection, _THIN_OUT, session, KEPT_OF_SESSION)

        def answer(error: Exception | None) -> None:
            if error is None and files is not None:
                files.show(own)
            if then is not None:
                then(error)
            elif error is not None:
                logger.error("no snapshot of VM %d could be taken", vm, exc_info=error)

        self._writer.submit(write, answer)

    def list(self, vm: int) -> Sequence[SnapshotRecord]:
        """The snapshots of a VM, oldest first."""
        records = self._reader.all(f"SELECT {_COLUMNS} FROM snapshot WHERE vm = ? ORDER BY id", (vm,))  # noqa: S608
        return [SnapshotRecord(*row) for row in records]

    def named(self, vm: int, label: str) -> SnapshotRecord | None:
        """The snapshot of a VM that has this label."""
        row = self._reader.one(f"SELECT {_COLUMNS} FROM snapshot WHERE vm = ? AND label = ?", (vm, label))  # noqa: S608
        return None if row is None else SnapshotRecord(*row)

    def at(self, session: int, seq: int) -> SnapshotRecord | None:
        """The last snapshot in the session's history that stands at event `seq` or before, None if there is none."""
        row = self._reader.one(
            f"SELECT {_COLUMNS} FROM snapshot WHERE session = ? AND seq <= ? ORDER BY seq DESC, id DESC LIMIT 1",  # noqa: S608
            (session, seq),
        )
        return None if row is None else SnapshotRecord(*row)

    def delete(self, snapshot: int, then: Then | None = None) -> None:
        """Submit the deletion of a snapshot, by row id. Files that only this snapshot has become garbage."""
        self._writer.submit(lambda connection: run(connection, "DELETE FROM snapshot WHERE id = ?", snapshot), then)

    def restore(self, vm: int, layer: int, sessions: Sequence[int], files: LayerFiles, then: Then) -> None:
        """Submit that the VM goes on from the tree of a frozen layer; `files` reads from it before `then` is called.

        The old tree becomes garbage, except for the parts that snapshots and forks have. The agents of `sessions` (row ids)
        count as having lost their conversations. `then` may get `ApiError` VM_NOT_FOUND, NOT_FOUND.
        """
        own: list[int] = []

        def write(connection: apsw.Connection) -> None:
            before, _ = writable_layer(connection, vm)
            # Inode numbers are not used twice, whichever way a VM has gone.
            run(
                connection,
                "INSERT INTO layer (parent, next_ino, bytes, entries) SELECT id, max (next_ino, (SELECT next_ino "
                "FROM layer WHERE id = ?)), bytes, entries FROM layer WHERE id = ? AND frozen",
                *(before, layer),
            )
            if connection.changes() == 0:
                raise ApiError(ErrorCode.NOT_FOUND, "the snapshot was deleted")
            own[:] = chain_of(connection, connection.last_insert_rowid())
            run(connection, "UPDATE vm SET layer = ? WHERE id = ?", own[0], vm)
            run(
                connection,
                "UPDATE session SET agent_session_id = NULL WHERE vm = ? AND id IN (SELECT value FROM json_each(?))",
                *(vm, json_text(list(sessions))),
            )

        def answer(error: Exception | None) -> None:
            if error is None:
                files.show(own)
            then(error)

        self._writer.submit(write, answer)


def freeze(connection: apsw.Connection, vm: int) -> tuple[int, int]:
    """Freeze the tree of a VM. Returns the frozen layer, and the layer that the VM writes to from now on.

    For the inside of a write. Raises `ApiError` VM_NOT_FOUND.
    """
    layer, ancestors = writable_layer(connection, vm)
    if ancestors and not rows(
        connection,
        "SELECT 1 FROM inode WHERE layer = ?1 UNION ALL SELECT 1 FROM dentry WHERE layer = ?1 "
        "UNION ALL SELECT 1 FROM extent WHERE layer = ?1 LIMIT 1",
        (layer,),
    ):
        return ancestors[0], layer
    run(connection, "UPDATE layer SET frozen = 1 WHERE id = ?", layer)
    if len(ancestors) + 1 >= MAX_DEPTH:
        layer = _merge(connection, [layer, *ancestors[:-1]], ancestors[-1])
    current = _add_layer(connection, like=layer, parent=layer, frozen=False)
    run(connection, "UPDATE vm SET layer = ? WHERE id = ?", current, vm)
    return layer, current


def _check_label(connection: apsw.Connection, vm: int, label: str) -> None:
    labels = rows(connection, "SELECT label FROM snapshot WHERE vm = ? AND label IS NOT NULL", (vm,))
    if (label,) in labels:
        raise ApiError(ErrorCode.EXISTS, f"there is a snapshot {label!r} already", name=label)
    if len(labels) >= MAX_NAMED:
        raise ApiError(
            ErrorCode.LIMIT_EXCEEDED,
            f"the VM has {MAX_NAMED} snapshots; delete one with deleteSnapshot",
            limit="snapshots",
            max=MAX_NAMED,
        )


def _merge(connection: apsw.Connection, layers: Sequence[int], base: int) -> int:
    """Make a frozen layer on `base` that shows what the chain `layers` (nearest first) on `base` shows."""
    merged = _add_layer(connection, like=layers[0], parent=base, frozen=True)
    among = placeholders(len(layers))
    for table, key, rest in (
        ("inode", "ino", "type, mode, nlink, size, allocated, atime_ns, mtime_ns, ctime_ns, parent, target, read_only"),
        ("dentry", "dir, name", "ino, type"),
        ("extent", "ino, position", "chunk"),
    ):
        # The inner query's bare columns come from the row that has the maximum.
        run(
            connection,
            f"INSERT INTO {table} (layer, {key}, {rest}) SELECT ?, {key}, {rest} FROM "  # noqa: S608
            f"(SELECT {key}, {rest}, max (layer) FROM {table} WHERE layer IN {among} GROUP BY {key})",
            *(merged, *layers),
        )
    # What removed files and directories had is hidden by their whiteouts, and would only keep its chunks alive.
    removed = f"IN (SELECT ino FROM inode WHERE layer = ?1 AND type = {REMOVED})"  # noqa: S608
    run(connection, f"DELETE FROM extent WHERE layer = ?1 AND ino {removed}", merged)  # noqa: S608
    run(connection, f"DELETE FROM dentry WHERE layer = ?1 AND dir {removed}", merged)  # noqa: S608
    return merged


def _add_layer(connection: apsw.Connection, *, like: int, parent: int, frozen: bool) -> int:
    run(
        connection,
        "INSERT INTO layer (parent, frozen, next_ino, bytes, entries) "
        "SELECT ?, ?, next_ino, bytes, entries FROM layer WHERE id = ?",
        *(parent, frozen, like),
    )
    return connection.last_insert_rowid()
