"""Every WIT type: a Python value that is written into memory, or passed as core values, and read again is the same."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.engine import Err, GuestTrap, Ok
from runtime.engine.abi import load
from runtime.engine.abi.flat import lifter, lower
from runtime.engine.abi.layout import flatten, layout
from runtime.engine.abi.load import flags_reader, loader
from runtime.engine.abi.store import storer
from tests.engine.abi.memory import SLACK, Memory, context, finish

ENCODINGS = ("utf8", "utf16", "latin1+utf16")
NUMBERS = {f"{sign}{bits}": (sign, bits) for sign in "us" for bits in (8, 16, 32, 64)}
MANY = tuple(f"n{place}" for place in range(300))
CORE = {"i32": 2**32, "i64": 2**64}


def in_memory(t: Any, value: Any, encoding: str = "utf8") -> Any:
    """Written and read; nothing beyond the value's own bytes is touched."""
    made = context()
    size = layout(t).size
    at = 64
    made.reach(256)
    finish(made, storer(t, encoding)(made, at, value))
    view = made.memory.view()
    assert bytes(view[:at]) == SLACK * at
    assert bytes(view[at + size : 256]) == SLACK * (256 - at - size)
    return loader(t, encoding)(made, made.reach(at + size), at)


def as_core(t: Any, value: Any, encoding: str = "utf8") -> Any:
    """Passed as core values, each within the range of its type."""
    made = context()
    core = finish(made, lower(t, encoding)(made, value))
    for number, kind in zip(core, flatten(t), strict=True):
        assert kind not in CORE or 0 <= number < CORE[kind]
    return lifter((t,), encoding)(made, *map(signed, core, parts(t)))[0]


def parts(t: Any) -> list[str]:
    """Which core values of a type are given as signed: those of s32 and s64 that are not within something with cases."""
    if isinstance(t, tuple) and t[0] in {"record", "tuple"}:
        return [part for field in t[1] for part in parts(field[1] if t[0] == "record" else field)]
    return [t] if isinstance(t, str) and t != "string" else [""] * len(flatten(t))


def signed(number: Any, t: str) -> Any:
    bits = {"s32": 32, "s64": 64}.get(t)
    return number - (1 << bits) if bits and number >= 1 << (bits - 1) else number


def types() -> st.SearchStrategy[Any]:
    leaves = st.sampled_from(["bool", *NUMBERS, "f32", "f64", "char", "string"]) | st.sampled_from(
        [("enum", ("a", "b")), ("flags", MANY[:3]), ("flags", MANY[:12]), ("flags", MANY[:32])]
    )

    def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        few = st.lists(inner, min_size=1, max_size=3)
        maybe = st.none() | inner
        return st.one_of(
            st.tuples(st.just("list"), inner),
            few.map(lambda ts: ("tuple", tuple(ts))),
            few.map(lambda ts: ("record", tuple(zip(MANY, ts, strict=False)))),
            st.lists(maybe, min_size=1, max_size=6).map(lambda ts: ("variant", tuple(zip(MANY, ts, strict=False)))),
            st.tuples(st.just("option"), inner.filter(lambda t: t[0] != "option")),  # some(none) is none in Python
            st.tuples(st.just("result"), maybe, maybe),
        )

    return st.recursive(leaves, larger, max_leaves=6).filter(lambda t: layout(t).size <= 128)


def number_values(t: str) -> st.SearchStrategy[int]:
    sign, bits = NUMBERS[t]
    return st.integers(0, 2**bits - 1) if sign == "u" else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def values(t: Any) -> st.SearchStrategy[Any]:
    if isinstance(t, str):
        simple = {
            "bool": st.booleans(),
            "f32": st.floats(width=32, allow_nan=False),
            "f64": st.floats(allow_nan=False),
            "char": st.characters(exclude_categories=("Cs",)),
            "string": st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
        }
        return simple[t] if t in simple else number_values(t)
    match t[0]:
        case "list":
            return st.binary(max_size=8) if t[1] == "u8" else st.lists(values(t[1]), max_size=4)
        case "tuple":
            return st.tuples(*map(values, t[1]))
        case "record":
            return st.tuples(*(values(field) for _, field in t[1]))
        case "enum":
            return st.sampled_from(t[1])
        case "flags":
            return st.frozensets(st.sampled_from(t[1]))
        case "option":
            return st.none() | values(t[1])
        case "result":
            return payloads(t[1]).map(Ok) | payloads(t[2]).map(Err)
        case _:
            return st.one_of(*(st.tuples(st.just(name), payloads(payload)) for name, payload in t[1]))


def payloads(t: Any) -> st.SearchStrategy[Any]:
    return st.none() if t is None else values(t)


typed = types().flatmap(lambda t: st.tuples(st.just(t), values(t)))


@pytest.mark.slow
@settings(max_examples=150)  # each type is compiled
@given(typed, st.sampled_from(ENCODINGS))
def test_there_and_back(case: tuple[Any, Any], encoding: str) -> None:
    assert in_memory(*case, encoding) == case[1]
    assert as_core(*case, encoding) == case[1]


EXAMPLES: list[tuple[Any, list[Any]]] = [
    ("string", ["", "text", "héllo", "h\u20acllo", "\0 \U0001f600", "\uffff\xff\u0100"]),
    (("list", "u8"), [b"", bytes(range(256)) * 300]),
    *((("list", t), [[], [0, 1], [2 ** (bits - 1) - 1] * 3]) for t, (_, bits) in NUMBERS.items() if t != "u8"),
    *((t, [-(2 ** (bits - 1)) if sign == "s" else 2**bits - 1]) for t, (sign, bits) in NUMBERS.items()),
    (("list", "f32"), [[0.5, -1.5, float("inf")]]),
    (("enum", MANY), ["n0", "n299"]),
    (("variant", tuple((name, "s16" if place % 2 else None) for place, name in enumerate(MANY))), [("n299", -1), ("n0", None)]),
    (("option", ("list", "u8")), [None, b"", b"x"]),
    (
        ("variant", tuple(zip("abcd", ("f32", "u64", "f64", "s32"), strict=True))),
        [("a", -0.5), ("b", 2**64 - 1), ("c", 0.1), ("d", -9)],
    ),
    (("result", "s64", ("tuple", ("f32", "s8"))), [Ok(-(2**63)), Err((1.5, -128))]),
]  # fmt: skip


@pytest.mark.parametrize(("t", "examples"), EXAMPLES, ids=[str(t)[:40] for t, _ in EXAMPLES])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_examples_there_and_back(t: Any, examples: list[Any], encoding: str) -> None:
    for value in examples:
        assert in_memory(t, value, encoding) == value
        assert as_core(t, value, encoding) == value


@pytest.mark.parametrize(
    ("text", "encoding", "stored", "length"),
    [
        ("h\xe9", "utf8", b"h\xc3\xa9", 3),
        ("h\xe9", "utf16", b"h\0\xe9\0", 2),
        ("\U0001f600", "utf16", b"\x3d\xd8\x00\xde", 2),
        ("h\xe9", "latin1+utf16", b"h\xe9", 2),
        ("h\u20ac", "latin1+utf16", b"h\0\xac\x20", 2 | 1 << 31),
    ],
)
def test_how_strings_are_stored(text: str, encoding: str, stored: bytes, length: int) -> None:
    made = context()
    pointer, stored_length = finish(made, lower("string", encoding)(made, text))
    assert stored_length == length
    assert bytes(made.memory.view()[pointer : pointer + len(stored)]) == stored
    assert pointer % (1 if encoding == "utf8" else 2) == 0


def test_a_bare_case_name_is_a_variant_without_payload() -> None:
    t = ("variant", (("none", None), ("some", "string")))
    assert in_memory(t, "none") == as_core(t, "none") == ("none", None)


def test_any_buffer_serves_as_bytes() -> None:
    for value in (bytearray(b"abc"), memoryview(b"abc")):
        assert in_memory(("list", "u8"), value) == as_core(("list", "u8"), value) == b"abc"


def test_bits_that_a_type_does_not_have_are_not_looked_at() -> None:
    made = context()
    assert lifter(("u8", "s8", "u16", "s16", "bool"), "utf8")(made, 0x1FF, 0x1FF, 0x1FFFF, 0x18000, 2) == (
        255, -1, 65535, -32768, True,
    )  # fmt: skip
    assert lifter((("flags", ("a", "b")),), "utf8")(made, 0xFFFFFFFE) == (frozenset({"b"}),)
    view = memoryview(bytearray(b"\x02\xff"))
    assert loader("bool", "utf8")(made, view, 0) is True
    assert loader(("flags", ("a", "b")), "utf8")(made, view, 1) == {"a", "b"}


@pytest.mark.parametrize(
    ("t", "value"),
    [
        ("u8", 256),
        ("u32", -1),
        ("s8", 128),
        (("enum", ("a",)), "b"),
        (("tuple", ("u8", "u8")), (1,)),
        (("list", "string"), 5),
        (("list", "string"), ["a", "\ud800"]),
        ("string", 5),
        (("list", "u16"), [65536]),
    ],
)
def test_values_that_do_not_fit_are_refused(t: Any, value: Any) -> None:
    with pytest.raises((ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError, struct.error)):
        in_memory(t, value)


def test_memory_that_is_not_there_traps() -> None:
    made = context()
    allocation = lower("string", "utf8")(made, "text")
    assert next(allocation) == (1, 4)
    assert isinstance(made.memory, Memory)
    with pytest.raises(GuestTrap, match="out of bounds"):
        allocation.send(made.memory.size - 3)


def test_combinations_of_flags_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all types together: guests make as many as they like."""
    monkeypatch.setattr(load, "_unknown_flags", iter(range(load._KNOWN_FLAGS)))
    one, other = flags_reader(MANY[:12]), flags_reader(("a", "b"))
    for bits in range(4095):
        one(bits)
    assert other(3) is other(3)
    assert other(1) == other(1) == {"a"}
    assert one(4095) is not one(4095)
    assert one(4095) == set(MANY[:12])
    assert one(4094) is one(4094)
