"""The whole host as one engine: every interface that a guest can import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.engine import Engine
from runtime.wasi import cli, clocks, filesystem, http, io, random, sockets
from runtime.wasi.wit_types import WASI

if TYPE_CHECKING:
    from runtime.engine import ArtefactCache


def make_engine(cache: ArtefactCache | None = None, *, portable: bool = False) -> Engine:
    """An engine with all of WASI 0.2 that the runtime provides; `portable` as in `Engine`."""
    modules = (cli, clocks, filesystem, http, io, random, sockets)
    interfaces = [interface for module in modules for interface in module.INTERFACES]
    return Engine(interfaces, cache, portable=portable, types=WASI)
