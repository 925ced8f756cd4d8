"""Importing: the one VM of a file from elsewhere becomes a VM of this state.

The rows go through the writer in pieces, so that nobody waits long, into a VM whose name no client can say. When all are
there and what they are together has been checked, one update gives it its name. A failure deletes it; what a killed
daemon left is deleted by the next one (`discard_staged`).

Content is hashed by us: what a file says of a chunk decides whether it is refused, never under which hash it is kept.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any, Final, Protocol

import apsw
import attrs
import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.api.limits import MAX_SESSIONS
from runtime.store import foreign
from runtime.store.chunks import HASH_BYTES, ChunkStore, Unpacker
from runtime.store.flattening import DENTRY, EXTENT, INODE, FlatTree
from runtime.store.meter import Meter
from runtime.store.needs import read as read_needs
from runtime.store.sql import rows, run
from runtime.store.tree_check import check_tree
from runtime.store.vms import STAGED, check_room

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from pathlib import Path

    from runtime.store.meter import Report
    from runtime.store.needs import Need
    from runtime.store.store import Store
    from wasi_fs.backend import Usage

PIECE_ROWS: Final = 1000
"""Rows of one write: some 5 ms."""

PIECE_BYTES: Final = 1024 * 1024
"""Bytes of content or of events of one write."""

_SESSION: Final = (
    "session_id, agent_type, options, env_names, agent_session_id, status, capabilities, agent_info, modes, "
    "config_options, cwd, title, created_at, updated_at"
)
_IDEMPOTENCY: Final = "key, content_hash, result"
_CRON: Final = "name, schedule, payload, created_at"
_PERMISSION: Final = "permission_id, request, outcome, created_at, resolved_at"


class Judge(Protocol):
    """Checks of a file's rows by the layers above. Its methods run on a worker thread; they raise ApiError."""

    @property
    def trust(self) -> bool:
        """Whether cron jobs are taken over."""

    def vm(self, name: str, options: dict[str, Any]) -> tuple[str, str]:
        """The name and the options (JSON) under which the VM is kept."""

    def session(self, columns: dict[str, Any]) -> dict[str, Any]:
        """The columns of a session as they are kept."""

    def event(self, type_: str, body: dict[str, Any]) -> None:
        """Refuse an event that cannot be one."""


@attrs.define
class _Staged:
    """The VM that is being filled; row ids are set by the writes that make the rows."""

    vm: int = 0
    layer: int = 0
    session: int = 0
    name: str = ""
    created_at: int = 0
    needs: list[Need] = attrs.field(factory=list)


@attrs.frozen
class Imported:
    """A VM that was imported."""

    name: str
    needs: list[Need]
    """What the file says that it needs."""


async def import_vm(
    store: Store, path: Path, judge: Judge, settle: Callable[[str], Any], report: Report | None = None
) -> Imported:
    """Import the VM of the file `path`; `report` hears how it goes on.

    `settle` is awaited with the name under which the VM is hidden, before it is shown. Raises `ApiError`: VM_CONFLICT where
    there is a VM of that name, whatever `open_foreign` and `judge` raise, STATE_CORRUPT, TOO_LARGE, IO_ERROR.
    Cancelled or failed it leaves nothing behind.
    """
    staged = _Staged()
    hidden = STAGED + secrets.token_hex(16)
    pieces = _pieces(path, judge, staged, hidden, Meter(report))
    try:
        while (piece := await trio.to_thread.run_sync(next, pieces, None)) is not None:
            await store.writer.room()
            await store.writer.commit(piece, size=PIECE_BYTES)
        usage = await store.reader.run(lambda connection: check_tree(connection, staged.layer), walk=True)
        await settle(hidden)
        with trio.CancelScope(shield=True):  # once submitted it cannot be taken back
            await store.writer.commit(lambda connection: _show(connection, staged, usage))
    except BaseException as error:
        with trio.CancelScope(shield=True):
            await discard_staged(store, hidden)
        if isinstance(error, apsw.ConstraintError):  # two rows for one thing, which the file's own indexes did not see
            foreign.damaged(str(error))
        raise
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(pieces.close)
    return Imported(staged.name, staged.needs)


async def discard_staged(store: Store, prefix: str = STAGED) -> None:
    """Delete unfinished imports: after a failure that one, at the daemon's start all."""
    await store.writer.barrier()  # a cancelled import may have left a write on its way
    unfinished = store.reader.all("SELECT id FROM vm WHERE substr (name, 1, ?) = ?", (len(prefix), prefix))
    for (row,) in unfinished:
        await store.vms.delete(row)
    if unfinished:
        await store.collect_garbage()


def _show(connection: apsw.Connection, staged: _Staged, usage: Usage) -> None:
    if rows(connection, "SELECT 1 FROM vm WHERE name = ?", (staged.name,)):
        raise _conflict(staged.name)
    run(connection, "UPDATE layer SET bytes = ?, entries = ? WHERE id = ?", usage.bytes, usage.entries, staged.layer)
    run(connection, "UPDATE vm SET name = ? WHERE id = ?", staged.name, staged.vm)


def _conflict(name: str) -> ApiError:
    return ApiError(ErrorCode.VM_CONFLICT, f"there is a VM {name!r} already: import it under another name", vm=name)


# On worker threads, one at a time


def _pieces(path: Path, judge: Judge, staged: _Staged, hidden: str, meter: Meter) -> Generator[Any, None, None]:
    """The writes, in order; each is committed before the next is made."""
    with foreign.open_foreign(path) as source:
        vm, name, options, created_at, layer = foreign.only_vm(source)
        staged.name, kept = judge.vm(name, foreign.json_object(options, "the VM's options"))
        staged.created_at = created_at
        staged.needs = read_needs(source)
        tree = FlatTree(source, layer)
        next_ino = tree.next_ino()
        if not 0 < next_ino <= foreign.MAX_INO:
            foreign.damaged("its next inode number is none")

        def begin(connection: apsw.Connection) -> None:
            if rows(connection, "SELECT 1 FROM vm WHERE name = ?", (staged.name,)):
                raise _conflict(staged.name)
            check_room(connection)
            run(connection, "INSERT INTO layer (next_ino, bytes, entries) VALUES (?, 0, 0)", next_ino)
            staged.layer = connection.last_insert_rowid()
            run(
                connection,
                "INSERT INTO vm (name, options, state, created_at, updated_at, layer) VALUES (?, ?, 'asleep', ?, ?, ?)",
                *(hidden, kept, created_at, created_at, staged.layer),
            )
            staged.vm = connection.last_insert_rowid()

        yield begin
        tree.expect_contents(meter)
        meter.expect(source, "SELECT total (octet_length (body)) FROM event")
        yield from _insert("inode", f"layer, {INODE}", _checked_inodes(tree, staged, next_ino))
        yield from _insert("dentry", f"layer, {DENTRY}", _checked_dentries(tree, staged))
        yield from _contents(tree, staged, meter)
        yield from _sessions(source, vm, judge, staged, meter)
        if judge.trust:
            jobs = source.execute(f"SELECT {_CRON} FROM cron WHERE vm = ?", (vm,))  # noqa: S608
            yield from _insert("cron", f"vm, {_CRON}", _jobs(jobs, staged))


def _checked_inodes(tree: FlatTree, staged: _Staged, next_ino: int) -> Iterator[tuple[Any, ...]]:
    for row in tree.inodes():
        foreign.check_inode(row)
        if row[0] >= next_ino:
            foreign.damaged(f"inode {row[0]} has a number that was not given out yet")
        yield staged.layer, *row


def _checked_dentries(tree: FlatTree, staged: _Staged) -> Iterator[tuple[Any, ...]]:
    for row in tree.dentries():
        foreign.check_dentry(row)
        yield staged.layer, *row


def _contents(tree: FlatTree, staged: _Staged, meter: Meter) -> Iterator[Any]:
    unpacker, chunks = Unpacker(), ChunkStore()
    piece: list[tuple[int, int, bytes]] = []

    def step(piece: list[tuple[int, int, bytes]]) -> Any:
        def write(connection: apsw.Connection) -> None:
            hashes = chunks.add(connection, [content for _, _, content in piece])
            connection.executemany(
                f"INSERT INTO extent (layer, {EXTENT}) VALUES (?, ?, ?, (SELECT id FROM chunk WHERE hash = ?))",  # noqa: S608
                [(staged.layer, ino, at, hash_) for (ino, at, _), hash_ in zip(piece, hashes, strict=True)],
            )

        return write

    size = 0
    for ino, position, hash_, length, data in tree.contents():
        if data is None:
            foreign.damaged("content of a file is missing")
        content = unpacker.unpack(length, data)
        meter.add(len(content))
        if hashlib.blake2b(content, digest_size=HASH_BYTES).digest() != hash_:
            foreign.damaged("content of a file is not what its hash says")
        piece.append((ino, position, content))
        size += len(content)
        if size >= PIECE_BYTES or len(piece) >= PIECE_ROWS:
            yield step(piece)
            piece, size = [], 0
    if piece:
        yield step(piece)


def _sessions(source: apsw.Connection, vm: int, judge: Judge, staged: _Staged, meter: Meter) -> Iterator[Any]:
    names = [name.strip() for name in _SESSION.split(",")]
    session_rows = rows(source, f"SELECT id FROM session WHERE vm = ? ORDER BY id LIMIT {MAX_SESSIONS + 1}", (vm,))  # noqa: S608
    if len(session_rows) > MAX_SESSIONS:
        raise ApiError(ErrorCode.TOO_LARGE, f"the file has more than {MAX_SESSIONS} sessions")
    for (row,) in session_rows:
        ((*values,),) = rows(source, f"SELECT {_SESSION} FROM session WHERE id = ?", (row,))  # noqa: S608
        columns = dict(zip(names, values, strict=True))
        foreign.check_time(columns["created_at"], columns["updated_at"])
        yield _begin_session(judge.session(columns), staged)
        yield from _insert("event", "session, seq, created_at, type, body", _events(source, row, judge, staged, meter))
        keys = source.execute(f"SELECT {_IDEMPOTENCY} FROM idempotency WHERE session = ?", (row,))  # noqa: S608
        yield from _insert("idempotency", f"session, {_IDEMPOTENCY}", _keys(keys, staged))
        asked = source.execute(f"SELECT {_PERMISSION} FROM permission WHERE session = ?", (row,))  # noqa: S608
        yield from _insert("permission", f"session, {_PERMISSION}", _permissions(asked, staged))


def _begin_session(columns: dict[str, Any], staged: _Staged) -> Any:
    sql = f"INSERT INTO session (vm, {', '.join(columns)}) VALUES (?, {', '.join('?' * len(columns))})"  # noqa: S608

    def write(connection: apsw.Connection) -> None:
        run(connection, sql, staged.vm, *columns.values())
        staged.session = connection.last_insert_rowid()

    return write


def _events(
    source: apsw.Connection, session: int, judge: Judge, staged: _Staged, meter: Meter
) -> Iterator[tuple[Any, ...]]:
    sql = "SELECT seq, created_at, type, body FROM event WHERE session = ? ORDER BY seq"
    for expected, (seq, created_at, type_, body) in enumerate(source.execute(sql, (session,))):
        if seq != expected:
            foreign.damaged(f"event {expected} of a session is missing")
        foreign.check_time(created_at)
        judge.event(type_, foreign.json_object(body, "an event's bytes"))
        meter.add(len(body))
        yield staged.session, seq, created_at, type_, body


def _keys(source_rows: Iterable[tuple[Any, ...]], staged: _Staged) -> Iterator[tuple[Any, ...]]:
    for key, content_hash, result in source_rows:
        foreign.check_json(result, "an answer")
        yield staged.session, key, content_hash, result


def _permissions(source_rows: Iterable[tuple[Any, ...]], staged: _Staged) -> Iterator[tuple[Any, ...]]:
    for permission_id, request, outcome, created_at, resolved_at in source_rows:
        foreign.check_json(request, "a permission request")
        foreign.check_json(outcome, "a permission's outcome")
        foreign.check_time(created_at, resolved_at)
        yield staged.session, permission_id, request, outcome, created_at, resolved_at


def _jobs(source_rows: Iterable[tuple[Any, ...]], staged: _Staged) -> Iterator[tuple[Any, ...]]:
    for name, schedule, payload, created_at in source_rows:
        foreign.check_json(payload, "a cron job")
        foreign.check_time(created_at)
        yield staged.vm, name, schedule, payload, created_at


def _insert(table: str, columns: str, values: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    sql = f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * (columns.count(',') + 1))})"  # noqa: S608

    def step(piece: list[tuple[Any, ...]]) -> Any:
        return lambda connection: connection.executemany(sql, piece)

    piece: list[tuple[Any, ...]] = []
    size = 0
    for row in values:
        piece.append(row)
        size += sum(len(value) for value in row if isinstance(value, (str, bytes)))
        if size >= PIECE_BYTES or len(piece) >= PIECE_ROWS:
            yield step(piece)
            piece, size = [], 0
    if piece:
        yield step(piece)
