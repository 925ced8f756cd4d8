"""The root component from outside: what it imports and exports, as the plan says it."""

from __future__ import annotations

from typing import Final

from runtime.engine.component.plan import Import, Lift
from runtime.engine.component.reader import too_complex, unsupported
from runtime.engine.component.scope import Body, Function, Instance
from runtime.engine.component.types import FuncType, InterfaceType, Resource, Type
from runtime.engine.component.value_types import ResourceType, Signature, ValueType

MAX_EXPORTS: Final = 1024
"""A command has one; the largest interface of WASI 0.2 some fifty."""


def interface_type(name: str, instance: Instance) -> InterfaceType:
    """What the root declares of an instance that it imports, for comparison with what there is."""
    functions: dict[str, FuncType] = {}
    types: dict[str, Type] = {}
    resources: dict[str, Resource] = {}
    for field, (_, item) in instance.items():
        match item:
            case Function(_, signature):
                functions[field] = signature.type
            case ValueType():
                types[field] = item.type
            case ResourceType(resource):
                resources[field] = resource
            case Signature() | Body():
                raise unsupported(f"types that are no value's, in an interface ({name[:80]})")
            case _:
                raise unsupported(f"interfaces within interfaces ({name[:80]})")
    return InterfaceType(functions, types, resources)


def exported_functions(exports: Instance) -> dict[str, dict[str, Lift]]:
    """The functions of the instances that the root exports; what else it exports is nobody's concern."""
    interfaces = {name: _lifts(name, item) for name, (sort, item) in exports.items() if sort == "instance"}
    if sum(map(len, interfaces.values())) > MAX_EXPORTS:
        raise too_complex(f"it exports more than {MAX_EXPORTS} functions")
    return interfaces


def _lifts(name: str, instance: Instance) -> dict[str, Lift]:
    functions: dict[str, Lift] = {}
    for field, (sort, item) in instance.items():
        if sort == "func":
            target: Import | Lift = item.target
            if isinstance(target, Import):
                raise unsupported(f"imported functions as exports ({name[:80]}#{field[:80]})")
            functions[field] = target
        elif sort != "type":
            raise unsupported(f"{sort}s within an exported interface ({name[:80]}#{field[:80]})")
    return functions
