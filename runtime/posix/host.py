"""The whole host as one engine: every interface that a guest can import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.engine import Engine
from runtime.posix import (
    sys_descriptors,
    sys_families,
    sys_files,
    sys_paths,
    sys_poll,
    sys_processes,
    sys_signals,
    sys_terminals,
    sys_time,
)
from runtime.posix.calls import sys
from runtime.posix.children import children
from runtime.wasi.host import INTERFACES
from runtime.wasi.wit_types import WASI

if TYPE_CHECKING:
    from runtime.engine import ArtefactCache

SUBJECTS: Final = (
    sys_descriptors,
    sys_families,
    sys_files,
    sys_paths,
    sys_poll,
    sys_processes,
    sys_signals,
    sys_terminals,
    sys_time,
)
"""Each has registered its functions."""


def make_engine(cache: ArtefactCache | None = None, *, portable: bool = False) -> Engine:
    """An engine with all of WASI 0.2 that the runtime provides, and processes; `portable` as in `Engine`."""
    return Engine([*INTERFACES, sys, children], cache, portable=portable, types=WASI)
