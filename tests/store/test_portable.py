from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Any

import apsw
import pytest
import trio

from runtime.api.errors import ApiError
from runtime.store import exporting, foreign, importing, open_store
from runtime.store.exporting import export_vm
from runtime.store.flattening import MAX_CHAIN
from runtime.store.importing import discard_staged, import_vm
from runtime.store.inspection import SCHEMA_VERSION
from runtime.store.needs import MAX_NEEDS, Need
from runtime.store.vms import STAGED
from runtime.vms.portable import FileJudge
from wasi_fs import FileSystem, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runtime.store import SessionRecord, Store, VmRecord

CONTENT = bytes(range(256)) * 1000
EVENT = b'{"jsonrpc":"2.0","method":"_torpor/x","params":{}}'


def tree(store: Store, layer: int) -> FileSystem:
    return FileSystem(store.files.backend(layer), Limits(), lambda: 5)


async def save(store: Store, vm: int, files: FileSystem) -> None:
    changes = files.take_changes()
    assert changes is not None
    store.files.commit_changes(vm, changes)
    await store.writer.barrier()


@pytest.fixture
async def exported(store: Store, vm: VmRecord, session: SessionRecord, tmp_path: Path) -> Path:
    """An export of a VM whose tree has two layers, with what is hidden, linked twice, and sparse."""
    files = tree(store, vm.layer)
    files.mkdir("/a/b", parents=True)
    files.write_file("/a/b/file", CONTENT)
    files.write_file("/gone", b"x" * 100)
    files.write_file("/emptied/file", b"y", parents=True)
    await save(store, vm.row, files)
    store.snapshots.take(vm.row, 1)
    await store.writer.barrier()
    current = store.vms.get("one")
    assert current is not None
    files = tree(store, current.layer)
    files.unlink("/gone")
    files.unlink("/emptied/file")
    files.link("/a/b/file", "/a/again")
    files.symlink("b/file", "/a/link")
    files.write_file("/sparse", b"end")
    files.truncate("/sparse", 200_000)
    await save(store, vm.row, files)
    for seq in range(3):
        store.transcript.append(session.row, seq, 10 + seq, "_torpor/x", EVENT)
    await store.sessions.set_env(session, {"KEY": "sk-very-secret"})
    store.idempotency.put(session.row, "k", b"h", {"text": "hi"})
    await store.writer.barrier()
    path = tmp_path / "one.torpor"
    assert await export_vm(store.path, vm.row, path) == path.stat().st_size
    return path


def judge(name: str | None = "two", *, trust: bool = False) -> FileJudge:
    return FileJudge(name, trust=trust)


async def nothing(_: str) -> None:
    """Nothing to settle."""


async def refused(store: Store, path: Path, code: str) -> ApiError:
    before = store.reader.all("SELECT (SELECT count(*) FROM inode), (SELECT count(*) FROM chunk), count(*) FROM vm")
    with pytest.raises(ApiError) as caught:
        await import_vm(store, path, judge(), nothing)
    assert caught.value.code == code, caught.value.message
    after = store.reader.all("SELECT (SELECT count(*) FROM inode), (SELECT count(*) FROM chunk), count(*) FROM vm")
    assert after == before, "something was left behind"
    return caught.value


def look_at(exported: Path) -> None:
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    assert b"sk-very-secret" not in exported.read_bytes()
    assert scratch_in(exported.parent) == []


def scratch_in(directory: Path) -> list[str]:
    return [each.name for each in directory.iterdir() if each.name.startswith(".torpor-export")]


def files_in(directory: Path) -> list[str]:
    return [each.name for each in directory.iterdir() if each.is_file()]


async def test_it_comes_back_as_it_was(store: Store, exported: Path) -> None:
    look_at(exported)
    assert (await import_vm(store, exported, judge(), nothing)).name == "two"
    record = store.vms.get("two")
    assert record is not None
    assert record.options == {"labels": {"a": "b"}}
    files = tree(store, record.layer)
    assert files.read_file("/a/b/file") == files.read_file("/a/again") == CONTENT
    assert files.stat("/a/again").nlink == 2
    assert files.readlink("/a/link") == "b/file"
    assert files.read_file("/sparse") == b"end" + bytes(199_997)
    original = store.vms.get("one")
    assert original is not None
    assert files.usage == tree(store, original.layer).usage
    (session,) = store.sessions.list(record.row)
    assert (session.session_id, session.status, session.env_names, session.last_seq) == ("s1", "suspended", ("KEY",), 2)
    with pytest.raises(ApiError, match="KEY"):
        await store.sessions.env(session)
    assert [event.body for event in store.transcript.read(session.row)] == [EVENT] * 3
    assert store.idempotency.get(session.row, "k") is not None


async def test_an_export_can_be_served(exported: Path) -> None:
    async with open_store(exported) as opened:
        (record,) = opened.vms.list()
        assert tree(opened, record.layer).read_file("/a/again") == CONTENT


async def test_an_export_replaces_nothing_and_leaves_nothing(store: Store, vm: VmRecord, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_bytes(b"mine")
    for path, code in ((taken, "exists"), (tmp_path / "no" / "where", "not_found")):
        with pytest.raises(ApiError) as caught:
            await export_vm(store.path, vm.row, path)
        assert caught.value.code == code
    with pytest.raises(ApiError) as caught:
        await export_vm(store.path, 999, tmp_path / "x")
    assert caught.value.code == "vm_not_found"
    assert taken.read_bytes() == b"mine"
    assert not (tmp_path / "x").exists()
    assert scratch_in(tmp_path) == []


async def test_a_name_that_is_taken(store: Store, exported: Path) -> None:
    with pytest.raises(ApiError) as caught:
        await import_vm(store, exported, judge(None), nothing)
    assert caught.value.code == "vm_conflict"
    assert len(store.vms.list()) == 1


async def test_what_a_killed_daemon_left_is_discarded(store: Store, vm: VmRecord) -> None:
    await store.vms.get_or_create(f"{STAGED}1", {}, 1)
    assert [each.name for each in store.vms.list()] == ["one"]
    await discard_staged(store)
    await discard_staged(store)
    assert store.vms.get(f"{STAGED}1") is None
    assert store.vms.get("one") == vm


async def test_a_full_disk_is_told_and_leaves_nothing(
    store: Store, vm: VmRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise apsw.FullError("database or disk is full")

    monkeypatch.setattr(exporting, "_fill", full)
    with pytest.raises(ApiError) as caught:
        await export_vm(store.path, vm.row, tmp_path / "x")
    assert (caught.value.code, caught.value.data) == ("io_error", {"reason": "disk_full", "retryable": True})
    assert files_in(tmp_path) == []


async def test_a_cancelled_export_leaves_nothing(
    store: Store, vm: VmRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = exporting._fill

    def cancelled(*arguments: Any) -> None:
        trio.from_thread.run_sync(scope.cancel)
        fill(*arguments)

    files = tree(store, vm.layer)
    files.write_file("/file", CONTENT)
    await save(store, vm.row, files)
    monkeypatch.setattr(exporting, "_fill", cancelled)
    with trio.CancelScope() as scope:
        await export_vm(store.path, vm.row, tmp_path / "x")
    assert scope.cancelled_caught
    assert files_in(tmp_path) == []


class Cancelling(FileJudge):
    """Cancels the import when it comes to the sessions."""

    scope: trio.CancelScope

    def session(self, columns: dict[str, Any]) -> dict[str, Any]:
        trio.from_thread.run_sync(self.scope.cancel)
        return super().session(columns)


async def test_a_cancelled_import_leaves_nothing(store: Store, exported: Path) -> None:
    count = "SELECT (SELECT count(*) FROM inode), (SELECT count(*) FROM extent), (SELECT count(*) FROM vm)"
    before = store.reader.all(count)
    cancelling = Cancelling("two", trust=False)
    with trio.CancelScope() as scope:
        cancelling.scope = scope
        await import_vm(store, exported, cancelling, nothing)
    assert scope.cancelled_caught
    assert store.reader.all(count) == before


async def test_an_export_that_was_served_can_be_imported_once_it_is_closed(store: Store, exported: Path) -> None:
    async with open_store(exported) as opened:
        await opened.vms.get_or_create("more", {}, 1)
        await refused(store, exported, "busy")
        extra = opened.vms.get("more")
        assert extra is not None
        await opened.vms.delete(extra.row)
    assert (await import_vm(store, exported, judge(), nothing)).name == "two"


@contextlib.contextmanager
def changed(path: Path) -> Iterator[apsw.Connection]:
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        yield connection


CORRUPTIONS: dict[str, str] = {
    "two VMs": "INSERT INTO layer VALUES (9, NULL, 0, 2, 0, 0); INSERT INTO vm VALUES (9, 'x', '{}', 'asleep', 0, 0, 9)",
    "no VM": "DELETE FROM vm",
    "another's file": "PRAGMA application_id = 1",
    "an old version": "PRAGMA user_version = 0",
    "a trigger more": "CREATE TRIGGER more AFTER INSERT ON chunk BEGIN SELECT 1; END",
    "a view in a table's place": "DROP TABLE cron; CREATE VIEW cron AS SELECT 1 AS vm",
    "a poisoned chunk": "UPDATE chunk SET hash = zeroblob(32) WHERE id = (SELECT min(id) FROM chunk)",
    "content of another length": "UPDATE chunk SET size = 65536, data = zeroblob(65536)",
    "a missing chunk": "PRAGMA foreign_keys = off; DELETE FROM chunk",
    "a directory in itself": "UPDATE dentry SET dir = (SELECT ino FROM dentry WHERE name = 'b') WHERE name = 'a'; "
    "UPDATE inode SET parent = (SELECT ino FROM dentry WHERE name = 'b') WHERE ino = (SELECT ino FROM dentry WHERE "
    "name = 'a'); UPDATE inode SET nlink = nlink - 1, size = size - 1 WHERE ino = 1; UPDATE inode SET nlink = nlink + 1, "
    "size = size + 1 WHERE ino = (SELECT ino FROM dentry WHERE name = 'b')",
    "a directory with two names": "INSERT INTO dentry SELECT layer, dir, 'c', ino, type FROM dentry WHERE name = 'b'",
    "another parent": "UPDATE inode SET parent = 1 WHERE ino = (SELECT ino FROM dentry WHERE name = 'b')",
    "links that are not": "UPDATE inode SET nlink = 3 WHERE nlink = 2 AND type = 8",
    "a name for nothing": "INSERT INTO dentry VALUES (1, 1, 'x', 500, 8)",
    "a name for the root": "INSERT INTO dentry VALUES (1, 1, 'x', 1, 4)",
    "a name of a wrong type": "UPDATE dentry SET type = 10 WHERE name = 'file'",
    "a name in a file": "UPDATE dentry SET dir = (SELECT ino FROM dentry WHERE name = 'sparse') WHERE name = 'link'",
    "a name with a slash": "UPDATE dentry SET name = 'x/y' WHERE name = 'file'",
    "the name ..": "UPDATE dentry SET name = '..' WHERE name = 'file'",
    "a name with a NUL": "UPDATE dentry SET name = 'x' || char(0) WHERE name = 'file'",
    "a name that is too long": "UPDATE dentry SET name = printf('%.300c', 'x') WHERE name = 'file'",
    "a name that is no text": "UPDATE dentry SET name = CAST(x'ff' AS TEXT) WHERE name = 'file'",
    "no root": "DELETE FROM inode WHERE ino = 1",
    "a device": "UPDATE inode SET type = 2 WHERE type = 8",
    "a mode": "UPDATE inode SET mode = 65535",
    "a negative size": "UPDATE inode SET size = -1 WHERE type = 8",
    "content beyond the end": "UPDATE inode SET size = 10 WHERE type = 8",
    "content of a link": "UPDATE extent SET ino = (SELECT ino FROM dentry WHERE name = 'link') "
    "WHERE position = 0 AND ino = (SELECT min(ino) FROM extent)",
    "a position far away": "UPDATE extent SET position = 9000000000000000000 WHERE position = 0 AND ino = "
    "(SELECT max(ino) FROM extent)",
    "space that is not taken": "UPDATE inode SET allocated = 0 WHERE type = 8",
    "a link to nowhere": "UPDATE inode SET target = '', size = 0, allocated = 0 WHERE type = 10",
    "an inode of the future": "UPDATE layer SET next_ino = 2",
    "a gap in the events": "DELETE FROM event WHERE seq = 1",
    "events from the middle": "DELETE FROM event WHERE seq = 0",
    "an event that is no JSON": "UPDATE event SET body = x'ff' WHERE seq = 1",
    "an event that is no object": "UPDATE event SET body = x'5b5d' WHERE seq = 1",
    "an event under another type": "UPDATE event SET type = '_torpor/turn_started' WHERE seq = 1",
    "a session's id with a path": "UPDATE session SET session_id = '../../x'",
    "a session's options": "UPDATE session SET options = '{\"secrets\": 1}'",
    "options that are no JSON": "UPDATE vm SET options = '{'",
    "limits that are none": 'UPDATE vm SET options = \'{"limits": {"fuel": -1}}\'',
    "text for a number": "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, 'ROWID, STRICT', 'ROWID') "
    "WHERE name = 'inode'; PRAGMA writable_schema = RESET; UPDATE inode SET mode = 'x'; PRAGMA writable_schema = 1; "
    "UPDATE sqlite_schema SET sql = replace(sql, 'WITHOUT ROWID', 'WITHOUT ROWID, STRICT') WHERE name = 'inode'",
    "a time": "UPDATE session SET created_at = 9223372036854775807",
}


@pytest.mark.parametrize("sql", CORRUPTIONS.values(), ids=CORRUPTIONS.keys())
async def test_a_hostile_file_is_refused(store: Store, exported: Path, sql: str) -> None:
    with changed(exported) as connection:
        connection.execute(sql)
    await refused(store, exported, "state_corrupt")


@pytest.mark.parametrize(
    "sql", ["CREATE TABLE more (x UNIQUE); INSERT INTO more VALUES (1)", "PRAGMA application_id = 0"]
)
async def test_what_backup_tools_do_to_a_file_does_not_matter(store: Store, exported: Path, sql: str) -> None:
    with changed(exported) as connection:
        connection.execute(sql)
        if "application_id" in sql:
            connection.pragma("user_version", 0)
    assert await import_vm(store, exported, judge(), nothing)


async def test_a_newer_file_is_refused(store: Store, exported: Path) -> None:
    with changed(exported) as connection:
        connection.pragma("user_version", SCHEMA_VERSION + 1)
    await refused(store, exported, "state_newer")


def cut(path: Path, part: float) -> None:
    os.truncate(path, int(path.stat().st_size * part))


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
async def test_a_file_that_was_cut_is_refused(store: Store, exported: Path, part: float) -> None:
    cut(exported, part)
    await refused(store, exported, "state_corrupt")


async def test_no_file_and_no_database(store: Store, tmp_path: Path) -> None:
    await refused(store, tmp_path / "no", "not_found")
    (tmp_path / "text").write_bytes(b"text" * 1000)
    await refused(store, tmp_path / "text", "state_corrupt")
    await refused(store, tmp_path, "state_corrupt")


async def test_a_value_that_is_too_large(store: Store, exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "MAX_VALUE_BYTES", 10_000)
    with changed(exported) as connection:
        connection.execute("UPDATE event SET body = zeroblob(20000) WHERE seq = 1")
    await refused(store, exported, "too_large")


async def test_so_many_sessions_are_taken_over(store: Store, exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MAX_SESSIONS", 1)
    with changed(exported) as connection:
        connection.execute(f"INSERT INTO session SELECT {_others(connection)} FROM session")  # noqa: S608
    await refused(store, exported, "too_large")
    monkeypatch.setattr(importing, "MAX_SESSIONS", 2)
    assert (await import_vm(store, exported, judge(), nothing)).name == "two"


def _others(connection: apsw.Connection) -> str:
    """The columns of `session`, for a row that is another session."""
    names = [name for _, name, *_ in connection.execute("PRAGMA table_info(session)")]
    return ", ".join({"id": "id + 1", "session_id": "'other'"}.get(name, name) for name in names)


async def test_a_chain_of_layers_is_followed_so_far(store: Store, vm: VmRecord, tmp_path: Path) -> None:
    """One of a state file that somebody has forged may have no end."""
    layers = [store.vms.list()[0].layer]

    def add(connection: apsw.Connection) -> None:
        connection.execute(
            "INSERT INTO layer (parent, next_ino, bytes, entries) SELECT id, next_ino, bytes, entries FROM layer WHERE id = ?",
            (layers[-1],),
        )
        layers.append(connection.last_insert_rowid())
        connection.execute("UPDATE vm SET layer = ? WHERE id = ?", (layers[-1], vm.row))

    for _ in range(MAX_CHAIN - 1):
        store.writer.submit(add)
    await store.writer.barrier()
    await export_vm(store.path, vm.row, tmp_path / "within")
    await store.writer.commit(add)
    with pytest.raises(ApiError, match=f"have {MAX_CHAIN + 1} layers") as caught:
        await export_vm(store.path, vm.row, tmp_path / "beyond")
    assert caught.value.code == "state_corrupt"
    assert files_in(tmp_path) == ["within"]


WEEK_MS = 7 * 24 * 3600 * 1000
TOO_MUCH: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "labels": (
        {"labels": dict.fromkeys(map(str, range(100)), "")},
        {"labels": dict.fromkeys(map(str, range(101)), "")},
    ),
    "a label": ({"labels": {"x" * 1024: "y"}}, {"labels": {"x" * 1025: "y"}}),
    "a label's value": ({"labels": {"x": "y" * 1024}}, {"labels": {"x": "y" * 1025}}),
    "idleness": ({"idleTimeoutMs": WEEK_MS}, {"idleTimeoutMs": WEEK_MS + 1}),
    "sessions": ({"limits": {"sessions": 100_000}}, {"limits": {"sessions": 100_001}}),
    "events": ({"limits": {"turnBytes": 1 << 36}}, {"limits": {"turnBytes": (1 << 36) + 1}}),
}


@pytest.mark.parametrize(("within", "beyond"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_options_from_a_file_have_the_bounds_of_those_from_clients(
    within: dict[str, Any], beyond: dict[str, Any]
) -> None:
    judge().vm("two", within)
    with pytest.raises(ApiError) as caught:
        judge().vm("two", beyond)
    assert caught.value.code == "state_corrupt"


@pytest.mark.parametrize("trust", [False, True])
async def test_what_reaches_out_is_taken_over_with_trust_alone(store: Store, exported: Path, trust: bool) -> None:
    options: dict[str, Any] = {"network": {"allow": ["example.com"]}, "idleTimeoutMs": 5}
    with changed(exported) as connection:
        connection.execute('UPDATE vm SET options = \'{"network": {"allow": ["example.com"]}, "idleTimeoutMs": 5}\'')
        connection.execute('UPDATE session SET options = \'{"secrets": {"A": "HOME"}, "permissionPolicy": "allow"}\'')
    await import_vm(store, exported, judge(trust=trust), nothing)
    record = store.vms.get("two")
    assert record is not None
    assert record.options == (options if trust else {"idleTimeoutMs": 5})
    (session,) = store.sessions.list(record.row)
    assert session.options["secrets"] == {"A": "HOME" if trust else None}
    assert ("permissionPolicy" in session.options) is trust


NEEDS = [Need("agent", "mine", "0" * 64), Need("command", "mine", "1" * 64)]


async def test_what_a_vm_needs_is_noted_in_the_file(store: Store, vm: VmRecord, exported: Path, tmp_path: Path) -> None:
    assert (await import_vm(store, exported, judge("bare"), nothing)).needs == []
    path = tmp_path / "needing"
    await export_vm(store.path, vm.row, path, needs=NEEDS)
    assert (await import_vm(store, path, judge("three"), nothing)).needs == NEEDS
    async with open_store(path) as served:
        assert [each.name for each in served.vms.list()] == ["one"]
    many = [Need("command", str(number), "2" * 64) for number in range(MAX_NEEDS + 1)]
    await export_vm(store.path, vm.row, tmp_path / "many", needs=many)
    assert len((await import_vm(store, tmp_path / "many", judge("four"), nothing)).needs) == MAX_NEEDS


@pytest.mark.parametrize(
    "statement",
    ["UPDATE need SET sha256 = 'x'", "UPDATE need SET name = printf ('%.*c', 257, 'n') WHERE kind = 'agent'"],
)
async def test_needs_that_are_none_are_refused(store: Store, vm: VmRecord, tmp_path: Path, statement: str) -> None:
    path = tmp_path / "needing"
    await export_vm(store.path, vm.row, path, needs=NEEDS)
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute(statement)
    assert "needs" in (await refused(store, path, "state_corrupt")).message


async def test_another_table_of_that_name_is_not_looked_at(store: Store, exported: Path) -> None:
    with contextlib.closing(apsw.Connection(str(exported))) as connection:
        connection.execute("CREATE TABLE need (kind, name, sha256)")
        connection.execute("INSERT INTO need VALUES (1, 2, 3)")
    assert (await import_vm(store, exported, judge(), nothing)).needs == []
