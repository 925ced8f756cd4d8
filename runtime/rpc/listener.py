"""The listening socket: created private, never stolen from a live daemon, removed only by its owner."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import stat
from typing import TYPE_CHECKING, Final

from runtime.api.endpoint import EndpointError, prepare_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BACKLOG: Final = 128
"""Connections that wait for accept: a burst of clients; the kernel caps it anyway."""


class SocketInUseError(EndpointError):
    """Another daemon serves this socket."""


@contextlib.contextmanager
def listening(path: Path, passed: socket.socket | None = None) -> Iterator[socket.socket]:
    """Listen on the Unix socket at `path` (0600), and remove it at the end if it is still ours.

    A lock on `<path>.lock` is held meanwhile, so that of two daemons that start at once only one clears a stale socket.
    With `passed`, a socket that somebody else has made there and keeps for the next daemon, that is yielded.
    Raises SocketInUseError, or EndpointError for anything else that is in the way.
    """
    prepare_directory(path)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_locked(path))
        if passed is not None:
            yield stack.enter_context(passed)
            return
        listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        _clear_stale(path)
        before = os.umask(0o177)
        try:
            listener.bind(os.fspath(path))
        except OSError as error:
            raise EndpointError(f"cannot bind {path}: {error.strerror}") from error
        finally:
            os.umask(before)
        ours = _identity(path)
        try:
            listener.listen(BACKLOG)
            yield listener
        finally:
            if ours is not None and _identity(path) == ours:
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = path.with_name(path.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise EndpointError(f"cannot open {lock}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SocketInUseError(f"another daemon serves {path}") from error
        yield
    finally:
        os.close(descriptor)


def _clear_stale(path: Path) -> None:
    """Remove a socket that nobody listens on; whatever else is there stays, and is an error."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise EndpointError(f"{path} exists and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        answer = probe.connect_ex(os.fspath(path))
    if answer in (0, errno.EAGAIN, errno.EINPROGRESS):  # EAGAIN: somebody listens, and has a full backlog
        raise SocketInUseError(f"another daemon serves {path}")
    if answer not in (errno.ECONNREFUSED, errno.ENOENT):
        raise EndpointError(f"cannot tell who serves {path}: {os.strerror(answer)}")
    path.unlink(missing_ok=True)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
