"""Exporting: one VM as a state file of its own, which a daemon may serve or another one import.

Everything is read in one snapshot of the state, on a worker thread with a connection of its own: the writer goes on, and
what it commits meanwhile is not in the export. Left out are the sealed environments of sessions (their names stay, so that
a resume says which variables it needs), snapshots of the files, and which directories of this machine are mounted.
"""

from __future__ import annotations

import contextlib
import os
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import apsw
import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.exhaustion import FULL, check_exhausted, disk_full
from runtime.newfile import NewFile
from runtime.store.descriptors import open_descriptor
from runtime.store.errors import as_api_error
from runtime.store.flattening import DENTRY, EXTENT, INODE, FlatTree
from runtime.store.foreign import json_object
from runtime.store.inspection import APPLICATION_ID, SCHEMA_VERSION
from runtime.store.meter import Meter
from runtime.store.migrations import MIGRATIONS
from runtime.store.needs import write as write_needs
from runtime.store.schema import open_readable
from runtime.store.sql import json_text, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from runtime.store.meter import Report
    from runtime.store.needs import Need

PIECE_ROWS: Final = 64
"""Rows between two looks for a cancellation: 4 MiB where each is a whole chunk, some milliseconds."""

EXPORTS: Final = trio.CapacityLimiter(2)
"""Each holds a snapshot, which keeps the log from being checkpointed."""

_SESSION: Final = (
    "id, vm, session_id, agent_type, options, env_names, agent_session_id, status, capabilities, agent_info, modes, "
    "config_options, usage, cwd, title, created_at, updated_at"
)
_EVENTS: Final = "FROM event WHERE session IN (SELECT id FROM session WHERE vm = ?)"
_OF_SESSIONS: Final = (
    ("event", "session, seq, created_at, type, body"),
    ("idempotency", "session, key, content_hash, result"),
    ("permission", "session, permission_id, request, outcome, created_at, resolved_at"),
)


async def export_vm(state: Path, vm: int, path: Path, report: Report | None = None, needs: Sequence[Need] = ()) -> int:
    """Write the VM with that row id to the new file `path`, and return its size in bytes; `report` hears how it goes on.

    `needs` are noted in it.

    Cancellation ends it between two pieces. Whatever fails, no part of a file stays behind. Raises `ApiError`: EXISTS,
    NOT_FOUND for a directory that there is not, VM_NOT_FOUND, IO_ERROR (`reason` "disk_full" when it is).
    """
    return await trio.to_thread.run_sync(_export, state, vm, path, Meter(report), needs, limiter=EXPORTS)


def _export(state: Path, vm: int, path: Path, meter: Meter, needs: Sequence[Need]) -> int:
    if os.path.lexists(path):
        raise _exists(path)
    try:
        with NewFile(path) as file:
            _write(state, vm, file.descriptor, meter, needs)
            size = os.fstat(file.descriptor).st_size
            file.publish()
    except FileExistsError:
        raise _exists(path) from None
    except apsw.FullError as error:
        raise _disk_full(path) from error
    except apsw.Error as error:
        raise as_api_error(error) from error
    except OSError as error:
        if error.errno in FULL:
            raise _disk_full(path) from error
        check_exhausted(error)
        code = ErrorCode.NOT_FOUND if isinstance(error, FileNotFoundError) else ErrorCode.IO_ERROR
        raise ApiError(code, f"cannot write {path}: {error.strerror}") from error
    return size


def _write(state: Path, vm: int, descriptor: int, meter: Meter, needs: Sequence[Need]) -> None:
    with (
        contextlib.closing(open_readable(state)) as source,
        contextlib.closing(open_descriptor(descriptor)) as target,
    ):
        target.execute("BEGIN")
        for step in MIGRATIONS:
            target.execute(step)
        target.pragma("application_id", APPLICATION_ID)
        target.pragma("user_version", SCHEMA_VERSION)
        source.execute("BEGIN")
        _fill(source, target, vm, meter)
        if needs:
            write_needs(target, needs)
        target.execute("COMMIT")


def _fill(source: apsw.Connection, target: apsw.Connection, vm: int, meter: Meter) -> None:
    columns = "id, name, options, state, created_at, updated_at, layer"
    records = rows(source, f"SELECT {columns} FROM vm WHERE id = ?", (vm,))  # noqa: S608
    if not records:
        raise ApiError(ErrorCode.VM_NOT_FOUND, "the VM was destroyed")
    ((_, name, options, _, created_at, updated_at, layer),) = records
    tree = FlatTree(source, layer)
    target.execute("INSERT INTO layer (id, next_ino, bytes, entries) VALUES (1, ?, 0, 0)", (tree.next_ino(),))
    target.execute(
        f"INSERT INTO vm ({columns}) VALUES (1, ?, ?, 'asleep', ?, ?, 1)",  # noqa: S608
        (name, _without_mounts(options), created_at, updated_at),
    )
    _copy(target, "inode", f"layer, {INODE}", ((1, *row) for row in tree.inodes()))
    _copy(target, "dentry", f"layer, {DENTRY}", ((1, *row) for row in tree.dentries()))
    chunks = tree.chunks()
    meter.expect(source, "SELECT total (size) FROM chunk WHERE id IN temp.used")
    meter.expect(source, f"SELECT total (octet_length (body)) {_EVENTS}", vm)
    _copy(target, "chunk", "id, hash, size, data", chunks, lambda piece: meter.add(sum(row[2] for row in piece)))
    _copy(target, "extent", f"layer, {EXTENT}", ((1, *row) for row in tree.extents()))
    # Orphans count until they are gone, and here they are.
    target.execute(
        "UPDATE layer SET bytes = (SELECT ifnull (sum (allocated), 0) FROM inode), "
        "entries = (SELECT count (*) FROM dentry)"
    )
    sessions = rows(source, f"SELECT {_SESSION} FROM session WHERE vm = ? ORDER BY id", (vm,))  # noqa: S608
    _copy(target, "session", _SESSION, ((row[0], 1, *row[2:]) for row in sessions))

    def count_events(piece: list[tuple[Any, ...]]) -> None:
        meter.add(sum(len(row[-1]) for row in piece))

    for table, names in _OF_SESSIONS:
        for session in sessions:
            some = source.execute(f"SELECT {names} FROM {table} WHERE session = ?", (session[0],))  # noqa: S608
            _copy(target, table, names, some, count_events if table == "event" else None)
    names = "name, schedule, payload, created_at"
    some = source.execute(f"SELECT 1, {names} FROM cron WHERE vm = ?", (vm,))  # noqa: S608
    _copy(target, "cron", f"vm, {names}", some)


def _without_mounts(options: str) -> str:
    kept = json_object(options, "the VM's options")
    kept.pop("mounts", None)
    return json_text(kept)


def _copy(
    target: apsw.Connection,
    table: str,
    columns: str,
    values: Iterable[tuple[Any, ...]],
    count: Callable[[list[tuple[Any, ...]]], None] | None = None,
) -> None:
    sql = f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * (columns.count(',') + 1))})"  # noqa: S608
    iterator = iter(values)
    while piece := list(islice(iterator, PIECE_ROWS)):
        trio.from_thread.check_cancelled()
        target.executemany(sql, piece)
        if count is not None:
            count(piece)


def _exists(path: Path) -> ApiError:
    return ApiError(ErrorCode.EXISTS, f"{path} exists; an export does not replace anything", path=os.fspath(path))


def _disk_full(path: Path) -> ApiError:
    return disk_full(
        f"there is no room for an export at {path}; nothing of it is left there: free some space and try again"
    )
