"""
What the generators of the clients share: the OpenRPC document, and how a method of the API becomes one of a client.

What the API requires goes by position, in the document's order; what it leaves open goes by name. The document decides all
of it, so that a method which the daemon learns is in all clients after one run of the generators.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from toolchain import ROOT

from runtime.api.openrpc import openrpc_document

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

REFERENCE: Final = "#/components/schemas/"
BYTES: Final = "Bytes"

ALTERNATIVES: Final = ("command", "argv")
"""Params of which one is expected, and which the schema can only call optional: they share one position."""

Schema = dict[str, Any]

DOCUMENT: Final[Schema] = openrpc_document("0")
"""Of the version only the info depends, which is not used."""

METHODS: Final[list[Schema]] = DOCUMENT["methods"]
COMPONENTS: Final[dict[str, Schema]] = DOCUMENT["components"]["schemas"]


class Shape(NamedTuple):
    """The params of a method of the VM handle, without `vm`: each as the document has it."""

    alternatives: list[Schema]
    """Params that share the first position."""
    positional: list[Schema]
    optional: list[Schema]
    nested: Schema | None
    """The param `options`, where the method has no other optional ones."""


def shape(method: Schema, positional: Collection[str] = ()) -> Shape:
    """Sort the params of a method; the optional ones named in `positional` go by position as well."""
    params: dict[str, Schema] = {param["name"]: param for param in method["params"] if param["name"] != "vm"}
    alternatives = [params.pop(name) for name in ALTERNATIVES] if params.keys() >= set(ALTERNATIVES) else []
    others = any(not param["required"] for name, param in params.items() if name != "options")
    nested = None if others else params.pop("options", None)
    first = [param for name, param in params.items() if param["required"] or name in positional]
    return Shape(alternatives, first, [param for param in params.values() if param not in first], nested)


def requires_vm(method: Schema) -> bool:
    """Whether a method is one of a VM."""
    return any(param["name"] == "vm" and param["required"] for param in method["params"])


def given(schema: Schema) -> Schema:
    """What a caller gives for an optional member: leaving it out says what null would, if null is the default."""
    if schema.get("default", ...) is not None:
        return schema
    rest = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    return {"anyOf": rest} if rest else schema


def described(schema: Schema) -> str:
    """The description of a member: its own, or that of the one thing it may be besides null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    inner = kinds[0].get("description", "") if len(kinds) == 1 else ""
    return str(schema.get("description", inner))


def error_names(method: Schema) -> str:
    """The names of the errors that are particular to a method."""
    return ", ".join(f"`{error['data']['code']}`" for error in method["errors"])


def references(schema: Any) -> Iterator[str]:
    """The names of the components that a schema mentions itself."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield str(schema["$ref"]).removeprefix(REFERENCE)
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def reachable(schema: Any) -> set[str]:
    """The names of all components that something of this schema can hold."""
    found: set[str] = set()
    waiting = list(references(schema))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += references(COMPONENTS[name])
    return found


def run(script: str, usage: str | None, files: dict[Path, Callable[[], str]]) -> int:
    """Write the files, or with `--check` fail when one is stale; the exit code of the script."""
    arguments = sys.argv[1:]
    if arguments not in ([], ["--check"]):
        print(usage)
        return 2
    code = 0
    for path, generate in files.items():
        wanted = generate()
        if path.exists() and path.read_text("utf-8") == wanted:
            continue
        if arguments:
            print(f"{path.relative_to(ROOT)} is stale: run python build/{script}", file=sys.stderr)
            code = 1
        else:
            path.write_text(wanted, "utf-8")
    return code
