"""torpor:posix/sys: descriptors as such, pipes, and locks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.posix.calls import call, waiting, write_bytes
from runtime.posix.descriptions import File, Folder, How
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.numbers import DONE, EXCLUSIVE, NOT_NOW, SHARED, UNLOCK

if TYPE_CHECKING:
    from runtime.engine import Wait
    from runtime.engine.abi.context import Context
    from runtime.posix.process import PosixProcess


@call("dup")
def dup(process: PosixProcess, _memory: Context, fd: int, least: int, how: int) -> int:
    """dup(2), and fcntl's F_DUPFD and F_DUPFD_CLOEXEC."""
    description = process.table[fd].description
    return process.table.add(description, closes=bool(how & How.CLOSE_ON_EXEC), least=least)


@call("dup2")
def dup2(process: PosixProcess, _memory: Context, fd: int, to: int, how: int) -> int:
    """dup2(2), and dup3 where both differ."""
    description = process.table[fd].description
    if fd != to:
        process.table.set(to, description, closes=bool(how & How.CLOSE_ON_EXEC))
    return to


@call("control")
def control(process: PosixProcess, _memory: Context, fd: int, what: int, value: int) -> int:
    """fcntl(2), and FIONREAD."""
    entry = process.table[fd]
    description = entry.description
    match what:
        case 0:
            return int(entry.closes)
        case 1:
            entry.closes = bool(value & 1)
        case 2:
            return description.flags
        case 3:
            description.flags = (description.flags & ~How.CHANGEABLE) | (value & How.CHANGEABLE)
        case 4:
            return min(description.waiting(), (1 << 31) - 1)
        case _:
            raise PosixError(Errno.EINVAL)
    return DONE


@call("pipe")
def pipe(process: PosixProcess, memory: Context, to: int, how: int) -> int:
    """pipe2(2)."""
    memory.reach(to + 8)
    closes = bool(how & How.CLOSE_ON_EXEC)
    table = process.table
    table.check_room(2)
    reader, writer = process.kernel.pipes.make(how & How.NO_WAIT)
    ends = [table.add(end, closes=closes) for end in (reader, writer)]
    write_bytes(memory, to, b"".join(end.to_bytes(4, "little") for end in ends))
    return DONE


@call("lock")
def lock(process: PosixProcess, _memory: Context, fd: int, what: int) -> int | Wait:
    """flock(2)."""
    description = process.table[fd].description
    if not isinstance(description, File | Folder):
        raise PosixError(Errno.EINVAL)
    locks = process.kernel.locks
    wanted = what & ~NOT_NOW
    if wanted == UNLOCK:
        locks.give_up(description)
        return DONE
    if wanted not in {SHARED, EXCLUSIVE}:
        raise PosixError(Errno.EINVAL)
    description.on_close = lambda: locks.give_up(description)

    def attempt() -> int | None:
        return DONE if locks.take(description, exclusive=wanted == EXCLUSIVE) else None

    return waiting(process, (locks,), attempt, How.NO_WAIT if what & NOT_NOW else 0)
