"""The state file, its directory, and the key that seals what is secret in it."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Any, Final

import apsw

from runtime.api.errors import ApiError
from runtime.doctor.finding import Finding, fail, ok, warn
from runtime.store.inspection import SCHEMA_VERSION, UnusableError, damaged, inspect
from runtime.store.schema import open_readable
from runtime.store.sealing import key_id, read_key
from runtime.store.sql import rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_FAULTS: Final = 3
"""Of a damaged file that are shown: the first tell as much as all of them."""


def private_directory(check: str, path: Path) -> Finding:
    """Whether a directory, where there is one, is the user's own, closed to others, and can be written to."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return ok(check, f"{path} is made when it is needed")
    except OSError as error:
        return fail(check, f"{path}: {error.strerror}", "make the directories above it accessible")
    if not stat.S_ISDIR(found.st_mode):
        return fail(check, f"{path} is not a directory", "move it away")
    if found.st_uid != os.geteuid():
        return fail(check, f"{path} belongs to another user (uid {found.st_uid})", f"chown {os.geteuid()} {path}")
    if stat.S_IMODE(found.st_mode) & 0o077:
        return fail(check, f"{path} is open to other users", f"chmod 700 {path}")
    if not _writable(path):
        return fail(check, f"{path} cannot be written to", "make it writable, or name another place")
    return ok(check, f"{path} is private")


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK | os.X_OK, effective_ids=True)


def check_state(path: Path, *, full: bool) -> Iterator[Finding]:
    """The checks of the state file at `path`."""
    yield private_directory("state directory", path.parent)
    if not path.exists():
        yield ok("state file", f"{path}: there is none yet")
        return
    found = path.stat()
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        yield fail("state file", f"{path} can be read by others", f"chown {os.geteuid()} {path} && chmod 600 {path}")
    else:
        yield ok("state file", f"{path}, {found.st_size / 1e6:.1f} MB, is private")
    sealed: set[bytes] | None = None
    try:
        with contextlib.closing(open_readable(path)) as connection:
            finding = _integrity(connection, path, full=full)
            if finding.verdict == "ok" and connection.pragma("user_version"):
                sealed = _sealed_with(connection)
            yield finding
    except (apsw.CorruptError, apsw.NotADBError) as error:
        yield _unusable(damaged(path, str(error)))
    except UnusableError as error:
        yield _unusable(error)
    except apsw.Error as error:
        yield fail(
            "integrity", f"{path}: {error}", "look whether it can be read, and whether another program has it open"
        )
    if sealed is not None:
        yield _key(path.with_name("key"), sealed)


def _integrity(connection: apsw.Connection, path: Path, *, full: bool) -> Finding:
    version = inspect(connection, path)  # what a start asks
    if not version:
        return ok("integrity", "it is empty")
    pragma = "integrity_check" if full else "quick_check"
    faults = [str(row[0]) for row in rows(connection, f"PRAGMA {pragma} ({MAX_FAULTS})") if row[0] != "ok"]
    if not faults and full:
        faults = [f"a row of {row[0]} refers to nothing" for row in connection.execute("PRAGMA foreign_key_check")]
    if faults:
        raise damaged(path, "; ".join(faults[:MAX_FAULTS]))
    older = (
        f", of schema {version}, which the next daemon brings up to {SCHEMA_VERSION}"
        if version < SCHEMA_VERSION
        else ""
    )
    return ok("integrity", f"{pragma} finds nothing{older}")


def _unusable(error: UnusableError) -> Finding:
    return fail("integrity", error.problem, error.remedy)


def _sealed_with(connection: apsw.Connection) -> set[bytes]:
    """The ids of the keys with which environments are sealed."""
    found: list[tuple[Any, ...]] = rows(
        connection, "SELECT DISTINCT substr(env_sealed, 2, 8) FROM session WHERE env_sealed IS NOT NULL"
    )
    return {bytes(row[0]) for row in found}


def _key(path: Path, sealed: set[bytes]) -> Finding:
    keys: set[bytes] = set()
    try:
        for each in (path, path.with_name(path.name + ".new")):
            if (key := read_key(each)) is not None:
                keys.add(key_id(key))
    except ApiError as error:
        return fail("key", error.message, f"chmod 600 {path}, or restore it from a backup")
    if sealed - keys:
        text = f"{path} is not the key that sessions' variables are sealed with" if keys else f"there is no {path}"
        return warn("key", text, "restore it from a backup; without it sessions ask for their variables again")
    return ok("key", f"{path} opens what is sealed" if sealed else "nothing is sealed")
