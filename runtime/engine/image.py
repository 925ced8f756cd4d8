"""The memory of a guest as the beginning of another one's: what fork(2) needs.

A program that forks leaves all of its state in its memory (by Asyncify), so that a second instance of its modules with a copy
of these bytes is the same process. Only the pages that the guest has made its own are copied: the others are in the new
instance as they were in the old.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Final

import attrs
import trio

from runtime.engine.pages import PAGE, own_runs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from runtime.engine.native import Memory

ENTRY: Final = b"posix_child"
"""The core function, in the module of `run`, that a guest begins with whose memory is another's: () -> i32, as `run`."""

PIECE: Final = 1024 * 1024
"""Bytes that are copied without a pause: in 0.1 to 0.3 ms."""

LOOK: Final = 64 * 1024 * 1024
"""Bytes of addresses that are asked about without a pause: in 3 ms where the kernel tells of each page."""

_GONE: Final = "what was to be copied is gone"


@attrs.define(eq=False)
class Image:
    """Bytes [start, end) of a guest's memory, for another guest of the same program.

    The source has to stand still, in a host call, until `done` is set; where it ends before, the new guest does as well.
    """

    memory: Memory | None
    """None: the source has ended, or has not one memory."""
    start: int
    end: int
    done: trio.Event = attrs.field(factory=trio.Event)
    """The copy is made, or will not be."""
    made: bool = False

    async def copy_to(self, memories: Sequence[Memory], pause: Callable[[], Awaitable[None]]) -> str | None:
        """Make the copy, in the one memory that there is; why it could not be made, or None. `pause` lets others go on."""
        try:
            if len(memories) != 1:
                return "a guest with several memories cannot begin with another one's"
            return await self._copy_to(memories[0], pause)
        finally:
            self.done.set()

    async def _copy_to(self, target: Memory, pause: Callable[[], Awaitable[None]]) -> str | None:
        source = self.memory
        if source is None:
            return _GONE
        start, end = self.start & -PAGE, self.end + PAGE - 1 & -PAGE
        if not (0 <= start <= end <= source.size()):
            return "the bytes to be copied are not in memory"
        if not target.grow_to(source.size()):
            return "there is not enough memory for the copy"
        spent = 0
        for address, size, cost in _pieces(source.address + start, source.address + end):
            ctypes.memmove(target.address + address - source.address, address, size)
            spent += cost
            if spent >= PIECE:
                spent = 0
                await pause()
                if self.memory is None:
                    return _GONE
        self.made = True
        return None

    def forget(self) -> None:
        """The source ends: its memory is not to be looked at any more."""
        self.memory = None


def _pieces(start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """What is a guest's own, and the looks for it: (address, bytes, how many bytes are copied in the time that it takes)."""
    for begin in range(start, end, LOOK):
        ahead = min(LOOK, end - begin)
        runs = [*own_runs(begin, begin + ahead)]
        yield begin, 0, ahead * PIECE // LOOK
        for address, size in runs:
            for at in range(address, address + size, PIECE):
                piece = min(PIECE, address + size - at)
                yield at, piece, piece
