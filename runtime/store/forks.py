"""Forks: a new VM or session that goes on from a point of another one. Files are shared by layers, transcripts copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import msgspec
import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.files import chain_of
from runtime.store.sessions import column_values, count_events
from runtime.store.snapshots import freeze
from runtime.store.sql import rows, run
from runtime.store.vms import add_vm

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from runtime.store.files import LayerFiles
    from runtime.store.reading import Reader
    from runtime.store.sealing import Sealer
    from runtime.store.sessions import SessionFields, SessionRecord, Sessions
    from runtime.store.vms import VmRecord
    from runtime.store.writer import Writer

PAGE: Final = 256
"""Events whose ids are rewritten at a time: the longest have megabytes."""

_COPIED: Final = """
agent_type, options, env_names, agent_session_id, status, capabilities, agent_info, modes, config_options, usage, cwd,
title
"""
_COPY_EVENTS: Final = """
INSERT INTO event (session, seq, created_at, type, body)
SELECT ?, seq, created_at, type, body FROM event WHERE session = ? AND seq <= ? ORDER BY seq
"""
_COPY_SNAPSHOTS: Final = """
INSERT INTO snapshot (vm, layer, session, seq, label, created_at)
SELECT ?, layer, ?, seq, label, created_at FROM snapshot WHERE session = ? AND seq <= ? ORDER BY id
"""

_COPY_KEYS: Final = """
INSERT INTO idempotency (session, key, content_hash, result)
SELECT ?, key, content_hash, result FROM idempotency WHERE session = ? AND result ->> 'seq' <= ?
"""
"""Results of turns that the copy does not have would tell of what never happened there."""


@attrs.frozen
class SessionCopy:
    """How much of one session is copied to a fork."""

    session: SessionRecord
    last_seq: int
    """The last event that is copied."""
    fields: SessionFields
    """The session's row at that event."""


class _Event(msgspec.Struct):
    """The part of an event that has the session's id."""

    jsonrpc: str
    method: str
    params: dict[str, msgspec.Raw]


class Forks:
    """Copies VMs and sessions, each in one write, so that a copy is complete or does not exist."""

    def __init__(self, writer: Writer, reader: Reader, sessions: Sessions, sealer: Sealer) -> None:
        self._writer = writer
        self._reader = reader
        self._sessions = sessions
        self._sealer = sealer

    async def fork_vm(
        self,
        source: VmRecord,
        name: str,
        created_at: int,
        copies: Sequence[SessionCopy],
        *,
        layer: int | None = None,
        files: LayerFiles | None = None,
    ) -> VmRecord:
        """Create the VM `name`, asleep, with the options of `source` and the files of the frozen `layer`.

        Without `layer` it gets the present files of `source`; `files` is then the backend that `source` uses, if any.
        Sessions keep their public ids and their sealed environments; a session that is gone by now is left out. A cancelled
        wait may leave the fork behind.

        Raises `ApiError`: VM_CONFLICT if there is such a VM, VM_NOT_FOUND, NOT_FOUND if there is no such layer, IO_ERROR.
        """
        own: list[int] = []
        forks: list[VmRecord] = []
        failure: list[Exception] = []
        done = trio.Event()

        def write(connection: apsw.Connection) -> None:
            own.clear()
            options = rows(connection, "SELECT options FROM vm WHERE id = ?", (source.row,))
            if not options:
                raise ApiError(ErrorCode.VM_NOT_FOUND, f"the VM {source.name!r} was destroyed", vm=source.name)
            if rows(connection, "SELECT 1 FROM vm WHERE name = ?", (name,)):
                raise ApiError(ErrorCode.VM_CONFLICT, f"there is a VM {name!r} already", vm=name)
            parent = layer
            if parent is None:
                parent, current = freeze(connection, source.row)
                own.extend(chain_of(connection, current))
            record = add_vm(connection, name, options[0][0], created_at, parent)
            for copy in copies:
                _copy_session(connection, copy, record.row)
            forks[:] = [record]

        def then(error: Exception | None) -> None:
            if error is not None:
                failure.append(error)
            elif own and files is not None:
                files.show(own)  # at once: the next change that is committed is in the new layer
            done.set()

        async with self._sessions.sealing.shared():
            self._writer.submit(write, then)
            await done.wait()
        if failure:
            raise failure[0]
        return forks[0]

    async def fork_session(self, copy: SessionCopy, session_id: str, created_at: int) -> SessionRecord:
        """Copy a session in the same VM, under another public id; its environment is sealed anew for that id.

        If the environment cannot be opened, its names are copied, and a resume asks for the values. A cancelled wait may
        leave the copy behind. Raises `ApiError` SESSION_NOT_FOUND, IO_ERROR.
        """
        source = copy.session
        async with self._sessions.sealing.shared():
            sealed = await trio.to_thread.run_sync(self._seal_anew, source, self._blob(source), session_id)

            def write(connection: apsw.Connection) -> None:
                row = _copy_row(connection, copy, source.vm, session_id)
                if row is None:
                    raise ApiError(ErrorCode.SESSION_NOT_FOUND, f"there is no session {source.session_id}")
                run(
                    connection,
                    "UPDATE session SET env_sealed = ?, created_at = ?, updated_at = ? WHERE id = ?",
                    *(sealed, created_at, created_at, row),
                )
                _copy_renamed(connection, copy, row, session_id)
                count_events(connection, row)

            await self._writer.commit(write)
        record = self._sessions.get(source.vm, session_id)
        if record is None:
            raise ApiError(ErrorCode.SESSION_NOT_FOUND, f"the session {session_id} was destroyed")
        return record

    def _blob(self, session: SessionRecord) -> bytes | None:
        row = self._reader.one("SELECT env_sealed FROM session WHERE id = ?", (session.row,))
        return None if row is None else row[0]

    def _seal_anew(self, session: SessionRecord, blob: bytes | None, session_id: str) -> bytes | None:
        if blob is None:
            return None
        try:
            return self._sealer.seal(self._sealer.open(blob, session.session_id, session.env_names), session_id)
        except ApiError as error:
            if error.code is not ErrorCode.SECRETS_REQUIRED:
                raise
            return None


def _copy_session(connection: apsw.Connection, copy: SessionCopy, vm: int) -> None:
    """Copy a session to another VM as it is, or do nothing if it is gone."""
    row = _copy_row(connection, copy, vm, copy.session.session_id)
    if row is None:
        return
    source = copy.session.row
    run(
        connection,
        "UPDATE session SET env_sealed = s.env_sealed FROM session AS s WHERE session.id = ? AND s.id = ?",
        row,
        source,
    )
    run(connection, _COPY_EVENTS, row, source, copy.last_seq)
    run(connection, _COPY_SNAPSHOTS, vm, row, source, copy.last_seq)
    run(connection, _COPY_KEYS, row, source, copy.last_seq)
    count_events(connection, row)


def _copy_row(connection: apsw.Connection, copy: SessionCopy, vm: int, session_id: str) -> int | None:
    """The row id of the copy, which has no sealed environment; None if the session is gone."""
    run(
        connection,
        f"INSERT INTO session (vm, session_id, created_at, updated_at, {_COPIED}) "  # noqa: S608
        f"SELECT ?, ?, created_at, updated_at, {_COPIED} FROM session WHERE id = ?",
        *(vm, session_id, copy.session.row),
    )
    if connection.changes() == 0:
        return None
    row = connection.last_insert_rowid()
    columns = column_values(copy.fields)
    assignments = ", ".join(f"{name} = ?" for name in columns)
    run(connection, f"UPDATE session SET {assignments} WHERE id = ?", *columns.values(), row)  # noqa: S608
    return row


def _copy_renamed(connection: apsw.Connection, copy: SessionCopy, row: int, session_id: str) -> None:
    """Copy the events with the new public id in them, which is in the params of each."""
    decoder = msgspec.json.Decoder(_Event)
    renamed = msgspec.Raw(msgspec.json.encode(session_id))
    after = -1
    while page := rows(
        connection,
        "SELECT seq, created_at, type, body FROM event WHERE session = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
        (copy.session.row, after, copy.last_seq, PAGE),
    ):
        events: list[tuple[Any, ...]] = []
        for seq, created_at, type_, body in page:
            event = decoder.decode(body)
            event.params["sessionId"] = renamed
            events.append((row, seq, created_at, type_, msgspec.json.encode(event)))
        connection.executemany(
            "INSERT INTO event (session, seq, created_at, type, body) VALUES (?, ?, ?, ?, ?)", events
        )
        after = page[-1][0]
