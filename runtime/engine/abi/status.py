"""What a glued host function tells the glue beside its result: see `calls`."""

from __future__ import annotations

from typing import Final

DONE: Final = 0
WAIT: Final = 1
RAW_BYTES: Final = 16
"""Of one raw value, as wasmtime passes them."""


def allocate(align: int, size: int) -> int:
    """Call `cabi_realloc` for so many bytes."""
    return size << 32 | align << 8 | 2
