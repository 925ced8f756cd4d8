"""torpor:posix/sys: parents and children, groups and sessions, and what a process has used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.posix import signals
from runtime.posix.calls import call, waiting, write_bytes
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.life import parent_of, reap
from runtime.posix.numbers import CONTINUES, DONE, NO_HANG, NO_REAP, UNTRACED

if TYPE_CHECKING:
    from runtime.engine import Wait
    from runtime.engine.abi.context import Context
    from runtime.posix.process import PosixProcess


FUEL_PER_NS: Final = 5
"""Fuel that stands for a nanosecond of CPU: a slice of it, which takes about a millisecond, has five million. So a program's
CPU time is the same wherever it runs, and only about what a clock would say."""


@call("wait")
def wait(process: PosixProcess, memory: Context, pid: int, options: int, to: int) -> int | Wait:
    """waitpid(2)."""
    memory.reach(to + 16)

    def attempt() -> int | None:
        found = False
        for child in process.children.values():
            if not _is_meant(process, child, pid):
                continue
            found = True
            status = _news(child, options)
            if status is not None:
                return _report(process, child, status, memory, to, reaps=not options & NO_REAP)
        if not found:
            raise PosixError(Errno.ECHILD)
        return DONE if options & NO_HANG else None

    return waiting(process, (), attempt)


def _is_meant(process: PosixProcess, child: PosixProcess, pid: int) -> bool:
    if pid > 0:
        return child.pid == pid
    return pid == -1 or child.group == (process.group if pid == 0 else -pid)


def _news(child: PosixProcess, options: int) -> int | None:
    if child.status is not None:
        return child.status
    change = child.change
    if change is None or not options & (CONTINUES if change == signals.CONTINUED else UNTRACED):
        return None
    return change


def _report(process: PosixProcess, child: PosixProcess, status: int, memory: Context, to: int, *, reaps: bool) -> int:
    used = child.fuel_used + child.fuel_of_children
    write_bytes(memory, to, status.to_bytes(8, "little") + (used // FUEL_PER_NS).to_bytes(8, "little"))
    if reaps:
        child.change = None
        if child.status is not None:
            process.fuel_of_children += used
            reap(child)
    return child.pid


@call("id")
def id_(process: PosixProcess, _memory: Context, which: int, pid: int) -> int:
    """getpid(2), getppid(2), getpgid(2), getsid(2)."""
    of = process if pid == 0 else process.kernel.get(pid)
    match which:
        case 0:
            return of.pid
        case 1:
            return parent_of(of)
        case 2:
            return of.group
        case 3:
            return of.session
    raise PosixError(Errno.EINVAL)


@call("set-group")
def set_group(process: PosixProcess, _memory: Context, pid: int, group: int) -> int:
    """setpgid(2)."""
    of = process if pid in {0, process.pid} else process.children.get(pid)
    if of is None or of.status is not None:
        raise PosixError(Errno.ESRCH)
    if group < 0:
        raise PosixError(Errno.EINVAL)
    if of is not process and of.has_become:
        raise PosixError(Errno.EACCES)
    if of.session == of.pid or of.session != process.session:
        raise PosixError(Errno.EPERM)
    process.kernel.check_group(of, group or of.pid)
    of.group = group or of.pid
    return DONE


@call("set-session")
def set_session(process: PosixProcess, _memory: Context) -> int:
    """setsid(2)."""
    if process.kernel.having(lambda other: other.group == process.pid):
        raise PosixError(Errno.EPERM)
    process.group = process.session = process.pid
    process.terminal = None
    return process.pid


@call("umask")
def umask(process: PosixProcess, _memory: Context, mask: int) -> int:
    """umask(2)."""
    before, process.umask = process.umask, mask & 0o777
    return before


@call("usage")
def usage(process: PosixProcess, memory: Context, who: int, to: int) -> int:
    """getrusage(2)."""
    if who == 0:
        used, peak = process.fuel_used, process.peak_memory
    elif who == -1:
        used, peak = process.fuel_of_children, 0
    else:
        raise PosixError(Errno.EINVAL)
    write_bytes(memory, to, (used // FUEL_PER_NS).to_bytes(8, "little") + peak.to_bytes(8, "little"))
    return DONE
