"""The pages of an SQLite file and the records on them, read one by one: what is wrong with one page is no other's matter.

Source: https://www.sqlite.org/fileformat2.html. The log (`-wal`) is read as SQLite does: the frames up to the last commit whose
checksums hold stand for the pages of the file.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from runtime.salvage.fileformat import (
    FLOAT,
    FRAME_HEADER_BYTES,
    HEADER_BYTES,
    INDEX_INTERIOR,
    INDEX_LEAF,
    INTEGERS,
    LOG_HEADER_BYTES,
    MAP_ENTRY_BYTES,
    MIN_PAGE_BYTES,
    MORE,
    PAGE_BYTES,
    TABLE_INTERIOR,
    TABLE_LEAF,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_PAYLOAD: Final = 64 * 1024 * 1024
"""Bytes of one row: more than any that was ever stored, and little enough to be set aside for a row that lies."""

_BAD: Final = (IndexError, ValueError, struct.error, UnicodeDecodeError)


class Row(NamedTuple):
    """A record, with the key of the table's own where it has one (0 for an index, and a table WITHOUT ROWID)."""

    rowid: int
    values: tuple[Any, ...]


class Pages:
    """A file, opened for reading alone; a context manager. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        header = os.pread(self._descriptor, HEADER_BYTES, 0)
        sound = header.startswith(b"SQLite format 3\0") and len(header) == HEADER_BYTES
        size = int.from_bytes(header[16:18], "big") if sound else PAGE_BYTES
        self.size = {1: 65536}.get(size, size)
        if self.size < MIN_PAGE_BYTES or self.size & (self.size - 1):
            self.size = PAGE_BYTES
        self.usable = self.size - (header[20] if sound else 0)
        self._log = _read_log(path.with_name(f"{path.name}-wal"), self.size)
        self.count = max(-(-os.fstat(self._descriptor).st_size // self.size), max(self._log, default=0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def page(self, number: int) -> bytes:
        """A page; what is missing of it, or all of it, is zeros."""
        found = self._log.get(number)
        if found is None:
            found = os.pread(self._descriptor, self.size, (number - 1) * self.size) if number > 0 else b""
        return found.ljust(self.size, b"\0")

    def kind(self, number: int) -> int:
        """One of KINDS, or what stands in its place."""
        return self.page(number)[_start(number)]

    def children(self, number: int) -> list[int]:
        """The pages below an interior page, as far as they can be told."""
        data, start = self.page(number), _start(number)
        if data[start] not in (TABLE_INTERIOR, INDEX_INTERIOR):
            return []
        found = [int.from_bytes(data[start + 8 : start + 12], "big")]
        found += [int.from_bytes(data[at : at + 4], "big") for at in self._cells(number, data)]
        return [child for child in found if 1 < child <= self.count]

    def rows(self, number: int) -> Iterator[Row | None]:
        """The rows of a page; None for each that cannot be read."""
        data = self.page(number)
        kind = data[_start(number)]
        if kind in (TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR):
            for at in self._cells(number, data):
                try:
                    yield self._row(kind, data, at)
                except _BAD:
                    yield None

    def above(self, number: int) -> tuple[int, int]:
        """What the pointer map says of a page: its kind, and the page above. (0, 0) where there is no map."""
        each = self.usable // MAP_ENTRY_BYTES + 1
        at = (number - 2) // each * each + 2
        if number <= at:
            return 0, 0
        start = (number - at - 1) * MAP_ENTRY_BYTES
        entry = self.page(at)[start : start + MAP_ENTRY_BYTES]
        return entry[0], int.from_bytes(entry[1:], "big")

    def _cells(self, number: int, data: bytes) -> list[int]:
        start = _start(number)
        count = int.from_bytes(data[start + 3 : start + 5], "big")
        first = start + (12 if data[start] in (TABLE_INTERIOR, INDEX_INTERIOR) else 8)
        ends = range(first, min(first + 2 * count, self.usable - 1), 2)
        return [at for end in ends if first <= (at := int.from_bytes(data[end : end + 2], "big")) < self.usable]

    def _row(self, kind: int, data: bytes, at: int) -> Row:
        if kind == INDEX_INTERIOR:
            at += 4
        size, at = _varint(data, at)
        rowid = 0
        if kind == TABLE_LEAF:
            rowid, at = _varint(data, at)
            rowid -= (rowid >> 63) << 64
        return Row(rowid, _record(self._payload(kind, data, at, size)))

    def _payload(self, kind: int, data: bytes, at: int, size: int) -> bytes:
        if not 0 < size <= MAX_PAYLOAD:
            raise ValueError(size)
        usable = self.usable
        most = usable - 35 if kind == TABLE_LEAF else (usable - 12) * 64 // 255 - 23
        least = (usable - 12) * 32 // 255 - 23
        if size <= most:
            return _exactly(data[at : at + size], size)
        local = least + (size - least) % (usable - 4)
        local = local if local <= most else least
        parts, rest = [_exactly(data[at : at + local], local)], size - local
        following = int.from_bytes(data[at + local : at + local + 4], "big")
        while rest:
            if not 1 < following <= self.count:
                raise ValueError(following)
            page = self.page(following)
            parts.append(page[4 : 4 + min(rest, usable - 4)])
            rest -= len(parts[-1])
            following = int.from_bytes(page[:4], "big")
        return b"".join(parts)


def _start(number: int) -> int:
    return HEADER_BYTES if number == 1 else 0


def _exactly(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise ValueError(size)
    return data


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(8):
        byte = data[at + count]
        value = value << 7 | byte & ~MORE
        if not byte & MORE:
            return value, at + count + 1
    return value << 8 | data[at + 8], at + 9


def _record(payload: bytes) -> tuple[Any, ...]:
    size, at = _varint(payload, 0)
    if not 0 < size <= len(payload):
        raise ValueError(size)
    values: list[Any] = []
    body = size
    while at < size:
        kind, at = _varint(payload, at)
        value, body = _value(payload, kind, body)
        values.append(value)
    if body != len(payload):
        raise ValueError(body)
    return tuple(values)


def _value(payload: bytes, kind: int, at: int) -> tuple[Any, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    size = INTEGERS.get(kind) or (8 if kind == FLOAT else (kind - 12) // 2)
    if kind in (10, 11):
        raise ValueError(kind)
    data = _exactly(payload[at : at + size], size)
    if kind in INTEGERS:
        return int.from_bytes(data, "big", signed=True), at + size
    if kind == FLOAT:
        return struct.unpack(">d", data)[0], at + size
    return (data.decode() if kind % 2 else data), at + size


def _read_log(path: Path, page_size: int) -> dict[int, bytes]:
    """The pages in the committed part of the log; none where there is no log, or it is another file's."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    header = data[:LOG_HEADER_BYTES]
    if (
        len(header) < LOG_HEADER_BYTES
        or int.from_bytes(header[8:12], "big") != page_size
        or header[:3] != b"\x37\x7f\x06"
    ):
        return {}
    order = ">" if header[3] & 1 else "<"
    sums = _checksum(order, header[:24], (0, 0))
    found: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    for at in range(LOG_HEADER_BYTES, len(data) - page_size - FRAME_HEADER_BYTES + 1, page_size + FRAME_HEADER_BYTES):
        frame, page = (
            data[at : at + FRAME_HEADER_BYTES],
            data[at + FRAME_HEADER_BYTES : at + FRAME_HEADER_BYTES + page_size],
        )
        sums = _checksum(order, page, _checksum(order, frame[:8], sums))
        if frame[8:16] != header[16:24] or struct.unpack(">II", frame[16:]) != sums:
            break
        pending[int.from_bytes(frame[:4], "big")] = page
        if any(frame[4:8]):  # a commit
            found |= pending
            pending = {}
    return found


def _checksum(order: str, data: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    for one, other in struct.iter_unpack(f"{order}II", data):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second
