"""Where a WIT value lies in linear memory, and which core values it is passed as.

The rules are the component model's Canonical ABI: "Alignment", "Element Size" and "Flattening". Types are those of
`runtime.engine.component.types`, whose size and depth the parser has bounded, so recursion over them is safe.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runtime.engine.component.types import MAX_FLAT_PARAMS, MAX_FLAT_RESULTS

if TYPE_CHECKING:
    from runtime.engine.component.types import FuncType, Type

_SIZES: Final = {
    "bool": 1, "u8": 1, "s8": 1, "u16": 2, "s16": 2, "u32": 4, "s32": 4, "u64": 8, "s64": 8, "f32": 4, "f64": 8, "char": 4,
}  # fmt: skip
_CORE: Final = {"u64": "i64", "s64": "i64", "f32": "f32", "f64": "f64"}

_REMEMBERED: Final = 4096
"""Types are the guest's, so what is remembered of them is bounded; all of WASI has some 300."""


class Layout(NamedTuple):
    """In bytes."""

    size: int
    align: int


def align_up(offset: int, align: int) -> int:
    """The next multiple of `align`, a power of two."""
    return (offset + align - 1) & -align


def fields(t: Any) -> tuple[Type, ...]:
    """The types of a record's or tuple's fields."""
    return tuple(field for _, field in t[1]) if t[0] == "record" else t[1]


def cases(t: Any) -> tuple[tuple[str, Type | None], ...]:
    """Anything that has a discriminant as cases: a variant, enum, option or result."""
    match t[0]:
        case "variant":
            return t[1]  # type: ignore[no-any-return]  # a tuple of the type's own
        case "enum":
            return tuple((name, None) for name in t[1])
        case "option":
            return (("none", None), ("some", t[1]))
        case _:
            return (("ok", t[1]), ("error", t[2]))


def discriminant_size(count: int) -> int:
    """Bytes of a discriminant among so many cases."""
    return 1 if count <= 1 << 8 else 2 if count <= 1 << 16 else 4


@lru_cache(_REMEMBERED)
def layout(t: Type) -> Layout:
    """Size and alignment of a value in memory."""
    if isinstance(t, str):
        size = _SIZES.get(t)
        return Layout(8, 4) if size is None else Layout(size, size)  # a string is a pointer and a length
    kind = t[0]
    if kind == "list":
        return Layout(8, 4)
    if kind in {"own", "borrow"}:
        return Layout(4, 4)
    if kind in {"record", "tuple"}:
        size, align = 0, 1
        for field in map(layout, fields(t)):
            size, align = align_up(size, field.align) + field.size, max(align, field.align)
        return Layout(align_up(size, align), align)
    if kind == "flags":
        count = len(t[1])  # type: ignore[arg-type]  # names
        size = 1 if count <= 8 else 2 if count <= 16 else 4  # noqa: PLR2004 - bits of a byte and of two
        return Layout(size, size)
    payloads = [layout(payload) for _, payload in cases(t) if payload is not None]
    align = max([discriminant_size(len(cases(t))), *(payload.align for payload in payloads)])
    size = payload_offset(t) + max((payload.size for payload in payloads), default=0)
    return Layout(align_up(size, align), align)


@lru_cache(_REMEMBERED)
def payload_offset(t: Type) -> int:
    """Where the payload of something with a discriminant begins."""
    aligns = [layout(payload).align for _, payload in cases(t) if payload is not None]
    return align_up(discriminant_size(len(cases(t))), max(aligns, default=1))


@lru_cache(_REMEMBERED)
def field_offsets(t: Type) -> tuple[int, ...]:
    """Where each field of a record or tuple begins."""
    offsets, end = [], 0
    for field in map(layout, fields(t)):
        begin = align_up(end, field.align)
        offsets.append(begin)
        end = begin + field.size
    return tuple(offsets)


@lru_cache(_REMEMBERED)
def flatten(t: Type) -> tuple[str, ...]:
    """The core types of a value that is passed without memory: "i32", "i64", "f32", "f64"."""
    if isinstance(t, str):
        return ("i32", "i32") if t == "string" else (_CORE.get(t, "i32"),)
    kind = t[0]
    if kind == "list":
        return ("i32", "i32")
    if kind in {"own", "borrow", "flags", "enum"}:
        return ("i32",)
    if kind in {"record", "tuple"}:
        return tuple(core for field in fields(t) for core in flatten(field))
    joined: list[str] = []
    for _, payload in cases(t):
        for place, core in enumerate(() if payload is None else flatten(payload)):
            if place == len(joined):
                joined.append(core)
            elif joined[place] != core:
                joined[place] = "i32" if {joined[place], core} == {"i32", "f32"} else "i64"
    return ("i32", *joined)


def flatten_params(function: FuncType) -> tuple[str, ...]:
    """The core types of all parameters together, however many."""
    return tuple(core for _, param in function.params for core in flatten(param))


def flatten_result(function: FuncType) -> tuple[str, ...]:
    """The core types of the result, however many."""
    return () if function.result is None else flatten(function.result)


class Signature(NamedTuple):
    """The core type of a lifted or lowered function."""

    params: tuple[str, ...]
    results: tuple[str, ...]
    indirect_params: bool
    """All parameters are in memory, as one tuple that the only parameter points to."""
    indirect_result: bool
    """A lowered function is told where in memory the result goes, by one more parameter; a lifted one returns where it is."""


def lowered(function: FuncType) -> Signature:
    """The core function that a caller imports."""
    params, results = flatten_params(function), flatten_result(function)
    indirect_params, indirect_result = len(params) > MAX_FLAT_PARAMS, len(results) > MAX_FLAT_RESULTS
    core = ("i32",) if indirect_params else params
    if indirect_result:
        return Signature((*core, "i32"), (), indirect_params, indirect_result)
    return Signature(core, results, indirect_params, indirect_result)


def lifted(function: FuncType) -> Signature:
    """The core function that a callee exports."""
    params, results = flatten_params(function), flatten_result(function)
    indirect_params, indirect_result = len(params) > MAX_FLAT_PARAMS, len(results) > MAX_FLAT_RESULTS
    core = ("i32",) if indirect_params else params
    return Signature(core, ("i32",) if indirect_result else results, indirect_params, indirect_result)


@lru_cache(_REMEMBERED)
def nodes(t: Type | None) -> int:
    """How many types a type is made of: what converting one value takes, roughly."""
    if t is None or isinstance(t, str):
        return 1
    match t[0]:
        case "list" | "option":
            return 1 + nodes(t[1])
        case "record" | "tuple":
            return 1 + sum(map(nodes, fields(t)))
        case "variant" | "result":
            return 1 + max(nodes(payload) for _, payload in cases(t))
        case _:
            return 1


@lru_cache(_REMEMBERED)
def needs_memory(t: Type | None) -> bool:
    """Whether a value has strings or lists in it, for which the receiver must find memory."""
    if t is None or isinstance(t, str):
        return t == "string"
    kind = t[0]
    if kind == "list":
        return True
    if kind in {"record", "tuple"}:
        return any(map(needs_memory, fields(t)))
    return kind in {"variant", "option", "result"} and any(needs_memory(payload) for _, payload in cases(t))


@lru_cache(_REMEMBERED)
def has_cases(t: Type) -> bool:
    """Whether a value has anything with payloads in it that is passed together with it, not in a list."""
    if isinstance(t, str) or t[0] == "list":
        return False
    if t[0] in {"record", "tuple"}:
        return any(map(has_cases, fields(t)))
    return t[0] in {"variant", "option", "result"}


@lru_cache(_REMEMBERED)
def holds(t: Type | None, constructor: str) -> bool:
    """Whether a value has anything of this constructor in it, such as "own"."""
    if t is None or isinstance(t, str):
        return t == constructor
    kind = t[0]
    if kind == constructor:
        return True
    if kind in {"list", "option"}:
        return holds(t[1], constructor)
    if kind in {"record", "tuple"}:
        return any(holds(field, constructor) for field in fields(t))
    return kind in {"variant", "result"} and any(holds(payload, constructor) for _, payload in cases(t))
