"""A process that starts the daemon again when it dies: of an abort in the engine, say, or of the kernel's OOM killer.

The daemon is forked from it before the libraries are loaded, so that it stays small. Where systemd runs the daemon, systemd
does this (`Restart=` in the unit). What ends in order, or was asked to end, stays ended.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Container

PAUSE_SECONDS: Final = 0.1
"""Before the second restart in a row, and twice as long before each further one; before the first there is none."""
STEADY_SECONDS: Final = 60.0
"""A daemon that has lived so long is no part of a row."""
MAX_RESTARTS: Final = 8
"""In a row: some ten seconds, in which a disk may have become free; what crashes at once will do so tomorrow, too."""

_OK, _FAILED = 0, 1  # exit codes, as every shell reads them
_ASKED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_WATCHED: Final = (*_ASKED, signal.SIGCHLD)


class Life(NamedTuple):
    """The history of the daemons that its supervisor has run before it."""

    restarts: int
    """In a row, this one included."""
    ended: str
    """How the one before has ended; empty for the first."""
    ready: int
    """A descriptor to write to as soon as it serves: one that dies before is not started again."""


def supervise(*, background: bool, final: Container[int], give_up: Callable[[str], None]) -> Life | int:
    """Fork the daemon, again and again: return its `Life` in each daemon, and in the supervisor, at the end, the exit code.

    To be called while there is one thread. A daemon that ends with one of the `final` exit codes is not started again.
    `give_up` is called with the reason when too many have died in a row. In the `background` the supervisor lets go of stdout
    and stderr at once, and each daemon has a session of its own.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    restarts, ended, served = 0, "", False
    while True:
        ready, ready_end = os.pipe()
        supervisor, started = os.getpid(), time.monotonic()
        child = os.fork()
        if not child:
            os.close(ready)
            _become_daemon(supervisor, background=background)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            return Life(restarts, ended, ready_end)
        os.close(ready_end)
        if background:
            _let_go()
        code, asked = _wait(child)
        served = bool(os.read(ready, 1)) or served
        os.close(ready)
        if asked or code in final or -code in _ASKED or not served:
            return code if code >= 0 else _FAILED
        ended = f"the daemon (process {child}) has ended by {_how(code)}"
        restarts = 1 if time.monotonic() - started >= STEADY_SECONDS else restarts + 1
        if restarts > MAX_RESTARTS:
            give_up(f"{ended}, the {restarts}th in a row, and is not started again")
            return _FAILED
        if restarts > 1 and signal.sigtimedwait(_ASKED, PAUSE_SECONDS * 2 ** (restarts - 2)) is not None:
            return _OK


def _wait(child: int) -> tuple[int, bool]:
    """Wait for the daemon's end, and pass signals on to it: (its exit code, or minus a signal; whether it was asked to end)."""
    asked = False
    while True:
        number = signal.sigwait(_WATCHED)
        if number != signal.SIGCHLD:
            asked = True
            os.kill(child, number)  # not waited for yet: the number is nobody else's
            continue
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status), asked


def _become_daemon(supervisor: int, *, background: bool) -> None:
    """End in order when the supervisor dies: nothing would start this daemon again, or answer programs that wait for it."""
    import ctypes  # noqa: PLC0415 - the supervisor does without it

    if background:
        os.setsid()
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    if os.getppid() != supervisor:
        os._exit(_FAILED)


def _let_go() -> None:
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        os.dup2(nothing, stream.fileno())
    os.close(nothing)


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:  # a realtime signal
        return f"signal {-code}"
