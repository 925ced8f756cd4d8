"""What all connections share: the host that they serve, their bound together, and what is told of this run of the daemon."""

from __future__ import annotations

import os
import secrets
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

from runtime.budget import Budget
from runtime.memory import private_bytes
from runtime.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runtime.rpc.metrics import Meters
    from runtime.vms.host import Host

CONNECTION_BYTES: Final = 512 * 1024 * 1024
"""What all connections together may make the daemon hold: half lines, requests under way, answers and events that nobody
reads. Twice the largest answer. Above it the connection that holds the most is cut off."""


class Peer(Protocol):
    """The part of a connection that others see."""

    @property
    def subscriptions(self) -> int:
        """How many subscriptions it has."""
        ...

    @property
    def running(self) -> int:
        """How many of its requests are under way."""
        ...

    @property
    def quiet(self) -> bool:
        """Whether no request is under way and nothing waits to be written."""
        ...


class Service:
    """Of one daemon. `facts` are what `daemon.status` tells besides."""

    def __init__(self, host: Host, path: Path, facts: Mapping[str, Any] = MappingProxyType({})) -> None:
        self.host = host
        self.path = path
        """Of the Unix socket."""
        self.http: str | None = None
        """The URL that is served besides the socket."""
        self.meters: Meters | None = None
        """The figures for Prometheus, where HTTP is served."""
        self.version = VERSION
        self.epoch = secrets.token_hex(8)
        """Names this run of the daemon."""
        self.closing = False
        """New requests are answered `shutting_down`."""
        self.budget = Budget(CONNECTION_BYTES)
        self.peers: set[Peer] = set()
        """Those that are connected."""
        self._started = time.time()
        self._facts = facts

    def status(self) -> dict[str, Any]:
        """Return this layer's part of `daemon.status`."""
        return {
            "pid": os.getpid(),
            "version": self.version,
            "epoch": self.epoch,
            "socket": os.fspath(self.path),
            "http": self.http,
            "startedAt": int(self._started * 1000),
            "memoryBytes": private_bytes(),
            "connections": len(self.peers),
            "subscriptions": sum(peer.subscriptions for peer in self.peers),
            "requests": sum(peer.running for peer in self.peers),
            **self._facts,
        }

    @property
    def answered(self) -> bool:
        """Whether every request is answered, and every answer handed to its peer."""
        return all(peer.quiet for peer in self.peers)

    def is_quiet(self) -> bool:
        """Whether no request, no turn and no command is under way."""
        return self.answered and not self.host.status()["busy"]
