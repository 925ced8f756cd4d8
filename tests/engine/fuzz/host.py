"""The host functions of a fuzzing guest, for either engine: they note what they get, and answer from the run's seed."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from runtime.engine import Err, HostInterface, Ok, Resource, Wait, WitError
from runtime.engine.abi.layout import cases, fields, holds
from tests.engine.fuzz.guest import CALLS, EVIL, PACE, SEED
from tests.engine.fuzz.shapes import INTERFACE, RESOURCES, resource_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime.engine.component.types import Type
    from tests.engine.fuzz.shapes import Function

FUNCTIONS: Final = tuple(f"f{n}" for n in range(12))
"""Two of them instant, three with views, three that may wait: `interface`."""
_INSTANT, _VIEWS, _WAITING = FUNCTIONS[:2], FUNCTIONS[2:5], FUNCTIONS[5:8]
_WAITS: Final = 16  # one call in so many of a function that may
_ANSWERS: Final = 16
"""Different answers of a function; those with resources are made anew."""
_MOST_ITEMS: Final = 40
_MOST_LISTS: Final = 3
"""Within each other, before they become shorter."""
_MOST_CHARACTERS: Final = 300
_EDGES: Final = "\0\x7f\x80\xff\u0100\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"
_BITS: Final = {"u8": 8, "s8": 8, "u16": 16, "s16": 16, "u32": 32, "s32": 32, "u64": 64, "s64": 64}


class Thing(Resource):
    """A resource that tells how often it was dropped."""

    def __init__(self, run: Run, number: int) -> None:
        self._run = run
        self._number = number

    def drop(self) -> None:
        """See Resource."""
        self._run.dropped.append(self._number)

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._number}"


class Ra(Thing):
    """One resource."""


class Rb(Thing):
    """And another."""


_CLASSES: Final[dict[str, type[Thing]]] = dict(zip(RESOURCES, (Ra, Rb), strict=True))


class Answers:
    """What the functions of one component answer, made once for all its runs."""

    def __init__(self, functions: Sequence[Function], seed: int) -> None:
        self.made: dict[str, list[Any] | None] = {}
        self.types = {f.name: f.type.result for f in functions}
        self.plainers = {f.name: _plainer(("tuple", tuple(t for _, t in f.type.params))) for f in functions}
        random = Random(seed)  # noqa: S311 - seeded on purpose
        for name, t in self.types.items():
            fresh = holds(t, "own")
            self.made[name] = None if fresh else [_value(t, random, None) for _ in range(_ANSWERS)]


class Run:
    """One guest's run on one engine: what it is told, and what it does."""

    def __init__(
        self, answers: Answers, seed: int, calls: int, evil: int, *, pace: int, waits: bool, notes: bool
    ) -> None:
        self.settings = {SEED: seed, CALLS: calls, EVIL: evil, PACE: pace}
        self.calls = 0
        self.digest = 0
        """Of all calls and their arguments, in order."""
        self.notes: list[str] | None = [] if notes else None
        """The same, to be read."""
        self.made = 0
        self.dropped: list[int] = []
        self._answers = answers
        self._random = Random(seed)  # noqa: S311 - seeded on purpose
        self._waits = waits

    def make(self, resource: str) -> Thing:
        """A new resource."""
        self.made += 1
        return _CLASSES[resource](self, self.made)

    def note(self, name: str, arguments: Any) -> None:
        """A call has come."""
        self.calls += 1
        said = f"{name}{arguments}"
        self.digest = crc32(said.encode(), self.digest)
        if self.notes is not None:
            self.notes.append(said)

    def answer(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """As a host function does. Raises WitError."""
        plainer = self._answers.plainers[name]
        self.note(name, arguments if plainer is None else plainer(arguments))
        made, t = self._answers.made[name], self._answers.types[name]
        value = _value(t, self._random, self) if made is None else made[self._random.randrange(_ANSWERS)]
        if t is None or t[0] != "result":
            return self._later(name, value)
        if isinstance(value, Ok):
            return self._later(name, value.value)
        raise WitError(value.value)

    def _later(self, name: str, value: Any) -> Any:
        return Wait(_later, value) if self._waits and name in _WAITING and self.calls % _WAITS == 0 else value


async def _later(value: Any) -> Any:
    return value


def interface() -> HostInterface:
    """What all fuzzing guests import; a Run is the state."""
    made = HostInterface(INTERFACE)
    for name, resource_class in _CLASSES.items():
        made.resource(name, resource_class)
        made.function(f"make-{name}")(_maker(name))
    for name in FUNCTIONS:
        made.function(name, instant=name in _INSTANT, views=name in _VIEWS)(_function(name))
    made.function("setting", instant=True)(lambda run, which: run.settings[which])
    made.function("check")(lambda run, value: run.note("check", value))
    return made


def _maker(resource: str) -> Callable[[Run], Thing]:
    return lambda run: run.make(resource)


def _function(name: str) -> Callable[..., Any]:
    return lambda run, *arguments: run.answer(name, arguments)


def _plainer(t: Any) -> Callable[[Any], Any] | None:  # noqa: C901 - a case for each kind of type
    """What makes a value such that equal ones are written alike: views are copied, flags sorted. None where they are."""
    if isinstance(t, str):
        return None
    match t[0]:
        case "flags":
            return sorted
        case "list" if t[1] == "u8":
            return bytes
        case "list":
            one = _plainer(t[1])
            return None if one is None else lambda value: [one(item) for item in value]
        case "option":
            some = _plainer(t[1])
            return None if some is None else lambda value: None if value is None else some(value)
        case "record" | "tuple":
            parts = [_plainer(field) for field in fields(t)]
            if not any(parts):
                return None
            return lambda value: tuple([v if part is None else part(v) for part, v in zip(parts, value, strict=True)])
        case "result":
            ok, err = _plainer(t[1] or "u8"), _plainer(t[2] or "u8")
            if ok is None and err is None:
                return None
            return lambda value: (type(value).__name__, _apply(ok if isinstance(value, Ok) else err, value.value))
        case "variant":
            payloads = {name: payload and _plainer(payload) for name, payload in cases(t)}
            return lambda value: (value[0], _apply(payloads[value[0]], value[1])) if any(payloads.values()) else value
    return None


def _apply(plainer: Callable[[Any], Any] | None, value: Any) -> Any:
    return value if plainer is None else plainer(value)


def _value(t: Any, random: Random, run: Run | None, depth: int = 0) -> Any:  # noqa: C901 - as above
    """A random value of a type."""
    if t is None:
        return None
    if isinstance(t, str):
        return _primitive(t, random)
    match t[0]:
        case "own":
            assert run is not None
            return run.make(resource_of(t))
        case "list":
            few = 4 if depth < _MOST_LISTS else 2
            count = random.randrange(few) if depth or random.random() < 0.9 else random.randrange(_MOST_ITEMS)
            items = [_value(t[1], random, run, depth + 1) for _ in range(count)]
            return bytes(items) if t[1] == "u8" else items
        case "option":
            return _value(t[1], random, run, depth) if random.random() < 0.7 else None
        case "record" | "tuple":
            return tuple(_value(field, random, run, depth) for field in fields(t))
        case "flags":
            return frozenset(name for name in t[1] if random.random() < 0.5)
        case "enum":
            return random.choice(t[1])
        case "result":
            if random.random() < 0.6:
                return Ok(_value(t[1], random, run, depth))
            return Err(_value(t[2], random, run, depth))
    name, payload = random.choice(cases(t))
    return name if payload is None else (name, _value(payload, random, run, depth))


def _primitive(t: Type, random: Random) -> Any:
    match t:
        case "bool":
            return random.random() < 0.5
        case "f32" | "f64":
            return random.choice((0.0, -0.0, 1.5, -(2.0**-20), float("inf"), float("-inf"), float("nan")))
        case "char":
            return _character(random)
        case "string":
            count = random.randrange(8) if random.random() < 0.9 else random.randrange(_MOST_CHARACTERS)
            narrow = random.random() < 0.3
            return "".join(chr(random.randrange(256)) if narrow else _character(random) for _ in range(count))
    bits = _BITS[str(t)]
    low = -(1 << (bits - 1)) if str(t)[0] == "s" else 0
    high = low + (1 << bits) - 1
    return random.choice((low, high, 0, random.randint(low, high)))


def _character(random: Random) -> str:
    if random.random() < 0.3:
        return random.choice(_EDGES)
    code = random.choice((random.randrange(128), random.randrange(0xD800), random.randrange(0x110000)))
    return chr(code) if not 0xD800 <= code < 0xE000 else "a"
