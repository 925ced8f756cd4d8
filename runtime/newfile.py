"""Files that get their name when they are complete: a process that is killed while it writes one leaves nothing behind.

Where the filesystem can, the file has no name until then (open(2), O_TMPFILE), and the kernel removes it with its last
descriptor. Elsewhere, and for the moment in which a file takes another one's place, it has a name of its own and a lock,
which the kernel gives up with its holder: the next process that makes a file in the same folder removes those that nobody
holds (`sweep`).

The standard library only: commands that start no daemon use it, too.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

PREFIX: Final = ".torpor-new-"
_NO_NAMELESS: Final = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL)
"""What open(2) answers to O_TMPFILE where it, or the filesystem, is not known."""
_NO_LINKS: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)

FOLDERS_REMEMBERED: Final = 1000
"""Folders that were swept. A client may name ever new ones, and to sweep one again does no harm."""

_swept: set[Path] = set()


class NewFile:
    """A context manager; without `publish` nothing is left of the file. Raises OSError, as do its methods."""

    def __init__(self, path: Path, mode: int = 0o600) -> None:
        self.path = path
        self._temporary: Path | None = None
        if path.parent not in _swept:  # files left there are of earlier processes, not of this one
            if len(_swept) >= FOLDERS_REMEMBERED:
                _swept.clear()
            _swept.add(path.parent)
            sweep(path.parent)
        descriptor = _nameless(path.parent, mode)
        if descriptor is None:
            self._temporary, descriptor = _named(path.parent, mode)
        self.descriptor = descriptor
        """Open for reading and writing; closed by the end of the block."""

    def publish(self, *, replace: bool = False) -> None:
        """Make the content durable and give the file its name, which lasts, too.

        Raises FileExistsError where there is a file of that name, unless it is to be replaced.
        """
        os.fsync(self.descriptor)
        try:
            self._link(self.path)
        except FileExistsError:
            if not replace:
                raise
            if self._temporary is None:
                temporary = _temporary(self.path.parent)
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # first: nobody may remove it as left over
                self._link(temporary)
                self._temporary = temporary
            self._temporary.rename(self.path)
            self._temporary = None
        sync_directory(self.path)

    def _link(self, path: Path) -> None:
        if self._temporary is None:
            # With a folder given, Python calls linkat(2) with AT_SYMLINK_FOLLOW: the file, not the link in /proc.
            os.link(f"/proc/self/fd/{self.descriptor}", path, src_dir_fd=self.descriptor)
            return
        try:
            os.link(self._temporary, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(path)) from None
            self._temporary.rename(path)
            self._temporary = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
        os.close(self.descriptor)


def sweep(folder: Path) -> None:
    """Remove the files that dead processes have left in a folder. A file that cannot be removed stays; raises nothing."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in [entry for entry in entries if entry.name.startswith(PREFIX)]:
            with contextlib.suppress(OSError):
                _remove_if_free(Path(entry.path))


def sync_directory(path: Path) -> None:
    """Make the name of a file durable: one that was synced can still lose its name until then. Raises OSError."""
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Make a directory (0700) with those above it, as far as they are missing, and make their names durable. Raises OSError."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_directory(path)


def _remove_if_free(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    finally:
        os.close(descriptor)


def _temporary(folder: Path) -> Path:
    return folder / f"{PREFIX}{secrets.token_hex(8)}"


def _nameless(folder: Path, mode: int) -> int | None:
    """A descriptor of a file without a name; None if the filesystem has no such files, or cannot name them later."""
    if not os.path.isdir("/proc/self/fd"):  # noqa: PTH112
        return None
    try:
        return os.open(folder, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, mode)
    except OSError as error:
        if error.errno not in _NO_NAMELESS or not folder.is_dir():
            raise
        return None


def _named(folder: Path, mode: int) -> tuple[Path, int]:
    while True:
        path = _temporary(folder)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with contextlib.suppress(OSError):  # a filesystem without locks: there nothing is removed as left over either
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:
            return path, descriptor
        os.close(descriptor)  # another process has swept in between
