"""Directories for a while: gone with their use, and at the next use where a process was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCK: Final = ".lock"


@contextlib.contextmanager
def scratch_directory(prefix: str) -> Iterator[tuple[Path, int]]:
    """A directory with a path short enough for a socket's (108 bytes), and a descriptor: as long as a process has it open,
    the next use of the prefix does not take the directory for left over. OSError where there is no place for it."""
    base = Path(tempfile.gettempdir())
    _sweep(base, prefix)
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
    lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield directory, lock
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)


def _sweep(base: Path, prefix: str) -> None:
    for directory in base.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):  # of another user, or just made and not locked yet, or just gone
            lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(directory, ignore_errors=True)
            finally:
                os.close(lock)
