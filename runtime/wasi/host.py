"""All of WASI 0.2 that the runtime provides: every interface of it that a guest can import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.wasi import cli, clocks, filesystem, http, io, random, sockets

if TYPE_CHECKING:
    from runtime.engine import HostInterface

_MODULES: Final = (cli, clocks, filesystem, http, io, random, sockets)

INTERFACES: Final[tuple[HostInterface, ...]] = tuple(
    interface for module in _MODULES for interface in module.INTERFACES
)
