"""Which pages of a guest's memory are its own, and not those that every instance of its module begins with.

wasmtime maps the initial content of a memory from a file, privately: what the guest has not written to is still the file's, or
was never touched. The kernel knows the rest. Source: Documentation/admin-guide/mm/pagemap.rst of Linux.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = 4096
"""Bytes of a page that the kernel maps. Where its pages are larger, runs come out too long, which costs time alone."""

_MOST: Final = 1024
"""Runs that one look returns; then the next look goes on behind them."""

_ARGUMENT: Final = struct.Struct("<12Q")
_RUN: Final = struct.Struct("<3Q")

_SCAN: Final = 3 << 30 | _ARGUMENT.size << 16 | ord("f") << 8 | 16
"""_IOWR('f', 16, struct pm_scan_arg)."""

_runs: Final = ctypes.create_string_buffer(_RUN.size * _MOST)
"""Where the kernel writes them to: one look at a time, on the event loop's thread."""

_FILE, _PRESENT, _SWAPPED = 4, 8, 16
_SOFT_ENTRY: Final = struct.Struct("<Q")
_BIT_PRESENT, _BIT_SWAPPED, _BIT_FILE = 1 << 63, 1 << 62, 1 << 61


@cache
def _pagemap() -> int:
    """A descriptor of this process's page map, kept. Raises OSError where there is none to be had."""
    return os.open("/proc/self/pagemap", os.O_RDONLY | os.O_CLOEXEC)


def own_runs(start: int, end: int) -> Iterator[tuple[int, int]]:
    """(address, bytes) of the runs of pages between two addresses, which are multiples of a page, that are not as they began.

    Where the kernel does not tell, all of it is one run.
    """
    for look in (_scan, _read):
        try:
            yield from look(start, end)
        except OSError:
            continue
        return
    yield start, end - start


def _scan(start: int, end: int) -> list[tuple[int, int]]:
    """By PAGEMAP_SCAN, since Linux 6.7: some 20 us."""
    found: list[tuple[int, int]] = []
    while start < end:
        argument = bytearray(
            # size, flags, start, end, walk_end, vec, vec_len, max_pages, inverted, mask, any of, returned
            _ARGUMENT.pack(
                _ARGUMENT.size,
                0,
                start,
                end,
                0,
                ctypes.addressof(_runs),
                _MOST,
                0,
                _FILE,
                _FILE,
                _PRESENT | _SWAPPED,
                _FILE,
            )
        )
        count = fcntl.ioctl(_pagemap(), _SCAN, argument)
        found += [(first, last - first) for first, last, _ in _RUN.iter_unpack(memoryview(_runs)[: _RUN.size * count])]
        walked = _ARGUMENT.unpack(argument)[4]
        if walked <= start:  # it does not get on: what it has not seen must not be taken for untouched
            raise OSError
        start = walked
    return found


def _read(start: int, end: int) -> list[tuple[int, int]]:
    """By the entries of the page map, eight bytes a page: every Linux has them."""
    count = (end - start) // PAGE
    raw = os.pread(_pagemap(), count * 8, start // PAGE * 8)
    if len(raw) != count * 8:
        raise OSError
    found: list[tuple[int, int]] = []
    for index, (entry,) in enumerate(_SOFT_ENTRY.iter_unpack(raw)):
        if not entry & (_BIT_PRESENT | _BIT_SWAPPED) or entry & _BIT_FILE:
            continue
        address = start + index * PAGE
        if found and sum(found[-1]) == address:
            found[-1] = found[-1][0], found[-1][1] + PAGE
        else:
            found.append((address, PAGE))
    return found
