"""WIT types as plain data: what a component says about its imports and exports, and what WASI says about itself.

A primitive is its name (`"u32"`, `"string"`); every other type is a tuple that begins with its constructor:

    ("list", element)                        ("tuple", (type, ...))
    ("option", payload)                      ("record", ((field, type), ...))
    ("result", ok or None, err or None)      ("variant", ((case, payload or None), ...))
    ("flags", (name, ...))                   ("enum", (name, ...))
    ("own", resource)                        ("borrow", resource)

A resource is a string for one of the host's (`"wasi:io/streams#input-stream"`, without a version: every 0.2.x is the same
resource to the host), and a number for one that the component defines itself (an index into `Plan.resources`). Equal types are
equal data, so they are compared with `==`, and are keys of caches.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

Resource: TypeAlias = str | int
Type: TypeAlias = "str | tuple[object, ...]"

PRIMITIVES: Final = frozenset(
    ("bool", "u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "char", "string")
)

MAX_TYPE_NODES: Final = 4096
"""The largest type of WASI 0.2, http's error-code, has some 120. Without a bound a few bytes could stand for a type whose
every walk takes for ever (a tuple of two tuples of two tuples ...)."""

MAX_TYPE_DEPTH: Final = 64
"""Types within one another: that same one is 5 deep."""

MAX_FLAGS: Final = 32
"""32 flags are one core value; the component model refuses more."""

MAX_FLAT_PARAMS: Final = 16
"""Canonical ABI: so many parameters are core values; more go through memory."""

MAX_FLAT_RESULTS: Final = 1
"""The same of results."""


class FuncType(NamedTuple):
    """The type of a component-level function."""

    params: tuple[tuple[str, Type], ...]
    result: Type | None


class InterfaceType(NamedTuple):
    """What an instance has, by name: of an import all that the component declares, of WASI all there is."""

    functions: dict[str, FuncType]
    types: dict[str, Type]
    """Named types, those of other interfaces too that `use` brings in."""
    resources: dict[str, Resource]
    """Named resource types, in the same way."""
