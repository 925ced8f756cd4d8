"""Lines of any cut, within a bound."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.jsonrpc import HEAD, LONG, Lines, Long, TooLong, encode, joined

if TYPE_CHECKING:
    from collections.abc import Iterable

LIMIT = 8
MANY = st.lists(
    st.sampled_from([b"", b" ", b"\r", b"{}", b"[1]\r", b"12345678", b"1234567\r", b"123456789", b"x" * 20])
)


def cut(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = [0, *sorted(cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]


def lines_of(pieces: Iterable[bytes], limit: int = LIMIT) -> list[bytes | Long | TooLong]:
    lines = Lines(limit)
    found = []
    for piece in pieces:
        lines.push(piece)
        found += lines
        assert lines.held <= limit
    return found


@given(MANY, st.lists(st.integers(0, 60)))
def test_any_cut_of_a_stream_gives_the_same_lines(written: list[bytes], cuts: list[int]) -> None:
    expected = [TooLong(len(line), line) if len(line) > LIMIT else line.rstrip() for line in written if line.strip()]
    assert lines_of(cut(b"".join(line + b"\n" for line in written), cuts)) == expected


@given(MANY, st.lists(st.integers(0, 60)))
def test_a_loop_that_is_left_early_loses_nothing(written: list[bytes], cuts: list[int]) -> None:
    pieces = cut(b"".join(line + b"\n" for line in written), cuts)
    lines, found = Lines(LIMIT), []
    for piece in pieces:
        lines.push(piece)
        while (line := next(iter(lines), None)) is not None:
            found.append(line)
    assert found == lines_of(pieces)


def test_what_is_pushed_before_the_lines_are_taken_comes_after_them() -> None:
    lines = Lines(LIMIT)
    lines.push(b"1\n2\n")
    assert next(iter(lines)) == b"1"
    lines.push(b"3\n")
    assert list(lines) == [b"2", b"3"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"rest\n"])
def test_a_line_that_is_too_long_is_dropped_as_it_comes(end: bytes) -> None:
    lines = Lines(1000)
    piece = b"x" * 65536
    tracemalloc.start()
    try:
        for _ in range(1600):  # 100 MiB
            lines.push(piece)
            assert not list(lines)
            assert lines.dropping
            assert lines.held == 0
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()
    lines.push(end + b"next\n")
    assert list(lines) == [TooLong(1600 * len(piece) + len(end) - 1, b"x" * HEAD), b"next"]
    assert not lines.dropping
    assert lines.held == 0


@pytest.mark.parametrize("piece", [1000, LONG, 4 * LONG])
def test_a_long_line_is_kept_in_pieces(piece: int) -> None:
    long = bytes(range(32, 127)) * (4 * LONG // 95)
    data = long + b"\nshort\n"
    found = lines_of([data[at : at + piece] for at in range(0, len(data), piece)], len(long))
    assert isinstance(found[0], Long)
    assert joined(found[0]) == long
    assert max(map(len, found[0].pieces)) <= max(piece, 2 * LONG)
    assert found[1:] == [b"short"]


@pytest.mark.parametrize("excess", [0, 1])
def test_what_is_long_is_told_by_the_size(excess: int) -> None:
    line = b"x" * (LONG + excess)
    for pieces in ([line + b"\n"], [line[:9], line[9:], b"\n"]):
        (found,) = lines_of(pieces, 2 * LONG)
        assert isinstance(found, Long) == bool(excess)


def test_a_message_is_one_line() -> None:
    line = encode({"id": 1, "method": "m", "params": {"text": "ü\n"}})
    assert line == '{"jsonrpc":"2.0","id":1,"method":"m","params":{"text":"ü\\n"}}\n'.encode()
    with pytest.raises(UnicodeEncodeError):
        encode({"text": "\ud83d"})
    assert json.loads(encode({"text": "\ud83d"}, lambda text: text.replace("\ud83d", "?")))["text"] == "?"
