"""Modules that stand between others only because a component is built in order: found, so that they need not be instantiated.

A module cannot import what is made with its own memory, before that exists. So toolchains give it a *shim*, whose functions do
nothing but call through a table, and in the end a *fixup* fills that table. This engine's own glue does the same for the few
functions that need it, so both modules go, and with them some hundred names that are looked up for each guest. They are
recognised by their whole content, byte for byte; whatever is not exactly of this form is left as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from runtime.engine.component.reader import Budget, Malformed, Reader

if TYPE_CHECKING:
    from runtime.engine.component.plan import CoreDefinition, Plan

Export = tuple[int, str]
"""(step, name)"""

MAX_BYTES: Final = 256 * 1024
"""Those of wit-component have 3 KB. What is larger is not looked at."""

_HEAD_BYTES: Final = 8
_CUSTOM, _TYPES, _IMPORTS, _FUNCTIONS, _TABLES, _EXPORTS, _ELEMENTS, _CODE = 0, 1, 2, 3, 4, 7, 9, 10
_FUNC, _TABLE = 0, 1
_VALUES: Final = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64"}


class CoreType(NamedTuple):
    """The type of a core function, by the names of its types."""

    params: tuple[str, ...]
    results: tuple[str, ...]


class StandIn(NamedTuple):
    """A function of a shim."""

    definition: CoreDefinition
    """What it comes to."""
    type: CoreType


class Shims(NamedTuple):
    """What can be left out of a plan."""

    stand_ins: dict[Export, StandIn]
    left_out: frozenset[int]
    """Steps that need not be taken."""


def find_shims(plan: Plan) -> Shims:
    """The shims of a plan, with their fixups."""
    shims = {number: shim for number, step in enumerate(plan.steps) if (shim := _shim(plan.modules[step.module]))}
    stand_ins: dict[Export, StandIn] = {}
    left_out: set[int] = set()
    for number, step in enumerate(plan.steps):
        fixup = _fixup(plan.modules[step.module])
        if fixup is None:
            continue
        match step.imports[fixup.table][2]:
            case ("export", at, name) if at in shims and at not in left_out and shims[at].table == name:
                given = [step.imports[index][2] for index in fixup.functions]
                shim = shims[at]
                fits = len(given) == len(shim.functions) and not any(d[0] == "export" and d[1] in shims for d in given)
                if fits and not _has_table(plan, at, name, but=number):
                    left_out |= {at, number}
                    stand_ins |= {(at, f): StandIn(given[place], type_) for f, (place, type_) in shim.functions.items()}
    return Shims(stand_ins, frozenset(left_out))


def _has_table(plan: Plan, shim: int, table: str, *, but: int) -> bool:
    """Whether any other step has the shim's table, too."""
    return any(
        definition == ("export", shim, table)
        for number, step in enumerate(plan.steps)
        if number != but
        for _, _, definition in step.imports
    )


# The modules


class _Shim(NamedTuple):
    table: str
    functions: dict[str, tuple[int, CoreType]]
    """Which element of the table each exported function calls, and its type."""


class _Fixup(NamedTuple):
    table: int
    """The index of the import that is the table."""
    functions: list[int]
    """The indices of the imports that are its elements, in their order."""


def _sections(content: bytes, wanted: tuple[int, ...]) -> dict[int, Reader] | None:
    """The sections of a module that has these, each once, and no other."""
    if len(content) > MAX_BYTES:
        return None
    reader = Reader(content, _HEAD_BYTES, len(content), Budget())
    found: dict[int, Reader] = {}
    while reader.at < reader.end:
        section = reader.byte()
        body = reader.part(reader.u32())
        if section != _CUSTOM:
            found[section] = body
    return found if tuple(sorted(found)) == wanted else None


def _shim(content: bytes) -> _Shim | None:
    """A module of functions that call the element of the one table that has their number, and of nothing else."""
    try:
        sections = _sections(content, (_TYPES, _FUNCTIONS, _TABLES, _EXPORTS, _CODE))
        if sections is None:
            return None
        types = sections[_TYPES]
        known = [_type(types) for _ in range(types.count())]
        functions = sections[_FUNCTIONS]
        declared = [functions.u32() for _ in range(functions.count())]
        table = sections[_TABLES]
        table.expect(1)
        table.expect(0x70)  # funcref
        table.expect(1)  # with a maximum
        size = table.u32()
        if table.u32() != size or size != len(declared):
            return None
        code = sections[_CODE]
        if code.count() != len(declared):
            return None
        calls = [(_called(code.part(code.u32()), known, type_), known[type_]) for type_ in declared]
        exports = sections[_EXPORTS]
        named = [(exports.name(), exports.byte(), exports.u32()) for _ in range(exports.count())]
    except (Malformed, IndexError):
        return None
    tables = [name for name, kind, _ in named if kind == _TABLE]
    places = {name: calls[index] for name, kind, index in named if kind == _FUNC and index < len(calls)}
    return _Shim(tables[0], places) if len(tables) == 1 and len(places) + 1 == len(named) else None


def _type(types: Reader) -> CoreType:
    """A function type of numbers. Malformed for any other."""
    types.expect(0x60)
    params = tuple(_VALUES.get(types.byte(), "") for _ in range(types.count()))
    results = tuple(_VALUES.get(types.byte(), "") for _ in range(types.count()))
    if not all((*params, *results)):
        raise Malformed("not a shim")
    return CoreType(params, results)


def _called(body: Reader, types: list[CoreType], type_: int) -> int:
    """Which element a function calls that only passes its parameters on. Malformed for any other."""
    body.expect(0)  # no locals
    for local, _ in enumerate(types[type_].params):
        body.expect(0x20)
        if body.u32() != local:
            raise Malformed("not a shim")
    body.expect(0x41)
    element, shift = 0, 0
    while True:  # i32.const is signed, and an element's number is not negative
        byte = body.byte()
        element |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            break
    if byte & 0x40 or shift > 28:  # noqa: PLR2004 - the sign; four bytes
        raise Malformed("not a shim")
    body.expect(0x11)
    if body.u32() != type_:
        raise Malformed("not a shim")
    body.expect(0)  # the table
    body.expect(0x0B)
    body.done("a shim")
    return element


def _fixup(content: bytes) -> _Fixup | None:
    """A module that does nothing but put functions that it imports into a table that it imports, from the first element on."""
    try:
        sections = _sections(content, (_TYPES, _IMPORTS, _ELEMENTS))
        if sections is None:
            return None
        imports = sections[_IMPORTS]
        kinds = []
        for _ in range(imports.count()):
            imports.name()
            imports.name()
            kinds.append(imports.byte())
            if kinds[-1] == _FUNC:
                imports.u32()
            else:  # the table
                imports.expect(0x70)
                for _ in range(1 + imports.flag()):
                    imports.u32()
        elements = sections[_ELEMENTS]
        for byte in (1, 0, 0x41, 0, 0x0B):  # one segment, active in table 0 from element 0 on
            elements.expect(byte)
        order = [elements.u32() for _ in range(elements.count())]
        elements.done("a fixup")
        functions = [index for index, kind in enumerate(kinds) if kind == _FUNC]
        if kinds.count(_TABLE) != 1 or len(functions) + 1 != len(kinds):
            return None
        return _Fixup(kinds.index(_TABLE), [functions[index] for index in order])
    except (Malformed, IndexError):
        return None
