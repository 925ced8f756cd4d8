"""What a component says about its imports, held against what WASI says.

The linker converts values as the component's types say. A component that is wrong about them would have host functions called
with values that they never expect (`set-size` with a float), so all that it says is compared, to the last field.

Types are plain data, so `==` decides. It stops where the shapes part, so its cost is bounded by WASI's types and not by the
component's; the same holds for the walk that finds what to say about a difference.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runtime.engine.component.types import FuncType, InterfaceType, Resource

MAX_DIFFERENCES: Final = 5
"""One wrong type makes every function wrong that has it: the first few tell what it is."""

MAX_TEXT: Final = 80
"""Names of the component go into messages; the longest of WASI's, a resource with its interface, has 50 characters."""

MAX_DEPTH: Final = 3
"""As deep as a type is written out: `result<list<u8>, a variant>`. What lies deeper is found by the walk, not by the reader."""

MAX_ITEMS: Final = 4
"""Parts of a type that are written out, at each depth: the first few tell which type it is."""


def differences(imports: Mapping[str, InterfaceType], known: Mapping[str, InterfaceType]) -> list[str]:
    """What is wrong with a component's imports, a line for each function, type or resource; empty if nothing is.

    `imports` are by their names with or without a version, `known` by those without. What `known` does not have, an
    interface or something in one, is not compared: the linker reports it as missing. There are at most `MAX_DIFFERENCES`
    lines, and one that says how many more there would be.
    """
    found: dict[str, None] = {}  # each once: two versions of an interface may be wrong in the same way
    for versioned, imported in imports.items():
        name = versioned.partition("@")[0]
        if name in known:
            found |= dict.fromkeys(f"{name}#{text}" for text in _in_interface(imported, known[name]))
    lines = list(islice(found, MAX_DIFFERENCES))
    if more := len(found) - len(lines):
        lines.append(f"and {more} more {'difference' if more == 1 else 'differences'}")
    return lines


def _in_interface(imported: InterfaceType, known: InterfaceType) -> Iterator[str]:
    for name, resource in imported.resources.items():
        if name in known.types:
            yield f"{name}: type is a resource, WASI says {describe(known.types[name])}"
        elif name in known.resources and resource != known.resources[name]:
            yield f"{name}: resource is {_describe_resource(resource)}, WASI says {known.resources[name]}"
    for name, value in imported.types.items():
        if name in known.resources:
            yield f"{name}: type is {describe(value)}, WASI says a resource"
        elif name in known.types and value != known.types[name]:
            yield f"{name}: {_in_type('type', value, known.types[name])}"
    for name, function in imported.functions.items():
        if name in known.functions and function != known.functions[name]:
            yield f"{name}: {_in_function(function, known.functions[name])}"


def _in_function(function: FuncType, known: FuncType) -> str:
    if function.params != known.params:
        return _in_members("", "parameter", function.params, known.params)
    return _in_type("result", function.result, known.result)


def _in_type(place: str, value: Any, known: Any) -> str:
    """The first difference of two types (None: there is none) that are not equal; `place` is the way to them.

    `Any`, since `Type` says no more of a tuple than that it holds objects.
    """
    if isinstance(value, tuple) and isinstance(known, tuple) and value[0] == known[0]:
        match known[0]:
            case "record":
                return _in_members(place, "field", value[1], known[1])
            case "variant":
                return _in_members(place, "case", value[1], known[1])
            case "enum":
                return _in_names(place, "case", value[1], known[1])
            case "flags":
                return _in_names(place, "flag", value[1], known[1])
            case "tuple" if len(value[1]) == len(known[1]):
                index = _first_difference(value[1], known[1])
                return _in_type(f"{place}, item {index + 1}", value[1][index], known[1][index])
            case "list":
                return _in_type(f"{place}, element", value[1], known[1])
            case "option":
                return _in_type(f"{place}, value", value[1], known[1])
            case "result":
                index = _first_difference(value, known)
                return _in_type(f"{place}, case {('ok', 'err')[index - 1]}", value[index], known[index])
    return f"{place} is {describe(value)}, WASI says {describe(known)}"


def _in_members(place: str, word: str, members: Sequence[Any], known: Sequence[Any]) -> str:
    """As `_in_type`, of (name, type) pairs; `word` is what one of them is called."""
    names, known_names = [name for name, _ in members], [name for name, _ in known]
    if names != known_names:
        return _in_names(place, word, names, known_names)
    index = _first_difference(members, known)
    return _in_type(_join(place, f"{word} {names[index]}"), members[index][1], known[index][1])


def _in_names(place: str, word: str, names: Sequence[str], known: Sequence[str]) -> str:
    if len(names) != len(known):
        return f"{_join(place, f'number of {word}s')} is {len(names)}, WASI says {len(known)}"
    index = _first_difference(names, known)
    return f"{_join(place, f'name of {word} {index + 1}')} is {_cut(names[index])}, WASI says {known[index]}"


def _first_difference(values: Sequence[object], known: Sequence[object]) -> int:
    return next(index for index, pair in enumerate(zip(values, known, strict=True)) if pair[0] != pair[1])


def _join(place: str, step: str) -> str:
    return f"{place}, {step}" if place else step


def describe(value: Any) -> str:
    """A type for messages, in WIT's words where it has some and no longer than `MAX_TEXT`; None is "nothing"."""
    return _cut(_describe(value, MAX_DEPTH))


def _describe(value: Any, depth: int) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return value
    match value[0]:
        case "record" | "variant":
            return f"a {value[0]}"
        case "enum":
            return "an enum"
        case "flags":
            return "flags"
        case "own" | "borrow":
            return f"{value[0]}<{_describe_resource(value[1])}>"
    if depth == 0:
        return "..."
    items = value[1] if value[0] == "tuple" else value[1:]
    texts = ["_" if item is None else _describe(item, depth - 1) for item in items[:MAX_ITEMS]]
    return f"{value[0]}<{', '.join([*texts, '...'] if len(items) > MAX_ITEMS else texts)}>"


def _describe_resource(resource: Resource) -> str:
    return "a resource of its own" if isinstance(resource, int) else _cut(resource)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."
