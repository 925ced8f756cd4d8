"""Index spaces: what the numbers in a component, or in a component or instance type, stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

import attrs

from runtime.engine.component.reader import Malformed, too_complex
from runtime.engine.component.value_types import ResourceType, Signature, ValueType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.engine.component.core_module import CoreKind
    from runtime.engine.component.plan import CoreDefinition, Import, Lift
    from runtime.engine.component.types import Resource

MAX_DEPTH: Final = 16
"""Components within components, instance types within component types, and instances of the one or the other on the way
to what is evaluated. Composed components are three or four deep."""

ComponentSort = Literal["func", "type", "component", "instance"]
CoreSort = Literal["core func", "core table", "core memory", "core global", "core module", "core instance"]
Sort: TypeAlias = "ComponentSort | CoreSort"

CORE_SORTS: Final[dict[CoreKind, Sort]] = {
    "func": "core func",
    "table": "core table",
    "memory": "core memory",
    "global": "core global",
}
_OUTER: Final[tuple[Sort, ...]] = ("type", "component", "core module")
"""What can be aliased from an outer scope."""


class Function(NamedTuple):
    """A component-level function."""

    target: Import | Lift
    signature: Signature


@attrs.frozen(eq=False)
class Body:
    """A component, or a component or instance type, as bytes: evaluated anew at each use, which makes its resources anew."""

    kind: Literal["component", "component type", "instance type"]
    start: int
    end: int
    scope: Scope | None
    """Where it is defined."""
    visible: Mapping[Sort, int]
    """How much there was in that scope's index spaces by then."""


Instance: TypeAlias = "dict[str, tuple[Sort, Any]]"
"""What an instance exports."""
TypeItem: TypeAlias = "ValueType | Signature | ResourceType | Body"


@attrs.frozen(eq=False)
class CoreInstance:
    """A core instance: of a module (a step of the plan), or made of single things."""

    step: int | None
    kinds: Mapping[str, CoreKind]
    made_of: Mapping[str, CoreDefinition] = attrs.field(factory=dict)

    def find(self, name: str) -> tuple[CoreKind, CoreDefinition] | None:
        """What it exports by this name."""
        kind = self.kinds.get(name)
        if kind is None:
            return None
        return kind, self.made_of[name] if self.step is None else ("export", self.step, name)


class Scope:
    """The index spaces of one component instance, or of one evaluation of a component or instance type."""

    __slots__ = ("body", "depth", "exports", "given", "is_type", "names", "own_resources", "owner", "spaces")

    def __init__(self, body: Body, depth: int, owner: int = -1) -> None:
        if depth > MAX_DEPTH:
            raise too_complex(f"it is nested more than {MAX_DEPTH} deep")
        self.body = body
        self.depth = depth
        self.owner = owner
        """The component instance's number."""
        self.own_resources: set[Resource] = set()
        self.given: Instance | None = None
        """What is there for a component's imports; None for the root, whose imports are the host's."""
        self.names: set[tuple[str, str]] = set()
        """Of imports and exports, in lower case."""
        self.exports: Instance = {}
        self.is_type = body.kind != "component"
        self.spaces: dict[Sort, list[Any]] = {}

    def add(self, sort: Sort, item: object) -> None:
        """Give something the next number of its sort."""
        self.spaces.setdefault(sort, []).append(item)

    def visible(self) -> dict[Sort, int]:
        """How much could be aliased by a scope within, now."""
        return {sort: len(self.spaces.get(sort, ())) for sort in _OUTER}

    def get(self, sort: Sort, index: int) -> Any:
        """The item of this number."""
        space = self.spaces.get(sort, ())
        if index >= len(space):
            raise Malformed(f"there is no {sort} {index}")
        return space[index]

    def outer(self, count: int, sort: Sort, index: int) -> Any:
        """The item of this number, `count` scopes further out."""
        if sort not in _OUTER or (self.is_type and sort != "type"):
            raise Malformed(f"an alias of an outer {sort}")
        scope, crosses, seen = self, False, len(self.spaces.get(sort, ()))
        for _ in range(count):
            if scope.body.scope is None:
                raise Malformed("an alias reaches out of the component")
            crosses |= not scope.is_type
            seen, scope = scope.body.visible[sort], scope.body.scope
        if index >= seen:
            raise Malformed(f"there is no outer {sort} {index}")
        item = scope.get(sort, index)
        if crosses and (isinstance(item, ResourceType) or (isinstance(item, ValueType | Signature) and item.resources)):
            raise Malformed("an alias of an outer type with resources in it")
        return item

    def value_type(self, index: int) -> ValueType:
        """A type of values."""
        item = self.get("type", index)
        if not isinstance(item, ValueType):
            raise Malformed(f"type {index} is not a value's")
        return item

    def signature(self, index: int) -> Signature:
        """A type of functions."""
        item = self.get("type", index)
        if not isinstance(item, Signature):
            raise Malformed(f"type {index} is not a function's")
        return item

    def resource(self, index: int) -> ResourceType:
        """A resource type."""
        item = self.get("type", index)
        if not isinstance(item, ResourceType):
            raise Malformed(f"type {index} is not a resource's")
        return item

    def body_type(self, index: int, kind: Literal["component type", "instance type"]) -> Body:
        """A component or instance type."""
        item = self.get("type", index)
        if not isinstance(item, Body) or item.kind != kind:
            raise Malformed(f"type {index} is not {'an instance' if kind == 'instance type' else 'a component'}'s")
        return item
