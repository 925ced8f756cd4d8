"""Lines out of a text that comes in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.vms.lines import Lines


def lines_of(pieces: list[bytes], first: int | None, limit: int | None) -> bytes:
    lines = Lines.of(first, limit)
    for piece in pieces:
        if lines.wanted:
            lines.take(piece)
    assert lines.size == len(lines.content)
    return lines.content


@pytest.mark.parametrize(
    ("first", "limit", "kept"),
    [
        (None, None, b"a\nb\r\nc"),
        (0, 1, b"a\n"),
        (2, None, b"b\r\nc"),
        (2, 1, b"b\r\n"),
        (3, 9, b"c"),
        (4, None, b""),
        (1, 0, b""),
    ],
)
def test_lines_are_counted_from_one_and_end_with_a_newline_alone(
    first: int | None, limit: int | None, kept: bytes
) -> None:
    assert lines_of([b"a\nb\r\nc"], first, limit) == kept
    assert lines_of([b"a", b"\n", b"b\r", b"\nc"], first, limit) == kept


@given(st.lists(st.text("ab\n").map(str.encode)), st.integers(0, 12), st.none() | st.integers(0, 12))
def test_any_cut_gives_the_same_lines(pieces: list[bytes], first: int, limit: int | None) -> None:
    every = b"".join(pieces).splitlines(keepends=True)
    start = max(first - 1, 0)
    assert lines_of(pieces, first, limit) == b"".join(every[start : None if limit is None else start + limit])
