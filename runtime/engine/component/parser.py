"""A component binary to a plan.

Sections are read in their order, each definition into the index spaces of its scope, and a component is evaluated where it
is instantiated: with what it is given, in a scope of its own. What is left in the end is the plan; names, aliases and nested
components are gone.

Source of the format: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from runtime.engine.component.canonical import read_canonical
from runtime.engine.component.core_module import CoreKind, ModuleInfo, read_module
from runtime.engine.component.plan import CoreDefinition, GuestResource, Lower, Plan, Step
from runtime.engine.component.reader import BUILD_WORK, Budget, Malformed, Reader, too_complex, unsupported
from runtime.engine.component.scope import CORE_SORTS, Body, CoreInstance, Instance, Scope, Sort
from runtime.engine.component.type_parser import (
    Declaration,
    add_once,
    declare_once,
    instantiate_type,
    read_alias,
    read_core_sort,
    read_declaration,
    read_extern_name,
    read_sort,
    read_type,
)
from runtime.engine.component.value_types import ResourceType
from runtime.engine.component.world import exported_functions, interface_type
from runtime.engine.errors import InvalidComponentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.engine.component.types import InterfaceType

MAX_MODULES: Final = 256
"""Each of them is compiled. CPython with its extensions comes to some fifty."""

MAX_STEPS: Final = 512
"""Core modules that are instantiated, in each guest: the same fifty, as a rule."""

MAX_IMPORTS: Final = 32_768
"""Each is looked up in each guest. CPython's libraries come to 2,400."""

MAX_INSTANCES: Final = 64
"""Of components, each with a handle table. Composed components are a handful, toolchains add one or two for each."""

MAX_RESOURCES: Final = 1024
"""Kinds that it defines itself: a few where it exports some, more where it is composed of several."""

_MAGIC: Final = b"\0asm"
_COMPONENT: Final = b"\x0d\0\x01\0"
_CORE_MODULE: Final = b"\x01\0\0\0"
_HEAD: Final = 8

_CUSTOM, _MODULE, _NESTED = 0, 1, 4
_REFUSED_SECTIONS: Final = {3: "core types", 9: "values", 12: "values"}

_ANY_RESOURCE: Final = ResourceType("")

_RESOURCE: Final = 0x3F
_I32: Final = 0x7F


def parse(content: bytes) -> Plan:
    """Take a component apart.

    Raises InvalidComponentError for what is no component, or a damaged one; UnsupportedComponentError for a component that
    uses what this runtime does not take, or is beyond its bounds. Whatever the bytes are, it raises nothing else, and takes
    a few seconds at most.
    """
    try:
        return _Parser(content).plan()
    except Malformed as error:
        raise InvalidComponentError(f"not a valid component: {error}") from None


class _Parser:
    """One component file, and the plan as it grows."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._budget = Budget()
        self._modules: list[bytes] = []
        self._infos: list[ModuleInfo] = []
        self._module_at: dict[int, int] = {}
        """Modules by where they are in the file: a component that is instantiated twice has the same ones."""
        self._steps: list[Step] = []
        self._lowers: list[Lower] = []
        self._resources: list[GuestResource] = []
        self._imports: dict[str, InterfaceType] = {}
        self._parents: list[int] = []
        self._core_imports = 0

    def plan(self) -> Plan:
        root = Body("component", 0, len(self._content), None, {})
        exports = self._evaluate(root, None, None)
        return Plan(
            modules=tuple(self._modules),
            steps=tuple(self._steps),
            lowers=tuple(self._lowers),
            resources=tuple(self._resources),
            imports=self._imports,
            exports=exported_functions(exports),
            parents=tuple(self._parents),
        )

    def _evaluate(self, body: Body, parent: Scope | None, given: Instance | None) -> Instance:
        """Instantiate a component within another; what it exports. `given` are its imports, or None for the root's."""
        if len(self._parents) == MAX_INSTANCES:
            raise too_complex(f"it has more than {MAX_INSTANCES} instances of components")
        scope = Scope(body, parent.depth + 1 if parent else 0, len(self._parents))
        scope.given = given
        self._parents.append(parent.owner if parent else -1)
        reader = Reader(self._content, body.start, body.end, self._budget)
        _read_head(reader)
        while reader.at < reader.end:
            self._section(reader, scope)
        return scope.exports

    def _section(self, reader: Reader, scope: Scope) -> None:
        self._budget.spend(1)
        section = reader.byte()
        r = reader.part(reader.u32())
        if section == _CUSTOM:
            r.name()
        elif section == _MODULE:
            scope.add("core module", self._module(r))
        elif section == _NESTED:
            self._budget.spend(BUILD_WORK)
            body = Body("component", r.at, r.end, scope, scope.visible())
            _read_head(r)
            scope.add("component", body)
        elif section in _REFUSED_SECTIONS:
            raise unsupported(_REFUSED_SECTIONS[section])
        elif section not in self._definitions:
            raise Malformed(f"the unknown section {section}")
        else:
            read = self._definitions[section]
            for _ in range(r.count()):
                read(self, r, scope)
            r.done("a section")

    def _alias(self, r: Reader, scope: Scope) -> None:
        read_alias(r, scope)

    def _canonical(self, r: Reader, scope: Scope) -> None:
        read_canonical(r, scope, self._lowers)

    def _module(self, r: Reader) -> int:
        found = self._module_at.get(r.at)
        if found is not None:
            return found
        if len(self._modules) == MAX_MODULES:
            raise too_complex(f"it has more than {MAX_MODULES} core modules")
        module = self._content[r.at : r.end]
        info = read_module(module, self._budget)
        if len({(wanted.module, wanted.field) for wanted in info.imports}) != len(info.imports):
            raise Malformed("a core module has one import twice")
        self._infos.append(info)
        self._modules.append(module)
        number = self._module_at[r.at] = len(self._modules) - 1
        return number

    def _core_instance(self, r: Reader, scope: Scope) -> None:
        scope.add("core instance", _core_exports(r, scope) if r.flag() else self._step(r, scope))

    def _step(self, r: Reader, scope: Scope) -> CoreInstance:
        number: int = scope.get("core module", r.u32())
        given: dict[str, CoreInstance] = {}
        for _ in range(r.count()):
            name = r.name()
            r.expect(0x12)
            add_once(given, name, scope.get("core instance", r.u32()), "an argument")
        info = self._infos[number]
        self._core_imports += len(info.imports)
        if self._core_imports > MAX_IMPORTS:
            raise too_complex(f"its core modules have more than {MAX_IMPORTS} imports")
        imports: list[tuple[str, str, CoreDefinition]] = []
        for wanted in info.imports:
            instance = given.get(wanted.module)
            found = instance and instance.find(wanted.field)
            if not found or found[0] != wanted.kind:
                what = f"{wanted.module[:80]}.{wanted.field[:80]}"
                raise Malformed(f"core module {number} is not given its import {what!r} ({wanted.kind})")
            imports.append((wanted.module, wanted.field, found[1]))
        if len(self._steps) == MAX_STEPS:
            raise too_complex(f"it instantiates more than {MAX_STEPS} core modules")
        self._steps.append(Step(number, tuple(imports)))
        return CoreInstance(len(self._steps) - 1, info.exports)

    def _instance(self, r: Reader, scope: Scope) -> None:
        component: Body | None = None if r.flag() else scope.get("component", r.u32())
        items: Instance = {}
        for _ in range(r.count()):
            name = r.name() if component else read_extern_name(r)
            add_once(items, name, _read_item(r, scope), "an argument or export")
        scope.add("instance", self._evaluate(component, scope, items) if component else items)

    def _type(self, r: Reader, scope: Scope) -> None:
        if r.at < r.end and r.data[r.at] == _RESOURCE:
            r.byte()
            if r.byte() != _I32:
                raise unsupported("resources with a representation other than i32")
            destructor = scope.get("core func", r.u32()) if r.flag() else None
            if len(self._resources) == MAX_RESOURCES:
                raise too_complex(f"it defines more than {MAX_RESOURCES} resources")
            scope.own_resources.add(len(self._resources))
            scope.add("type", ResourceType(len(self._resources)))
            self._resources.append(GuestResource(scope.owner, destructor))
        else:
            scope.add("type", read_type(r, scope))

    def _import(self, r: Reader, scope: Scope) -> None:
        name = read_extern_name(r)
        declaration = read_declaration(r, scope)
        sort = declaration.sort
        if scope.given is None:
            item = self._root_import(r, scope, name, declaration)
        else:
            found, item = scope.given.get(name, (None, None))
            # Of types no more is compared than what kind of thing each is: what is given counts, not what is declared.
            if found != sort or (sort == "type" and type(item) is not type(declaration.type or _ANY_RESOURCE)):
                raise Malformed(f"a component is not given its import {name[:80]!r} ({sort})")
        declare_once(scope, "import", name, sort, item)

    def _root_import(self, r: Reader, scope: Scope, name: str, declaration: Declaration) -> object:
        sort, type_ = declaration
        if sort == "instance":
            assert isinstance(type_, Body)
            instance = instantiate_type(r, type_, name, scope.depth + 1)
            self._imports[name] = interface_type(name, instance)
            return instance
        if sort == "type" and type_ is not None:  # only another name, as a world has that uses an interface's types
            return type_
        what = {"func": "functions", "component": "components", "type": "resources"}[sort]
        raise unsupported(f"{what} as imports outside of an interface ({name[:80]})")

    def _export(self, r: Reader, scope: Scope) -> None:
        name = read_extern_name(r)
        sort, item = _read_item(r, scope)
        if r.flag():
            # It may say less of the type than the definition does: that holds.
            declared = read_declaration(r, scope).sort
            if declared != sort:
                raise Malformed(f"the export {name[:80]!r} is declared as {declared}, and is of the sort {sort}")
        declare_once(scope, "export", name, sort, item)

    _definitions: ClassVar[dict[int, Callable[[_Parser, Reader, Scope], None]]] = {
        2: _core_instance,
        5: _instance,
        6: _alias,
        7: _type,
        8: _canonical,
        10: _import,
        11: _export,
    }
    """How one definition is read, by its section's number."""


def _read_head(r: Reader) -> None:
    head = r.data[r.at : min(r.at + _HEAD, r.end)]
    r.at += len(head)
    if head == _MAGIC + _CORE_MODULE:
        raise Malformed("it is a core WebAssembly module")
    if head != _MAGIC + _COMPONENT:
        raise Malformed("it is not a WebAssembly component, or one of another version")


def _read_item(r: Reader, scope: Scope) -> tuple[Sort, Any]:
    sort = read_sort(r)
    if sort == "core module":
        raise unsupported("core modules as exports or arguments of components")
    if sort.startswith("core "):
        raise Malformed(f"a {sort} as an export or argument of a component")
    return sort, scope.get(sort, r.u32())


def _core_exports(r: Reader, scope: Scope) -> CoreInstance:
    """A core instance that is made of single things."""
    kinds: dict[str, CoreKind] = {}
    items: dict[str, CoreDefinition] = {}
    by_sort = {sort: kind for kind, sort in CORE_SORTS.items()}
    for _ in range(r.count()):
        name, sort = r.name(), read_core_sort(r)
        if sort not in by_sort:
            raise Malformed(f"a {sort} as an export of a core instance")
        add_once(items, name, scope.get(sort, r.u32()), "an export")
        kinds[name] = by_sort[sort]
    return CoreInstance(None, kinds, items)
