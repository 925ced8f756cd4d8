"""Whose the other end of a connection on loopback is, as the kernel lists it: what peer credentials are for a Unix socket."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import trio

_TABLE: Final = Path("/proc/net/tcp")
_LOCAL, _REMOTE, _UID = 1, 2, 7
"""Columns (proc_net_tcp in the kernel's documentation)."""


def is_ours(stream: trio.SocketStream) -> bool:
    """Say whether the peer is a program of this user or of root. Where the kernel has no such list, nobody is turned away.

    A peer that has reset the connection already is nobody's.
    """
    try:
        wanted = [_address(stream.socket.getpeername()), _address(stream.socket.getsockname())]
    except OSError:
        return False
    try:
        lines = _TABLE.read_text("ascii").splitlines()[1:]
    except FileNotFoundError:
        return True
    rows = (line.split() for line in lines)
    return any(row[_LOCAL : _REMOTE + 1] == wanted and int(row[_UID]) in (os.getuid(), 0) for row in rows)


def _address(given: tuple[str, int]) -> str:
    """Return an address of IPv4 as the list has it: the bytes in the machine's order, which is x86's and ARM's."""
    host, port = given
    return f"{socket.inet_aton(host)[::-1].hex().upper()}:{port:04X}"
