"""What becomes of processes: signals and what they do, and the end, with who is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.posix import signals
from runtime.posix.numbers import HANDLED, IGNORED, OUTSIDE
from runtime.posix.signals import STOPPING, Default, Signal, default_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.posix.process import Kernel, PosixProcess


# Signals


def signal(process: PosixProcess, number: int) -> None:
    """A process gets a signal (POSIX 2.4). Nothing for 0, nor once it has ended."""
    signal_all((process,), number)


def signal_group(kernel: Kernel, group: int, number: int) -> None:
    """All of a group get a signal."""
    signal_all(kernel.having(lambda other: other.group == group), number)


def signal_all(processes: Iterable[PosixProcess], number: int) -> None:
    """All of these get a signal, as by `signal`."""
    orphaned: dict[int, bool] = {}  # by group: it looks at all processes, and is the same for all of one
    for process in processes:
        _signal(process, number, orphaned)


def _signal(process: PosixProcess, number: int, orphaned: dict[int, bool]) -> None:
    if not number or process.ending is not None:
        return
    _set_going(process, number)
    action = process.delivery.action(number)
    if action == IGNORED:
        return
    if process.delivery.blocks(number):
        _deliver(process, number)
    elif action == HANDLED or (process.lender is not None and default_of(number) is Default.END):
        # The guest of another one cannot be ended from outside: its code does it, as a handler.
        _deliver(process, number)
        process.news.notify()
    else:
        _act(process, number, orphaned)


def _deliver(process: PosixProcess, number: int) -> None:
    process.delivery.add(number)
    _flush(process)


def _flush(process: PosixProcess) -> None:
    guest = (process.lender or process).guest
    if guest is not None:
        guest.at_rest(process.delivery.flush)


def _set_going(process: PosixProcess, number: int) -> None:
    """What SIGCONT and SIGKILL do whatever the process has said, and the signals that stop to SIGCONT."""
    if number in STOPPING:
        process.delivery.take_away(Signal.CONT)
        _flush(process)
    elif number == Signal.CONT:
        process.delivery.take_away(*STOPPING)
        _flush(process)
    if process.is_stopped and number in {Signal.CONT, Signal.KILL}:
        process.is_stopped = False
        process.news.notify()
        if number == Signal.CONT:
            _tell_parent(process, signals.CONTINUED)


def _act(process: PosixProcess, number: int, orphaned: dict[int, bool]) -> None:
    """What the signal does by itself."""
    match default_of(number):
        case Default.END:
            process.end(signals.killed(number))
        case Default.STOP if not process.is_stopped and (number == Signal.STOP or not _is_lost(process, orphaned)):
            process.is_stopped = True
            _tell_parent(process, signals.stopped(number))
        case _:
            pass


def _is_lost(process: PosixProcess, orphaned: dict[int, bool]) -> bool:
    group = process.group
    if group not in orphaned:
        orphaned[group] = is_orphaned(process.kernel, group)
    return orphaned[group]


def is_orphaned(kernel: Kernel, group: int) -> bool:
    """Whether nobody of its session outside of a group could let it go on (POSIX 3.264)."""
    return not any(map(_has_guardian, _living(kernel, group)))


def _living(kernel: Kernel, group: int) -> list[PosixProcess]:
    return kernel.having(lambda other: other.group == group and other.status is None)


def _has_guardian(process: PosixProcess) -> bool:
    """Whether its parent is one by whom its group is no orphan."""
    parent = process.parent
    return parent is not None and parent.session == process.session and parent.group != process.group


def _tell_parent(process: PosixProcess, change: int) -> None:
    process.change = change
    if process.parent is not None:
        _child_changed(process.parent)


def _child_changed(process: PosixProcess) -> None:
    """A child has ended, was stopped or goes on."""
    if process.delivery.action(Signal.CHLD) == HANDLED:
        signal(process, Signal.CHLD)
    process.news.notify()


# Families


def parent_of(process: PosixProcess) -> int:
    """Its parent's pid."""
    return OUTSIDE if process.parent is None else process.parent.pid


def reap(process: PosixProcess) -> None:
    """Its parent has taken notice of its end."""
    assert process.parent is not None
    del process.parent.children[process.pid]
    _forget(process)


def disown(process: PosixProcess) -> None:
    """Its parent knows nothing of it any more."""
    if process.parent is not None:
        process.parent.children.pop(process.pid, None)
        process.parent = None
    if process.status is not None:
        _forget(process)


def _forget(process: PosixProcess) -> None:
    process.kernel.processes.pop(process.pid, None)


# The end


def ended(process: PosixProcess, status: int) -> None:
    """Its last guest has ended, with this wait status."""
    process.count_guest()
    process.delivery.forget()
    process.memory = process.state = None
    if process.alarm is not None:
        process.alarm.stop()
    process.status = process.ending = status
    process.is_stopped = False
    process.tree.members.discard(process)
    process.tree.fuel_of_ended += process.fuel_used
    process.table.close_all()
    process.cwd.close()
    if process.terminal is not None and process.pid == process.session:
        process.terminal.leader_ended()
    bereft = {one.group for one in (process, *process.children.values()) if _has_guardian(one)}
    for child in list(process.children.values()):
        disown(child)
    if process.parent is None:
        _forget(process)
    else:
        _child_ended(process.parent, process)
    for group in bereft:
        _let_go(process.kernel, group)


def _let_go(kernel: Kernel, group: int) -> None:
    """Where a group has become an orphan, nobody is left to continue who is stopped: they are hung up (POSIX, _exit)."""
    members = _living(kernel, group)
    if any(member.is_stopped for member in members) and is_orphaned(kernel, group):
        for number in (Signal.HUP, Signal.CONT):
            signal_all(members, number)


def _child_ended(process: PosixProcess, child: PosixProcess) -> None:
    if process.delivery.action(Signal.CHLD) == IGNORED:  # nobody is going to wait for it (POSIX, wait)
        reap(child)
    _child_changed(process)


def never_ran(process: PosixProcess) -> None:
    """It was made, and could not be started."""
    disown(process)
    ended(process, signals.killed(Signal.KILL))
