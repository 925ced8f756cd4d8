"""The memory that a WebAssembly module starts with: read from its segments, written back without long runs of zeros."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs
from toolchain import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CORE_MODULE, _MEMORY, _DATA, _DATA_COUNT, _PREAMBLE = 1, 5, 11, 12, 8
_PAGE = 65536
_END = 0x0B  # of an expression

MAPPED_ANYWAY: Final = 16 << 20
"""A memory of this extent is mapped copy-on-write in any case: wasmtime's `memory_guaranteed_dense_image_size`."""

DENSE: Final = 0.51
"""The share of a larger extent that segments cover. wasmtime asks for half, or each session copies all of it."""

SHORTEST_GAP: Final = 32
"""Zeros that are left out, though what is behind them then needs a segment of its own, of some ten bytes."""

MOST_SEGMENTS: Final = 90_000
"""wasmtime takes 100,000."""


@attrs.frozen
class Section:
    """A section of a module or component: where its header, its content and what follows begin."""

    kind: int
    head: int
    start: int
    end: int


def core_modules(component: bytes) -> list[Section]:
    """The core modules of a component."""
    return [section for section in _sections(component) if section.kind == _CORE_MODULE]


def with_module(component: bytes, section: Section, module: bytes) -> bytes:
    """The component with another core module in the place of one."""
    return component[: section.head] + _section(_CORE_MODULE, module) + component[section.end :]


def segments(module: bytes) -> list[tuple[int, bytes]]:
    """The address and content of each segment. Raises BuildError where one is not simply there from the start."""
    found = []
    for section in _sections(module):
        if section.kind != _DATA:
            continue
        count, at = _number(module, section.start)
        for _ in range(count):
            address, end = _number(module, at + 2)
            if module[at : at + 2] != b"\x00\x41" or module[end] != _END or address >> 31:
                msg = "a segment of the module is not one that its memory starts with"
                raise BuildError(msg)
            length, start = _number(module, end + 1)
            at = start + length
            found.append((address, module[start:at]))
    return found


def memory(module: bytes) -> bytearray:
    """What a module's memory starts with, from 0 to the end of its last segment. Raises BuildError."""
    found = segments(module)
    image = bytearray(max((address + len(data) for address, data in found), default=0))
    for address, data in found:
        image[address : address + len(data)] = data
    return image


def with_memory(module: bytes, image: bytes) -> bytes:
    """The module with another memory to start with, in segments that are dense enough for it to be mapped.

    The memory is at least as large as that.
    """
    runs = _runs(image)
    out = bytearray(module[:_PREAMBLE])
    for section in _sections(module):
        if section.kind == _MEMORY:
            limits = section.start + 1  # of the only one: whether it has a maximum, and the minimum
            least, end = _number(module, limits + 1)
            pages = max(least, -(-len(image) // _PAGE))
            content = module[section.start : limits + 1] + _uleb(pages) + module[end : section.end]
            out += _section(_MEMORY, content)
        elif section.kind == _DATA_COUNT:
            out += _section(_DATA_COUNT, _uleb(len(runs)))
        elif section.kind == _DATA:
            parts = [_uleb(len(runs))]
            for start, end in runs:
                parts += [b"\x00\x41", _sleb(start), b"\x0b", _uleb(end - start), image[start:end]]
            out += _section(_DATA, b"".join(parts))
        else:
            out += module[section.head : section.end]
    return bytes(out)


def check_mapped(component: bytes) -> None:
    """Raises BuildError if each session would copy one of a component's memories, instead of mapping it."""
    for core in core_modules(component):
        found = segments(component[core.start : core.end])
        if not found:
            continue
        extent = max(address + len(data) for address, data in found) - min(address for address, _ in found)
        covered = sum(len(data) for _, data in found)
        if extent > MAPPED_ANYWAY and covered * 2 <= extent:
            msg = f"segments cover {covered:,} of the {extent:,} bytes of a memory, under half: each session would copy it all"
            raise BuildError(msg)


def _runs(image: bytes) -> list[tuple[int, int]]:
    """Where segments begin and end: around zeros, except for the smallest gaps, until they are dense and few enough."""
    edges = [0]
    for zeros in re.finditer(rb"\x00{%d,}" % SHORTEST_GAP, image):
        edges += zeros.span()
    edges.append(len(image))
    runs = [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]
    covered = sum(end - start for start, end in runs)
    extent = runs[-1][1] - runs[0][0] // _PAGE * _PAGE
    gaps = sorted(after[0] - before[1] for before, after in pairwise(runs))
    filled = 0
    for count, gap in enumerate(gaps):
        if covered > DENSE * extent and len(runs) - count <= MOST_SEGMENTS:
            break
        covered += gap
        filled = gap
    merged = runs[:1]
    for start, end in runs[1:]:
        if start - merged[-1][1] <= filled:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def _sections(binary: bytes) -> Iterator[Section]:
    at = _PREAMBLE
    while at < len(binary):
        length, start = _number(binary, at + 1)
        yield Section(binary[at], at, start, start + length)
        at = start + length


def _section(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + _uleb(len(content)) + content


def _number(binary: bytes, at: int) -> tuple[int, int]:
    """A LEB128 that is not negative, and where it ends."""
    value = shift = 0
    while binary[at] & 0x80:
        value |= (binary[at] & 0x7F) << shift
        shift += 7
        at += 1
    return value | binary[at] << shift, at + 1


def _uleb(value: int) -> bytes:
    out = bytearray()
    while value >> 7:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _sleb(value: int) -> bytes:
    """A number that is not negative, in the encoding of those that can be: the highest bit of the last byte is its sign."""
    out = _uleb(value)
    return out if not out[-1] & 0x40 else out[:-1] + bytes([out[-1] | 0x80, 0])
