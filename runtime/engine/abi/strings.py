"""Strings in a guest's memory, in the three encodings of the Canonical ABI ("Loading" and "Storing", string)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Final, TypeAlias

from runtime.engine.abi.context import Context, aligned, overdrawn
from runtime.engine.interface import GuestTrap

_SHORT: Final = 4096
"""Bytes: below this, a copy and `decode` are quicker than decoding a view."""

UTF16_TAG: Final = 1 << 31
"""Of latin1+utf16: set in the length where the string is UTF-16."""

Allocation: TypeAlias = Generator[tuple[int, int], int, Any]
"""Something that is being written and needs memory: yields (align, size) and is sent the pointer that the guest has given."""

ReadString: TypeAlias = Callable[[Context, int, int], str]
WriteString: TypeAlias = Callable[[Context, str], Allocation]
"""Returns (pointer, length) as they are stored."""


def read_utf8(context: Context, pointer: int, size: int) -> str:
    """The string of `size` bytes. GuestTrap."""
    left = context.left = context.left - size
    if left < 0:
        overdrawn()
    end = pointer + size
    view = context.view
    if end > len(view):
        view = context.reach(end)
    data = view[pointer:end]
    try:  # bytes are quicker to decode, until the copy counts
        return data.tobytes().decode() if size < _SHORT else str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise GuestTrap(f"a string is not UTF-8: {error.reason}") from None


def read_utf16(context: Context, pointer: int, units: int) -> str:
    """The string of so many 16-bit units. GuestTrap."""
    context.spend(2 * units)
    aligned(pointer, 2, "a string")
    return _decoded(context.reach(pointer + 2 * units)[pointer : pointer + 2 * units], "utf-16-le")


def read_latin1_or_utf16(context: Context, pointer: int, length: int) -> str:
    """The string of `length` bytes of Latin-1, or of UTF-16's units where the length is tagged. GuestTrap."""
    if length & UTF16_TAG:
        return read_utf16(context, pointer, length & ~UTF16_TAG)
    context.spend(length)
    aligned(pointer, 2, "a string")
    return _decoded(context.reach(pointer + length)[pointer : pointer + length], "latin-1")


def _decoded(data: memoryview, encoding: str) -> str:
    try:
        return str(data, encoding)
    except UnicodeDecodeError as error:
        raise GuestTrap(f"a string is not {error.encoding.upper()}: {error.reason}") from None


def write_utf8(context: Context, text: str) -> Allocation:
    """Into memory that the guest gives; (pointer, bytes). GuestTrap."""
    data = text.encode()
    pointer = yield 1, len(data)
    put(context, pointer, data)
    return pointer, len(data)


def write_utf16(context: Context, text: str) -> Allocation:
    """As `write_utf8`; (pointer, 16-bit units)."""
    data = text.encode("utf-16-le")
    pointer = yield 2, len(data)
    aligned(pointer, 2, "the memory that cabi_realloc gave")
    put(context, pointer, data)
    return pointer, len(data) // 2


def write_latin1_or_utf16(context: Context, text: str) -> Allocation:
    """As `write_utf8`; (pointer, bytes of Latin-1 or tagged units of UTF-16)."""
    try:
        data = text.encode("latin-1")
    except UnicodeEncodeError:
        pointer, units = yield from write_utf16(context, text)
        return pointer, units | UTF16_TAG
    pointer = yield 2, len(data)
    aligned(pointer, 2, "the memory that cabi_realloc gave")
    put(context, pointer, data)
    return pointer, len(data)


def put(context: Context, pointer: int, data: Any) -> None:
    """Copy a buffer to where the guest has given memory for it. GuestTrap where it has not."""
    end = pointer + len(data)
    context.reach(end)[pointer:end] = data


READERS: Final[dict[str, ReadString]] = {
    "utf8": read_utf8,
    "utf16": read_utf16,
    "latin1+utf16": read_latin1_or_utf16,
}
WRITERS: Final[dict[str, WriteString]] = {
    "utf8": write_utf8,
    "utf16": write_utf16,
    "latin1+utf16": write_latin1_or_utf16,
}
