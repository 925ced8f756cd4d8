"""How guests of a component are made, as plain data that is kept beside the machine code; `linking` writes it."""

from __future__ import annotations

import hashlib
import marshal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runtime.engine.component.types import FuncType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.engine.component.types import InterfaceType
    from runtime.engine.interface import HostInterface

NO_MEMORY: Final = -1
FROM_HOST: Final = -1


class Instantiation(NamedTuple):
    """One core module, and the name of its instance."""

    key: str
    """The content hash of the module, with the names that its imports have here."""
    name: str
    """Of its instance, for the modules that import from it; empty where none does."""


class HostImport(NamedTuple):
    """A host function to be defined for the guests of this component."""

    field: str
    kind: str
    """`import`; `drop`, `take`, `left`, `new`, `rep` of a resource; `enter`, `arguments`, `leave`, `done` of a crossing."""
    number: int
    """Of an import its context, else an index into `resources` or `crossings`."""
    interface: str = ""
    name: str = ""
    type: Any = None
    encoding: str = "utf8"


class ContextOf(NamedTuple):
    """What a function works on."""

    memory: int
    """An index into `memories`, or NO_MEMORY."""
    owner: int
    """The component instance."""


class ResourceOf(NamedTuple):
    """A canonical built-in of a resource."""

    resource: Any
    owner: int
    """The component instance that calls it."""
    enters: tuple[int, ...]
    """The component instances that the end of an owned one enters, since the destructor is there: see `linking`."""


class CrossingOf(NamedTuple):
    """A call from one component instance into another: both sides' contexts and encodings, and the type."""

    caller: int
    caller_encoding: str
    callee: int
    callee_encoding: str
    type: Any
    enters: tuple[int, ...]
    """The component instances that the call enters: see `linking`."""
    post_return: bool
    """Whether the callee cleans up afterwards."""


class Extent(NamedTuple):
    """The bounds of a memory (in pages of 64 KiB) or a table (in elements), as its module declares them."""

    minimum: int
    maximum: int | None


class Recipe(NamedTuple):
    """See the module's docstring."""

    instantiations: tuple[Instantiation, ...]
    functions: tuple[HostImport, ...]
    contexts: tuple[ContextOf, ...]
    memories: tuple[tuple[int, str], ...]
    """(index of the instantiation, name of the export) of those that functions work on."""
    resources: tuple[ResourceOf, ...]
    crossings: tuple[CrossingOf, ...]
    homes: tuple[int, ...]
    """For each resource that the component defines: the component instance that does."""
    instances: int
    """How many component instances there are, each with a handle table."""
    enters: tuple[int, ...]
    """The component instances that a call of `run` enters."""
    run: tuple[int, str]
    """As `memories`: the function to call."""
    post_return: tuple[int, str] | None
    elements: tuple[tuple[int, str], ...]
    """As `memories`: what each element of the glue's table is; with FROM_HOST, a function of the host."""
    measured: tuple[tuple[int, str], ...]
    """As `memories`: each memory that a module has and exports."""
    all_memories: tuple[Extent, ...]
    """Of all modules, for the limits."""
    all_tables: tuple[Extent, ...]

    def dump(self) -> bytes:
        """As bytes, for `load`."""
        return marshal.dumps(_plain(self))

    @staticmethod
    def load(data: bytes) -> Recipe:
        """The way back. The data is trusted like the machine code that it lies beside: `marshal` does not check it."""
        values = marshal.loads(data)  # noqa: S302 - see the docstring
        rows: tuple[tuple[int, Any], ...] = (
            (0, Instantiation), (1, HostImport), (2, ContextOf), (4, ResourceOf), (5, CrossingOf), (13, Extent), (14, Extent),
        )  # fmt: skip
        fields = list(values)
        for index, record in rows:
            fields[index] = tuple([record(*row) for row in fields[index]])
        fields[1] = tuple([f._replace(type=FuncType(*f.type)) if f.type is not None else f for f in fields[1]])
        fields[5] = tuple([c._replace(type=FuncType(*c.type)) for c in fields[5]])
        return Recipe(*fields)


def _plain(value: Any) -> Any:
    """Named tuples as tuples, which is all that `marshal` knows."""
    return tuple([_plain(item) for item in value]) if isinstance(value, tuple) else value


class Host(NamedTuple):
    """What there is to link with."""

    interfaces: Mapping[str, HostInterface]
    types: Mapping[str, InterfaceType]
    """Of the interfaces whose types are known; the others' are believed."""

    def fingerprint(self) -> str:
        """Changes with whatever a recipe depends on beside its component."""
        said = [
            f"{interface.name}#{name} {name in interface.instant} {interface.raw} {interface.version}"
            for interface in self.interfaces.values()
            for name in (*interface.functions, *interface.resources)
        ]
        return hashlib.sha256("\n".join([*sorted(said), repr(sorted(self.types.items()))]).encode()).hexdigest()
