from __future__ import annotations

import shlex
import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import apsw
import pytest

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.durability import Durability
from runtime.store.inspection import APPLICATION_ID, SCHEMA_VERSION
from runtime.store.migrations import MIGRATIONS
from runtime.store.schema import open_readable, open_writable

if TYPE_CHECKING:
    from pathlib import Path


def refusal(path: Path) -> ApiError:
    with pytest.raises(ApiError) as caught:
        open_writable(path)
    return caught.value


def test_a_new_file_is_marked_private_and_in_wal_mode(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with closing(open_writable(path)) as connection:
        assert connection.pragma("application_id") == APPLICATION_ID
        assert connection.pragma("user_version") == SCHEMA_VERSION
        assert connection.pragma("journal_mode") == "wal"
        assert connection.pragma("foreign_keys") == 1
        assert connection.pragma("auto_vacuum") == 2
        for name in ("s.db", "s.db-wal", "s.db-shm"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_every_table_is_strict(tmp_path: Path) -> None:
    with closing(open_writable(tmp_path / "s.db")) as connection:
        tables = connection.execute(
            "SELECT name, strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite%'"
        ).fetchall()
    assert {strict for _, strict in tables} == {1}
    assert len(tables) == 14


def test_every_foreign_key_is_found_by_an_index(tmp_path: Path) -> None:
    # Else each deletion of a parent reads the whole child table.
    with closing(open_writable(tmp_path / "s.db")) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM pragma_table_list WHERE type = 'table'")]
        for table in tables:
            for key in connection.execute('SELECT "from" FROM pragma_foreign_key_list(?)', (table,)).fetchall():
                query = f"EXPLAIN QUERY PLAN SELECT 1 FROM {table} WHERE {key[0]} = 1"  # noqa: S608
                plan = connection.execute(query).fetchall()
                assert "SEARCH" in str(plan), (table, key)


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    open_writable(path).close()
    before = path.read_bytes()
    open_writable(path).close()
    assert path.read_bytes() == before


def test_a_wider_mode_is_narrowed(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.touch(0o644)
    path.chmod(0o644)
    open_writable(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(("durability", "level"), [("process", 1), ("power", 2), ("none", 0)])
def test_durability(tmp_path: Path, durability: str, level: int) -> None:
    with closing(open_writable(tmp_path / "s.db", Durability(durability))) as connection:
        assert connection.pragma("synchronous") == level


def test_a_newer_file_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with closing(open_writable(path)) as connection:
        connection.pragma("user_version", SCHEMA_VERSION + 1)
    before = path.read_bytes()
    error = refusal(path)
    assert error.code is ErrorCode.STATE_NEWER
    assert error.data == {"found": SCHEMA_VERSION + 1, "supported": SCHEMA_VERSION}
    assert path.read_bytes() == before


def test_a_foreign_sqlite_file_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("CREATE TABLE notes (text)")
    before = path.read_bytes()
    error = refusal(path)
    assert error.code is ErrorCode.STATE_CORRUPT
    assert "not one of Torpor's" in error.message
    assert "left as it is" in error.message
    assert path.read_bytes() == before


def test_any_other_file_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_text("Dear diary, " * 1000)
    before = path.read_bytes()
    assert refusal(path).code is ErrorCode.STATE_CORRUPT
    assert path.read_bytes() == before


def test_a_missing_table_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with closing(open_writable(path)) as connection:
        connection.execute("DROP TABLE cron")
    error = refusal(path)
    assert error.code is ErrorCode.STATE_CORRUPT
    assert "cron" in error.message


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER spy AFTER INSERT ON event BEGIN DELETE FROM vm; END",
        'CREATE UNIQUE INDEX "sp""y" ON vm (created_at)',
        "CREATE TABLE spy (vm INTEGER REFERENCES vm (id) ON DELETE RESTRICT)",
    ],
)
def test_what_others_have_put_on_our_tables_is_named_and_can_be_removed(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "s p.db"
    with closing(open_writable(path)) as connection:
        connection.execute("INSERT INTO layer VALUES (1, NULL, 0, 2, 0, 0)")
        connection.execute("INSERT INTO vm VALUES (1, 'kept', '{}', 'asleep', 0, 0, 1)")
        connection.execute(statement)
    error = refusal(path)
    assert error.code is ErrorCode.STATE_CORRUPT
    program, place, remedy = shlex.split(error.message.rpartition(": ")[2])
    assert (program, place) == ("sqlite3", str(path))
    with closing(sqlite3.connect(place)) as shell:
        shell.execute(remedy)
    with closing(open_writable(path)) as connection:
        assert connection.execute("SELECT name FROM vm").fetchall() == [("kept",)]


def test_tables_of_others_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with closing(open_writable(path)) as connection:
        # What Litestream adds, and more of the kind.
        connection.execute(
            "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER); CREATE TABLE _litestream_lock (id INTEGER);"
            "CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT UNIQUE); CREATE INDEX by_text ON notes (text);"
            "CREATE TRIGGER noted AFTER INSERT ON notes BEGIN SELECT 1; END; CREATE VIEW names AS SELECT name FROM vm;"
            "CREATE VIRTUAL TABLE words USING fts5 (text); INSERT INTO notes (text) VALUES ('kept')"
        )
    with closing(open_writable(path)) as connection:
        assert connection.execute("SELECT text FROM notes").fetchall() == [("kept",)]


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
@pytest.mark.parametrize("way", ["dump", "VACUUM INTO", "backup"])
def test_what_sqlite_makes_of_a_file_can_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, version: int
) -> None:
    path, copy = tmp_path / "s.db", tmp_path / "copy.db"
    with monkeypatch.context() as patch:
        patch.setattr("runtime.store.schema.MIGRATIONS", MIGRATIONS[:version])
        patch.setattr("runtime.store.schema.SCHEMA_VERSION", version)
        with closing(open_writable(path)) as connection:
            connection.execute("INSERT INTO layer VALUES (1, NULL, 0, 2, 0, 0)")
            connection.execute("INSERT INTO vm VALUES (1, 'kept', '{}', 'asleep', 0, 0, 1)")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        if way == "dump":
            target.executescript("\n".join(source.iterdump()))
            assert target.execute("PRAGMA application_id").fetchall() == [(0,)]
        elif way == "backup":
            source.backup(target)
    if way == "VACUUM INTO":
        copy.unlink()
        with closing(sqlite3.connect(path)) as source:
            source.execute("VACUUM INTO ?", (str(copy),))
    with closing(open_writable(copy)) as connection:
        assert connection.execute("SELECT name FROM vm").fetchall() == [("kept",)]
        assert connection.pragma("application_id") == APPLICATION_ID
        assert connection.pragma("user_version") == SCHEMA_VERSION


def test_overwritten_pages_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with closing(open_writable(path)) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'session'").fetchall()[0][0]
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    assert refusal(path).code is ErrorCode.STATE_CORRUPT


def test_a_directory_in_its_place_is_an_io_error(tmp_path: Path) -> None:
    assert refusal(tmp_path).code is ErrorCode.IO_ERROR


def test_a_failing_migration_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.db"
    open_writable(path).close()
    steps = (*MIGRATIONS, "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT; CREATE TABLE vm (id INTEGER)")
    with monkeypatch.context() as patch:
        patch.setattr("runtime.store.schema.MIGRATIONS", steps)
        patch.setattr("runtime.store.schema.SCHEMA_VERSION", len(steps))
        with pytest.raises(apsw.SQLError, match="vm already exists"):
            open_writable(path)
    open_writable(path).close()


def test_an_older_file_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.db"
    with monkeypatch.context() as patch:
        patch.setattr("runtime.store.schema.MIGRATIONS", MIGRATIONS[:1])
        patch.setattr("runtime.store.schema.SCHEMA_VERSION", 1)
        with closing(open_writable(path)) as connection:
            connection.execute("INSERT INTO layer VALUES (1, NULL, 0, 2, 0, 0)")
            connection.execute("INSERT INTO vm VALUES (1, 'kept', '{}', 'asleep', 0, 0, 1)")
    with closing(open_writable(path)) as connection:
        assert connection.pragma("user_version") == SCHEMA_VERSION
        assert connection.execute("SELECT name FROM vm").fetchall() == [("kept",)]
        assert connection.execute("SELECT usage FROM session").fetchall() == []


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with closing(open_writable(path)), closing(open_readable(path)) as reader, pytest.raises(apsw.ReadOnlyError):
        reader.execute("DELETE FROM vm")
