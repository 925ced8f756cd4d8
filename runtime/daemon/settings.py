"""How a daemon is to run, and how it ended."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import attrs

from runtime.store.durability import Durability

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from pathlib import Path

    from runtime.daemon.supervisor import Life
    from runtime.rpc.http_listener import HttpOptions


@attrs.frozen(kw_only=True)
class Settings:
    """The arguments of `torpor serve`, checked."""

    socket_path: Path
    state: Path
    http: HttpOptions | None = None
    passed: socket.socket | None = None
    """A socket that systemd listens on at `socket_path`, and keeps."""
    idle_exit: float | None = None
    """Seconds after which a daemon that nobody needs ends; None: never."""
    max_memory: int | None = None
    """Bytes that the daemon may have for another guest to start, 0: without bound; None: a share of the machine's."""
    durability: Durability = Durability.PROCESS
    """The durability of commits: how much a power cut may undo."""
    log_level: str = "info"
    life: Life | None = None
    """Those before it, if it has a supervisor."""
    background: bool = False
    """Whether nobody reads stderr once the daemon is ready."""
    arguments: Sequence[str] = ()
    """The command line of `torpor serve` with these settings."""


class Ending(enum.Enum):
    """How a daemon ended."""

    ORDERLY = enum.auto()
    FAILED = enum.auto()
    TAKEN = enum.auto()
    """Another daemon has the state file or the socket."""
