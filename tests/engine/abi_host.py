"""A host with a function for everything that crosses, for guests that keep the canonical ABI's rules or do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio

from runtime.engine import Err, GuestTrap, HostInterface, Ok, Resource, Wait, WitError

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES = """
    (export "thing" (type $thing (sub resource)))
    (export "other" (type $other (sub resource)))
    (type $colour' (enum "red" "green" "blue")) (export "colour" (type $colour (eq $colour')))
    (type $shape' (variant (case "point") (case "circle" f64) (case "name" string) (case "both" (tuple u8 u64))))
    (export "shape" (type $shape (eq $shape')))
    (type $mixed' (record (field "letter" char) (field "colour" $colour) (field "perhaps" (option u8)) (field "on" bool)))
    (export "mixed" (type $mixed (eq $mixed')))
    (export "text" (func (param "x" string)))
    (export "texts" (func (param "x" (list string))))
    (export "bytes" (func (param "x" (list u8))))
    (export "numbers" (func (param "x" (list u32))))
    (export "longs" (func (param "x" (list u64))))
    (export "pick" (func (param "x" $colour)))
    (export "perhaps" (func (param "x" (option u32))))
    (export "either" (func (param "x" (result u32 (error string)))))
    (export "draw" (func (param "x" $shape)))
    (export "shapes" (func (param "x" (list $shape))))
    (export "mix" (func (param "x" (list $mixed))))
    (export "letter" (func (param "x" char)))
    (export "many" (func (param "a" (tuple u64 u64 u64 u64 u64 u64 u64 u64)) (param "b" (tuple u64 u64 u64 u64 u64 u64 u64 u64))
      (param "c" string)))
    (export "ping" (func))
    (export "note" (func (param "x" u32)))
    (export "give" (func (result (list u8))))
    (export "give-text" (func (result string)))
    (export "give-wide-text" (func (result string)))
    (export "give-texts" (func (result (list string))))
    (export "give-pair" (func (result (tuple u32 u64))))
    (export "give-longs" (func (result (list u64))))
    (export "make" (func (result (own $thing))))
    (export "make-other" (func (result (own $other))))
    (export "make-all" (func (result (list (own $thing)))))
    (export "try-make" (func (param "good" bool) (result (result (own $thing) (error string)))))
    (export "use" (func (param "x" (borrow $thing))))
    (export "use-all" (func (param "x" (list (borrow $thing)))))
    (export "use-other" (func (param "x" (borrow $other))))
    (export "eat" (func (param "x" (own $thing))))
    (export "eat-all" (func (param "x" (list (own $thing)))))
    (export "eat-two" (func (param "x" (own $thing)) (param "y" (own $thing))))
    (export "eat-and-pick" (func (param "x" (own $thing)) (param "y" $colour)))
    (export "lend-and-eat" (func (param "x" (borrow $thing)) (param "y" (own $thing))))
    (export "eat-and-make" (func (param "x" (own $thing)) (result (tuple u32 (own $thing)))))
    (export "refuse" (func (param "x" (own $thing))))"""

FUNCTIONS = {
    "text": "(param i32 i32)",
    "texts": "(param i32 i32)",
    "bytes": "(param i32 i32)",
    "numbers": "(param i32 i32)",
    "longs": "(param i32 i32)",
    "pick": "(param i32)",
    "perhaps": "(param i32 i32)",
    "either": "(param i32 i32 i32)",
    "draw": "(param i32 i64 i64)",
    "shapes": "(param i32 i32)",
    "mix": "(param i32 i32)",
    "letter": "(param i32)",
    "many": "(param i32)",
    "ping": "",
    "note": "(param i32)",
    "give": "(param i32)",
    "give-text": "(param i32)",
    "give-wide-text": "(param i32)",
    "give-texts": "(param i32)",
    "give-pair": "(param i32)",
    "give-longs": "(param i32)",
    "make": "(result i32)",
    "make-other": "(result i32)",
    "make-all": "(param i32)",
    "try-make": "(param i32 i32)",
    "use": "(param i32)",
    "use-all": "(param i32 i32)",
    "use-other": "(param i32)",
    "eat": "(param i32)",
    "eat-all": "(param i32 i32)",
    "eat-two": "(param i32 i32)",
    "eat-and-pick": "(param i32 i32)",
    "lend-and-eat": "(param i32 i32)",
    "eat-and-make": "(param i32 i32)",
    "refuse": "(param i32)",
}
"""Their core types, as `wat.caller` takes them."""
DROPS = ("thing", "other")
TEXT = "héllo"
WIDE_TEXT = "h\u20acllo \U0001f600"


class Thing(Resource):
    """Counts how often it was dropped."""

    def __init__(self) -> None:
        self.drops = 0

    def drop(self) -> None:
        self.drops += 1


class Other(Thing):
    """Of another type."""


class State:
    """What has happened in one guest's life."""

    def __init__(self, *, waits: bool = False) -> None:
        self.waits = waits
        """Whether functions answer after a wait."""
        self.seen: list[Any] = []
        """(function, what it got), things by their numbers."""
        self.things: list[Thing] = []
        """All that were ever made."""

    def make(self, kind: type[Thing]) -> Thing:
        self.things.append(kind())
        return self.things[-1]

    def plain(self, value: Any) -> Any:
        """With numbers for the things in it, to compare."""
        match value:
            case Thing():
                return f"thing {self.things.index(value)}"
            case tuple() | list():
                return [self.plain(item) for item in value]
            case Ok() | Err():
                return type(value).__name__, self.plain(value.value)
        return value

    def drops(self) -> list[int]:
        """How often each thing was dropped, in the order of their making."""
        return [thing.drops for thing in self.things]


def eat(value: Any) -> None:
    """What is given away is the host's, which drops it."""
    for thing in value if isinstance(value, list) else [value]:
        if isinstance(thing, Thing):
            thing.drop()


ANSWERS: dict[str, Callable[..., Any]] = {
    "give": lambda _state: bytes(range(100)),
    "give-text": lambda _state: TEXT,
    "give-wide-text": lambda _state: WIDE_TEXT,
    "give-texts": lambda _state: [TEXT, "", WIDE_TEXT],
    "give-pair": lambda _state: (7, 2**63),
    "give-longs": lambda _state: [1, 2**63],
    "make": lambda state: state.make(Thing),
    "make-other": lambda state: state.make(Other),
    "make-all": lambda state: [state.make(Thing) for _ in range(3)],
    "eat": lambda _state, x: eat(x),
    "eat-all": lambda _state, x: eat(x),
    "eat-two": lambda _state, x, y: eat([x, y]),
    "eat-and-pick": lambda _state, x, _y: eat(x),
    "lend-and-eat": lambda _state, _x, y: eat(y),
}


def _try_make(state: State, good: bool) -> Any:
    if not good:
        raise WitError("no")
    return state.make(Thing)


def _eat_and_make(state: State, x: Thing) -> Any:
    eat(x)
    return 5, state.make(Thing)


def _refuse(_state: State, x: Thing) -> Any:
    eat(x)
    raise GuestTrap("refused")


ANSWERS |= {"try-make": _try_make, "eat-and-make": _eat_and_make, "refuse": _refuse}


def host(*, instant: bool = False) -> HostInterface:
    """The interface; its functions note in the guest's State what they get. They may all be instant."""
    interface = HostInterface("test:host/calls")

    def define(name: str) -> None:
        answer = ANSWERS.get(name, lambda *_: None)

        def call(state: State, *arguments: Any) -> Any:
            state.seen.append((name, state.plain(arguments)))
            return answer(state, *arguments)

        async def later(state: State, *arguments: Any) -> Any:
            await trio.lowlevel.checkpoint()
            return call(state, *arguments)

        def either(state: State, *arguments: Any) -> Any:
            return Wait(later, state, *arguments) if state.waits else call(state, *arguments)

        interface.function(name, instant=instant)(either)

    for name in FUNCTIONS:
        define(name)
    interface.resource("thing", Thing)
    interface.resource("other", Other)
    return interface
