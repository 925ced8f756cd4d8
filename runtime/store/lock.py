"""One daemon per state file: a lock beside it that the kernel gives up when its holder ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from runtime.api.errors import ApiError, ErrorCode
from runtime.newfile import make_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def state_lock(path: Path) -> Iterator[None]:
    """Hold the lock of the state file `path` (its name with `.lock` appended); make the directory, 0700, if need be.

    The lock file stays behind on purpose: to remove it would let a third process lock a new file of that name while a
    second one holds the old.

    Raises `ApiError`: BUSY (with `pid` when it can be read) when another process has the state open, IO_ERROR.
    """
    try:
        make_directory(path.parent)
        descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ApiError(ErrorCode.IO_ERROR, f"cannot use the state directory {path.parent}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            data = {"pid": int(holder)} if holder.isdigit() else {}
            raise ApiError(
                ErrorCode.BUSY, f"another Torpor daemon (pid {holder or 'unknown'}) has {path} open", **data
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
