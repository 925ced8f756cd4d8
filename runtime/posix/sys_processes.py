"""torpor:posix/sys: how a process begins, becomes another, and ends."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NoReturn

import trio

from runtime.engine import GuestExit, Wait
from runtime.posix.arguments import Arguments
from runtime.posix.calls import call, read_bytes, write_bytes
from runtime.posix.delivery import Delivery, Inherited
from runtime.posix.descriptions import Folder
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.life import disown, ended, never_ran
from runtime.posix.names import Name, name
from runtime.posix.numbers import CLOSE, DIRECTORY, DONE, DUPLICATE, GROUP, MOVE, WORKING_DIRECTORY
from runtime.posix.proc.looking import looker
from runtime.posix.process import PosixProcess
from runtime.posix.programs import find
from runtime.posix.signals import Default, default_of, exited, signal_of
from runtime.posix.state import PosixState
from runtime.posix.table import MAX_DESCRIPTORS

if TYPE_CHECKING:
    from runtime.engine.abi.context import Context
    from runtime.posix.process import Next

MAX_ACTIONS: Final = 4 * MAX_DESCRIPTORS
"""Of one spawn: enough to move each descriptor aside and back, and close it."""

_ACTION: Final = struct.Struct("<Iii")


@call("start")
def start(process: PosixProcess, memory: Context, at: int) -> int:
    """The program tells where its record of signals is."""
    process.delivery.attach(memory, at)
    return DONE


@call("arguments")
def arguments_(process: PosixProcess, memory: Context, at: int, size: int) -> int:
    """Its arguments and its environment."""
    record = process.arguments.record()
    if size >= len(record):
        write_bytes(memory, at, record)
    return len(record)


@call("exit")
def exit_(_process: PosixProcess, _memory: Context, status: int) -> NoReturn:
    """_exit(2)."""
    raise GuestExit(status & 0xFF)


# Fork


@call("fork")
def fork(process: PosixProcess, _memory: Context, stack: int, end: int) -> Wait:
    """fork(2)."""
    _check_own_guest(process)
    return Wait(_fork, process, stack, end)


async def _fork(process: PosixProcess, stack: int, end: int) -> int:
    child = make_child(process, process.arguments, process.delivery.fork())
    child.program = process.program
    assert process.guest is not None
    image = process.guest.image(stack, end)
    process.kernel.machine.start(child, image)
    await image.done.wait()
    if not image.made:
        disown(child)
        raise PosixError(Errno.ENOMEM)
    return child.pid


@call("enter-child")
def enter_child(process: PosixProcess, memory: Context) -> int:
    """fork(2), with a child that goes on in this guest. ENOSYS in such a child."""
    _check_own_guest(process)
    child = make_child(process, process.arguments, Delivery(Inherited()))
    child.delivery = process.delivery.lend()
    child.lender, child.state = process, process.state
    process.memory = None  # its next call takes the record back
    _go_on_as(child, child)
    child.attach(memory)
    return child.pid


@call("leave-child")
def leave_child(process: PosixProcess, _memory: Context, status: int) -> int:
    """_exit(2) of such a child, or its end by a signal. EINVAL where there is none, and for what ends none."""
    number = signal_of(status)
    by_itself = status == exited(status >> 8)
    if process.lender is None or not (by_itself or (status == number and default_of(number) is Default.END)):
        raise PosixError(Errno.EINVAL)
    _leave(process)
    ended(process, status)
    return DONE


def _leave(child: PosixProcess) -> None:
    """The guest goes on as the parent's."""
    assert child.lender is not None
    child.delivery.detach()
    _go_on_as(child, child.lender)
    child.lender = child.state = child.memory = None


def _go_on_as(child: PosixProcess, process: PosixProcess) -> None:
    """The calls of the guest that the child is in are this process's from now on."""
    assert isinstance(child.state, PosixState)
    child.state.process = process
    looker.set(process)


def _check_own_guest(process: PosixProcess) -> None:
    if process.lender is not None:
        raise PosixError(Errno.ENOSYS)


def make_child(process: PosixProcess, arguments: Arguments, delivery: Delivery) -> PosixProcess:
    """A child of the process, that does not run yet. PosixError EAGAIN, ENOMEM."""
    kernel = process.kernel
    kernel.machine.check_room()
    assert process.state is not None
    if process.tree.killed:
        raise PosixError(Errno.EAGAIN)
    child = PosixProcess(
        kernel=kernel,
        pid=kernel.machine.new_pid(),
        tree=process.tree,
        parent=process,
        group=process.group,
        session=process.session,
        arguments=arguments,
        cwd=process.cwd.duplicate(),
        started=process.state.ambient.now_monotonic_ns(),
        name=process.name,
        path=process.path,
        told_cwd=process.told_cwd,
        table=process.table.copy(),
        umask=process.umask,
        delivery=delivery,
        terminal=process.terminal,
    )
    kernel.add(child)
    return child


# Exec


@call("exec")
def exec_(
    process: PosixProcess,
    memory: Context,
    at: int,
    path: int,
    size: int,
    argv: int,
    argv_size: int,
    envp: int,
    envp_size: int,
) -> Wait:
    """execve(2)."""
    place = name(process, memory, at, path, size)
    return Wait(_exec, process, place, _arguments(memory, argv, argv_size, envp, envp_size))


def _arguments(memory: Context, argv: int, argv_size: int, envp: int, envp_size: int) -> Arguments:
    Arguments.check(argv_size + envp_size)
    return Arguments.given(read_bytes(memory, argv, argv_size), read_bytes(memory, envp, envp_size))


async def _exec(process: PosixProcess, place: Name, arguments: Arguments) -> int:
    chosen = await find(process.kernel, place, arguments)
    if process.lender is None:
        process.become(chosen)
        raise GuestExit(0)
    _leave(process)
    start_child(process, chosen)
    await trio.lowlevel.checkpoint()
    return DONE


# Spawn


@call("spawn")
def spawn(
    process: PosixProcess,
    memory: Context,
    at: int,
    path: int,
    size: int,
    argv: int,
    argv_size: int,
    envp: int,
    envp_size: int,
    actions_at: int,
    count: int,
) -> Wait:
    """posix_spawn(3)."""
    if count > MAX_ACTIONS:
        raise PosixError(Errno.E2BIG)
    actions = list(_ACTION.iter_unpack(read_bytes(memory, actions_at, count * _ACTION.size)))
    place = name(process, memory, at, path, size)
    given = _arguments(memory, argv, argv_size, envp, envp_size)
    return Wait(_spawn, process, place, at == WORKING_DIRECTORY, given, actions)


async def _spawn(
    process: PosixProcess, place: Name, relative: bool, given: Arguments, actions: list[tuple[int, int, int]]
) -> int:
    child = make_child(process, given, Delivery(process.delivery.inherited()))
    try:
        for kind, first, second in actions:
            _act(child, kind, first, second)
        if relative:
            place = Name(place.path, child.cwd.node)
        chosen: Next = await find(process.kernel, place, given)
    except BaseException:
        never_ran(child)
        raise
    start_child(child, chosen)
    await trio.lowlevel.checkpoint()
    return child.pid


def start_child(child: PosixProcess, chosen: Next) -> None:
    """It runs its program from now on."""
    child.next = chosen
    child.take_over()
    child.kernel.machine.start(child, None)


def _act(child: PosixProcess, kind: int, first: int, second: int) -> None:
    """One of the actions. PosixError."""
    table = child.table
    if kind in {DUPLICATE, MOVE}:
        table.set(second, table[first].description, closes=False)
        if kind == MOVE and first != second:
            table.close(first)
    elif kind == CLOSE:
        if table.get(first) is not None:  # POSIX: no error otherwise
            table.close(first)
    elif kind == GROUP:
        child.kernel.check_group(child, first or child.pid)
        child.group = first or child.pid
    elif kind == DIRECTORY:
        description = table[first].description
        if not isinstance(description, Folder):
            raise PosixError(Errno.ENOTDIR)
        child.move_to(description.handle.duplicate(), description.path)
    else:
        raise PosixError(Errno.EINVAL)
