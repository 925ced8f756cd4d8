"""A component taken apart: its core modules, and one flat plan of what to instantiate with what.

How a component is instantiated is fixed when it is built: which core instance gets which export, which host function it is
lowered from, with which canonical options. So it is evaluated once, nested components included, by `parser`; nothing of it
is looked at again when a guest starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import attrs

if TYPE_CHECKING:
    from runtime.engine.component.types import FuncType, InterfaceType, Resource

CoreDefinition: TypeAlias = (
    "tuple[Literal['export'], int, str]"  # (step, name): what the instance of an earlier step exports
    " | tuple[Literal['lower'], int]"  # an index into Plan.lowers
    " | tuple[Literal['drop', 'new', 'rep'], Resource, int]"  # a canonical built-in: of what, for which component instance
)
"""Where a core function, memory, table or global comes from."""

Encoding = Literal["utf8", "utf16", "latin1+utf16"]


class Options(NamedTuple):
    """Canonical options of one lift or lower."""

    memory: CoreDefinition | None = None
    realloc: CoreDefinition | None = None
    post_return: CoreDefinition | None = None
    encoding: Encoding = "utf8"


class Import(NamedTuple):
    """A function of the host."""

    interface: str
    """As the component says it, version and all: `wasi:io/poll@0.2.6`."""
    name: str
    type: FuncType


class Lift(NamedTuple):
    """A component-level function made of a core function."""

    function: CoreDefinition
    type: FuncType
    options: Options
    owner: int
    """The component instance that it belongs to: whose handle table, and which may not be entered twice."""


class Lower(NamedTuple):
    """A core function made of a component-level one: a host call, or a call from one component instance into another."""

    target: Import | Lift
    options: Options
    owner: int
    """The component instance that calls."""


class Step(NamedTuple):
    """The instantiation of one core module."""

    module: int
    imports: tuple[tuple[str, str, CoreDefinition], ...]
    """(module name, field, what is given) for each of the module's imports, in their order."""


class GuestResource(NamedTuple):
    """A resource type that a component instance defines."""

    owner: int
    destructor: CoreDefinition | None


@attrs.frozen
class Plan:
    """See the module's docstring. Steps are in the order in which they have to be taken."""

    modules: tuple[bytes, ...]
    steps: tuple[Step, ...]
    lowers: tuple[Lower, ...]
    resources: tuple[GuestResource, ...]
    imports: dict[str, InterfaceType]
    """The root's imported instances, by their names with version."""
    exports: dict[str, dict[str, Lift]]
    """The functions of the root's exported instances, by the instances' names with version."""
    parents: tuple[int, ...]
    """For each component instance the one that instantiates it; -1 for the root, which is the first."""

    @property
    def instances(self) -> int:
        """How many component instances there are: the root, and what is instantiated within it."""
        return len(self.parents)
