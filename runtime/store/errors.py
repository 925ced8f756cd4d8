"""What SQLite's failures mean to a client of the API."""

from __future__ import annotations

import errno

import apsw

from runtime.api.errors import ApiError, ErrorCode
from runtime.exhaustion import descriptors_left, disk_full, exhausted


def as_api_error(error: Exception) -> Exception:
    """Return `error` as the API tells it: an `ApiError` where the disk or the file is to blame.

    Errors that blame us (a constraint, a mistake in SQL) come back unchanged: they are host faults, to be logged with
    their traceback. Nothing of the write that failed is in the file, whatever the error.
    """
    if isinstance(error, ApiError):
        return error
    if isinstance(error, apsw.FullError):
        return disk_full(
            "the disk that holds Torpor's state is full; nothing of this change was stored: free some space and try again"
        )
    if isinstance(error, apsw.NoMemError):
        return exhausted(MemoryError()) or error
    if isinstance(error, apsw.CantOpenError) and not descriptors_left():
        return exhausted(OSError(errno.EMFILE, "")) or error
    if isinstance(error, (apsw.CorruptError, apsw.NotADBError)):
        return ApiError(
            ErrorCode.STATE_CORRUPT,
            f"Torpor's state file is damaged ({error}); stop the daemon, and restore a backup, or write what can still be read "
            "of the file into a folder with `torpor salvage`; keep it until you have what you need",
        )
    if isinstance(error, (apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError)):
        return ApiError(
            ErrorCode.IO_ERROR,
            f"Torpor's state could not be read or written ({error}); nothing of this change was stored",
            reason="disk_failed",
        )
    if isinstance(error, apsw.TooBigError):
        return ApiError(ErrorCode.TOO_LARGE, "the value is larger than the state file can hold in one row (1 GB)")
    if isinstance(error, (apsw.BusyError, apsw.LockedError)):
        return ApiError(ErrorCode.BUSY, "another program holds a lock on Torpor's state file")
    return exhausted(error) or error


def blames_value(error: Exception) -> bool:
    """Whether a write has failed for what it was to write, and would do so again: no disk, no lock, no lack of memory."""
    if isinstance(error, ApiError):
        return error.code is ErrorCode.TOO_LARGE
    return isinstance(
        error, (apsw.ConstraintError, apsw.MismatchError, apsw.RangeError, TypeError, ValueError, OverflowError)
    )
