"""What becomes of processes: signals and what they do, and the end, with who is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.posix import signals
from runtime.posix.numbers import HANDLED, IGNORED, OUTSIDE
from runtime.posix.signals import STOPPING, Default, Signal, default_of

if TYPE_CHECKING:
    from runtime.posix.process import Kernel, PosixProcess


# Signals


def signal(process: PosixProcess, number: int) -> None:
    """A process gets a signal (POSIX 2.4). Nothing for 0, nor once it has ended."""
    if not number or process.ending is not None:
        return
    _set_going(process, number)
    action = process.delivery.action(number)
    if action == IGNORED:
        return
    if process.delivery.blocks(number):
        _deliver(process, number)
    elif action == HANDLED:
        _deliver(process, number)
        process.news.notify()
    else:
        _act(process, number)


def signal_group(kernel: Kernel, group: int, number: int) -> None:
    """All of a group get a signal."""
    for process in kernel.having(lambda other: other.group == group):
        signal(process, number)


def _deliver(process: PosixProcess, number: int) -> None:
    process.delivery.add(number)
    if process.guest is not None:
        process.guest.at_rest(process.delivery.flush)


def _set_going(process: PosixProcess, number: int) -> None:
    """What SIGCONT and SIGKILL do whatever the process has said, and the signals that stop to SIGCONT."""
    if number in STOPPING:
        process.delivery.take_away(Signal.CONT)
    elif number == Signal.CONT:
        process.delivery.take_away(*STOPPING)
    if process.is_stopped and number in {Signal.CONT, Signal.KILL}:
        process.is_stopped = False
        process.news.notify()
        if number == Signal.CONT:
            _tell_parent(process, signals.CONTINUED)


def _act(process: PosixProcess, number: int) -> None:
    """What the signal does by itself."""
    match default_of(number):
        case Default.END:
            process.end(signals.killed(number))
        case Default.STOP if not process.is_stopped and (number == Signal.STOP or could_go_on(process)):
            process.is_stopped = True
            _tell_parent(process, signals.stopped(number))
        case _:
            pass


def could_go_on(process: PosixProcess) -> bool:
    """Whether its group is no orphan (POSIX 3.264): somebody of its session outside of the group could let it go on."""
    return any(
        member.parent is not None and member.parent.session == process.session and member.parent.group != process.group
        for member in process.kernel.having(lambda other: other.group == process.group)
    )


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
    for child in list(process.children.values()):
        disown(child)
    if process.parent is None:
        _forget(process)
    else:
        _child_ended(process.parent, process)


def _child_ended(process: PosixProcess, child: PosixProcess) -> None:
    if process.delivery.action(Signal.CHLD) == IGNORED:  # nobody is going to wait for it (POSIX, wait)
        reap(child)
    _child_changed(process)


def never_ran(process: PosixProcess) -> None:
    """It was made, and could not be started."""
    disown(process)
    ended(process, signals.killed(Signal.KILL))
