"""The filesystem's values and errors in the API's form."""

from __future__ import annotations

import stat as stat_bits
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from runtime.api.errors import ApiError, ErrorCode
from runtime.exhaustion import check_exhausted
from wasi_fs import FileType, FsCode, FsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasi_fs import Stat

CODES: Final[dict[FsCode, ErrorCode]] = {
    FsCode.NO_ENTRY: ErrorCode.NOT_FOUND,
    FsCode.EXIST: ErrorCode.EXISTS,
    FsCode.NOT_DIRECTORY: ErrorCode.NOT_A_DIRECTORY,
    FsCode.IS_DIRECTORY: ErrorCode.IS_A_DIRECTORY,
    FsCode.NOT_EMPTY: ErrorCode.DIRECTORY_NOT_EMPTY,
    FsCode.READ_ONLY: ErrorCode.READ_ONLY,
    FsCode.INSUFFICIENT_SPACE: ErrorCode.QUOTA_EXCEEDED,
    FsCode.FILE_TOO_LARGE: ErrorCode.TOO_LARGE,
    FsCode.IO: ErrorCode.IO_ERROR,
    FsCode.NO_DEVICE: ErrorCode.IO_ERROR,
}
WORDS: Final[dict[FsCode, str]] = {
    FsCode.ACCESS: "permission denied",
    FsCode.BUSY: "in use",
    FsCode.CROSS_DEVICE: "on another filesystem",
    FsCode.EXIST: "exists already",
    FsCode.FILE_TOO_LARGE: "too large",
    FsCode.ILLEGAL_BYTE_SEQUENCE: "not UTF-8",
    FsCode.INSUFFICIENT_SPACE: "no space left in the VM",
    FsCode.INVALID: "not possible",
    FsCode.IO: "input/output error",
    FsCode.IS_DIRECTORY: "is a directory",
    FsCode.LOOP: "too many symbolic links",
    FsCode.NAME_TOO_LONG: "name too long",
    FsCode.NO_DEVICE: "no such device",
    FsCode.NO_ENTRY: "no such file or directory",
    FsCode.NOT_DIRECTORY: "not a directory",
    FsCode.NOT_EMPTY: "directory not empty",
    FsCode.NO_SUCH_DEVICE: "no such device or address",
    FsCode.NOT_PERMITTED: "not permitted",
    FsCode.TOO_MANY_LINKS: "too many links",
}
"""Prose for codes of wasi:filesystem whose own names do not read as English."""

TYPES: Final = {
    FileType.REGULAR: "file",
    FileType.DIRECTORY: "directory",
    FileType.SYMLINK: "symlink",
    FileType.OTHER: "other",
    FileType.CHARACTER: "other",
}

MAX_ANSWER_BYTES: Final = 24 * 1024 * 1024
"""Of the lists in one answer, about: with what JSON adds they stay below a line of 32 MiB, which is what clients take."""

_MODE_TYPES: Final = {
    FileType.REGULAR: stat_bits.S_IFREG,
    FileType.DIRECTORY: stat_bits.S_IFDIR,
    FileType.SYMLINK: stat_bits.S_IFLNK,
    FileType.OTHER: 0,
    FileType.CHARACTER: stat_bits.S_IFCHR,
}


def describe(status: Stat) -> dict[str, Any]:
    """What `stat` of the API answers."""
    return {
        "type": TYPES[status.type],
        "size": status.size,
        "mode": status.mode | _MODE_TYPES[status.type],
        "mtimeMs": status.mtime / 1e6,
        "ctimeMs": status.ctime / 1e6,
        "atimeMs": status.atime / 1e6,
        "nlink": status.nlink,
        "ino": status.ino,
    }


@contextmanager
def telling_errors(path: str) -> Iterator[None]:
    """Raise `ApiError` in place of `FsError`; and INVALID_ARGUMENT at once for a path that is not absolute.

    WOULD_BLOCK passes through: `patiently`, further out, handles it.
    """
    if not path.startswith("/"):
        raise ApiError(ErrorCode.INVALID_ARGUMENT, f"{path!r} is not an absolute path", path=path)
    try:
        yield
    except FsError as error:
        if error.code is FsCode.WOULD_BLOCK:  # no answer yet
            raise
        if error.__context__ is not None:  # the host's error, for a file of its own
            check_exhausted(error.__context__)
        code = CODES.get(error.code, ErrorCode.INVALID_ARGUMENT)
        raise ApiError(code, f"{path}: {_in_words(path, error)}", path=path) from error


def _in_words(path: str, error: FsError) -> str:
    words = WORDS.get(error.code, error.code.value)
    said = error.message in ("", path) or path.endswith(f"/{error.message}")  # or the last part of it
    return words if said else f"{words} ({error.message})"


class Budget:
    """Bounds a list under construction by the items and bytes that one answer can hold."""

    def __init__(self, items: int, advice: str) -> None:
        self._items = items
        self._advice = advice
        self._left = items
        self._bytes = MAX_ANSWER_BYTES

    def take(self, name: str, overhead: int) -> None:
        """Count one more item. Raises `ApiError` LIMIT_EXCEEDED, TOO_LARGE."""
        self._left -= 1
        self._bytes -= len(msgspec.json.encode(name)) + overhead  # six bytes for each control character
        if self._left < 0:
            raise ApiError(
                ErrorCode.LIMIT_EXCEEDED,
                f"one answer holds {self._items} entries; {self._advice}",
                limit="entries",
                max=self._items,
            )
        if self._bytes < 0:
            raise ApiError(
                ErrorCode.TOO_LARGE,
                f"one answer holds {MAX_ANSWER_BYTES} bytes; {self._advice}",
                limit=MAX_ANSWER_BYTES,
            )
