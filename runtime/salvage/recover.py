"""From a damaged state file to exports: the rows that can be read, made whole VM by VM, each written as `torpor export` does.

They are put into a file of our own beside the exports, with our schema; what makes sense of them together is decided there. A
transcript has no gaps afterwards: an event that is lost, or is none any more, is `_torpor/lost` in its place.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

import apsw
import attrs

from runtime.api.defaults import HOME
from runtime.api.errors import ApiError
from runtime.api.events import LOST
from runtime.api.names import is_session_id
from runtime.newfile import make_directory
from runtime.salvage.pages import Pages
from runtime.salvage.tables import Tables
from runtime.salvage.trees import SoundChunks, rebuild
from runtime.store.exporting import export_vm
from runtime.store.foreign import MAX_INO, check_json, check_time, json_object
from runtime.store.migrations import MIGRATIONS
from runtime.store.sql import json_text, rows, run
from runtime.vms.portable import FileJudge

if TYPE_CHECKING:
    from pathlib import Path

WORK: Final = ".torpor-salvage.db"
MAX_TOLD: Final = 1000
"""Losses that are told one by one for each VM: beyond them their number says as much."""

MAX_FILLED: Final = 1_000_000
"""Events of one session that are filled in for: where there are more, a number was damaged."""


@attrs.define
class Salvaged:
    """One export, and what is missing from it."""

    vm: str
    path: str
    lost: list[str] = attrs.Factory(list)
    more: int = 0
    """Losses beyond those that are told."""

    def say(self, text: str) -> None:
        """Note a loss."""
        if len(self.lost) < MAX_TOLD:
            self.lost.append(text)
        else:
            self.more += 1


@attrs.define
class Outcome:
    """What has come of a file."""

    exports: list[Salvaged] = attrs.Factory(list)
    unread: dict[str, int] = attrs.Factory(dict)
    """Table -> rows that were seen and could not be read."""
    lost_pages: int = 0
    problems: list[str] = attrs.Factory(list)


async def salvage(state: Path, output: Path) -> Outcome:
    """Write what can be read of `state` into the folder `output`, which is made. `state` and its log are only read.

    Raises OSError, and ApiError IO_ERROR where `output` cannot be written.
    """
    outcome = Outcome()
    make_directory(output)
    work = output / WORK
    with contextlib.suppress(FileNotFoundError):
        os.unlink(work)  # noqa: PTH108 - of one that was killed
    try:
        with contextlib.closing(_work_file(work)) as connection:
            with Pages(state) as pages:
                _read(pages, connection, outcome)
            chunks = SoundChunks(connection)
            _complete(connection, outcome)
            exports = []
            for row, name, layer in rows(connection, "SELECT id, name, layer FROM vm ORDER BY id"):
                export = Salvaged(name, "")
                _mend(connection, row, layer, chunks, export)
                exports.append((row, export))
        for row, export in exports:
            path = _free(output, export.vm)
            export.path = os.fspath(path)
            try:
                await export_vm(work, row, path)
                outcome.exports.append(export)
            except ApiError as error:
                outcome.problems.append(f"the VM {export.vm!r} could not be exported: {error.message}")
    finally:
        os.unlink(work)  # noqa: PTH108
    return outcome


def _work_file(path: Path) -> apsw.Connection:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.pragma("journal_mode", "off")
    connection.pragma("synchronous", "off")
    for step in MIGRATIONS:
        connection.execute(step)
    for (name,) in rows(connection, "SELECT name FROM sqlite_schema WHERE type = 'trigger'"):
        connection.execute(f"DROP TRIGGER {name}")  # what they look after is looked after here
    return connection


def _read(pages: Pages, connection: apsw.Connection, outcome: Outcome) -> None:
    tables = Tables(pages)
    unread = Counter(tables.unread)
    connection.execute("BEGIN")
    for table, values in tables.rows():
        marks = ", ".join("?" * len(values))
        try:
            connection.execute(f"INSERT OR IGNORE INTO {table.name} VALUES ({marks})", values)  # noqa: S608
        except apsw.Error:  # a type, or a size, that the table does not take
            unread[table.name] += 1
        except (UnicodeError, OverflowError):
            unread[table.name] += 1
    connection.execute("COMMIT")
    outcome.unread = dict(unread + tables.unread)
    outcome.lost_pages = tables.lost_pages
    if tables.guessed:
        outcome.problems.append(
            f"{tables.guessed} pages that nothing leads to were told by what is on them; some of it may have been deleted"
        )
    if not tables.complete:
        outcome.problems.append("the list of tables is damaged, and some could not be told by their order")


def _complete(connection: apsw.Connection, outcome: Outcome) -> None:
    """Have a VM for all that is left of one, and a layer for all that stands on one."""
    parents = "SELECT parent FROM layer WHERE parent IS NOT NULL"
    for sql in ("SELECT layer FROM vm", "SELECT DISTINCT layer FROM inode", parents):
        for (layer,) in rows(connection, f"{sql} EXCEPT SELECT id FROM layer"):  # noqa: S608
            run(connection, "INSERT INTO layer (id, next_ino, bytes, entries) VALUES (?, ?, 0, 0)", layer, MAX_INO)
    loose = (
        "SELECT id FROM layer WHERE frozen = 0 AND id NOT IN (SELECT layer FROM vm) "
        "AND id NOT IN (SELECT parent FROM layer WHERE parent IS NOT NULL) AND id IN (SELECT layer FROM inode)"
    )
    owners = {row for (row,) in rows(connection, "SELECT id FROM vm")}
    orphans = [row for (row,) in rows(connection, "SELECT DISTINCT vm FROM session ORDER BY vm") if row not in owners]
    layers = [layer for (layer,) in rows(connection, loose)]
    if not rows(connection, "SELECT 1 FROM vm") or orphans:
        # The row of a VM is lost. Its files and its sessions are found; that they belong together is so where each is one.
        for number, row in enumerate(orphans or [None] * len(layers)):
            layer = layers.pop(0) if len(orphans) == len(layers) or not orphans else None
            _add_vm(connection, f"lost-vm-{row or number + 1}", layer, row)
            outcome.problems.append(f"the name of a VM is lost: it is called lost-vm-{row or number + 1}")
        for layer in layers:
            _add_vm(connection, f"lost-files-{layer}", layer, None)
            outcome.problems.append(f"the VM of some files is lost: they are in lost-files-{layer}")
    sessions = rows(connection, "SELECT DISTINCT session FROM event WHERE session NOT IN (SELECT id FROM session)")
    if sessions:
        row = _add_vm(connection, "lost-sessions", None, None)
        outcome.problems.append(
            "what is known of some sessions besides their transcripts is lost: they are in lost-sessions"
        )
        for (session,) in sessions:
            run(
                connection,
                "INSERT INTO session (id, vm, session_id, agent_type, options, env_names, status, cwd, created_at, "
                "updated_at) "
                "SELECT ?, ?, ?, 'unknown', '{}', '[]', 'closed', ?, min (created_at), max (created_at) "
                "FROM event WHERE session = ?",
                *(session, row, f"lost-{session}", HOME, session),
            )


def _add_vm(connection: apsw.Connection, name: str, layer: int | None, row: int | None) -> int:
    if layer is None:
        sql = "INSERT INTO layer (next_ino, bytes, entries) VALUES (2, 0, 0) RETURNING id"
        ((layer,),) = rows(connection, sql)
    sql = (
        "INSERT INTO vm (id, name, options, state, created_at, updated_at, layer) "
        "VALUES (?, ?, '{}', 'asleep', 0, 0, ?) RETURNING id"
    )
    ((made,),) = rows(connection, sql, (row, name, layer))
    return int(made)


def _mend(connection: apsw.Connection, vm: int, layer: int, chunks: SoundChunks, export: Salvaged) -> None:
    judge = FileJudge(None, trust=True)
    ((name, options),) = rows(connection, "SELECT name, options FROM vm WHERE id = ?", (vm,))
    try:
        judge.vm(name, json_object(options, "the VM's options"))
    except ApiError:
        export.say("its options are lost")
        run(connection, "UPDATE vm SET options = '{}' WHERE id = ?", vm)
    try:
        rebuilt = rebuild(connection, layer, chunks, export.say)
    except ApiError as error:  # a chain of layers without an end
        export.say(f"its files are lost: {error.message}")
        rebuilt = rebuild(connection, _empty(connection), chunks, export.say)
    run(connection, "UPDATE vm SET layer = ?, state = 'asleep' WHERE id = ?", rebuilt, vm)
    for (session,) in rows(connection, "SELECT id FROM session WHERE vm = ?", (vm,)):
        _mend_session(connection, session, judge, export)


def _empty(connection: apsw.Connection) -> int:
    ((layer,),) = rows(connection, "INSERT INTO layer (next_ino, bytes, entries) VALUES (2, 0, 0) RETURNING id")
    return int(layer)


def _mend_session(connection: apsw.Connection, session: int, judge: FileJudge, export: Salvaged) -> None:
    cursor = connection.execute("SELECT * FROM session WHERE id = ?", (session,))
    names = [column for column, _ in cursor.get_description()]
    columns = dict(zip(names, next(cursor), strict=True))
    cursor.close()
    label = columns["session_id"]
    checked = {name: value for name, value in columns.items() if name not in ("id", "vm", "env_sealed", "usage")}
    try:
        check_time(checked["created_at"], checked["updated_at"])
        judge.session(checked)
    except ApiError:
        export.say(f"session {label}: its options are lost")
        if not is_session_id(label):
            label = f"lost-{session}"
        run(
            connection,
            "UPDATE session SET session_id = ?, options = '{}', env_names = '[]', agent_session_id = NULL, status = 'closed', "
            "cwd = ?, capabilities = NULL, agent_info = NULL, modes = NULL, config_options = NULL, "
            "created_at = 0, updated_at = 0 WHERE id = ?",
            *(label, HOME, session),
        )
    _drop_unsound(connection, session)
    lost = _fill_gaps(connection, session, label, judge)
    if lost:
        export.say(f"session {label}: {lost} events of its transcript are lost")


def _drop_unsound(connection: apsw.Connection, session: int) -> None:
    sql = "SELECT permission_id, request, outcome, created_at, resolved_at FROM permission WHERE session = ?"
    for name, request, outcome, *times in rows(connection, sql, (session,)):
        try:
            check_json(request, "a permission request")
            check_json(outcome, "a permission's outcome")
            check_time(*times)
        except ApiError:
            run(connection, "DELETE FROM permission WHERE session = ? AND permission_id = ?", session, name)


def _fill_gaps(connection: apsw.Connection, session: int, label: str, judge: FileJudge) -> int:
    lost, filled, expected, when = 0, 0, 0, 0
    body = json_text({"jsonrpc": "2.0", "method": LOST, "params": {"sessionId": label}}).encode()
    sql = "INSERT OR REPLACE INTO event (session, seq, created_at, type, body) VALUES (?, ?, ?, ?, ?)"
    for (seq,) in rows(connection, "SELECT seq FROM event WHERE session = ? ORDER BY seq", (session,)):
        ((created_at, type_, found),) = rows(
            connection, "SELECT created_at, type, body FROM event WHERE session = ? AND seq = ?", (session, seq)
        )
        if filled + seq - expected > MAX_FILLED:
            run(connection, "DELETE FROM event WHERE session = ? AND seq >= ?", session, seq)
            break
        for missing in range(expected, seq):
            run(connection, sql, session, missing, when, LOST, body)
            filled += 1
        try:
            check_time(created_at)
            judge.event(type_, json_object(found, "an event"))
            when = created_at
        except ApiError:
            run(connection, sql, session, seq, when, LOST, body)
            lost += 1
        expected = seq + 1
    ((counted,),) = rows(connection, "SELECT counted_seq FROM session WHERE id = ?", (session,))
    for missing in range(expected, min(counted + 1, expected + MAX_FILLED - filled)):
        run(connection, sql, session, missing, when, LOST, body)
        filled += 1
    return lost + filled


def _free(output: Path, name: str) -> Path:
    """A place for the export of the VM."""
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:100].lstrip(".") or "vm"
    path, number = output / f"{stem}.torpor", 1
    while os.path.lexists(path):
        number += 1
        path = output / f"{stem}-{number}.torpor"
    return path


def as_json(outcome: Outcome) -> str:
    """The outcome for programs."""
    return json.dumps(attrs.asdict(outcome), ensure_ascii=False)
