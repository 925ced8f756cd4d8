"""Building types from the bottom up, so that each is known by its size before anybody walks it.

Equal types are equal data (see `types`), so to hash or compare one is to walk it; and the encoding shares what it repeats, so
that a few bytes can say a type of any size. Each part is measured as it is put together, by what its parts measure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

import attrs

from runtime.engine.component.reader import Malformed, too_complex
from runtime.engine.component.types import (
    MAX_FLAGS,
    MAX_FLAT_PARAMS,
    MAX_TYPE_DEPTH,
    MAX_TYPE_NODES,
    PRIMITIVES,
    FuncType,
    Resource,
    Type,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MANY: Final = MAX_FLAT_PARAMS + 1
"""Core values are counted up to here: enough to know that they are too many."""

_LABEL: Final = re.compile(r"([a-z][0-9a-z]*|[A-Z][0-9A-Z]*)(-([0-9a-z]+|[0-9A-Z]+))*")
"""Words in lower case and acronyms, the first of which begins with a letter (Explainer.md, "label")."""


@attrs.frozen(eq=False)
class ValueType:
    """A type and its measures."""

    type: Type
    nodes: int = 1
    """Parts that a walk meets, names among them."""
    depth: int = 1
    flat: int = 1
    """How many core values it is, or 17 where they are more."""
    pointers: bool = False
    """Whether there are strings or lists in it."""
    resources: bool = False
    """Whether there are handles in it, and whether borrowed ones."""
    borrows: bool = False


@attrs.frozen(eq=False)
class Signature:
    """The type of a function, and what its canonical options depend on."""

    type: FuncType
    nodes: int
    flat_params: int
    flat_results: int
    pointers_in_params: bool
    pointers_in_result: bool
    resources: bool


@attrs.frozen
class ResourceType:
    """A resource type, in an index space."""

    resource: Resource


PRIMITIVE_TYPES: Final = {
    name: ValueType(name, flat=2 if name == "string" else 1, pointers=name == "string") for name in PRIMITIVES
}


def checked_labels(labels: Sequence[str], what: str) -> tuple[str, ...]:
    """The names in a record, variant, enum or flags: there are some, they are labels, and no two are alike."""
    if not labels:
        raise Malformed(f"{what} is empty")
    check_labels(labels, what)
    return tuple(labels)


def check_labels(labels: Sequence[str], what: str) -> None:
    """As checked_labels, where there may be none."""
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise Malformed(f"{label[:80]!r} in {what} is not a label")
    if len({label.lower() for label in labels}) != len(labels):
        raise Malformed(f"{what} has one label twice")


def list_of(element: ValueType) -> ValueType:
    """`list<element>`."""
    return _compound(("list", element.type), [element], flat=2, pointers=True)


def tuple_of(parts: Sequence[ValueType]) -> ValueType:
    """`tuple<parts>`."""
    if not parts:
        raise Malformed("a tuple is empty")
    return _compound(("tuple", tuple(part.type for part in parts)), parts, flat=_sum(parts))


def option_of(payload: ValueType) -> ValueType:
    """`option<payload>`."""
    return _compound(("option", payload.type), [payload], flat=1 + payload.flat)


def result_of(ok: ValueType | None, err: ValueType | None) -> ValueType:
    """`result<ok, err>`."""
    type_: Type = ("result", ok.type if ok else None, err.type if err else None)
    return _alternatives(type_, [ok, err], labels=0)


def record_of(fields: Sequence[tuple[str, ValueType]]) -> ValueType:
    """A record."""
    labels = checked_labels([name for name, _ in fields], "a record")
    parts = [part for _, part in fields]
    type_: Type = ("record", tuple(zip(labels, (part.type for part in parts), strict=True)))
    return _compound(type_, parts, labels=len(labels), flat=_sum(parts))


def variant_of(cases: Sequence[tuple[str, ValueType | None]]) -> ValueType:
    """A variant."""
    labels = checked_labels([name for name, _ in cases], "a variant")
    payloads = [payload for _, payload in cases]
    type_: Type = ("variant", tuple((name, payload.type if payload else None) for name, payload in cases))
    return _alternatives(type_, payloads, labels=len(labels))


def enum_of(names: Sequence[str]) -> ValueType:
    """An enum."""
    labels = checked_labels(names, "an enum")
    return _compound(("enum", labels), [], labels=len(labels), flat=1)


def flags_of(names: Sequence[str]) -> ValueType:
    """Flags."""
    labels = checked_labels(names, "a set of flags")
    if len(labels) > MAX_FLAGS:
        raise Malformed(f"a set of flags has {len(labels)} of them, and {MAX_FLAGS} at most can be")
    return _compound(("flags", labels), [], labels=len(labels), flat=1)


def handle_of(kind: Literal["own", "borrow"], resource: ResourceType) -> ValueType:
    """`own<resource>` or `borrow<resource>`."""
    return ValueType((kind, resource.resource), nodes=2, depth=2, resources=True, borrows=kind == "borrow")


def signature_of(params: Sequence[tuple[str, ValueType]], result: ValueType | None) -> Signature:
    """The type of a function."""
    check_labels([name for name, _ in params], "a function's parameters")
    if result is not None and result.borrows:
        raise Malformed("a function's result has a borrowed handle in it")
    parts = [part for _, part in params]
    nodes = 1 + len(parts) + sum(part.nodes for part in parts) + (result.nodes if result else 0)
    if nodes > MAX_TYPE_NODES:
        raise too_complex(f"the type of a function has more than {MAX_TYPE_NODES} parts")
    return Signature(
        FuncType(tuple((name, part.type) for name, part in params), result.type if result else None),
        nodes,
        flat_params=_sum(parts),
        flat_results=result.flat if result else 0,
        pointers_in_params=any(part.pointers for part in parts),
        pointers_in_result=result is not None and result.pointers,
        resources=any(part.resources for part in parts) or (result is not None and result.resources),
    )


def _sum(parts: Iterable[ValueType]) -> int:
    return min(_MANY, sum(part.flat for part in parts))


def _alternatives(type_: Type, payloads: Sequence[ValueType | None], *, labels: int) -> ValueType:
    """Something with cases: one core value says which, and those of the cases share places."""
    parts = [payload for payload in payloads if payload]
    flat = 1 + max((part.flat for part in parts), default=0)
    return _compound(type_, parts, labels=max(labels, len(payloads)), flat=flat)


def _compound(
    type_: Type, parts: Sequence[ValueType], *, flat: int, labels: int = 0, pointers: bool = False
) -> ValueType:
    nodes = 1 + labels + sum(part.nodes for part in parts)
    depth = 1 + max((part.depth for part in parts), default=0)
    if nodes > MAX_TYPE_NODES:
        raise too_complex(f"a type has more than {MAX_TYPE_NODES} parts")
    if depth > MAX_TYPE_DEPTH:
        raise too_complex(f"a type is more than {MAX_TYPE_DEPTH} deep")
    return ValueType(
        type_,
        nodes,
        depth,
        min(_MANY, flat),
        pointers or any(part.pointers for part in parts),
        any(part.resources for part in parts),
        any(part.borrows for part in parts),
    )
