"""The messages between systemd and a service: the sockets that it is started with, and its status.

Sockets: sd_listen_fds(3). `$LISTEN_FDS` descriptors from number 3 on are for the process `$LISTEN_PID`, named by
`$LISTEN_FDNAMES`. States: sd_notify(3), datagrams to the Unix socket `$NOTIFY_SOCKET`. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import MutableMapping

FIRST_FD: Final = 3
"""SD_LISTEN_FDS_START."""

NAMES: Final = ("torpor", "torpor.socket")
"""Names of the descriptor that is ours: what a unit may say in FileDescriptorName=, and what systemd says by default."""
MAX_PASSED: Final = 64
"""Sockets of one unit that are looked through: a number from the environment shall not cost a minute."""

MAX_DIGITS: Final = 20
"""Of a number from the environment: systemd's have 64 bits."""

MICROSECOND: Final = 1e-6


class ActivationError(Exception):
    """The sockets that were passed cannot be served; the message says why."""


def take_listener(environment: MutableMapping[str, str] = os.environ) -> socket.socket | None:
    """Return the listening Unix socket that this process was started with, None when there is none.

    The variables are removed, so that no child takes them for its own. Raises ActivationError when sockets were passed, and
    none of them, or more than one, is ours.
    """
    variables = {name: environment.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")}
    passed = _number(variables["LISTEN_FDS"])
    if variables["LISTEN_PID"] != str(os.getpid()) or passed is None:
        return None
    count = min(passed, MAX_PASSED)
    descriptors = range(FIRST_FD, FIRST_FD + count)
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.set_inheritable(descriptor, False)
    names = variables["LISTEN_FDNAMES"].split(":") if variables["LISTEN_FDNAMES"] else []
    if count > 1:
        descriptors_named = dict(zip(descriptors, names, strict=False))
        ours = [descriptor for descriptor in descriptors if descriptors_named.get(descriptor) in NAMES]
        if len(ours) != 1:
            raise ActivationError(
                f"of {count} sockets that were passed, {len(ours)} are called {' or '.join(NAMES)}, not one"
            )
        return _listening(ours[0])
    return _listening(FIRST_FD) if count else None


def _listening(descriptor: int) -> socket.socket:
    try:
        passed = socket.socket(fileno=descriptor)
    except OSError as error:
        raise ActivationError(f"what was passed as descriptor {descriptor} is no socket: {error.strerror}") from error
    if (
        passed.family != socket.AF_UNIX
        or passed.type != socket.SOCK_STREAM
        or not passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    ):
        raise ActivationError("the socket that was passed is no listening Unix stream socket (ListenStream=PATH)")
    if not os.fsdecode(passed.getsockname()).startswith("/"):
        raise ActivationError("the socket that was passed has no path (ListenStream=PATH)")
    return passed


def path_of(listener: socket.socket) -> Path:
    """Return the path of a socket from `take_listener`."""
    return Path(os.fsdecode(listener.getsockname()))


class Notifier:
    """Tells the manager how the service does; without a manager it says nothing. Never fails, never waits."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        place = environment.pop("NOTIFY_SOCKET", "")
        self._place = "\0" + place[1:] if place.startswith("@") else place
        self.watched_seconds = _watched_seconds(environment)
        """The manager expects a sign of life within this many seconds, again and again; None when it expects none."""

    @property
    def managed(self) -> bool:
        """Whether there is somebody to tell."""
        return bool(self._place)

    def ready(self, status: str) -> None:
        """Say that the service serves; `status` is one line for people."""
        self._send(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        """Say that the service is about to end."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Give the sign of life."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._place:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(message.encode(), self._place)


def _watched_seconds(environment: MutableMapping[str, str]) -> float | None:
    pid, span = environment.pop("WATCHDOG_PID", ""), _number(environment.pop("WATCHDOG_USEC", ""))
    return span * MICROSECOND if span and pid in {"", str(os.getpid())} else None


def _number(text: str) -> int | None:
    """An unsigned number of at most 64 bits, as systemd writes it; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS else None
