"""A linear memory for tests, and a `cabi_realloc` that grows it at every call: whoever keeps a view too long is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.engine.abi.context import Context
from runtime.engine.abi.handles import HandleTable, Room

if TYPE_CHECKING:
    from runtime.engine.abi.strings import Allocation

CAPACITY = 4 * 1024 * 1024
SLACK = b"\xab"
"""What is in memory at first."""


class Memory:
    """Grows, but does not move: a view is never wrong, only too short."""

    def __init__(self, size: int) -> None:
        self._data = bytearray(CAPACITY)
        self._data[:size] = SLACK * size
        self.size = size

    def view(self) -> memoryview:
        return memoryview(self._data)[: self.size]

    def allocate(self, align: int, size: int) -> int:
        """At the end of a memory that has just grown by what is asked for."""
        assert align in {1, 2, 4, 8}
        pointer = (self.size + 7) // 8 * 8 + align
        self.size = pointer + size
        assert self.size <= CAPACITY
        return pointer


def context(size: int = 256) -> Context:
    """On a memory of so many bytes, and an empty handle table."""
    made = Context(HandleTable(Room(100)))
    made.memory = Memory(size)
    return made


def finish(made: Context, allocation: Allocation) -> Any:
    """Give what is written as much memory as it asks for; what it returns."""
    memory = made.memory
    assert isinstance(memory, Memory)
    pointer = None
    while True:
        try:
            align, size = next(allocation) if pointer is None else allocation.send(pointer)
        except StopIteration as stop:
            return stop.value
        pointer = memory.allocate(align, size)
