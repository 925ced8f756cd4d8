"""Reading WIT values from a guest's memory: one closure for each type, made once.

`load(context, view, at)` reads the value at `at`, where the caller has seen to it that `view` has its bytes; what it points to
is looked at by itself. Python's side of each type is in `runtime.engine.interface`. Source: Canonical ABI, "Loading".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from runtime.engine.abi.context import ITEM_BYTES, Context, aligned, overdrawn
from runtime.engine.abi.layout import cases, discriminant_size, field_offsets, fields, layout, nodes, payload_offset
from runtime.engine.abi.strings import READERS
from runtime.engine.interface import Err, GuestTrap, Ok

if TYPE_CHECKING:
    from runtime.engine.component.types import Type

Load: TypeAlias = Callable[[Context, memoryview, int], Any]
ReadList: TypeAlias = Callable[[Context, int, int], Any]

LETTERS: Final = {
    "bool": "?", "u8": "B", "s8": "b", "u16": "H", "s16": "h", "u32": "I", "s32": "i", "u64": "Q", "s64": "q",
    "f32": "f", "f64": "d", "char": "I",
}  # fmt: skip
"""Of the struct module."""
UNSIGNED: Final = {1: "B", 2: "H", 4: "I"}
"""The letter of an unsigned integer by its size in bytes."""
NUMBERS: Final = frozenset(("u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64"))
TWO_WORDS: Final = Struct("<2I")

_REMEMBERED: Final = 4096
"""As in `layout`."""

_KNOWN_FLAGS: Final = 4096
"""Combinations of flags that are remembered, of all types together: guests make as many as they like, of 2 KB each.
WASI's have some hundred."""

_unknown_flags: Final = iter(range(_KNOWN_FLAGS))


@lru_cache(_REMEMBERED)
def loader(t: Type, encoding: str) -> Load:
    """The closure for a type."""
    if isinstance(t, str):
        return _string(encoding) if t == "string" else _primitive(t)
    match t[0]:
        case "list":
            read_list, words = list_reader(t[1], encoding), TWO_WORDS.unpack_from
            return lambda context, view, at: read_list(context, *words(view, at))
        case "own" | "borrow":
            return _handle(t)
        case "record" | "tuple":
            return _fields(t, encoding)
        case "flags":
            names: Any = t[1]
            name_flags, bits = flags_reader(names), Struct("<" + UNSIGNED[layout(t).size]).unpack_from
            return lambda _context, view, at: name_flags(bits(view, at)[0])
        case _:
            return _cases(t, encoding)


def _primitive(t: str) -> Load:
    unpack = Struct("<" + LETTERS[t]).unpack_from
    if t == "char":
        return lambda _context, view, at: character(unpack(view, at)[0])
    return lambda _context, view, at: unpack(view, at)[0]


def _string(encoding: str) -> Load:
    read, words = READERS[encoding], TWO_WORDS.unpack_from
    return lambda context, view, at: read(context, *words(view, at))


def _handle(t: Any) -> Load:
    resource, word = t[1], Struct("<I").unpack_from
    if t[0] == "own":
        return lambda context, view, at: context.handles.take(word(view, at)[0], resource)
    return lambda context, view, at: context.handles.look(word(view, at)[0], resource)


def _fields(t: Any, encoding: str) -> Load:
    parts = [(loader(field, encoding), offset) for field, offset in zip(fields(t), field_offsets(t), strict=True)]
    return lambda context, view, at: tuple([load(context, view, at + offset) for load, offset in parts])


def _cases(t: Any, encoding: str) -> Load:
    payloads = [None if payload is None else loader(payload, encoding) for _, payload in cases(t)]
    discriminant = Struct("<" + UNSIGNED[discriminant_size(len(payloads))]).unpack_from
    offset, finish = payload_offset(t), finisher(t)

    def load(context: Context, view: memoryview, at: int) -> Any:
        which = discriminant(view, at)[0]
        payload = payloads[which] if which < len(payloads) else no_such_case()
        return finish(which, None if payload is None else payload(context, view, at + offset))

    return load


@lru_cache(_REMEMBERED)
def list_reader(element: Type, encoding: str) -> ReadList:
    """`read(context, pointer, count)` of a list: bytes for u8, one copy in bulk for other numbers."""
    if element == "u8":
        return read_bytes
    size, align = layout(element)
    if element in NUMBERS:
        letter: Any = LETTERS[str(element)]

        def read_numbers(context: Context, pointer: int, count: int) -> list[Any]:
            end = pointer + count * size
            context.spend(count * size)
            aligned(pointer, align, "a list")
            numbers: list[Any] = context.reach(end)[pointer:end].cast(letter).tolist()
            return numbers

        return read_numbers
    load, cost = loader(element, encoding), ITEM_BYTES * nodes(element)

    def read(context: Context, pointer: int, count: int) -> list[Any]:
        context.spend(count * cost)
        aligned(pointer, align, "a list")
        end = pointer + count * size
        view = context.reach(end)
        return [load(context, view, at) for at in range(pointer, end, size)]

    return read


def read_bytes(context: Context, pointer: int, count: int) -> bytes:
    """A copy of so many bytes. GuestTrap."""
    left = context.left = context.left - count
    if left < 0:
        overdrawn()
    end = pointer + count
    view = context.view
    if end > len(view):
        view = context.reach(end)
    return view[pointer:end].tobytes()


def character(code: int) -> str:
    """A char. GuestTrap for what is no Unicode scalar value."""
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:  # noqa: PLR2004 - Unicode's own numbers
        raise GuestTrap(f"{code:#x} is not a valid char")
    return chr(code)


def no_such_case() -> Any:
    """GuestTrap for a discriminant that is too large."""
    raise GuestTrap("an invalid discriminant: there is no such case")


def flags_reader(names: tuple[str, ...]) -> Callable[[int], frozenset[str]]:
    """Bits to the set of names; bits beyond the names are ignored, as the Canonical ABI says."""
    known: dict[int, frozenset[str]] = {}
    mask = (1 << len(names)) - 1

    def read(bits: int) -> frozenset[str]:
        bits &= mask
        found = known.get(bits)
        if found is None:
            found = frozenset([name for place, name in enumerate(names) if bits >> place & 1])
            if next(_unknown_flags, None) is not None:
                known[bits] = found
        return found

    return read


def finisher(t: Any) -> Callable[[int, Any], Any]:
    """(which case, payload) to Python's side of something with a discriminant."""
    kind = t[0]
    if kind == "option":
        return lambda _which, payload: payload
    if kind == "result":
        return lambda which, payload: Err(payload) if which else Ok(payload)
    names = [name for name, _ in cases(t)]
    if kind == "enum":
        return lambda which, _payload: names[which]
    return lambda which, payload: (names[which], payload)
