"""Sessions as rows: everything that a resume needs, except the transcript."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

import attrs
import msgspec
import trio

from runtime.api.defaults import HOME
from runtime.api.errors import ApiError, ErrorCode
from runtime.store.needs import MAX_NEEDS
from runtime.store.rotation import SealingTurns
from runtime.store.sql import json_text, rows, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    import apsw

    from runtime.store.reading import Reader
    from runtime.store.rotation import KeyRotation, Rotated
    from runtime.store.sealing import Sealer
    from runtime.store.writer import Then, Write, Writer

SessionStatus = Literal["running", "idle", "suspended", "closed"]


class SessionFields(TypedDict, total=False):
    """The columns that change in a session's life. JSON values are as in ACP; None: the agent has not sent it."""

    status: SessionStatus
    agent_session_id: str | None
    """The agent's own id, which no client sees."""
    capabilities: dict[str, Any] | None
    agent_info: dict[str, Any] | None
    modes: dict[str, Any] | None
    config_options: list[Any] | None
    usage: dict[str, Any] | None
    cwd: str
    title: str | None
    event_bytes: int
    """Bytes of the events up to `counted_seq`."""
    counted_seq: int


_JSON: Final = frozenset({"capabilities", "agent_info", "modes", "config_options", "usage"})
_FIELDS: Final = frozenset({"status", "agent_session_id", "cwd", "title", "event_bytes", "counted_seq"}) | _JSON


@attrs.frozen
class SessionRecord:
    """One row of the table of sessions."""

    row: int
    """The row id, by which the other repositories know the session."""
    vm: int
    """The row id of its VM."""
    session_id: str
    """The public id, unique within the VM."""
    agent_type: str
    options: dict[str, Any]
    """The immutable options, without `env`."""
    env_names: tuple[str, ...]
    """The names of `env`; the values are sealed (see `Sessions.env`)."""
    agent_session_id: str | None
    status: SessionStatus
    """As it was last set: a crash leaves "running" behind."""
    capabilities: dict[str, Any] | None
    agent_info: dict[str, Any] | None
    modes: dict[str, Any] | None
    config_options: list[Any] | None
    usage: dict[str, Any] | None
    """The tokens and cost that the agent has reported: see `runtime.acp.usage`."""
    cwd: str
    title: str | None
    created_at: int
    """Epoch milliseconds."""
    updated_at: int
    """When it or its transcript last changed."""
    last_seq: int
    """Of the last event, -1 when there is none."""


_SELECT: Final = """
SELECT id, vm, session_id, agent_type, options, env_names, agent_session_id, status, capabilities, agent_info, modes,
    config_options, usage, cwd, title, created_at,
    max(updated_at, ifnull((SELECT created_at FROM event WHERE session = session.id ORDER BY seq DESC LIMIT 1), 0)),
    ifnull((SELECT seq FROM event WHERE session = session.id ORDER BY seq DESC LIMIT 1), -1)
FROM session
"""
"""The log alone says where it ends. To keep that in the session's row as well would be a second write for every event."""


_UNCOUNTED: Final = "ifnull((SELECT sum(length(body)) FROM event WHERE session = session.id AND seq > counted_seq), 0)"
"""What came since the count was last kept: a few events, but for a turn that was cut off, or a file from elsewhere."""

_COUNT: Final = f"""
UPDATE session SET event_bytes = event_bytes + {_UNCOUNTED},
    counted_seq = ifnull((SELECT seq FROM event WHERE session = session.id ORDER BY seq DESC LIMIT 1), -1)
WHERE id = ?
"""  # noqa: S608

UNCOUNTED_BYTES: Final = 1024 * 1024
"""Of events that are counted anew at each wake: some 2 ms; above it the count is kept."""


class Sessions:
    """The sessions of all VMs."""

    def __init__(self, writer: Writer, reader: Reader, sealer: Sealer, rotation: KeyRotation) -> None:
        self._writer = writer
        self._reader = reader
        self._sealer = sealer
        self._rotation = rotation
        self.sealing = SealingTurns()
        """A task that copies sealed environments takes a shared turn."""

    def get(self, vm: int, session_id: str) -> SessionRecord | None:
        """The session with that public id in the VM with that row id, None if there is none."""
        row = self._reader.one(f"{_SELECT} WHERE vm = ? AND session_id = ?", (vm, session_id))
        return None if row is None else _record(row)

    def list(self, vm: int) -> Sequence[SessionRecord]:
        """The sessions of a VM, oldest first."""
        return [_record(row) for row in self._reader.all(f"{_SELECT} WHERE vm = ? ORDER BY id", (vm,))]

    def page(self, vm: int, after: int, limit: int) -> Sequence[SessionRecord]:
        """The first `limit` sessions of a VM whose row ids come after `after`, oldest first."""
        sql = f"{_SELECT} WHERE vm = ? AND id > ? ORDER BY id LIMIT ?"
        return [_record(row) for row in self._reader.all(sql, (vm, after, limit))]

    def running(self, vm: int) -> Sequence[SessionRecord]:
        """The sessions of a VM whose rows say that they are in a turn."""
        return [_record(row) for row in self._reader.all(f"{_SELECT} WHERE vm = ? AND status = 'running'", (vm,))]

    async def event_bytes(self, session: int) -> int:
        """Bytes of all events of the session with that row id."""
        sql = f"SELECT event_bytes + {_UNCOUNTED} FROM session WHERE id = ?"  # noqa: S608
        sizes = await self._reader.run(lambda connection: rows(connection, sql, (session,)))
        return sum(size for (size,) in sizes)

    async def count_events(self, vm: int) -> tuple[int, int]:
        """(Bytes of all events, sessions) of the VM with that row id."""
        sql = f"SELECT id, event_bytes, {_UNCOUNTED} FROM session WHERE vm = ?"  # noqa: S608
        counts = await self._reader.run(lambda connection: rows(connection, sql, (vm,)))
        for session, _, uncounted in counts:
            if uncounted > UNCOUNTED_BYTES:
                await self._writer.commit(partial(count_events, session=session))
        return sum(counted + uncounted for _, counted, uncounted in counts), len(counts)

    async def totals(self) -> dict[str, dict[str, float]]:
        """`{sessions, tokens, cost}` of the whole file: counts of sessions by status, tokens by kind, cost by currency."""
        statuses = "SELECT 'sessions', status, count(*) FROM session GROUP BY status"
        used = """
            SELECT part.key, item.key, sum(item.value)
            FROM session, json_each(session.usage) AS part, json_each(part.value) AS item
            WHERE part.key IN ('tokens', 'cost') AND part.type = 'object' GROUP BY part.key, item.key
        """
        totals: dict[str, dict[str, float]] = {"sessions": {}, "tokens": {}, "cost": {}}
        for sql in (statuses, used):
            for kind, name, amount in await self._reader.run(partial(rows, sql=sql)):
                totals[kind][name] = amount
        return totals

    async def agent_types(self, vm: int) -> Sequence[str]:
        """The types of the agents of the VM with that row id, as many as `needs` knows of."""
        sql = f"SELECT DISTINCT agent_type FROM session WHERE vm = ? ORDER BY agent_type LIMIT {MAX_NEEDS}"  # noqa: S608
        return [agent_type for (agent_type,) in await self._reader.run(lambda connection: rows(connection, sql, (vm,)))]

    async def create(
        self,
        vm: int,
        session_id: str,
        agent_type: str,
        created_at: int,
        *,
        options: Mapping[str, Any],
        env: Mapping[str, str],
        **fields: Unpack[SessionFields],
    ) -> SessionRecord:
        """Add a session; `status` is "idle" and `cwd` the home directory unless given. `env` is sealed.

        A cancelled wait may leave the session behind. Raises `ApiError`: SESSION_CONFLICT if the VM has one of that id,
        VM_NOT_FOUND, IO_ERROR.
        """
        async with self.sealing.shared():
            return await self._create(vm, session_id, agent_type, created_at, options, env, fields)

    async def _create(
        self,
        vm: int,
        session_id: str,
        agent_type: str,
        created_at: int,
        options: Mapping[str, Any],
        env: Mapping[str, str],
        fields: SessionFields,
    ) -> SessionRecord:
        sealed = await trio.to_thread.run_sync(self._sealer.seal, env, session_id) if env else None
        columns: dict[str, Any] = {
            "vm": vm,
            "session_id": session_id,
            "agent_type": agent_type,
            "options": json_text(options),
            "env_names": json_text(list(env)),
            "env_sealed": sealed,
            "created_at": created_at,
            "updated_at": created_at,
            "status": "idle",
            "cwd": HOME,
            **column_values(fields),
        }
        sql = f"INSERT INTO session ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608

        def write(connection: apsw.Connection) -> SessionRecord:
            if not rows(connection, "SELECT 1 FROM vm WHERE id = ?", (vm,)):
                raise ApiError(ErrorCode.VM_NOT_FOUND, "the VM was destroyed")
            if rows(connection, "SELECT 1 FROM session WHERE vm = ? AND session_id = ?", (vm, session_id)):
                raise ApiError(ErrorCode.SESSION_CONFLICT, f"there is a session {session_id} already")
            connection.execute(sql, tuple(columns.values()))
            (row,) = rows(connection, f"{_SELECT} WHERE id = ?", (connection.last_insert_rowid(),))
            return _record(row)

        return await self._writer.commit(write)

    def update(self, session: int, updated_at: int, then: Then | None = None, **fields: Unpack[SessionFields]) -> None:
        """Submit new values of `fields`; the others stay. For a session that is gone it does nothing, without an error."""
        size = sum(len(str(value)) for value in column_values(fields).values() if value is not None)
        self._writer.submit(changed_session(session, updated_at, **fields), then, size=size)

    async def env(self, record: SessionRecord) -> dict[str, str]:
        """The session's `env`, opened on a worker thread.

        Raises `ApiError`: SECRETS_REQUIRED with `names` when it cannot be opened with the key at hand, or was left out
        of the file (as exports do), SESSION_NOT_FOUND, STATE_CORRUPT, IO_ERROR.
        """
        async with self.sealing.shared():
            row = self._reader.one("SELECT env_sealed FROM session WHERE id = ?", (record.row,))
            if row is None:
                raise ApiError(ErrorCode.SESSION_NOT_FOUND, f"there is no session {record.session_id}")
            if not record.env_names:
                return {}
            if row[0] is None:
                raise ApiError(
                    ErrorCode.SECRETS_REQUIRED,
                    f"the environment of session {record.session_id} is not in this state file: give these variables again: "
                    f"{', '.join(record.env_names)}",
                    names=list(record.env_names),
                )
            return await trio.to_thread.run_sync(self._sealer.open, row[0], record.session_id, record.env_names)

    async def set_env(self, record: SessionRecord, env: Mapping[str, str]) -> None:
        """Seal and store a new `env` in place of the old one. A cancelled wait may leave the new one stored."""
        async with self.sealing.shared():
            sealed = await trio.to_thread.run_sync(self._sealer.seal, env, record.session_id) if env else None
            parameters = (json_text(list(env)), sealed, record.row)
            sql = "UPDATE session SET env_names = ?, env_sealed = ? WHERE id = ?"
            await self._writer.commit(lambda connection: run(connection, sql, *parameters))

    async def rotate_key(self) -> Rotated:
        """Make a new key and seal every environment with it, all or none: see `runtime.store.rotation`."""
        async with self.sealing.exclusive():
            return await self._rotation.rotate(self._writer, self._reader)

    async def delete(self, session: int) -> None:
        """Delete the session with all its events, if it exists.

        A cancelled wait leaves the deletion submitted.
        """
        sql = "DELETE FROM session WHERE id = ?"
        await self._writer.commit(lambda connection: run(connection, sql, session))


def count_events(connection: apsw.Connection, session: int) -> None:
    """Bring the count of the events' bytes up to date; for the inside of a write."""
    run(connection, _COUNT, session)


def changed_session(session: int, updated_at: int, **fields: Unpack[SessionFields]) -> Write:
    """The write that `Sessions.update` submits, for callers with more writes for the same transaction."""
    columns = column_values(fields)
    assignments = "".join(f", {name} = ?" for name in columns)
    sql = f"UPDATE session SET updated_at = ?{assignments} WHERE id = ?"  # noqa: S608
    parameters = (updated_at, *columns.values(), session)
    return lambda connection: run(connection, sql, *parameters)


def column_values(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of `SessionFields` as SQLite stores them."""
    unknown = fields.keys() - _FIELDS
    if unknown:
        raise TypeError(f"a session has no {', '.join(sorted(unknown))}")
    return {name: json_text(value) if name in _JSON and value is not None else value for name, value in fields.items()}


def _record(row: tuple[Any, ...]) -> SessionRecord:
    values = list(row)
    values[4] = msgspec.json.decode(values[4])
    values[5] = tuple(msgspec.json.decode(values[5]))
    for index in range(8, 13):
        if values[index] is not None:
            values[index] = msgspec.json.decode(values[index])
    return SessionRecord(*values)
