"""The types of the Python clients: how a schema, a record or a docstring is written in Python."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import textwrap
from typing import TYPE_CHECKING, Final

from client_methods import BYTES, COMPONENTS, METHODS, REFERENCE, Schema, described, reachable

import runtime.api

if TYPE_CHECKING:
    from collections.abc import Iterable

SCALARS: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
WIDTH: Final = 112

RECORDS: Final = {
    *("PromptResult", "SessionInfo", "SessionForked", "SessionRow", "SessionEvent", "Settings"),
    *("FileStat", "FileRead", "FileError", "FileWritten", "DirEntry", "TreeEntry", "FilesDiff", "Snapshot"),
    *("ProcessResult", "ProcessInfo"),
}
"""Results with attributes; all others are objects in the API's own form, typed dicts."""

AS_IT_CAME: Final = {"SessionRow"}
"""Those of them that are not the API's own: usage is as it came."""


NAMES: Final = (
    {method["name"] for method in METHODS}
    | {
        name
        for method in METHODS
        for component in reachable(method["params"])
        for name in [*(param["name"] for param in method["params"]), *COMPONENTS[component].get("properties", ())]
    }
    | {"exitCode"}
)
"""What is called otherwise in Python: methods, params, options, and what is told of processes."""


def snake(name: str) -> str:
    """A name of the API in Python's form."""
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name.rpartition(".")[2])


def type_of(schema: Schema) -> str:
    """The Python type of what a schema admits."""
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(REFERENCE)
        return "bytes" if name == BYTES else name
    if "enum" in schema or "const" in schema:
        values = schema.get("enum") or [schema["const"]]
        return f"Literal[{', '.join(map(json.dumps, values))}]"
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(map(type_of, schema["anyOf"])))
    match schema.get("type"):
        case "array":
            return f"list[{type_of(schema.get('items') or {})}]"
        case "object":
            values = schema.get("additionalProperties")
            return f"dict[str, {type_of(values) if isinstance(values, dict) else 'Any'}]"
        case None:
            return "Any"
        case kind:
            return SCALARS[kind]


def docstring(text: str, notes: Iterable[tuple[str, str]] = (), errors: str = "") -> str:
    """A docstring, with what there is to say of the arguments, and the names of errors."""
    lines = wrapped(text)
    described_notes = [(name, note) for name, note in notes if note]
    if described_notes:
        lines += ["", "Args:"]
        for name, note in described_notes:
            lines += wrapped(f"{name}: {note}", "    ", "        ")
    if errors:
        lines += ["", "Raises:", *wrapped(f"RpcError: {errors}.", "    ", "        ")]
    if len(lines) == 1 and len(lines[0]) < WIDTH - 6:
        return f'"""{lines[0]}"""'
    return "\n".join([f'"""{lines[0]}', *lines[1:], '"""'])


def prose(text: str, *, names: bool = True) -> str:
    """A text of the API for readers of Python: None is null, bytes are bytes, and with `names` those are Python's."""
    text = re.sub(r"\bnull\b", "None", text.replace(" as `{base64}`", ""))
    return (
        re.sub(r"`(\w+)`", lambda found: f"`{snake(found[1])}`" if found[1] in NAMES else found[0], text)
        if names
        else text
    )


def wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    """Lines of prose."""
    return textwrap.wrap(
        text,
        WIDTH - 8,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def own_record(name: str) -> bool:
    """Whether a record with attributes is the client's own, because bytes are bytes in it."""
    return name in AS_IT_CAME or BYTES in reachable(COMPONENTS[name])


def record(name: str) -> str:
    """A record with attributes in the client's own form."""
    schema = COMPONENTS[name]
    members = []
    for key, member in schema["properties"].items():
        default = "" if key in schema["required"] else f" = {member['default']!r}"
        members.append(f"{snake(key)}: {type_of(member)}{default}\n{docstring(prose(described(member)))}")
    text = textwrap.indent("\n".join([docstring(prose(schema["description"])) + "\n", *members]), "    ")
    return f'class {name}(Struct, frozen=True, kw_only=True, rename="camel"):\n{text}\n'


def typed_dict(name: str) -> str:
    """An object in the API's own form."""
    schema = COMPONENTS[name]
    members = []
    for key, member in schema["properties"].items():
        kind = type_of(member)
        required = key in schema.get("required", ())
        members.append(
            f"{key}: {kind if required else f'NotRequired[{kind}]'}\n{docstring(prose(described(member), names=False))}"
        )
    text = textwrap.indent("\n".join([docstring(prose(schema["description"], names=False)) + "\n", *members]), "    ")
    return f"class {name}(TypedDict):\n{text}\n"


def modules() -> dict[str, str]:
    """The name of each record of the API -> its module."""
    found: dict[str, str] = {}
    for info in pkgutil.iter_modules(runtime.api.__path__):
        module = f"runtime.api.{info.name}"
        found |= {
            name: module
            for name, value in vars(importlib.import_module(module)).items()
            if isinstance(value, type) and value.__module__ == module
        }
    return found


def names_in(text: str) -> set[str]:
    """The names that a piece of Python uses, its docstrings apart."""
    return set(re.findall(r"\w+", re.sub(r'""".*?"""', "", text, flags=re.DOTALL)))
