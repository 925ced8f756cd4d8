"""Writing WIT values into a guest's memory: one closure for each type, made once. Source: Canonical ABI, "Storing".

A value without strings, lists and payloads of several shapes is *plain*: it is written by one `pack_into`, see `plain_writer`.
What needs memory is a generator (`strings.Allocation`) that yields (align, size) for each allocation and is sent the pointer.
So no call into the guest is nested in a call of the host, and its `cabi_realloc` is run like the rest of its code.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from runtime.engine.abi import status
from runtime.engine.abi.context import Context, aligned
from runtime.engine.abi.layout import cases, discriminant_size, field_offsets, fields, has_cases, layout, payload_offset
from runtime.engine.abi.load import LETTERS, NUMBERS, TWO_WORDS, UNSIGNED
from runtime.engine.abi.strings import WRITERS, Allocation, put
from runtime.engine.interface import Ok

if TYPE_CHECKING:
    from runtime.engine.component.types import Type

Store: TypeAlias = Callable[[Context, int, Any], Allocation]
"""`store(context, at, value)`, where the memory has been seen to reach beyond `at` far enough."""
WritePlain: TypeAlias = Callable[[Context, memoryview, int, Any], None]

_REMEMBERED: Final = 4096
"""As in `layout`."""


class Block:
    """A list of bytes on its way to where its pointer and length go: one allocation, for which a generator would be dear."""

    __slots__ = ("_at", "_context", "_data", "status")

    def __init__(self, context: Context, at: int, data: Any) -> None:
        self._context = context
        self._at = at
        self._data = data
        self.status: Final = status.allocate(1, len(data))

    def place(self, pointer: int) -> None:
        """The guest has given the memory. GuestTrap where it has not."""
        context, data = self._context, self._data
        put(context, pointer, data)
        TWO_WORDS.pack_into(context.view, self._at, pointer, len(data))


class Source:
    """Python source under construction, with the names that it refers to."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}

    def name(self, value: Any) -> str:
        """A name for a constant."""
        name = f"k{len(self.names)}"
        self.names[name] = value
        return name


class Plain(NamedTuple):
    """A plain value as source: what is packed where."""

    places: list[tuple[int, str]]
    """(offset, letter of the struct module), in ascending order."""
    values: list[str]
    """Expressions, one for each place; several where one is starred."""


@lru_cache(_REMEMBERED)
def is_plain(t: Type | None) -> bool:
    """See the module's docstring."""
    if t is None or isinstance(t, str):
        return t != "string"
    kind = t[0]
    if kind in {"own", "borrow", "enum", "flags"}:
        return True
    if kind in {"record", "tuple"}:
        return all(map(is_plain, fields(t)))
    # One in another is not: Python nests expressions only so deep.
    return kind == "option" and is_plain(t[1]) and not has_cases(t[1])


def plain(source: Source, t: Any, value: str, offset: int) -> Plain:
    """The source that packs the plain value which the expression `value` has, `offset` bytes on."""
    if isinstance(t, str):
        return Plain([(offset, LETTERS[t])], [f"ord({value})" if t == "char" else value])
    match t[0]:
        case "own" | "borrow":
            verb = "add" if t[0] == "own" else "add_borrow"
            return Plain([(offset, "I")], [f"context.handles.{verb}({value}, {source.name(t[1])})"])
        case "enum":
            table = source.name({name: place for place, name in enumerate(t[1])})
            return Plain([(offset, UNSIGNED[layout(t).size])], [f"{table}[{value}]"])
        case "flags":
            table = source.name({name: 1 << place for place, name in enumerate(t[1])})
            return Plain([(offset, UNSIGNED[layout(t).size])], [f"sum([{table}.get(n, 0) for n in {value}])"])
        case "option":
            inner = plain(source, t[1], value, offset + payload_offset(t))
            nothing = (0,) * (1 + len(inner.places))
            some = f"*((1, {', '.join(inner.values)}) if {value} is not None else {nothing})"
            return Plain([(offset, "B"), *inner.places], [some])
        case _:
            places, values = [], []
            for place, (field, begin) in enumerate(zip(fields(t), field_offsets(t), strict=True)):
                inner = plain(source, field, f"{value}[{place}]", offset + begin)
                places += inner.places
                values += inner.values
            return Plain(places, values)


def packer(places: list[tuple[int, str]]) -> tuple[Struct, int]:
    """One format for all places, and where it begins."""
    begin = end = places[0][0]
    pieces = ["<"]
    for offset, letter in places:
        pieces.append(f"{offset - end}x{letter}")
        end = offset + Struct("<" + letter).size
    return Struct("".join(pieces)), begin


@lru_cache(_REMEMBERED)
def plain_writer(t: Type) -> WritePlain:
    """`write(context, view, at, value)` of a plain type."""
    source = Source()
    places, values = plain(source, t, "value", 0)
    codec, begin = packer(places)
    scope = {**source.names, "pack_into": codec.pack_into}
    exec(  # noqa: S102 - made of offsets and names of our own alone
        f"def write(context, view, at, value):\n    pack_into(view, at + {begin}, {', '.join(values)})\n", scope
    )
    write: WritePlain = scope["write"]
    return write


@lru_cache(_REMEMBERED)
def storer(t: Type, encoding: str) -> Store:
    """The generator for a type."""
    if t == "string":
        return _string(encoding)
    if is_plain(t):
        return _plain(t)
    match t[0]:
        case "list":
            return _list(t[1], encoding)  # type: ignore[arg-type]  # a type
        case "record" | "tuple":
            return _fields(t, encoding)
        case _:
            return _cases(t, encoding)


def _plain(t: Type) -> Store:
    write = plain_writer(t)

    def store(context: Context, at: int, value: Any) -> Allocation:
        write(context, context.view, at, value)
        return
        yield  # type: ignore[unreachable]  # makes it a generator

    return store


def _string(encoding: str) -> Store:
    write, pack = WRITERS[encoding], TWO_WORDS.pack_into

    def store(context: Context, at: int, value: str) -> Allocation:
        pointer, length = yield from write(context, value)
        pack(context.view, at, pointer, length)

    return store


def _list(element: Type, encoding: str) -> Store:
    write, pack = list_writer(element, encoding), TWO_WORDS.pack_into

    def store(context: Context, at: int, value: Any) -> Allocation:
        pointer, length = yield from write(context, value)
        pack(context.view, at, pointer, length)

    return store


@lru_cache(_REMEMBERED)
def list_writer(element: Type, encoding: str) -> Callable[[Context, Any], Allocation]:
    """`write(context, value)` of a list, into memory that the guest gives; returns (pointer, count)."""
    size, align = layout(element)
    if element in NUMBERS:
        return _number_writer(str(element), size)
    write_item = plain_writer(element) if is_plain(element) else None
    store_item = storer(element, encoding)

    def write(context: Context, value: Any) -> Allocation:
        count = len(value)
        pointer = yield align, count * size
        aligned(pointer, align, "the memory that cabi_realloc gave")
        view = context.reach(pointer + count * size)
        if write_item is not None:
            for place, item in enumerate(value):
                write_item(context, view, pointer + place * size, item)
        else:
            for place, item in enumerate(value):
                yield from store_item(context, pointer + place * size, item)
        return pointer, count

    return write


def _number_writer(element: str, size: int) -> Callable[[Context, Any], Allocation]:
    """In bulk; any buffer serves as list<u8>."""

    def write(context: Context, value: Any) -> Allocation:
        data = value if element == "u8" else array(LETTERS[element], value)
        count = len(data)
        pointer = yield size, count * size
        aligned(pointer, size, "the memory that cabi_realloc gave")
        put(context, pointer, data if element == "u8" else data.tobytes())
        return pointer, count

    return write


def _fields(t: Any, encoding: str) -> Store:
    parts = [(storer(field, encoding), offset) for field, offset in zip(fields(t), field_offsets(t), strict=True)]

    def store(context: Context, at: int, value: Any) -> Allocation:
        for (store_field, offset), item in zip(parts, value, strict=True):
            yield from store_field(context, at + offset, item)

    return store


def _cases(t: Any, encoding: str) -> Store:
    payloads = [None if payload is None else storer(payload, encoding) for _, payload in cases(t)]
    pack = Struct("<" + UNSIGNED[discriminant_size(len(payloads))]).pack_into
    offset, choose = payload_offset(t), chooser(t)

    def store(context: Context, at: int, value: Any) -> Allocation:
        which, payload = choose(value)
        pack(context.view, at, which)
        store_payload = payloads[which]
        if store_payload is not None:
            yield from store_payload(context, at + offset, payload)

    return store


def chooser(t: Any) -> Callable[[Any], tuple[int, Any]]:
    """Python's side of something with a discriminant to (which case, payload)."""
    kind = t[0]
    if kind == "option":
        return lambda value: (0, None) if value is None else (1, value)
    if kind == "result":
        return lambda value: (0 if isinstance(value, Ok) else 1, value.value)
    places = {name: place for place, (name, _) in enumerate(cases(t))}
    return lambda value: (places[value], None) if isinstance(value, str) else (places[value[0]], value[1])
