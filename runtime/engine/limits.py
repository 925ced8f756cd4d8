"""What a guest may use, and how it is shared out: wasmtime bounds each memory and each table alone, a limit is for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime.engine.recipe import Extent

PAGE: Final = 64 * 1024
"""Bytes of a page of linear memory."""
ELEMENT: Final = 16
"""Bytes of host memory that an element of a table takes at most."""

MAX_TABLE_ELEMENTS: Final = 1_000_000
"""An interpreter has some 20,000 elements."""

MAX_TABLES: Final = 64
"""Their number is bounded, too: a component has one or two, a composed one a few."""

MAX_MEMORIES: Final = 16
"""The same of memories."""

_TABLE_SHARE: Final = 16
"""Of the limit, for tables that grow: nothing that a compiler makes grows one, dynamic linking adds some thousand elements."""


@attrs.frozen
class Limits:
    """What one guest may use: bytes of all its memories and tables together; fuel counts wasm instructions, roughly."""

    memory_bytes: int = 512 * 1024 * 1024
    fuel: int | None = None
    spent: Callable[[], bool] | None = None
    """Whether guests that share an amount of fuel have used it up; asked at the end of each of their turns."""


class TooLargeError(Exception):
    """The guest does not even start within its limits; the message says by what."""


class Bounds(NamedTuple):
    """What each memory (in bytes) and each table (in elements) of a guest may have."""

    memory_bytes: int
    table_elements: int


def share_out(memories: Sequence[Extent], tables: Sequence[Extent], limit: int) -> Bounds:
    """Bounds under which all memories and tables together stay within `limit` bytes, however they grow.

    All memories have one bound, which none may begin above, and so have all tables. Raises TooLargeError where they begin with
    more than the limit, or with so much in one that the others could grow beyond it.
    """
    if len(memories) > MAX_MEMORIES or len(tables) > MAX_TABLES:
        raise TooLargeError(f"over the limit of {MAX_MEMORIES} memories and {MAX_TABLES} tables")
    pages = max((memory.minimum for memory in memories), default=0)
    elements = max((table.minimum for table in tables), default=0)
    if elements > MAX_TABLE_ELEMENTS:
        raise TooLargeError(f"a table begins with {elements} elements, over the limit of {MAX_TABLE_ELEMENTS}")
    least = _together(memories, pages) * PAGE
    needed = least + _together(tables, elements) * ELEMENT
    if needed > limit:
        begins = sum(memory.minimum for memory in memories) * PAGE + sum(table.minimum for table in tables) * ELEMENT
        grown = (
            f", which can become {needed} as soon as the smaller ones grow to the largest" if begins <= limit else ""
        )
        raise TooLargeError(
            f"memory minimum size exceeds memory limits: it begins with {begins} bytes of memory and tables{grown}, "
            f"and limits.memoryBytes is {limit} for all of them"
        )
    share = _level(tables, min(limit // _TABLE_SHARE, limit - least) // ELEMENT)
    elements = min(MAX_TABLE_ELEMENTS, max(elements, share))
    pages = _level(memories, (limit - _together(tables, elements) * ELEMENT) // PAGE)
    return Bounds(pages * PAGE, elements)


def _together(extents: Sequence[Extent], level: int) -> int:
    """What all take that have grown as far as the level and their own maximum let them."""
    return sum(level if extent.maximum is None else min(extent.maximum, level) for extent in extents)


def _level(extents: Sequence[Extent], budget: int) -> int:
    """The highest level under which all together stay within the budget."""
    maxima = sorted(extent.maximum for extent in extents if extent.maximum is not None)
    rest = len(extents)
    for maximum in maxima:
        if maximum * rest > budget:
            break
        budget -= maximum
        rest -= 1
    return budget // rest if rest else max(maxima, default=0)
