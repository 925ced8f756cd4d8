"""Compiled components on disk.

An artefact is machine code that the process will map and run, so a file is used only if it lies in a directory that nobody
else can write, and its keyed digest (HMAC-SHA-256 with a key of this user) is the one that was written beside it. The name is
made of everything that the code depends on: the component's content, wasmtime's version and the engine's configuration; a file
for another configuration is simply not found.

The single executable brings artefacts of the built-in agents with it, in the folder that it was unpacked to. They are as
trustworthy as wasmtime's own machine code beside them, and need no digest.
"""

from __future__ import annotations

import contextlib
import fcntl
import hmac
import mmap
import os
import secrets
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from runtime.newfile import NewFile

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY_BYTES: Final = 32

MAX_CACHE_BYTES: Final = 2 * 1024**3
"""Some twenty agents with a JavaScript or Python engine inside (60 to 100 MB each), and hundreds of small commands.
What has not been used for longest goes first."""

_KEY_FILE: Final = "key"

_LOCK_FILE: Final = "lock"
"""Shared by all that compile: who has it alone knows that nobody does."""

_LARGE: Final = "large"

_HALF_STORED: Final = ".*.*.*"
"""See `store`: a dot, the name with its suffix, and a random part."""


class CacheDirectoryError(Exception):
    """The cache directory cannot be trusted or used; the message says what to change."""


def default_cache_directory() -> Path:
    """`$TORPOR_CACHE`, else `torpor` below the XDG cache directory."""
    if configured := os.environ.get("TORPOR_CACHE"):
        return Path(configured)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "torpor" / "components"


class Place(NamedTuple):
    """Where a cache lies: what another process needs to open the same one."""

    directory: str
    shipped: str | None = None
    """The folder of a LayeredCache's upper layer."""

    def open(self) -> ArtefactCache:
        """The cache. Raises CacheDirectoryError."""
        directory = Path(self.directory)
        return ArtefactCache(directory) if self.shipped is None else LayeredCache(Path(self.shipped), directory)


class ArtefactCache:
    """What components were compiled to, by name. Several processes may share one directory.

    Raises CacheDirectoryError where the directory or its key belong to somebody else or are open to others.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise CacheDirectoryError(
                f"{directory} must be a directory of your own with mode 0700, since compiled code is run from it; "
                "repair it, or name another one in TORPOR_CACHE"
            )
        self.directory = directory
        self._key = self._load_key()
        self._tidy()

    @property
    def place(self) -> Place:
        """For another process."""
        return Place(str(self.directory.absolute()))

    def _tidy(self) -> None:
        """Remove what processes that ended while they compiled or stored something have left, unless another may do so now."""
        for path in self.directory.glob("*.lock"):
            with suppress(OSError), path.open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()  # as in `alone`: whoever waits for it sees that it is gone
        if not (left := list(self.directory.glob(_HALF_STORED))):
            return
        with suppress(OSError), (self.directory / _LOCK_FILE).open("ab") as lock:  # else the next opening's business
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in left:
                path.unlink(missing_ok=True)

    def _load_key(self) -> bytes:
        path = self.directory / _KEY_FILE
        if not path.exists():
            with NewFile(path) as file, suppress(FileExistsError):  # another process was first: its key counts
                os.write(file.descriptor, secrets.token_bytes(KEY_BYTES))
                file.publish()
        key = path.read_bytes()
        if len(key) != KEY_BYTES or path.stat().st_mode & 0o077:
            raise CacheDirectoryError(f"{path} is damaged or readable by others: delete {self.directory}")
        return key

    def open(self, name: str) -> int | None:
        """A descriptor of the verified artefact, for the caller to close; None when there is none or it was changed."""
        path = self.directory / name
        try:
            expected = path.with_suffix(".digest").read_bytes()
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            with mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) as content:
                actual = self._digest(content)
        except (OSError, ValueError):
            os.close(descriptor)
            return None
        if not hmac.compare_digest(actual, expected):
            os.close(descriptor)
            return None
        with suppress(OSError):  # a cache that is shipped read-only is never pruned
            os.utime(descriptor)  # used just now
        return descriptor

    @contextlib.contextmanager
    def exclusive(self, name: str, *, large: bool) -> Iterator[None]:
        """Keep other processes from compiling what has this name meanwhile: workers of a test run want the same at once.

        Of `large` components one is compiled at a time, whatever their names. Where no lock can be had, the block runs all
        the same. Blocks the thread until it is this process's turn.
        """
        with contextlib.ExitStack() as held:
            with suppress(OSError):  # a folder that cannot be written to: nothing will be kept in it either
                held.callback(os.close, _locked(self.directory / _LOCK_FILE, fcntl.LOCK_SH))
                for one in (name, *([_LARGE] if large else [])):
                    path = self.directory / f"{one}.lock"
                    held.callback(os.close, _locked(path, fcntl.LOCK_EX))
                    held.callback(path.unlink, missing_ok=True)  # before it is given up: see `_locked`
            yield

    def store(self, name: str, artefact: bytes | bytearray) -> None:
        """Keep an artefact. Whoever reads meanwhile sees the old pair or the new one, or compiles by itself."""
        path = self.directory / name
        for target, content in ((path, artefact), (path.with_suffix(".digest"), self._digest(artefact))):
            temporary = self.directory / f".{target.name}.{secrets.token_hex(8)}"
            try:
                _write_private(temporary, content)
                temporary.rename(target)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
        self._prune(keep=path)

    def _prune(self, keep: Path) -> None:
        artefacts = []
        for path in (*self.directory.glob("*.cwasm"), *self.directory.glob("*.recipe")):
            with suppress(FileNotFoundError):  # another process prunes too
                status = path.stat()
                artefacts.append((status.st_mtime_ns, status.st_size, path))
        excess = sum(size for _, size, _ in artefacts) - MAX_CACHE_BYTES
        for _, size, path in sorted(artefacts):
            if excess <= 0:
                break
            if path != keep:
                path.unlink(missing_ok=True)
                path.with_suffix(".digest").unlink(missing_ok=True)
                excess -= size

    def _digest(self, content: bytes | bytearray | mmap.mmap) -> bytes:
        return hmac.digest(self._key, content, "sha256")  # processors have instructions for it: 60 MB take 40 ms


class LayeredCache(ArtefactCache):
    """A cache of the user's, below artefacts that came with the program; those are neither checked nor ever changed.

    Raises CacheDirectoryError as ArtefactCache does.
    """

    def __init__(self, shipped: Path, directory: Path) -> None:
        super().__init__(directory)
        self._shipped = shipped

    @property
    def place(self) -> Place:
        """As in ArtefactCache."""
        return Place(str(self.directory.absolute()), str(self._shipped))

    def open(self, name: str) -> int | None:
        """As in ArtefactCache, first among what came with the program."""
        try:
            return os.open(self._shipped / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return super().open(name)


def shipped_directory() -> Path | None:
    """Where the single executable has its artefacts; None when this is not one."""
    unpacked: str | None = getattr(sys, "_MEIPASS", None)  # set by PyInstaller's start-up code
    return None if unpacked is None else Path(unpacked) / "components"


def open_cache() -> ArtefactCache:
    """The cache that a daemon of this program uses. Raises CacheDirectoryError."""
    shipped = shipped_directory()
    return Place(str(default_cache_directory()), None if shipped is None else str(shipped)).open()


def _locked(path: Path, how: int) -> int:
    """A descriptor that holds the lock of a file, made where there is none; its end, however sudden, gives the lock up."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
            # Who had it before may have removed the file, and another process have made the next.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _write_private(path: Path, content: bytes | bytearray) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
