"""WIT values as core values: parameters and results that are passed without memory. Source: Canonical ABI, "Flat Lifting".

Lifting is written as source, an expression over the names of the core values, since it is the beginning of every host call.
i32 and i64 are unsigned in it but for s32 and s64 (see `letters`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from runtime.engine.abi.context import Context
from runtime.engine.abi.layout import cases, fields, flatten, has_cases
from runtime.engine.abi.load import character, finisher, flags_reader, list_reader, no_such_case
from runtime.engine.abi.store import Source, chooser, list_writer
from runtime.engine.abi.strings import READERS, WRITERS, Allocation

if TYPE_CHECKING:
    from runtime.engine.component.types import Type

Core: TypeAlias = "int | float"
LowerFlat: TypeAlias = Callable[[Context, Any], Allocation]
"""`lower(context, value)` returns the list of core values."""

_LETTERS: Final = {"i32": "I", "i64": "Q", "f32": "f", "f64": "d"}
_SIGNED: Final = {"s32": "i", "s64": "q"}
_BITS: Final = {"u8": 8, "u16": 16, "s8": 8, "s16": 16}

_REMEMBERED: Final = 4096
"""As in `layout`."""


def letters(types: Sequence[Type]) -> list[str]:
    """How the core values of these types are unpacked: letters of the struct module."""
    return [_SIGNED.get(core) or _LETTERS[core] for t in types for core in _unpacked(t)]


def lift(source: Source, t: Any, flat: Sequence[str], encoding: str) -> str:
    """An expression for the value of type `t` whose core values have the names `flat`; `context` is in its scope."""
    if isinstance(t, str):
        return _lift_primitive(source, t, flat, encoding)
    match t[0]:
        case "list":
            return f"{source.name(list_reader(t[1], encoding))}(context, {flat[0]}, {flat[1]})"
        case "own" | "borrow":
            verb = "take" if t[0] == "own" else "look"
            return f"context.handles.{verb}({flat[0]}, {source.name(t[1])})"
        case "flags":
            return f"{source.name(flags_reader(t[1]))}({flat[0]})"
        case "record" | "tuple":
            parts, at = [], 0
            for field in fields(t):
                count = len(flatten(field))
                parts.append(lift(source, field, flat[at : at + count], encoding))
                at += count
            return f"({', '.join(parts)},)"
        case _:
            return _lift_cases(source, t, flat, encoding)


def _lift_primitive(source: Source, t: str, flat: Sequence[str], encoding: str) -> str:
    match t:
        case "bool":
            return f"({flat[0]} != 0)"
        case "char":
            return f"{source.name(character)}({flat[0]})"
        case "string":
            return f"{source.name(READERS[encoding])}(context, {flat[0]}, {flat[1]})"
        case "u8" | "u16":
            return f"({flat[0]} & {(1 << _BITS[t]) - 1:#x})"
        case "s8" | "s16":
            mask, sign = (1 << _BITS[t]) - 1, 1 << (_BITS[t] - 1)
            return f"((({flat[0]} & {mask:#x}) ^ {sign:#x}) - {sign:#x})"
        case _:
            return flat[0]


def _lift_cases(source: Source, t: Any, flat: Sequence[str], encoding: str) -> str:
    wide, finish, which = flatten(t)[1:], source.name(finisher(t)), flat[0]
    found = {}
    for place, (_, payload) in enumerate(cases(t)):
        if payload is None:
            continue
        narrow = [
            _narrow(source, have, want, name)
            for have, want, name in zip(
                wide, _unpacked(payload), flat[1:], strict=False
            )  # the others' are not looked at
        ]
        if has_cases(payload):  # by itself, since Python nests expressions only so deep
            value = f"{source.name(lifter((payload,), encoding))}({', '.join(['context', *narrow])})[0]"
        else:
            value = lift(source, payload, narrow, encoding)
        found[place] = f"{finish}({place}, {value})"
    last = f"({finish}({which}, None) if {which} < {len(cases(t))} else {source.name(no_such_case)}())"
    return _chosen(list(found.items()), which, last)


def _chosen(found: Sequence[tuple[int, str]], which: str, last: str) -> str:
    """The expression whose number `which` is, or the last one: by halves, so that thousands are nested a few deep only."""
    if not found:
        return last
    middle = len(found) // 2
    place, value = found[middle]
    if len(found) == 1:
        return f"({value} if {which} == {place} else {last})"
    lower = _chosen(found[:middle], which, last)
    upper = f"({value} if {which} == {place} else {_chosen(found[middle + 1 :], which, last)})"
    return f"({lower} if {which} < {place} else {upper})"


def _unpacked(t: Any) -> list[str]:
    """As `flatten`, with s32 and s64 where the value is signed."""
    if isinstance(t, str):
        return [t] if t in _SIGNED else list(flatten(t))
    if t[0] in {"record", "tuple"}:
        return [core for field in fields(t) for core in _unpacked(field)]
    return list(flatten(t))


def _narrow(source: Source, have: str, want: str, name: str) -> str:
    """A core value as one case of several has it: joined ones are passed as the widest integer ("Flattening", join)."""
    if have == want:
        return name
    if have == "i64" and want == "i32":
        return f"({name} & 0xffffffff)"
    pack, unpack = Struct("<" + _LETTERS[have]), Struct("<" + (_SIGNED.get(want) or _LETTERS[want]))
    return f"{source.name(lambda core: unpack.unpack(pack.pack(core)[: unpack.size])[0])}({name})"


@lru_cache(_REMEMBERED)
def lower(t: Type, encoding: str) -> LowerFlat:
    """The generator for a type."""
    if isinstance(t, str):
        return _lower_string(encoding) if t == "string" else _lower_primitive(t)
    kind: Any = t[0]
    inner: Any = t[1]
    match kind:
        case "list":
            write = list_writer(inner, encoding)
            return lambda context, value: _as_list(write(context, value))
        case "own":
            return lambda context, value: _ready([context.handles.add(value, inner)])
        case "borrow":
            return lambda context, value: _ready([context.handles.add_borrow(value, inner)])
        case "flags":
            bits = {name: 1 << place for place, name in enumerate(inner)}
            return lambda _context, value: _ready([sum([bits[name] for name in value])])
        case "record" | "tuple":
            return _lower_fields(t, encoding)
        case _:
            return _lower_cases(t, encoding)


def _ready(core: list[Core]) -> Allocation:
    """Something that needs no memory."""
    return core
    yield  # type: ignore[unreachable]  # makes it a generator


def _as_list(allocation: Allocation) -> Allocation:
    return list((yield from allocation))


def _lower_string(encoding: str) -> LowerFlat:
    write = WRITERS[encoding]
    return lambda context, value: _as_list(write(context, value))


def _lower_primitive(t: str) -> LowerFlat:
    if t == "char":
        return lambda _context, value: _ready([ord(value)])
    if t in {"f32", "f64"}:
        return lambda _context, value: _ready([value])
    mask = (1 << 64) - 1 if flatten(t) == ("i64",) else (1 << 32) - 1
    return lambda _context, value: _ready([value & mask])


def _lower_fields(t: Any, encoding: str) -> LowerFlat:
    parts = [lower(field, encoding) for field in fields(t)]

    def write(context: Context, value: Any) -> Allocation:
        core: list[Core] = []
        for part, item in zip(parts, value, strict=True):
            core += yield from part(context, item)
        return core

    return write


def _lower_cases(t: Any, encoding: str) -> LowerFlat:
    payloads = [None if payload is None else (lower(payload, encoding), flatten(payload)) for _, payload in cases(t)]
    wide, choose = flatten(t)[1:], chooser(t)

    def write(context: Context, value: Any) -> Allocation:
        which, payload = choose(value)
        core: list[Core] = [which]
        if (found := payloads[which]) is not None:
            lower_payload, narrow = found
            core += map(_widen, (yield from lower_payload(context, payload)), narrow, wide)
        return core + [0] * (1 + len(wide) - len(core))

    return write


def _widen(core: Core, have: str, want: str) -> Core:
    """The other way of `_narrow`."""
    if have == want or (have, want) == ("i32", "i64"):
        return core
    pack = Struct("<" + _LETTERS[have]).pack(core)
    return int.from_bytes(pack, "little")


@lru_cache(_REMEMBERED)
def lifter(types: tuple[Type, ...], encoding: str) -> Callable[..., tuple[Any, ...]]:
    """`lift(context, *core)` of a list of parameters, as a function."""
    source = Source()
    names = [f"a{place}" for place, _ in enumerate(letters(types))]
    parts, at = [], 0
    for t in types:
        count = len(flatten(t))
        parts.append(lift(source, t, names[at : at + count], encoding))
        at += count
    scope = dict(source.names)
    exec(  # noqa: S102 - made of numbers and names of our own alone
        f"def lift({', '.join(['context', *names])}):\n    return ({''.join(part + ', ' for part in parts)})\n", scope
    )
    made: Callable[..., tuple[Any, ...]] = scope["lift"]
    return made
