"""The checks of a state file at a daemon's start and in `torpor doctor`; nothing here writes.

Other tools may keep tables of their own in the file, as Litestream does: those are left alone. What stands on our tables is
another matter: a trigger changes what we store, a unique index or a foreign key refuses it. Such a thing is named, with the
statement that removes it and loses nothing.
"""

from __future__ import annotations

import contextlib
import functools
import shlex
from typing import TYPE_CHECKING, Any, Final

import apsw

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.migrations import MIGRATIONS
from runtime.store.sql import rows

if TYPE_CHECKING:
    from pathlib import Path

APPLICATION_ID: Final = 0x54525052
"""`PRAGMA application_id` of every file that we write: "TRPR"."""

SCHEMA_VERSION: Final = len(MIGRATIONS)

CHECKED_TABLES: Final = ("vm", "session")
"""quick_check reads all of what it checks, and the whole file may be gigabytes. These two are small, every start needs
them, and a file that was cut or overwritten shows it here or in the schema; later damage is reported when it is
read."""

SCHEMA_QUERY: Final = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'"


class UnusableError(ApiError):
    """Why a file cannot be used, and what to do. The advice never loses data that may still be whole."""

    def __init__(self, code: ErrorCode, problem: str, remedy: str, **data: Any) -> None:
        super().__init__(code, f"{problem}. {remedy}", **data)
        self.problem = problem
        self.remedy = remedy


@functools.cache
def schema_of(version: int) -> frozenset[tuple[str, str, str, str | None]]:
    """The rows of `SCHEMA_QUERY` in a file of that version."""
    with contextlib.closing(apsw.Connection(":memory:")) as blank:
        for step in MIGRATIONS[:version]:
            blank.execute(step)
        return frozenset(rows(blank, SCHEMA_QUERY))


def version_of(connection: apsw.Connection) -> int | None:
    """The file's schema version, greater than ours for a newer one, 0 for an empty file; None: it is not one of Torpor's.

    `.dump` of the sqlite3 shell leaves the two numbers of the header behind. Such a file is known by its schema, to the letter.
    """
    application_id, version = connection.pragma("application_id"), connection.pragma("user_version")
    if application_id == APPLICATION_ID:
        return int(version)
    if application_id or version:
        return None
    found = set(rows(connection, SCHEMA_QUERY))
    if not found:
        return 0
    return next((each for each in range(SCHEMA_VERSION, 0, -1) if schema_of(each) <= found), None)


def inspect(connection: apsw.Connection, path: Path) -> int:
    """The schema version of a file that can be used, or brought up to date and used; 0 for an empty one.

    Raises `UnusableError` STATE_NEWER, STATE_CORRUPT.
    """
    version = version_of(connection)
    if version is None:
        raise UnusableError(
            ErrorCode.STATE_CORRUPT,
            f"{path} is an SQLite file, but not one of Torpor's",
            "It was left as it is: name the right one with --state",
        )
    if version > SCHEMA_VERSION:
        raise UnusableError(
            ErrorCode.STATE_NEWER,
            f"{path} was written by a newer Torpor (schema {version}, this one knows {SCHEMA_VERSION})",
            "Run that version or a later one; this version will not touch the file",
            found=version,
            supported=SCHEMA_VERSION,
        )
    if version:
        _check_objects(connection, path, version)
        for table in CHECKED_TABLES:
            verdict = connection.pragma("quick_check", table)
            if verdict != "ok":
                raise damaged(path, str(verdict))
    return version


def damaged(path: Path, cause: str) -> UnusableError:
    """The error for a file that cannot be used."""
    return UnusableError(
        ErrorCode.STATE_CORRUPT,
        f"{path} is not a sound Torpor state file: {cause}",
        "It was left as it is. Restore a backup, or write what can still be read of it into a folder with "
        f"`torpor salvage {shlex.quote(str(path))} --output FOLDER`; keep it, with {path.name}-wal if that exists, until you "
        "have what you need",
    )


def _check_objects(connection: apsw.Connection, path: Path, version: int) -> None:
    found = {(type_, name): table for type_, name, table, _ in rows(connection, SCHEMA_QUERY)}
    ours = {(type_, name): table for type_, name, table, _ in schema_of(version)}
    if missing := ours.keys() - found.keys():
        names = ", ".join(sorted(name for _, name in missing))
        raise damaged(path, f"its schema is not the one of version {version} (it lacks {names})")
    tables = set(ours.values())
    for type_, name in sorted(found.keys() - ours.keys()):
        if found[type_, name] in tables:
            raise _in_the_way(path, type_, name, f"on Torpor's table {found[type_, name]}")
        if type_ == "table":
            parents = {row[0] for row in rows(connection, 'SELECT "table" FROM pragma_foreign_key_list (?)', (name,))}
            if parents & tables:
                raise _in_the_way(path, type_, name, f"with a foreign key to Torpor's table {min(parents & tables)}")


def _in_the_way(path: Path, type_: str, name: str, what: str) -> UnusableError:
    quoted = name.replace('"', '""')
    statement = f'DROP {type_.upper()} "{quoted}"'
    return UnusableError(
        ErrorCode.STATE_CORRUPT,
        f"{path} has a {type_} {name!r} {what}, which is not Torpor's and could change or refuse what is stored there",
        "It was left as it is, and nothing of Torpor's is lost by removing that: "
        f"sqlite3 {shlex.quote(str(path))} {shlex.quote(statement)}",
    )
