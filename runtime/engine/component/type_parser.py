"""Type definitions, aliases and declarations: from bytes to items of a scope.

Source: the component model's Binary.md, "Alias Definitions", "Type Definitions" and "Import and Export Definitions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from runtime.engine.component import value_types
from runtime.engine.component.plan import Import
from runtime.engine.component.reader import BUILD_WORK, Malformed, Reader, unsupported
from runtime.engine.component.scope import Body, Function, Instance, Scope, Sort, TypeItem
from runtime.engine.component.value_types import PRIMITIVE_TYPES, ResourceType, Signature, ValueType

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.engine.component.types import Resource

_PRIMITIVES: Final = {
    code: PRIMITIVE_TYPES[name]
    for code, name in enumerate(
        ("string", "char", "f64", "f32", "u64", "s64", "u32", "s32", "u16", "s16", "u8", "s8", "bool"), start=0x73
    )
}
_SORTS: Final[dict[int, Sort]] = {1: "func", 3: "type", 4: "component", 5: "instance"}
_CORE_SORTS: Final[dict[int, Sort]] = {
    0x00: "core func",
    0x01: "core table",
    0x02: "core memory",
    0x03: "core global",
    0x11: "core module",
    0x12: "core instance",
}
_REFUSED_VALUES: Final = {
    0x63: "maps",
    0x64: "error contexts",
    0x65: "streams and futures",
    0x66: "streams and futures",
    0x67: "fixed-length lists",
}
_REFUSED: Final = _REFUSED_VALUES | {
    0x43: "async functions",
    0x3E: "resources with an async destructor",
}


class Declaration(NamedTuple):
    """What is said of something that is imported or exported."""

    sort: Sort
    type: Signature | TypeItem | None
    """Of a type what it is equal to, or None for a new resource."""


def read_sort(r: Reader) -> Sort:
    """A sort, core ones included."""
    code = r.byte()
    if code == 0x00:
        return read_core_sort(r)
    if code == 0x02:  # noqa: PLR2004 - codes are Binary.md's
        raise unsupported("values")
    if code not in _SORTS:
        raise Malformed(f"the unknown sort {code:#04x}")
    return _SORTS[code]


def read_core_sort(r: Reader) -> Sort:
    """A core sort."""
    code = r.byte()
    if code == 0x04:  # noqa: PLR2004
        raise unsupported("exceptions between core modules")
    if code == 0x10:  # noqa: PLR2004
        raise unsupported("core types")
    if code not in _CORE_SORTS:
        raise Malformed(f"the unknown core sort {code:#04x}")
    return _CORE_SORTS[code]


def read_extern_name(r: Reader) -> str:
    """The name of an import or export."""
    kind = r.byte()
    if kind == 0x02:  # noqa: PLR2004
        raise unsupported("names with attributes")
    if kind > 0x02:  # noqa: PLR2004
        raise Malformed(f"a name of the unknown kind {kind:#04x}")
    name = r.name()
    if not (name and name.isascii() and name.isprintable()):
        raise Malformed(f"the name {name[:80]!r}")
    return name


def add_once(names: dict[str, Any], name: str, item: object, what: str) -> None:
    """Put an item under its name, unless that is taken."""
    if name in names:
        raise Malformed(f"{what} {name[:80]!r} is there twice")
    names[name] = item


def declare_once(scope: Scope, side: Literal["import", "export"], name: str, sort: Sort, item: object) -> None:
    """Import or export something: one more number for it, and a name that no other may have, even in other case."""
    folded = side, name.lower()
    if folded in scope.names:
        raise Malformed(f"the {side} {name[:80]!r} is there twice")
    scope.names.add(folded)
    if side == "export":
        scope.exports[name] = (sort, item)
    scope.add(sort, item)


def read_alias(r: Reader, scope: Scope) -> None:
    """An alias: one more number for something that is there."""
    sort = read_sort(r)
    kind = r.byte()
    index = r.u32()
    if kind == 0x00:
        if scope.is_type and sort not in {"type", "instance"}:
            raise Malformed(f"an alias of a {sort} in a type")
        instance: Instance = scope.get("instance", index)
        name = r.name()
        found, item = instance.get(name, (None, None))
        if found != sort:
            raise Malformed(f"instance {index} does not export {name[:80]!r} ({sort})")
    elif kind == 0x01:
        name = r.name()
        given = scope.get("core instance", index).find(name)
        if given is None or f"core {given[0]}" != sort:
            raise Malformed(f"core instance {index} does not export {name[:80]!r} ({sort})")
        item = given[1]
    elif kind == 0x02:  # noqa: PLR2004
        item = scope.outer(index, sort, r.u32())
    else:
        raise Malformed(f"an alias of the unknown kind {kind:#04x}")
    scope.add(sort, item)


def read_value_type(r: Reader, scope: Scope) -> ValueType:
    """A reference to a value type: a primitive's code or a number."""
    at = r.at
    if at < r.end:
        code = r.data[at]
        primitive = _PRIMITIVES.get(code)
        if primitive is not None:
            r.at = at + 1
            return primitive
        if code in _REFUSED_VALUES:
            raise unsupported(_REFUSED_VALUES[code])
    return scope.value_type(r.type_index())


def read_type(r: Reader, scope: Scope) -> TypeItem:
    """A type definition, but that of a resource."""
    code = r.byte()
    if code in _PRIMITIVES:
        return _PRIMITIVES[code]
    if code in _REFUSED:
        raise unsupported(_REFUSED[code])
    r.budget.spend(BUILD_WORK)
    if code == 0x40:  # noqa: PLR2004
        return _signature(r, scope)
    if code in {0x41, 0x42}:
        start, visible = r.at, scope.visible()
        body = Body("instance type" if code == 0x42 else "component type", start, r.end, scope, visible)  # noqa: PLR2004
        declare(r, Scope(body, scope.depth + 1), "")
        return Body(body.kind, start, r.at, scope, visible)
    compound = _COMPOUND_TYPES.get(code)
    if compound is None:
        raise Malformed(f"the unknown type {code:#04x}")
    return compound(r, scope)


def _record(r: Reader, scope: Scope) -> ValueType:
    return value_types.record_of([(r.name(), read_value_type(r, scope)) for _ in range(r.count())])


def _variant(r: Reader, scope: Scope) -> ValueType:
    return value_types.variant_of([_case(r, scope) for _ in range(r.count())])


def _tuple(r: Reader, scope: Scope) -> ValueType:
    return value_types.tuple_of([read_value_type(r, scope) for _ in range(r.count())])


_COMPOUND_TYPES: Final[dict[int, Callable[[Reader, Scope], ValueType]]] = {
    0x72: _record,
    0x71: _variant,
    0x70: lambda r, scope: value_types.list_of(read_value_type(r, scope)),
    0x6F: _tuple,
    0x6E: lambda r, _: value_types.flags_of([r.name() for _ in range(r.count())]),
    0x6D: lambda r, _: value_types.enum_of([r.name() for _ in range(r.count())]),
    0x6B: lambda r, scope: value_types.option_of(read_value_type(r, scope)),
    0x6A: lambda r, scope: value_types.result_of(_optional_type(r, scope), _optional_type(r, scope)),
    0x69: lambda r, scope: value_types.handle_of("own", scope.resource(r.u32())),
    0x68: lambda r, scope: value_types.handle_of("borrow", scope.resource(r.u32())),
}


def _optional_type(r: Reader, scope: Scope) -> ValueType | None:
    return read_value_type(r, scope) if r.flag() else None


def _case(r: Reader, scope: Scope) -> tuple[str, ValueType | None]:
    case = r.name(), _optional_type(r, scope)
    r.expect(0x00)
    return case


def _signature(r: Reader, scope: Scope) -> Signature:
    params = [(r.name(), read_value_type(r, scope)) for _ in range(r.count())]
    if not r.flag():
        return value_types.signature_of(params, read_value_type(r, scope))
    r.expect(0x00)
    return value_types.signature_of(params, None)


def read_declaration(r: Reader, scope: Scope) -> Declaration:
    """What an import or export is said to be."""
    code = r.byte()
    if code == 0x00:
        raise unsupported("core modules as imports")
    if code == 0x01:
        return Declaration("func", scope.signature(r.u32()))
    if code == 0x02:  # noqa: PLR2004
        raise unsupported("values")
    if code == 0x03:  # noqa: PLR2004
        return Declaration("type", None if r.flag() else scope.get("type", r.u32()))
    if code == 0x04:  # noqa: PLR2004
        return Declaration("component", scope.body_type(r.u32(), "component type"))
    if code == 0x05:  # noqa: PLR2004
        return Declaration("instance", scope.body_type(r.u32(), "instance type"))
    raise Malformed(f"an import or export of the unknown kind {code:#04x}")


def instantiate_type(r: Reader, body: Body, interface: str, depth: int) -> Instance:
    """An instance of a declared type: what is imported under the name `interface`, with resources of its own."""
    return declare(Reader(r.data, body.start, body.end, r.budget), Scope(body, depth), interface)


def declare(r: Reader, scope: Scope, interface: str) -> Instance:
    """Evaluate the body of an instance or component type; what it exports."""
    r.budget.spend(BUILD_WORK)
    for _ in range(r.count()):
        code = r.byte()
        if code == 0x00:
            raise unsupported("core types")
        if code == 0x01:
            scope.add("type", read_type(r, scope))
        elif code == 0x02:  # noqa: PLR2004
            read_alias(r, scope)
        elif code == 0x04 or (code == 0x03 and scope.body.kind == "component type"):  # noqa: PLR2004
            name = read_extern_name(r)
            sort, type_ = read_declaration(r, scope)
            item = _declared(r, scope, interface, name, sort, type_)
            declare_once(scope, "export" if code == 0x04 else "import", name, sort, item)  # noqa: PLR2004
        else:
            raise Malformed(f"a declaration of the unknown kind {code:#04x}")
    return scope.exports


def _declared(r: Reader, scope: Scope, interface: str, name: str, sort: Sort, type_: TypeItem | None) -> object:
    if isinstance(type_, Signature) and sort == "func":
        r.budget.spend(type_.nodes)
        return Function(Import(interface, name, type_.type), type_)
    if sort == "instance":
        assert isinstance(type_, Body)
        return instantiate_type(r, type_, name, scope.depth + 1)
    if sort == "type":
        if isinstance(type_, ValueType):
            r.budget.spend(type_.nodes)
        return ResourceType(resource_of(interface, name)) if type_ is None else type_
    return type_


def resource_of(interface: str, name: str) -> Resource:
    """The host's resource type that an interface declares: of every version the same."""
    return f"{interface.partition('@')[0]}#{name}"
