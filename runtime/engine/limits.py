"""What a guest may use, and how it is shared out: wasmtime bounds each memory and each table alone, a limit is for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.engine.recipe import Extent

PAGE: Final = 64 * 1024
"""Bytes of a page of linear memory."""
ELEMENT: Final = 16
"""Bytes of host memory that an element of a table takes at most."""
# An interpreter has some 20,000 elements.
MAX_TABLE_ELEMENTS: Final = 1_000_000
# Their number is bounded, too: a component has one or two of each, a composed one a few.
MAX_TABLES: Final = 64
MAX_MEMORIES: Final = 16
# Of the limit, for tables that grow: nothing that a compiler makes grows one, dynamic linking adds some thousand elements.
_TABLE_SHARE: Final = 16


@attrs.frozen
class Limits:
    """What one guest may use: bytes of all its memories and tables together; fuel counts wasm instructions, roughly."""

    memory_bytes: int = 512 * 1024 * 1024
    fuel: int | None = None


class TooLargeError(Exception):
    """The guest does not even start within its limits; the message says by what."""


class Bounds(NamedTuple):
    """What each memory (in bytes) and each table (in elements) of a guest may have."""

    memory_bytes: int
    table_elements: int


def share_out(memories: Sequence[Extent], tables: Sequence[Extent], limit: int) -> Bounds:
    """Bounds under which all memories and tables together stay within `limit` bytes, however they grow.

    Raises TooLargeError where they begin with more.
    """
    if len(memories) > MAX_MEMORIES or len(tables) > MAX_TABLES:
        raise TooLargeError(f"over the limit of {MAX_MEMORIES} memories and {MAX_TABLES} tables")
    elements = _level([table.maximum for table in tables], limit // _TABLE_SHARE // ELEMENT)
    elements = min(MAX_TABLE_ELEMENTS, max([elements, *(table.minimum for table in tables)]))
    taken = sum(_capped(table.maximum, elements) for table in tables) * ELEMENT
    pages = _level([memory.maximum for memory in memories], max(0, limit - taken) // PAGE)
    least = max((memory.minimum for memory in memories), default=0)
    if least > pages or any(table.minimum > elements for table in tables):
        begins = sum(memory.minimum for memory in memories) * PAGE + sum(table.minimum for table in tables) * ELEMENT
        raise TooLargeError(
            f"memory minimum size exceeds memory limits: it begins with {begins} bytes of memory and tables, "
            f"and limits.memoryBytes is {limit} for all of them"
        )
    return Bounds(pages * PAGE, elements)


def _capped(maximum: int | None, level: int) -> int:
    return level if maximum is None else min(maximum, level)


def _level(maxima: Sequence[int | None], budget: int) -> int:
    """The highest level for each, so that all together, those with a lower maximum at that, are within the budget."""
    rest = len(maxima)
    for maximum in sorted(maximum for maximum in maxima if maximum is not None):
        if maximum * rest > budget:
            break
        budget -= maximum
        rest -= 1
    return budget // rest if rest else max((maximum for maximum in maxima if maximum is not None), default=0)
