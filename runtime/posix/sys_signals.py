"""torpor:posix/sys: signals and timers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.engine import Wait
from runtime.posix.alarm import Alarm
from runtime.posix.calls import call, end_now
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.life import signal_all
from runtime.posix.numbers import DONE
from runtime.posix.signals import LAST
from runtime.posix.waiting import until

if TYPE_CHECKING:
    from runtime.engine.abi.context import Context
    from runtime.posix.process import PosixProcess


@call("kill")
def kill(process: PosixProcess, _memory: Context, pid: int, number: int) -> int:
    """kill(2). All of a VM are one user; -1 means those that come from the same command as the caller.

    An agent, and what it has started, is signalled by nobody else: EPERM.
    """
    if number > LAST:
        raise PosixError(Errno.EINVAL)
    kernel = process.kernel
    if pid > 0:
        targets = [kernel.get(pid)]
    elif pid == -1:
        targets = [other for other in process.tree.members if other is not process]
    else:
        group = process.group if pid == 0 else -pid
        targets = kernel.having(lambda other: other.group == group)
    if not targets:
        raise PosixError(Errno.ESRCH)
    allowed = [target for target in targets if target.tree is process.tree or not target.tree.private]
    if not allowed:
        raise PosixError(Errno.EPERM)
    signal_all(allowed, number)
    end_now(process)
    return DONE


@call("pause")
def pause(process: PosixProcess, _memory: Context) -> Wait:
    """pause(2)."""
    return Wait(until, process, (), lambda: None)


@call("alarm")
def alarm(process: PosixProcess, _memory: Context, first: int, interval: int) -> int:
    """setitimer(2) of the real time."""
    if first < 0 or interval < 0:
        raise PosixError(Errno.EINVAL)
    before = process.alarm
    if before is not None:
        before.stop()
        process.alarm = None
    if first:
        assert process.state is not None
        process.alarm = Alarm(process, first, interval)
        if process.lender is None:  # else it runs from the next program on
            process.state.start_soon(process.alarm.run)
    return 0 if before is None else before.left
