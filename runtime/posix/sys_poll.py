"""torpor:posix/sys: waiting for several descriptors at once."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Final

import trio

from runtime.engine import Wait
from runtime.posix.alarm import LONGEST
from runtime.posix.calls import call, write_bytes
from runtime.posix.descriptions import Ready
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.table import MAX_DESCRIPTORS
from runtime.posix.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.engine.abi.context import Context
    from runtime.posix.process import PosixProcess

SECOND_NS: Final = 1_000_000_000

_RECORD: Final = struct.Struct("<iHH")


@call("poll")
def poll(process: PosixProcess, memory: Context, at: int, count: int, timeout: int) -> int | Wait:
    """poll(2), of as many records as a process can have descriptors."""
    if count > MAX_DESCRIPTORS:
        raise PosixError(Errno.EINVAL)
    asked = [(fd, events) for fd, events, _ in _RECORD.iter_unpack(memory.window(at, count * _RECORD.size))]

    def look() -> int | None:
        found = [_answer(process, fd, events) for fd, events in asked]
        if not (ready := sum(map(bool, found))):
            return None
        write_bytes(memory, at, b"".join(_RECORD.pack(*one, back) for one, back in zip(asked, found, strict=True)))
        return ready

    if (ready := look()) is not None:
        return ready
    if timeout == 0:
        return _nothing(memory, at, asked)
    deadline = math.inf if timeout < 0 else trio.current_time() + min(timeout / SECOND_NS, LONGEST)
    return Wait(_poll, process, memory, at, asked, look, deadline)


def _answer(process: PosixProcess, fd: int, events: int) -> int:
    if fd < 0:
        return 0
    description = process.table.get(fd)
    return Ready.INVALID if description is None else description.ready() & (events | Ready.ALWAYS)


def _nothing(memory: Context, at: int, asked: list[tuple[int, int]]) -> int:
    write_bytes(memory, at, b"".join(_RECORD.pack(*one, 0) for one in asked))
    return 0


async def _poll(
    process: PosixProcess,
    memory: Context,
    at: int,
    asked: list[tuple[int, int]],
    look: Callable[[], int | None],
    deadline: float,
) -> int:
    open_ = [description for fd, _ in asked if (description := process.table.get(fd)) is not None]
    ready = await until(process, open_, look, deadline)
    return _nothing(memory, at, asked) if ready is None else ready
