"""Signals: Linux's numbers, what each does by itself, and the wait statuses that tell of them."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Final

LAST: Final = 64


class Signal(IntEnum):
    """The signals that have a name here; the others, up to `LAST`, end a process."""

    HUP = 1
    INT = 2
    QUIT = 3
    ILL = 4
    TRAP = 5
    ABRT = 6
    BUS = 7
    FPE = 8
    KILL = 9
    USR1 = 10
    SEGV = 11
    USR2 = 12
    PIPE = 13
    ALRM = 14
    TERM = 15
    CHLD = 17
    CONT = 18
    STOP = 19
    TSTP = 20
    TTIN = 21
    TTOU = 22
    URG = 23
    XCPU = 24
    WINCH = 28


class Default(Enum):
    """What a signal does to a process that has not said otherwise."""

    END = "end"
    IGNORE = "ignore"
    STOP = "stop"
    CONTINUE = "continue"


_DEFAULTS: Final[dict[int, Default]] = {
    Signal.CHLD: Default.IGNORE,
    Signal.CONT: Default.CONTINUE,
    Signal.STOP: Default.STOP,
    Signal.TSTP: Default.STOP,
    Signal.TTIN: Default.STOP,
    Signal.TTOU: Default.STOP,
    Signal.URG: Default.IGNORE,
    Signal.WINCH: Default.IGNORE,
}

STOPPING: Final = frozenset(number for number, default in _DEFAULTS.items() if default is Default.STOP)
"""Each takes away a SIGCONT that waits, and the other way round (POSIX 2.4.1)."""

UNBLOCKABLE: Final = frozenset({Signal.KILL, Signal.STOP})
"""Nobody catches, blocks or ignores these."""


_NAMES: Final[dict[int, str]] = {signal.value: signal.name for signal in Signal}


def default_of(signal: int) -> Default:
    """What the signal does by itself."""
    return _DEFAULTS.get(signal, Default.END)


def name_of(signal: int) -> str:
    """For people: `SIGTERM`, or `signal 40`."""
    return f"SIG{_NAMES[signal]}" if signal in _NAMES else f"signal {signal}"


# Wait statuses, as Linux's <sys/wait.h> takes them apart.

CONTINUED: Final = 0xFFFF


def exited(code: int) -> int:
    """The process has exited with this code."""
    return (code & 0xFF) << 8


def killed(signal: int) -> int:
    """The process was ended by this signal."""
    return signal


def signal_of(status: int) -> int:
    """The signal that has ended the process; 0 where it has exited."""
    return status & 0x7F


def stopped(signal: int) -> int:
    """The process was stopped by this signal."""
    return signal << 8 | 0x7F
