"""What /proc/PID/stat, status and statm tell of a process (proc(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.posix.life import parent_of
from runtime.posix.numbers import TERMINALS, USER
from runtime.posix.sys_families import FUEL_PER_NS
from runtime.posix.terminal import Terminal

if TYPE_CHECKING:
    from runtime.posix.process import PosixProcess

TICK_NS: Final = 10**7
"""A hundredth of a second, in which times are told."""

PAGE: Final = 64 * 1024
"""Bytes of a page, as sysconf(3) tells programs."""

MAX_COMM: Final = 15
"""Bytes of a program's name."""

NO_LIMIT: Final = (1 << 64) - 1
"""RLIM_INFINITY."""

_STATES: Final = {
    "R": "R (running)",
    "S": "S (sleeping)",
    "T": "T (stopped)",
    "Z": "Z (zombie)",
}


def is_running(process: PosixProcess) -> bool:
    """Whether it computes, or would if it had its turn."""
    return state(process) == "R"


def state(process: PosixProcess) -> str:
    """Its letter."""
    if process.status is not None:
        return "Z"
    if process.is_stopped:
        return "T"
    return "S" if process.guest is None or process.guest.waits else "R"


def comm(process: PosixProcess) -> bytes:
    """Its program's name."""
    return process.name[:MAX_COMM]


def stat(process: PosixProcess, began: int) -> bytes:
    """The 52 fields of stat; `began`: when the VM woke. What there is nothing of is 0."""
    signals = process.delivery.state()
    memory = _memory(process)
    terminal = process.terminal if isinstance(process.terminal, Terminal) else None
    device, foreground = (0, -1) if terminal is None else (_device(terminal.number), terminal.foreground)
    fields = [
        state(process), parent_of(process), process.group, process.session, device, foreground, 0,
        0, 0, 0, 0, _ticks(process.fuel_used), 0, _ticks(process.fuel_of_children), 0,
        20, 0, 1, 0, (process.started - began) // TICK_NS, memory, memory // PAGE, NO_LIMIT, 0, 0, 0, 0, 0,
        signals.pending, signals.blocked, signals.ignored, signals.handled, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0,
    ]  # fmt: skip
    return b"%d (%b) %b\n" % (process.pid, comm(process), " ".join(map(str, fields)).encode())


def statm(process: PosixProcess) -> bytes:
    """Pages: size and what is resident, which is the same, and data."""
    pages = _memory(process) // PAGE
    return f"{pages} {pages} 0 0 0 {pages} 0\n".encode()


def status(process: PosixProcess) -> bytes:
    """The lines of status that there is something to tell of."""
    signals = process.delivery.state()
    name = comm(process).replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
    kilobytes, peak = _memory(process) // 1024, process.peak_memory // 1024
    lines: list[tuple[str, object]] = [
        ("Umask", f"{process.umask:04o}"),
        ("State", _STATES[state(process)]),
        ("Tgid", process.pid),
        ("Ngid", 0),
        ("Pid", process.pid),
        ("PPid", parent_of(process)),
        ("TracerPid", 0),
        ("Uid", f"{USER}\t{USER}\t{USER}\t{USER}"),
        ("Gid", f"{USER}\t{USER}\t{USER}\t{USER}"),
        ("FDSize", max(64, 1 << max(process.table.numbers(), default=0).bit_length())),
        ("Groups", USER),
        ("VmPeak", f"{peak:8} kB"),
        ("VmSize", f"{kilobytes:8} kB"),
        ("VmHWM", f"{peak:8} kB"),
        ("VmRSS", f"{kilobytes:8} kB"),
        ("Threads", 1),
        ("SigPnd", f"{signals.pending:016x}"),
        ("ShdPnd", f"{0:016x}"),
        ("SigBlk", f"{signals.blocked:016x}"),
        ("SigIgn", f"{signals.ignored:016x}"),
        ("SigCgt", f"{signals.handled:016x}"),
        ("Cpus_allowed", 1),
        ("Cpus_allowed_list", 0),
    ]
    return b"Name:\t" + name + b"\n" + "".join(f"{key}:\t{value}\n" for key, value in lines).encode()


def _memory(process: PosixProcess) -> int:
    return 0 if process.guest is None else process.guest.memory_used


def _ticks(fuel: int) -> int:
    return fuel // FUEL_PER_NS // TICK_NS


def _device(number: int) -> int:
    """As stat(5) has device numbers: 256 minors beside the major, the rest from bit 20 on."""
    return TERMINALS | number & 0xFF | (number & ~0xFF) << 12
