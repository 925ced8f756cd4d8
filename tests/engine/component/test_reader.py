"""Numbers, names and lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.engine.component.core_module import leb128
from runtime.engine.component.reader import MAX_NAME, Budget, Malformed, Reader
from runtime.engine.errors import UnsupportedComponentError

if TYPE_CHECKING:
    from collections.abc import Callable


def reader(data: bytes, budget: int = 1000) -> Reader:
    return Reader(data, 0, len(data), Budget(budget))


@pytest.mark.parametrize("number", [0, 1, 127, 128, 16_383, 16_384, 2**31, 2**32 - 1])
def test_numbers_come_back(number: int) -> None:
    assert reader(leb128(number)).u32() == number
    assert reader(leb128(number)).u64() == number


def test_a_number_may_be_padded() -> None:
    r = reader(b"\x81\x80\x80\x80\x00\x07")
    assert (r.u32(), r.u32()) == (1, 7)


def test_the_largest_number_of_64_bits() -> None:
    assert reader(b"\xff" * 9 + b"\x01").u64() == 2**64 - 1


def test_an_index_that_could_be_a_type_is_signed() -> None:
    assert reader(b"\x3f").type_index() == 63
    assert reader(b"\xc0\x00").type_index() == 64
    assert reader(b"\xff\xff\xff\xff\x0f").type_index() == 2**32 - 1


def test_a_name_is_utf8_of_its_length() -> None:
    r = reader(b"\x03\xe2\x82\xacx")
    assert r.name() == "€"
    assert r.byte() == ord("x")


BROKEN: list[tuple[str, Callable[[Reader], object], bytes, str]] = [
    ("no byte", Reader.byte, b"", "cut short"),
    ("no number", Reader.u32, b"", "cut short"),
    ("half a number", Reader.u32, b"\x80", "cut short"),
    ("six bytes", Reader.u32, b"\x80\x80\x80\x80\x80\x00", "too long"),
    ("33 bits", Reader.u32, b"\xff\xff\xff\xff\x1f", "too large"),
    ("eleven bytes", Reader.u64, b"\x80" * 10 + b"\x00", "too long"),
    ("65 bits", Reader.u64, b"\xff" * 9 + b"\x02", "too large"),
    ("a negative index", Reader.type_index, b"\x40", "unknown type"),
    ("a negative index of five bytes", Reader.type_index, b"\xff\xff\xff\xff\x7f", "unknown type"),
    ("an index of 34 bits", Reader.type_index, b"\xff\xff\xff\xff\x2f", "too large"),
    ("a name that is cut", Reader.name, b"\x05abc", "cut short"),
    ("a name that is not UTF-8", Reader.name, b"\x02\xc3\x28", "not UTF-8"),
    ("a surrogate in a name", Reader.name, b"\x03\xed\xa0\x80", "not UTF-8"),
    ("more elements than bytes", Reader.count, b"\x05aaaa", "cut short"),
    ("neither yes nor no", Reader.flag, b"\x02", "0x02 where 0 or 1"),
    ("another byte than expected", lambda r: r.expect(0), b"\x07", "0x07 where 0x00"),
    ("a part beyond the end", lambda r: r.part(3), b"ab", "cut short"),
    ("something left", lambda r: r.done("it"), b"a", "longer"),
]


@pytest.mark.parametrize(("read", "data", "message"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_what_is_broken_is_said(read: Callable[[Reader], object], data: bytes, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        read(reader(data))


def test_a_part_does_not_see_what_is_behind_it() -> None:
    r = reader(b"\x02abc")
    inner = r.part(r.u32())
    assert (inner.byte(), inner.byte()) == (ord("a"), ord("b"))
    with pytest.raises(Malformed, match="cut short"):
        inner.byte()
    assert r.byte() == ord("c")


def test_a_name_has_a_bound() -> None:
    longest = leb128(MAX_NAME) + b"a" * MAX_NAME
    assert len(reader(longest, 10_000).name()) == MAX_NAME
    with pytest.raises(Malformed, match="longer than 100000 bytes"):
        reader(leb128(MAX_NAME + 1) + b"a" * (MAX_NAME + 1)).name()


def test_elements_and_long_names_are_work() -> None:
    with pytest.raises(UnsupportedComponentError, match="too complex"):
        reader(leb128(100) + bytes(100), 50).count()
    with pytest.raises(UnsupportedComponentError, match="too complex"):
        reader(leb128(10_000) + b"a" * 10_000, 100).name()
