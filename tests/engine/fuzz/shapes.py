"""Random WIT types, of all kinds, as in `runtime.engine.component.types`; bounded, since each becomes code of the guest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runtime.engine.abi.layout import holds, layout, lowered
from runtime.engine.component.types import MAX_FLAGS, PRIMITIVES, FuncType, Type

if TYPE_CHECKING:
    from random import Random

INTERFACE: Final = "test:fuzz/calls"
RESOURCES: Final = ("ra", "rb")
ENCODINGS: Final = ("utf8", "utf16", "latin1+utf16")
_MOST_DEPTH: Final = 4
_MOST_BYTES: Final = 600
"""Of one value without what it points to."""
_PRIMITIVES: Final = sorted(PRIMITIVES)


class Function(NamedTuple):
    """A function that the guest imports."""

    name: str
    type: FuncType
    encoding: str


def functions(random: Random, names: tuple[str, ...]) -> tuple[Function, ...]:
    """One random type for each name."""
    return tuple(Function(name, _function_type(random), random.choice(ENCODINGS)) for name in names)


def _function_type(random: Random) -> FuncType:
    count = random.choice((0, 1, 1, 2, 2, 3, 3, 4, 6, 18))
    depth = _MOST_DEPTH if count < 6 else 1
    params = tuple((f"p{n}", random_type(random, depth, borrows=True)) for n in range(count))
    return FuncType(params, None if random.random() < 0.1 else random_type(random, _MOST_DEPTH, borrows=False))


def random_type(random: Random, depth: int, *, borrows: bool) -> Type:
    """A type that is at most so deep."""
    while True:
        made = _any(random, depth, borrows=borrows)
        if layout(made).size <= _MOST_BYTES:
            return made


def _any(random: Random, depth: int, *, borrows: bool) -> Type:  # noqa: C901 - a case for each kind of type
    def inner() -> Type:
        return _any(random, depth - 1 - (random.random() < 0.3), borrows=borrows)

    def perhaps() -> Type | None:
        return None if random.random() < 0.3 else inner()

    if depth <= 0 or random.random() < 0.25:
        return random.choice(_PRIMITIVES)
    match random.choice(("list", "list", "record", "tuple", "variant", "option", "result", "flags", "enum", "handle")):
        case "list":
            return "list", inner()
        case "record":
            return "record", tuple((f"f{n}", inner()) for n in range(random.randint(1, 4)))
        case "tuple":
            return "tuple", tuple(inner() for _ in range(random.randint(1, 4)))
        case "variant":
            return "variant", tuple((f"c{n}", perhaps()) for n in range(random.randint(1, 5)))
        case "option":
            return "option", inner()
        case "result":
            return "result", perhaps(), perhaps()
        case "flags":
            return "flags", tuple(f"b{n}" for n in range(random.choice((1, 5, 8, 9, 16, 17, MAX_FLAGS))))
        case "enum":
            return "enum", tuple(f"e{n}" for n in range(random.choice((1, 2, 7, 255, 256, 257, 400))))
    handle = "borrow" if borrows and random.random() < 0.5 else "own"
    return handle, f"{INTERFACE}#{random.choice(RESOURCES)}"


def resource_of(t: Any) -> str:
    """The name of a handle's resource."""
    name: str = t[1].partition("#")[2]
    return name


def lends_deeply(function: FuncType) -> bool:
    """Whether there is a borrow that is not a core parameter for all to see."""
    if lowered(function).indirect_params:
        return any(holds(t, "borrow") for _, t in function.params)
    return any(not isinstance(t, str) and t[0] != "borrow" and holds(t, "borrow") for _, t in function.params)


class Written:
    """Types in the text format: those that must have names are declared in the order in which they are first met."""

    def __init__(self) -> None:
        self.declared: list[str] = []
        self.names: dict[Type, str] = {}
        """Of the types that have one."""

    def text(self, t: Any) -> str:
        """How the type is written where one is used."""
        if isinstance(t, str):
            return t
        if t[0] in {"own", "borrow"}:
            return f"({t[0]} ${resource_of(t)})"
        if t[0] not in {"record", "variant", "flags", "enum"}:
            return self._body(t)
        if t not in self.names:
            body = self._body(t)
            name = f"t{len(self.names)}"
            self.declared.append(f'(type $x-{name} {body}) (export "{name}" (type ${name} (eq $x-{name})))')
            self.names[t] = name
        return f"${self.names[t]}"

    def signature(self, function: FuncType) -> str:
        """Of a function."""
        params = " ".join(f'(param "{name}" {self.text(t)})' for name, t in function.params)
        return params + ("" if function.result is None else f" (result {self.text(function.result)})")

    def _body(self, t: Any) -> str:
        match t[0]:
            case "list" | "option":
                inside = self.text(t[1])
            case "tuple":
                inside = " ".join(map(self.text, t[1]))
            case "result":
                ok = "" if t[1] is None else self.text(t[1])
                inside = ok + ("" if t[2] is None else f" (error {self.text(t[2])})")
            case "record":
                inside = " ".join(f'(field "{name}" {self.text(field)})' for name, field in t[1])
            case "variant":
                inside = " ".join(
                    f'(case "{name}"{"" if payload is None else " " + self.text(payload)})' for name, payload in t[1]
                )
            case _:
                inside = " ".join(f'"{name}"' for name in t[1])
        return f"({t[0]} {inside})"
