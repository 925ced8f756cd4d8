"""A state file from elsewhere, opened to be read and not to be believed: its header, its schema, and each of its rows.

What can be told of one row is told here, as it is read; what rows say together (is this a tree?) is checked on our own copy
of them, which nobody else can change: see `runtime.store.importing`.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import quote

import apsw
import msgspec

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.inspection import SCHEMA_QUERY, SCHEMA_VERSION, schema_of, version_of
from runtime.store.sql import rows
from wasi_fs.backend import STORED_TYPES, FileType
from wasi_fs.device import FIRST_INO
from wasi_fs.tree import MAX_LINKS
from wasi_fs.values import NAME_MAX, PATH_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_VALUE_BYTES: Final = 64 * 1024 * 1024
"""One value of a row: twice the longest line that a client may send, so that every event fits; no more is allocated."""

MAX_INO: Final = FIRST_INO
"""The greatest inode number: a VM that makes a million files a second takes centuries to get there."""

MAX_TIME_MS: Final = 1 << 53
"""Epoch milliseconds that JSON's numbers hold exactly."""

PERMISSIONS: Final = 0o7777
_WAL_SUFFIX: Final = "-wal"


@contextlib.contextmanager
def open_foreign(path: Path) -> Iterator[apsw.Connection]:
    """A connection to the file inside a read transaction, its header, schema and pages checked; any thread.

    Raises `ApiError`: NOT_FOUND, STATE_NEWER, STATE_CORRUPT, BUSY for a file that a daemon has open, IO_ERROR.
    """
    try:
        status = path.stat()
    except OSError as error:
        code = ErrorCode.NOT_FOUND if isinstance(error, FileNotFoundError) else ErrorCode.IO_ERROR
        raise ApiError(code, f"cannot read {path}: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        damaged("it is not a regular file")
    log = path.with_name(path.name + _WAL_SUFFIX)
    if log.exists() and log.stat().st_size:
        raise ApiError(ErrorCode.BUSY, f"{path} is in use, or was not closed: stop its daemon first")
    connection: apsw.Connection | None = None
    try:
        # Immutable: nothing is locked and nothing is made beside it, whatever the file's journal mode is.
        connection = apsw.Connection(
            f"file:{quote(os.fspath(path))}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        )
        connection.limit(apsw.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0)
        for name, value in (("trusted_schema", "off"), ("cell_size_check", "on"), ("mmap_size", 0)):
            connection.pragma(name, value)
        connection.execute("BEGIN")
        check_schema(connection)
        verdict = rows(connection, "PRAGMA quick_check(1)")[0][0]
        if verdict != "ok":
            damaged(str(verdict))
        yield connection
    except (apsw.NotADBError, apsw.CorruptError, apsw.SQLError, UnicodeDecodeError) as error:
        damaged(str(error))
    except apsw.TooBigError as error:
        raise ApiError(ErrorCode.TOO_LARGE, f"a value in the file is over {MAX_VALUE_BYTES} bytes") from error
    except apsw.Error as error:
        raise ApiError(ErrorCode.IO_ERROR, f"cannot read {path}: {error}") from error
    finally:
        if connection is not None:
            connection.close(force=True)


def check_schema(connection: apsw.Connection) -> None:
    """Text by text: names alone would let a table bring its own expressions, indexes their own order.

    Tables of others are not looked at, and triggers and views are off.
    """
    version = version_of(connection)
    if not version:
        damaged("it is not a file of Torpor's")
    if version > SCHEMA_VERSION:
        raise ApiError(
            ErrorCode.STATE_NEWER,
            f"the file was written by a newer Torpor (schema {version}, this one knows {SCHEMA_VERSION})",
            found=version,
            supported=SCHEMA_VERSION,
        )
    if version != SCHEMA_VERSION:
        damaged(f"its schema has version {version}; let a daemon of this version open it once (torpor serve --state)")
    found, ours = set(rows(connection, SCHEMA_QUERY)), schema_of(version)
    tables = {row[2] for row in ours}
    if ours - found or any(row[2] in tables for row in found - ours):
        damaged(f"its schema is not the one of version {SCHEMA_VERSION}")


def only_vm(connection: apsw.Connection) -> tuple[Any, ...]:
    """(id, name, options, created_at, layer) of the one VM of the file."""
    found = rows(connection, "SELECT id, name, options, created_at, layer FROM vm LIMIT 2")
    if len(found) != 1:
        damaged("it has no VM" if not found else "it has more than one VM: export the one that is meant")
    row, name, options, created_at, layer = found[0]
    json_object(options, "the VM's options")
    check_time(created_at)
    return row, name, options, created_at, layer


def check_inode(row: tuple[Any, ...]) -> None:
    """One row of `flattening.INODE`, by the rules that guests' writes keep."""
    ino, type_, mode, nlink, size, _allocated, _atime, _mtime, _ctime, parent, target, read_only = row
    if not (0 < ino < MAX_INO and type_ in STORED_TYPES and 0 <= mode <= PERMISSIONS and read_only in (0, 1)):
        damaged(f"inode {ino} is none")
    if size < 0 or nlink < 1 or (type_ != FileType.DIRECTORY and (nlink > MAX_LINKS or parent != 0)):
        damaged(f"inode {ino} has a size or links that no file has")
    if (target is None) != (type_ != FileType.SYMLINK):
        damaged(f"inode {ino} has a target, or lacks one")
    if target is not None and not (0 < len(target.encode()) < PATH_MAX and "\0" not in target):
        damaged(f"the target of symlink {ino} is no path")
    if target is not None and size != len(target.encode()):
        damaged(f"the size of symlink {ino} is wrong")


def check_dentry(row: tuple[Any, ...]) -> None:
    """One row of `flattening.DENTRY`: its name is one that a guest could have given."""
    name = row[1]
    if name in ("", ".", "..") or "/" in name or "\0" in name or len(name.encode()) > NAME_MAX:
        damaged("a file's name is none")


def json_object(text: str | bytes, what: str) -> dict[str, Any]:
    """The object that `text` is."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        damaged(f"{what} are not a JSON object")


def check_json(text: str | None, what: str) -> None:
    """Refuse a value that is neither JSON nor NULL."""
    try:
        if text is not None:
            msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        damaged(f"{what} is not JSON")


def check_time(*times: int | None) -> None:
    """Refuse a value that is no count of epoch milliseconds."""
    if any(time is not None and not 0 <= time < MAX_TIME_MS for time in times):
        damaged("a time is none")


def damaged(cause: str) -> NoReturn:
    """Raise STATE_CORRUPT."""
    raise ApiError(ErrorCode.STATE_CORRUPT, f"the file cannot be imported, nothing of it was: {cause}")
