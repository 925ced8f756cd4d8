"""Component binaries taken apart: `parse` makes of one the plan by which its core modules are instantiated.

reader       bytes to numbers and names, within bounds and a budget of work
core_module  the head of a core module; its imports under other names, its memory exported
types        component-level types as plain data
value_types  the same, built from the bottom up with their measures
scope        index spaces
type_parser  type definitions, aliases, declarations
canonical    lifts, lowers, built-ins
parser       sections, instances, imports and exports: the whole
shims        modules that need not be instantiated
plan         what comes of it
world        what the component imports and exports, as the plan says it
comparison   what it says about its imports, held against what WASI says
"""

from runtime.engine.component.core_module import (
    CoreImport,
    CoreLimits,
    ModuleInfo,
    export_memories,
    grows_memory,
    read_module,
    rename_imports,
)
from runtime.engine.component.parser import parse
from runtime.engine.component.plan import (
    CoreDefinition,
    Encoding,
    GuestResource,
    Import,
    Lift,
    Lower,
    Options,
    Plan,
    Step,
)
from runtime.engine.component.types import FuncType, InterfaceType, Resource, Type

__all__ = [
    "CoreDefinition",
    "CoreImport",
    "CoreLimits",
    "Encoding",
    "FuncType",
    "GuestResource",
    "Import",
    "InterfaceType",
    "Lift",
    "Lower",
    "ModuleInfo",
    "Options",
    "Plan",
    "Resource",
    "Step",
    "Type",
    "export_memories",
    "grows_memory",
    "parse",
    "read_module",
    "rename_imports",
]
