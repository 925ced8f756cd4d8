"""The token of a daemon on this machine that serves HTTP, where its user's clients find it.

A daemon that listens on loopback leaves its token in the directory of the default socket, by its port, and takes it away at
its end. One that was killed cannot, and then another user's program may listen there. So clients use the token only while all
that listens on the port belongs to their user: the kernel says so. Standard library only.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

from runtime.api.endpoint import EndpointError, check_directory, default_directory

MAX_TOKEN: Final = 1024
"""Characters: it has to fit into a header line."""

_LISTENING: Final = "0A"
"""Of a socket in /proc/net/tcp that listens (TCP_LISTEN of the kernel's tcp_states.h)."""

_TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")


def token_path(port: int) -> Path:
    """Return where the daemon that serves HTTP at this port leaves its token."""
    return default_directory() / f"http-{port}.token"


def read_local_token(port: int) -> str | None:
    """Return the token of this user's daemon that serves HTTP at this port of this machine, None when there is none.

    Raises EndpointError for a file that others can have written or read, and where another user serves the port: asked after
    the connection was made, that is who has taken it.
    """
    path = token_path(port)
    check_directory(path)
    token = _read_own(path)
    if token is not None:
        strangers = _listeners(port) - {os.getuid()}
        if strangers:
            raise EndpointError(
                f"port {port} is served by another user (uid {min(strangers)}): the token is not sent there"
            )
    return token


def _read_own(path: Path) -> str | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        raise EndpointError(f"cannot read the token from {path}: {error.strerror}") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise EndpointError(f"{path} is not a file of yours alone: remove it, and start the daemon again")
        return os.read(descriptor, MAX_TOKEN + 1).decode("ascii", "replace").rstrip("\n")
    finally:
        os.close(descriptor)


def _listeners(port: int) -> set[int]:
    """The users of the sockets that listen on this port, at any address of this machine (proc(5), /proc/net/tcp)."""
    uids = set()
    for table in _TABLES:
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except FileNotFoundError:
            continue  # a kernel without IPv6
        except OSError as error:
            raise EndpointError(f"cannot tell who listens at port {port}: {error}") from error
        for line in lines:
            _number, local, _remote, state, _queues, _timer, _retries, uid, *_ = line.split()
            if state == _LISTENING and local.endswith(f":{port:04X}"):
                uids.add(int(uid))
    return uids
