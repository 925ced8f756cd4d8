"""Opening the state file: who it belongs to, which version it is, and how every connection to it is set up."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Final

import apsw

from runtime.errors import ApiError, ErrorCode
from runtime.store.durability import Durability
from runtime.store.errors import as_api_error
from runtime.store.migrations import MIGRATIONS
from runtime.store.sql import rows

if TYPE_CHECKING:
    from pathlib import Path

APPLICATION_ID: Final = 0x54525052
"""`PRAGMA application_id` of every file that we write: "TRPR"."""

SCHEMA_VERSION: Final = len(MIGRATIONS)

BUSY_MS: Final = 2000
# One process at a time has the file (runtime.store.lock), so only a second connection of ours that recovers the log
# after a crash, or somebody's sqlite3 shell, can make us wait.

CHECKED_TABLES: Final = ("vm", "session")
# quick_check reads all of what it checks, and the whole file may be gigabytes. These two are small, every start needs
# them, and a file that was cut or overwritten shows it here or in the schema; later damage is reported when it is read.

WRITER_CACHE_KIB: Final = 16 * 1024  # holds the inner pages of every b-tree of a file of many gigabytes
READER_CACHE_KIB: Final = 4 * 1024  # there are a few readers, and the operating system caches the file once for all


def open_writable(path: Path, durability: Durability = Durability.PROCESS) -> apsw.Connection:
    """Open the state file for its one writer: create it if need be, check it, and bring it up to date.

    The file gets mode 0600, which its log and index files inherit.

    Raises `ApiError`: STATE_NEWER, STATE_CORRUPT, IO_ERROR.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if stat.S_IMODE(os.fstat(descriptor).st_mode) != stat.S_IRUSR | stat.S_IWUSR:
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ApiError(ErrorCode.IO_ERROR, f"cannot open the state file {path}: {error.strerror}") from error
    connection: apsw.Connection | None = None
    try:
        connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READWRITE)
        _configure(connection, cache_kib=WRITER_CACHE_KIB)
        _check_owner(connection, path)
        if durability is Durability.NONE:  # before the schema is made, which waits for the disk several times
            connection.pragma("synchronous", durability.synchronous)
        _migrate(connection)
        connection.pragma("synchronous", durability.synchronous)
        connection.wal_autocheckpoint(0)  # the writer checkpoints when nobody waits for it
        _check_content(connection, path)
    except (apsw.Error, ApiError) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, (apsw.NotADBError, apsw.CorruptError)):
            raise _corrupt(path, str(error)) from error
        raise as_api_error(error) from error
    return connection


def open_readable(path: Path) -> apsw.Connection:
    """Open a read-only connection to a state file that `open_writable` has prepared."""
    connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY)
    _configure(connection, cache_kib=READER_CACHE_KIB)
    return connection


def _configure(connection: apsw.Connection, *, cache_kib: int) -> None:
    connection.set_busy_timeout(BUSY_MS)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
    # The file may come from another machine: its schema may not call functions with side effects, nor may SQL of ours
    # that went wrong write to the schema.
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.pragma("trusted_schema", "off")
    connection.pragma("cell_size_check", "on")
    connection.pragma("foreign_keys", "on")
    connection.pragma("cache_size", -cache_kib)


def _check_owner(connection: apsw.Connection, path: Path) -> None:
    application_id = connection.pragma("application_id")
    version = connection.pragma("user_version")
    if application_id == APPLICATION_ID:
        if version > SCHEMA_VERSION:
            raise ApiError(
                ErrorCode.STATE_NEWER,
                f"{path} was written by a newer Torpor (schema {version}, this one knows {SCHEMA_VERSION}): "
                "run that version or a later one; this version will not touch the file",
                found=version,
                supported=SCHEMA_VERSION,
            )
        return
    if application_id or version or rows(connection, "SELECT 1 FROM sqlite_schema LIMIT 1"):
        raise _corrupt(path, "it is an SQLite file, but not one of Torpor's")


def _migrate(connection: apsw.Connection) -> None:
    version = connection.pragma("user_version")
    if version == SCHEMA_VERSION:
        return
    if version == 0:
        # Both must precede the first table: destroyed VMs can then give their pages back without a VACUUM.
        connection.pragma("auto_vacuum", "incremental")
        connection.pragma("journal_mode", "wal")
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in MIGRATIONS[version:]:
            connection.execute(step)
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", SCHEMA_VERSION)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _check_content(connection: apsw.Connection, path: Path) -> None:
    if connection.pragma("journal_mode") != "wal":
        connection.pragma("journal_mode", "wal")
    found = _objects(connection)
    with contextlib.closing(apsw.Connection(":memory:")) as blank:
        for step in MIGRATIONS:
            blank.execute(step)
        expected = _objects(blank)
    if found != expected:
        names = ", ".join(sorted(name for _, name in found ^ expected))
        raise _corrupt(path, f"its schema is not the one of version {SCHEMA_VERSION} (differs in: {names})")
    for table in CHECKED_TABLES:
        verdict = connection.pragma("quick_check", table)
        if verdict != "ok":
            raise _corrupt(path, str(verdict))


def _objects(connection: apsw.Connection) -> set[tuple[str, str]]:
    found = rows(connection, "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'")
    return {(type_, name) for type_, name in found}


def _corrupt(path: Path, cause: str) -> ApiError:
    return ApiError(
        ErrorCode.STATE_CORRUPT,
        f"{path} is not a sound Torpor state file: {cause}. Restore it from a backup or an export, or move it away "
        f"(with {path.name}-wal and {path.name}-shm, if they exist) to start with an empty state",
    )
