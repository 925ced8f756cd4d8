"""Checks of the tree's arguments: the types and ranges that all code behind them relies on.

Guests' calls are typed by the engine and clients' params by a schema, but what neither has refused must not get into the
tree: a single value that the backend cannot keep would hold up all that is saved with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from wasi_fs.backend import PERMISSIONS
from wasi_fs.errors import FsCode, FsError

if TYPE_CHECKING:
    from wasi_fs.backend import Data

PATH_MAX: Final = 4096
"""Bytes a path or a symlink's target, with the terminating NUL that C would add (Linux)."""

NAME_MAX: Final = 255
"""Bytes a name (Linux and most filesystems)."""

MAX_TIME: Final = (1 << 63) - 1
"""The last nanosecond that a backend can keep (the year 2262)."""


@attrs.frozen
class Mount:
    """A host directory at a path of the VM."""

    path: str
    """Absolute and normal, in the VM."""
    host: str
    """The real path of the directory on the host: absolute, normal, none of its components a symlink."""
    read_only: bool = False


def check_path(path: str) -> None:
    """Refuse a value that is no path. FsError(NO_ENTRY, NAME_TOO_LONG, INVALID, ILLEGAL_BYTE_SEQUENCE)."""
    if type(path) is not str:
        raise _mistyped("path", path)
    if not path:
        raise FsError(FsCode.NO_ENTRY, "the path is empty")
    if path.isascii():
        size = len(path)
    else:
        try:
            size = len(path.encode())
        except UnicodeEncodeError:
            raise FsError(FsCode.ILLEGAL_BYTE_SEQUENCE, "the path has a lone surrogate") from None
    if size >= PATH_MAX:
        raise FsError(FsCode.NAME_TOO_LONG, f"the path has {size} bytes")
    if "\0" in path:
        raise FsError(FsCode.INVALID, "the path has a NUL")


def check_name(name: str) -> None:
    """Refuse a name, cut out of a path, that no directory can hold. FsError(NAME_TOO_LONG)."""
    if len(name) * 4 > NAME_MAX and len(name.encode()) > NAME_MAX:
        raise FsError(FsCode.NAME_TOO_LONG, name)


def check_place(after: str) -> None:
    """Refuse a value after which no listing can go on; the name need not exist. FsError(INVALID, ILLEGAL_BYTE_SEQUENCE)."""
    if type(after) is not str:
        raise _mistyped("name", after)
    try:
        after.encode()
    except UnicodeEncodeError:
        raise FsError(FsCode.ILLEGAL_BYTE_SEQUENCE, "the name has a lone surrogate") from None


def check_mode(mode: int) -> None:
    """Refuse values that are no permission bits. FsError(INVALID)."""
    if type(mode) is not int:
        raise _mistyped("mode", mode)
    if mode & ~PERMISSIONS:
        raise FsError(FsCode.INVALID, f"mode {mode:#o}")


def check_time(time: int | None) -> None:
    """Refuse values that are neither a time nor None. FsError(INVALID)."""
    if time is None:
        return
    if type(time) is not int:
        raise _mistyped("time", time)
    if not -MAX_TIME <= time <= MAX_TIME:
        raise FsError(FsCode.INVALID, f"time {time}")


def check_extent(*values: int) -> None:
    """Refuse values that are no sizes, offsets or counts of bytes. FsError(INVALID)."""
    for value in values:
        if type(value) is not int:
            raise _mistyped("size or offset", value)
        if value < 0:
            raise FsError(FsCode.INVALID, "a negative size or offset")


def check_data(data: Data) -> None:
    """Refuse data that is not contiguous bytes. FsError(INVALID)."""
    if isinstance(data, (bytes, bytearray)):
        return
    if not isinstance(data, memoryview):
        raise _mistyped("content", data)
    if data.format != "B" or data.ndim != 1 or not data.contiguous:
        raise FsError(FsCode.INVALID, "a view of content that is not bytes")


def _mistyped(what: str, value: Any) -> FsError:
    return FsError(FsCode.INVALID, f"a {type(value).__name__} for a {what}")
