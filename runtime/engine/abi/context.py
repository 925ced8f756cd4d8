"""What a lifted or lowered function works on: one linear memory, one handle table, and what is left of the call's allowance.

Guests give addresses as numbers. They become bytes in `Context.reach` and `Context.window` alone, which slice a memoryview of
exactly the memory that the guest has committed: Python's own bounds checks are the sandbox's. Such a view can be too small,
since the guest grows its memory without telling, and is then made anew; it is never too large, since memories neither shrink
nor move while the guest lives.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn, Protocol

from runtime.engine.interface import GuestTrap

MAX_LIFT_BYTES: Final = 2 * 1024 * 1024
"""What the arguments of one host call may take to convert, so that they hold the event loop for some 2 ms at most."""

ITEM_BYTES: Final = 512
"""What each type that an item of a list is made of counts for among these: it costs some 0.5 us, while bytes of text and of
numbers cost next to nothing."""


class Memory(Protocol):
    """A linear memory of a running guest."""

    def view(self) -> memoryview:
        """All of it, as large as it is now. Not to be used any more once the guest has been freed."""


class NoMemory:
    """In place of the memory of a function that was lowered without one, or of an instance that is not there yet."""

    def view(self) -> memoryview:
        """Nothing."""
        return memoryview(b"")


class Context:
    """See the module's docstring. `view` is the memory as far as it was looked at last."""

    __slots__ = ("handles", "left", "memory", "view")

    def __init__(self, handles: Any) -> None:
        self.handles = handles
        """A HandleTable, or what stands for one in a call between component instances."""
        self.memory: Memory = NoMemory()
        self.view = memoryview(b"")
        self.left = MAX_LIFT_BYTES
        """Bytes that the current call's arguments may still take; set at its beginning."""

    def reach(self, end: int) -> memoryview:
        """A view with all bytes up to `end`. GuestTrap when the memory does not have them."""
        view = self.view
        if end > len(view):
            view = self.view = self.memory.view()
            if end > len(view):
                raise GuestTrap("a pointer is out of bounds of memory")
        return view

    def window(self, pointer: int, size: int) -> memoryview:
        """These bytes themselves, read-only, without a copy: valid until the guest goes on. GuestTrap as for `reach`."""
        end = pointer + size
        return self.reach(end)[pointer:end].toreadonly()

    def spend(self, cost: int) -> None:
        """Count what is about to be converted. GuestTrap when the call's arguments are too large."""
        left = self.left = self.left - cost
        if left < 0:
            overdrawn()

    def forget(self) -> None:
        """The guest ends: what its memory was is not looked at any more."""
        self.memory = NoMemory()
        self.view = memoryview(b"")


def overdrawn() -> NoReturn:
    """The end of a call that asks for too much."""
    raise GuestTrap(
        f"the arguments of one call are too large: {MAX_LIFT_BYTES} bytes are allowed, "
        f"of which each part of an item of a list takes {ITEM_BYTES}"
    )


def aligned(pointer: int, align: int, what: str) -> None:
    """GuestTrap for a pointer that is not a multiple of `align`."""
    if pointer & (align - 1):
        raise GuestTrap(f"{what} is not aligned")
