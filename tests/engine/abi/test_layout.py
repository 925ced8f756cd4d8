"""Sizes, alignments and core types, as the Canonical ABI's text has them: counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.engine.abi.layout import (
    discriminant_size,
    field_offsets,
    flatten,
    holds,
    layout,
    lifted,
    lowered,
    needs_memory,
    payload_offset,
)
from runtime.engine.component.types import FuncType


def record(*types: Any) -> Any:
    return ("record", tuple((f"f{place}", t) for place, t in enumerate(types)))


def variant(*types: Any) -> Any:
    return ("variant", tuple((f"c{place}", t) for place, t in enumerate(types)))


def names(count: int) -> tuple[str, ...]:
    return tuple(f"n{place}" for place in range(count))


MANY = ("i32",) * 17
TYPES: list[tuple[Any, int, int, tuple[str, ...]]] = [
    ("bool", 1, 1, ("i32",)),
    ("u8", 1, 1, ("i32",)),
    ("s16", 2, 2, ("i32",)),
    ("u32", 4, 4, ("i32",)),
    ("s64", 8, 8, ("i64",)),
    ("f32", 4, 4, ("f32",)),
    ("f64", 8, 8, ("f64",)),
    ("char", 4, 4, ("i32",)),
    ("string", 8, 4, ("i32", "i32")),
    (("list", "u64"), 8, 4, ("i32", "i32")),
    (("own", "a:b/c#d"), 4, 4, ("i32",)),
    (("borrow", 3), 4, 4, ("i32",)),
    (record("u8", "u64", "u16"), 24, 8, ("i32", "i64", "i32")),
    (record("u64", "u8", "u16"), 16, 8, ("i64", "i32", "i32")),
    (record("u8", "string", "u8"), 16, 4, ("i32", "i32", "i32", "i32")),
    (("tuple", ("u8", "u8", "u8")), 3, 1, ("i32", "i32", "i32")),
    (("tuple", (record("u8", "u32"), "u8")), 12, 4, ("i32", "i32", "i32")),
    (("enum", names(1)), 1, 1, ("i32",)),
    (("enum", names(256)), 1, 1, ("i32",)),
    (("enum", names(257)), 2, 2, ("i32",)),
    (("flags", names(1)), 1, 1, ("i32",)),
    (("flags", names(8)), 1, 1, ("i32",)),
    (("flags", names(9)), 2, 2, ("i32",)),
    (("flags", names(17)), 4, 4, ("i32",)),
    (("flags", names(32)), 4, 4, ("i32",)),
    (("option", "u8"), 2, 1, ("i32", "i32")),
    (("option", "u64"), 16, 8, ("i32", "i64")),
    (("option", ("option", "u16")), 6, 2, ("i32", "i32", "i32")),
    (("option", "string"), 12, 4, ("i32", "i32", "i32")),
    (("result", None, None), 1, 1, ("i32",)),
    (("result", "u32", None), 8, 4, ("i32", "i32")),
    (("result", None, "f64"), 16, 8, ("i32", "f64")),
    (variant(None, None), 1, 1, ("i32",)),
    (variant("u32", "f32"), 8, 4, ("i32", "i32")),
    (variant("f32", "f32"), 8, 4, ("i32", "f32")),
    (variant("f32", "f64"), 16, 8, ("i32", "i64")),
    (variant("u32", "u64"), 16, 8, ("i32", "i64")),
    (variant("f32", "u64"), 16, 8, ("i32", "i64")),
    (variant("f64", "u64"), 16, 8, ("i32", "i64")),
    (variant("f64", "f64"), 16, 8, ("i32", "f64")),
    (variant("string", "f64"), 16, 8, ("i32", "i64", "i32")),
    (variant("u8", ("tuple", ("f32", "u64")), None), 24, 8, ("i32", "i32", "i64")),
    (variant(("tuple", ("u8", "u16", "u8"))), 8, 2, ("i32", "i32", "i32", "i32")),
    (variant(*["u8"] * 257), 4, 2, ("i32", "i32")),
]


@pytest.mark.parametrize(("t", "size", "align", "core"), TYPES, ids=[str(case[0])[:60] for case in TYPES])
def test_a_type(t: Any, size: int, align: int, core: tuple[str, ...]) -> None:
    assert layout(t) == (size, align)
    assert flatten(t) == core


def test_where_parts_begin() -> None:
    assert field_offsets(record("u8", "u64", "u16", "string")) == (0, 8, 16, 20)
    assert payload_offset(variant("u8", "u64")) == 8
    assert payload_offset(variant("u8", None)) == 1
    assert payload_offset(variant(*["u8"] * 257)) == 2
    assert payload_offset(("result", None, None)) == 1


@pytest.mark.parametrize(("count", "size"), [(1, 1), (256, 1), (257, 2), (65536, 2), (65537, 4)])
def test_the_size_of_a_discriminant(count: int, size: int) -> None:
    assert discriminant_size(count) == size


def function(*params: Any, result: Any = None) -> FuncType:
    return FuncType(tuple((f"p{place}", t) for place, t in enumerate(params)), result)


def test_what_goes_through_memory() -> None:
    """More than 16 core parameters, more than one core result; a caller says where that goes, a callee where it is."""
    assert lowered(function(*["u64"] * 16)) == (("i64",) * 16, (), False, False)
    assert lowered(function(*["u64"] * 17)) == lifted(function(*["u64"] * 17)) == (("i32",), (), True, False)
    assert lowered(function(result="f32")) == lifted(function(result="f32")) == ((), ("f32",), False, False)
    assert lowered(function("u8", result="string")) == (("i32", "i32"), (), False, True)
    assert lifted(function("u8", result="string")) == (("i32",), ("i32",), False, True)
    assert lowered(function(*["string"] * 9, result=("tuple", ("u8", "u8")))) == (("i32", "i32"), (), True, True)
    assert lifted(function(*["string"] * 9, result=("tuple", ("u8", "u8")))) == (("i32",), ("i32",), True, True)


def test_what_is_in_a_type() -> None:
    assert needs_memory(("result", "u8", ("option", record("u8", "string"))))
    assert not needs_memory(("result", "u8", ("option", record("u8", ("own", 1)))))
    assert holds(("list", variant(None, ("tuple", ("u8", ("own", 1))))), "own")
    assert not holds(("list", variant(None, ("tuple", ("u8", ("own", 1))))), "borrow")
