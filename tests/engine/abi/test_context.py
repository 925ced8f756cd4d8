"""Addresses that guests give: what is within the memory as it is now, and how much a call's arguments may take."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.engine import GuestTrap
from runtime.engine.abi.context import ITEM_BYTES, MAX_LIFT_BYTES, Context, aligned
from runtime.engine.abi.flat import lifter
from tests.engine.abi.memory import Memory, context

TOP = 2**32 - 1


@pytest.mark.parametrize("end", [1, 255, 256])
def test_bytes_up_to_the_end_of_memory(end: int) -> None:
    assert len(context(256).reach(end)) == 256


@pytest.mark.parametrize("end", [257, 2**31, TOP, 2 * TOP, 2**64])
def test_bytes_beyond_it(end: int) -> None:
    with pytest.raises(GuestTrap, match="out of bounds"):
        context(256).reach(end)


def test_memory_that_has_grown_is_looked_at_anew() -> None:
    made = context(256)
    before = made.reach(256)
    assert isinstance(made.memory, Memory)
    made.memory.size = 300
    assert made.reach(256) is before
    assert len(made.reach(257)) == 300
    assert made.reach(300) is made.reach(0)
    with pytest.raises(GuestTrap):
        made.reach(301)


def test_a_window_is_the_memory_itself_and_cannot_be_written() -> None:
    made = context(256)
    window = made.window(250, 6)
    made.reach(256)[250:252] = b"ab"
    assert bytes(window[:2]) == b"ab"
    with pytest.raises(TypeError):
        window[0] = 0
    for pointer, size in ((250, 7), (257, 0), (TOP, TOP), (0, 257)):
        with pytest.raises(GuestTrap, match="out of bounds"):
            made.window(pointer, size)
    assert len(made.window(256, 0)) == 0


def test_without_a_memory_there_are_no_bytes() -> None:
    made = Context(None)
    assert len(made.reach(0)) == 0
    with pytest.raises(GuestTrap, match="out of bounds"):
        made.reach(1)


def test_nothing_is_left_of_a_memory_that_was_forgotten() -> None:
    made = context(256)
    made.reach(256)
    made.forget()
    with pytest.raises(GuestTrap):
        made.reach(1)


def test_alignment() -> None:
    for align in (1, 2, 4, 8):
        aligned(0, align, "it")
        aligned(TOP + 1 - align, align, "it")
    for pointer, align in ((1, 2), (2, 4), (4, 8), (TOP, 2)):
        with pytest.raises(GuestTrap, match="it is not aligned"):
            aligned(pointer, align, "it")


PART = MAX_LIFT_BYTES // ITEM_BYTES
BOUNDS: list[tuple[Any, str, int]] = [
    (("list", "u8"), "utf8", MAX_LIFT_BYTES),
    (("list", "u64"), "utf8", MAX_LIFT_BYTES // 8),
    ("string", "utf8", MAX_LIFT_BYTES),
    ("string", "utf16", MAX_LIFT_BYTES // 2),
    ("string", "latin1+utf16", MAX_LIFT_BYTES),
    (("list", "bool"), "utf8", PART),
    (("list", ("list", "u8")), "utf8", PART // 2),
    (("list", ("tuple", ("bool", "bool", "bool"))), "utf8", PART // 4),
]


@pytest.mark.parametrize(("t", "encoding", "count"), BOUNDS, ids=[f"{t} {encoding}" for t, encoding, _ in BOUNDS])
def test_the_size_of_an_argument_is_looked_at_before_it_is_read(t: Any, encoding: str, count: int) -> None:
    """In a memory that does not have it: one more is too many before anything else is said."""
    made, lift = context(256), lifter((t,), encoding)
    with pytest.raises(GuestTrap, match="out of bounds"):
        lift(made, 0, count)
    for more in (count + 1, 2**31 - 1):
        made.left = MAX_LIFT_BYTES
        with pytest.raises(GuestTrap, match="too large"):
            lift(made, 0, more)


def test_all_arguments_of_a_call_share_what_they_may_take() -> None:
    made = context(MAX_LIFT_BYTES)
    lift = lifter((("list", "u8"), ("list", "u8")), "utf8")
    half = MAX_LIFT_BYTES // 2
    assert [len(part) for part in lift(made, 0, half, 0, half)] == [half, half]
    made.left = MAX_LIFT_BYTES
    with pytest.raises(GuestTrap, match="too large"):
        lift(made, 0, half, 0, half + 1)


def test_what_a_list_points_to_counts_too() -> None:
    """A few bytes of memory cannot stand for any number of strings."""
    made = context(65536)
    view = made.reach(65536)
    for at in range(0, 800, 8):
        view[at : at + 8] = (0).to_bytes(4, "little") + (60000).to_bytes(4, "little")
    with pytest.raises(GuestTrap, match="too large"):
        lifter((("list", ("list", "u8")),), "utf8")(made, 0, 100)
