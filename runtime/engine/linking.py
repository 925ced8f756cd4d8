"""A component's plan to its recipe.

Whatever can be settled before a guest starts is settled here: each import is found among the host's functions and its type
compared, each core import gets the name under which a store's linker has it, and the glue that is needed is written. What is
left to do for a guest is to instantiate the modules in their order, each under its name.
"""

from __future__ import annotations

import hashlib
import re
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from runtime.engine import glue
from runtime.engine.abi.layout import lifted, lowered, needs_memory
from runtime.engine.component import (
    CoreDefinition,
    Import,
    Lift,
    Lower,
    Plan,
    export_memories,
    grows_memory,
    read_module,
    rename_imports,
)
from runtime.engine.component.comparison import differences
from runtime.engine.component.shims import Export, find_shims
from runtime.engine.component.types import FuncType
from runtime.engine.errors import InvalidComponentError, UnsupportedComponentError
from runtime.engine.recipe import (
    FROM_HOST,
    NO_MEMORY,
    ContextOf,
    CrossingOf,
    Extent,
    Host,
    HostImport,
    Instantiation,
    Recipe,
    ResourceOf,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_RUN: Final = re.compile(r"wasi:cli/run@0\.2\.\d+")
_RUN_TYPE: Final = FuncType((), ("result", None, None))


def write_recipe(plan: Plan, host: Host) -> tuple[Recipe, dict[str, bytes]]:
    """The recipe of a component, and the modules that it names, by key.

    Raises UnsupportedComponentError where the component imports what the host does not have, or not as it has it, or has
    nothing to run; InvalidComponentError.
    """
    _check_imports(plan, host)
    return _Writer(plan, host).recipe()


def _check_imports(plan: Plan, host: Host) -> None:
    missing: list[str] = []
    for name, interface_type in plan.imports.items():
        base, _, version = name.partition("@")
        if version.startswith("0.3."):
            raise UnsupportedComponentError(
                f"the component imports {name}: WASI 0.3 is not supported; build it for WASI 0.2 (wasip2)"
            )
        interface = host.interfaces.get(base)
        if interface is None or not re.fullmatch(interface.version, version):
            missing.append(name)
            continue
        missing += [f"{base}#{item}" for item in interface_type.functions if item not in interface.functions]
        own = [item for item, resource in interface_type.resources.items() if resource == f"{base}#{item}"]
        missing += [f"{base}#{item}" for item in own if item not in interface.resources]
    if missing:
        raise UnsupportedComponentError(
            "the component imports what this runtime does not provide: " + ", ".join(sorted(missing))
        )
    if different := differences(plan.imports, host.types):
        raise UnsupportedComponentError("the component's imports are not WASI's: " + "; ".join(different))


def _entering(parents: Sequence[int], callee: int, caller: int) -> tuple[int, ...]:
    """The component instances that a call enters, none of which may be in a call: Canonical ABI, `entering_set`.

    The callee and those that it is within, but for those that the caller is within, too; the host's caller is -1.
    """
    within = set(_lineage(parents, caller))
    return tuple(instance for instance in _lineage(parents, callee) if instance not in within)


def _lineage(parents: Sequence[int], instance: int) -> Iterator[int]:
    while instance >= 0:
        yield instance
        instance = parents[instance]


class _Writer:
    """A recipe as it grows."""

    def __init__(self, plan: Plan, host: Host) -> None:
        self._plan = plan
        self._host = host
        self._contents: dict[str, bytes] = {}
        self._instantiations: list[Instantiation] = []
        self._places: dict[int, int] = {}  # step to instantiation
        self._functions: dict[str, HostImport] = {}
        self._contexts: dict[ContextOf, int] = {}
        self._memories: dict[CoreDefinition, int] = {}
        self._resources: dict[ResourceOf, int] = {}
        self._crossings: list[CrossingOf] = []
        self._shims = find_shims(plan)
        self._glued: dict[tuple[str, int | None], glue.HostFunction] = {}
        self._late: dict[Export, glue.LateFunction] = {}
        self._elements: dict[CoreDefinition, int] = {}  # of the glue's table
        self._crossed: dict[int, glue.Place] = {}
        self._dropping: dict[ResourceOf, glue.Place] = {}
        self._sole: CoreDefinition | None = None

    def recipe(self) -> tuple[Recipe, dict[str, bytes]]:
        run = self._find_run()
        memories: list[Extent] = []
        tables: list[Extent] = []
        measured: list[tuple[int, str]] = []
        throws = False
        self._instantiate(glue.GLUE, b"")  # the first of all; what it must have is known in the end
        lent = {definition for step in self._plan.steps for _, _, definition in step.imports}
        for number, step in enumerate(self._plan.steps):
            if number in self._shims.left_out:
                continue
            names = [self._place(definition) for _, _, definition in step.imports]
            content = self._plan.modules[step.module]
            info = read_module(content)
            throws |= info.has_tags
            tables += [Extent(t.minimum, t.maximum) for t in info.tables]
            self._places[number] = len(self._instantiations)
            if info.memories:
                exported = [name for name, kind in info.exports.items() if kind == "memory"]
                imported = sum(each.kind == "memory" for each in info.imports)
                several = imported + len(info.memories) > 1
                grows = several or grows_memory(content) or any(("export", number, name) in lent for name in exported)
                # The stub of a module that a toolchain leaves has a memory with no maximum that nobody uses: half of the limit.
                memories += [Extent(m.minimum, m.maximum if grows else m.minimum) for m in info.memories]
                if several or not exported:
                    free = (name for name in map("memory{}".format, count()) if name not in info.exports)
                    own = range(imported, imported + len(info.memories))
                    exported = [next(free) for _ in own]
                    content = export_memories(content, dict(zip(own, exported, strict=True)))
                measured += [(len(self._instantiations), name) for name in exported[: len(info.memories)]]
            self._instantiate(f"s{number}", rename_imports(content, names))
        if throws:  # the heap of exceptions grows as they are made, and wasmtime holds it to the bound of a memory
            memories.append(Extent(0, None))
        elements: list[tuple[int, str]] = []
        while len(elements) < len(self._elements):  # one may need glue of its own, with more of them
            elements.append(self._element_of(list(self._elements)[len(elements)]))
        tables.append(Extent(len(elements), len(elements)))
        self._finish_glue(len(elements))
        used = {imported.module for of in self._contents.values() for imported in read_module(of).imports}
        return Recipe(
            tuple(of if of.name in used else of._replace(name="") for of in self._instantiations),
            tuple(self._functions.values()),
            tuple(self._contexts),
            tuple(self._exported(definition) for definition in self._memories),
            tuple(self._resources),
            tuple(self._crossings),
            tuple(resource.owner for resource in self._plan.resources),
            self._plan.instances,
            _entering(self._plan.parents, run.owner, -1),
            self._exported(run.function),
            None if run.options.post_return is None else self._exported(run.options.post_return),
            tuple(elements),
            tuple(measured),
            tuple(memories),
            tuple(tables),
        ), self._contents

    def _find_run(self) -> Lift:
        for name, functions in self._plan.exports.items():
            if _RUN.fullmatch(name) and (run := functions.get("run")) is not None:
                if run.type != _RUN_TYPE:
                    raise UnsupportedComponentError(f"{name}#run is not of the type that WASI gives it")
                return run
        raise UnsupportedComponentError(
            "the component does not export wasi:cli/run@0.2: build it as a command (the wasi:cli/command world)"
        )

    def _exported(self, definition: CoreDefinition) -> tuple[int, str]:
        match self._resolved(definition):
            case ("export", step, name):
                return self._places[step], name
            case _:
                raise UnsupportedComponentError("the component exports a function of the host as its own")

    def _instantiate(self, name: str, content: bytes) -> None:
        key = hashlib.sha256(content).hexdigest()
        self._contents[key] = content
        self._instantiations.append(Instantiation(key, name))

    def _finish_glue(self, elements: int) -> None:
        content = glue.glue(tuple(self._glued.values()), tuple(self._late.values()), elements)
        key = hashlib.sha256(content).hexdigest()
        del self._contents[self._instantiations[0].key]
        self._contents[key] = content
        self._instantiations[0] = Instantiation(key, glue.GLUE)

    def _element_of(self, definition: CoreDefinition) -> tuple[int, str]:
        """What the host puts into the glue's table, now that all is there: (instantiation or FROM_HOST, name)."""
        module, field = self._place(definition)
        found = [index for index, of in enumerate(self._instantiations) if of.name == module]
        return found[0] if found else FROM_HOST, field

    # Under which names a core definition is in a store's linker; makes the glue that it takes

    def _place(self, definition: CoreDefinition) -> glue.Place:
        if definition[0] == "export" and (stand_in := self._shims.stand_ins.get((definition[1], definition[2]))):
            if self._is_there(stand_in.definition):
                return self._place(stand_in.definition)
            return glue.GLUE, self._late_function((definition[1], definition[2])).name
        match definition:
            case ("export", step, name):
                return f"s{step}", name
            case ("lower", number):
                return self._lowered(number)
            case (kind, resource, owner):
                return self._built_in(kind, resource, owner)
        raise InvalidComponentError("not a valid component: an unknown definition")

    def _resolved(self, definition: CoreDefinition) -> CoreDefinition:
        """What it comes to, behind a shim."""
        if definition[0] == "export" and (stand_in := self._shims.stand_ins.get((definition[1], definition[2]))):
            return stand_in.definition
        return definition

    def _is_there(self, definition: CoreDefinition | None) -> bool:
        """Whether it can be imported by now, with all that its glue imports."""
        match None if definition is None else self._resolved(definition):
            case ("export", step, _):
                return step in self._places
            case ("lower", number):
                target = self._plan.lowers[number].target
                return not isinstance(target, Lift) or all(
                    map(self._is_there, (target.function, target.options.post_return))
                )
            case ("drop", resource, _) if isinstance(resource, int):
                return self._is_there(self._plan.resources[resource].destructor)
            case _:
                return True

    def _late_function(self, export: Export) -> glue.LateFunction:
        """A function of the glue that calls what a shim's function stands for, once that is there."""
        if export not in self._late:
            stand_in = self._shims.stand_ins[export]
            name = f"late {len(self._late)}"
            self._late[export] = glue.LateFunction(name, self._element(stand_in.definition), *stand_in.type)
        return self._late[export]

    def _element(self, definition: CoreDefinition) -> int:
        """The element of the glue's table for a function of the guest."""
        return self._elements.setdefault(self._resolved(definition), len(self._elements))

    def _lowered(self, number: int) -> glue.Place:
        lower = self._plan.lowers[number]
        if isinstance(lower.target, Lift):
            if number not in self._crossed:
                self._crossed[number] = self._cross(lower, lower.target)
            return self._crossed[number]
        field = self._define(lower, lower.target)
        allocates = needs_memory(lower.target.type.result)
        interface = self._host.interfaces[lower.target.interface.partition("@")[0]]
        if lower.target.name in interface.instant and not allocates:
            return glue.HOST, field
        realloc = self._element(lower.options.realloc) if allocates and lower.options.realloc is not None else None
        if (field, realloc) not in self._glued:
            signature = lowered(lower.target.type)
            result = next(iter(signature.results), None)
            made = glue.HostFunction(str(len(self._glued)), field, signature.params, result, realloc)
            self._glued[field, realloc] = made
        return glue.GLUE, self._glued[field, realloc].name

    def _define(self, lower: Lower, target: Import) -> str:
        base = target.interface.partition("@")[0]
        raw = self._host.interfaces[base].raw
        context = self._context(self._sole_memory(base) if raw else lower.options.memory, lower.owner)
        suffix = "" if lower.options.encoding == "utf8" else f" {lower.options.encoding}"
        field = f"{base}#{target.name} {context}{suffix}"
        self._functions[field] = HostImport(
            field, "import", context, base, target.name, target.type, lower.options.encoding
        )
        return field

    def _sole_memory(self, interface: str) -> CoreDefinition:
        """The memory that the addresses of a raw interface mean. Raises UnsupportedComponentError."""
        if self._sole is None:
            memories = 0
            for number, step in enumerate(self._plan.steps):
                info = read_module(self._plan.modules[step.module])
                memories += len(info.memories)
                exported = [name for name, kind in info.exports.items() if kind == "memory"]
                if info.memories and exported:
                    self._sole = "export", number, exported[0]
            if memories != 1 or self._sole is None:
                raise UnsupportedComponentError(
                    f"the component imports {interface}, for which it has to have one memory, and to export it"
                )
        return self._sole

    def _context(self, memory: CoreDefinition | None, owner: int) -> int:
        index = NO_MEMORY if memory is None else self._memories.setdefault(memory, len(self._memories))
        return self._contexts.setdefault(ContextOf(index, owner), len(self._contexts))

    def _built_in(self, kind: str, resource: Any, owner: int) -> glue.Place:
        definition = None if isinstance(resource, str) else self._plan.resources[resource]
        destructor = None if definition is None else definition.destructor
        enters = () if definition is None else _entering(self._plan.parents, definition.owner, owner)
        made = ResourceOf(resource, owner, enters)
        number = self._resources.setdefault(made, len(self._resources))
        if kind != "drop" or destructor is None:
            return glue.HOST, self._resource_function(kind, number)
        if made not in self._dropping:
            take, left = self._resource_function("take", number), self._resource_function("left", number)
            content = glue.drop("drop", take, left, self._place(destructor))
            self._dropping[made] = f"g{len(self._instantiations)}", "drop"
            self._instantiate(self._dropping[made][0], content)
        return self._dropping[made]

    def _resource_function(self, kind: str, number: int) -> str:
        field = f"{kind} {number}"
        self._functions[field] = HostImport(field, kind, number)
        return field

    def _cross(self, lower: Lower, target: Lift) -> glue.Place:
        """A call into another component instance."""
        callee = self._context(target.options.memory, target.owner)
        caller = self._context(lower.options.memory, lower.owner)
        crossing = len(self._crossings)
        encodings = lower.options.encoding, target.options.encoding
        cleans_up = target.options.post_return is not None
        enters = _entering(self._plan.parents, target.owner, lower.owner)
        self._crossings.append(CrossingOf(caller, encodings[0], callee, encodings[1], target.type, enters, cleans_up))
        fields = f"enter {crossing}", f"arguments {crossing}", f"leave {crossing}", f"done {crossing}"
        for field in fields:
            self._functions[field] = HostImport(field, field.partition(" ")[0], crossing)
        outer, inner = lowered(target.type), lifted(target.type)
        needs_callee = any(needs_memory(t) for _, t in target.type.params) or inner.indirect_params
        callee_realloc = target.options.realloc if needs_callee else None
        caller_realloc = lower.options.realloc if needs_memory(target.type.result) else None
        content = glue.crossing(
            "call",
            glue.Crossing(
                *fields,
                outer.params,
                outer.results,
                self._place(target.function),
                inner.params,
                inner.results,
                None if callee_realloc is None else self._element(callee_realloc),
                None if caller_realloc is None else self._element(caller_realloc),
                None if target.options.post_return is None else self._place(target.options.post_return),
            ),
        )
        name = f"g{len(self._instantiations)}"
        self._instantiate(name, content)
        return name, "call"
