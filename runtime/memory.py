"""The memory of this process: what it has, what the machine has, and the bound above which no further guest starts.

What counts is real memory that nobody shares: resident pages less those of files. The size of a guest's linear memory would
tell little, since its first contents are pages of the compiled component, shared by all its guests until one writes to them,
and pages that it never touches are none.
"""

from __future__ import annotations

import mmap
import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from runtime.api.errors import ApiError, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEMORY_SHARE: Final = 0.75
"""Of the machine's memory. The rest is for the system, its cache of files, which SQLite lives on, and for guests to grow."""

_SIZE: Final = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)([KMGT]?)(?:i?B)?", re.ASCII | re.IGNORECASE)
_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def private_bytes() -> int:
    """The bytes of this process that it shares with nobody: its own and all guests', compiled code excluded. Takes 2 us."""
    _, resident, shared, *_ = os.pread(_statm(), 256, 0).split()  # pages, see proc_pid_statm(5)
    return (int(resident) - int(shared)) * mmap.PAGESIZE


@cache
def _statm() -> int:
    return os.open(
        "/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC
    )  # kept: to open it takes twenty times as long as to read


@attrs.frozen
class MemoryBound:
    """How much memory this process may have for another guest to start. Guests that run are left alone, and may grow."""

    limit: int | None
    """Bytes; None: no bound."""
    used: Callable[[], int] = private_bytes

    @classmethod
    def of(cls, wanted: int | None) -> MemoryBound:
        """The bound that was asked for: bytes, 0 for none, None for a share of the machine."""
        if wanted is None:
            return cls(int(machine_bytes() * MEMORY_SHARE))
        return cls(wanted or None)

    def check(self) -> None:
        """Raise ApiError LIMIT_EXCEEDED if there is too much in use for another guest."""
        if self.limit is None or (used := self.used()) <= self.limit:
            return
        raise ApiError(
            ErrorCode.LIMIT_EXCEEDED,
            f"the daemon and its guests have {used / 1e6:.0f} MB of memory, and above {self.limit / 1e6:.0f} MB no other "
            "guest starts; end processes, put VMs to sleep, or raise serve --max-memory",
            limit="maxMemory",
            memoryBytes=used,
            maxMemoryBytes=self.limit,
        )


NO_BOUND: Final = MemoryBound(None)


def parse_size(text: str) -> int:
    """A number of bytes as people write it: `512M`, `4G`, `1.5GiB`; K, M, G and T are powers of 1024. Raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a size, such as 512M or 4G")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def machine_bytes(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """The memory that this process could have: the machine's, or less where one of its control groups says so."""
    lines = (proc / "meminfo").read_text("ascii").splitlines()
    total = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:"))
    return min([total, *_group_limits(proc / "self" / "cgroup", cgroups)])


def _group_limits(membership: Path, cgroups: Path) -> Iterator[int]:
    """What the process's group and those above it may have (cgroups(7)); a group may be named whose folder is not there."""
    try:
        lines = membership.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            root, name = cgroups, "memory.max"
        elif "memory" in controllers.split(","):
            root, name = cgroups / "memory", "memory.limit_in_bytes"
        else:
            continue
        group = root / path.strip("/")
        for folder in (group, *group.parents):
            try:
                text = (folder / name).read_text("ascii").strip()
            except OSError:
                text = "max"
            if text.isdecimal():
                yield int(text)
            if folder == root:
                break
