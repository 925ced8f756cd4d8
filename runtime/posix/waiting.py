"""Waiting for what is open, for signals and for children: until something may have changed, never in a loop of looks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import trio

from runtime.posix.errnos import Errno, PosixError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runtime.posix.process import PosixProcess
    from runtime.wasi.streams import Source

T = TypeVar("T")


async def until(
    process: PosixProcess, sources: Iterable[Source], attempt: Callable[[], T | None], deadline: float = math.inf
) -> T | None:
    """What `attempt` returns, once that is not None; it is made again whenever a source has news. None at the deadline.

    While the process is stopped nothing is attempted. PosixError EINTR when a signal comes that is to be handled, before there
    is an answer.
    """
    watched = (*sources, process.news)
    waited = False
    while True:
        if not process.is_stopped:
            if (answer := attempt()) is not None:
                break
            if process.delivery.interrupts:
                raise PosixError(Errno.EINTR)
            if trio.current_time() >= deadline:
                break
        event = trio.Event()
        for source in watched:
            source.waiters.add(event)
        try:
            if deadline == math.inf:
                await event.wait()
            else:
                with trio.move_on_at(deadline):
                    await event.wait()
        finally:
            for source in watched:
                source.waiters.discard(event)
        waited = True
    if not waited:
        await trio.lowlevel.checkpoint()
    return answer
