"""Opening the state file: the checks of its owner and version, and the settings of every connection to it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

import apsw

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.durability import Durability
from runtime.store.errors import as_api_error
from runtime.store.inspection import APPLICATION_ID, SCHEMA_VERSION, damaged, inspect
from runtime.store.migrations import MIGRATIONS
from runtime.store.sql import rows

if TYPE_CHECKING:
    from pathlib import Path

BUSY_TIMEOUT_MS: Final = 2000
"""One process at a time has the file (runtime.store.lock), so only a second connection of ours that recovers the log
after a crash, or somebody's sqlite3 shell, can make us wait."""

WRITER_CACHE_KIB: Final = 16 * 1024
"""Holds the inner pages of every b-tree of a file of many gigabytes."""

READER_CACHE_KIB: Final = 4 * 1024
"""There are a few readers, and the operating system caches the file once for all."""


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
        version = inspect(connection, path)
        if durability is Durability.NONE:  # before the schema is made, which waits for the disk several times
            connection.pragma("synchronous", durability.synchronous)
        _migrate(connection, version)
        connection.pragma("synchronous", durability.synchronous)
        connection.wal_autocheckpoint(0)  # the writer checkpoints when nobody waits for it
        if connection.pragma("journal_mode") != "wal":
            connection.pragma("journal_mode", "wal")
        rows(connection, "SELECT count(*) FROM sqlite_schema")  # the first read makes the log
    except (apsw.Error, ApiError) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, (apsw.NotADBError, apsw.CorruptError)):
            raise damaged(path, str(error)) from error
        raise as_api_error(error) from error
    return connection


def open_readable(path: Path) -> apsw.Connection:
    """Open a read-only connection to a state file that `open_writable` has prepared."""
    connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY)
    _configure(connection, cache_kib=READER_CACHE_KIB)
    return connection


def _configure(connection: apsw.Connection, *, cache_kib: int) -> None:
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
    # The file may come from another machine: its schema may not call functions with side effects, nor may SQL of ours
    # that went wrong write to the schema.
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.pragma("trusted_schema", "off")
    connection.pragma("cell_size_check", "on")
    connection.pragma("foreign_keys", "on")
    connection.pragma("cache_size", -cache_kib)


def _migrate(connection: apsw.Connection, version: int) -> None:
    if version == SCHEMA_VERSION and connection.pragma("application_id") == APPLICATION_ID:
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
