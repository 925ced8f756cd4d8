"""The reference of the session API, from the same OpenRPC document that `rpc.discover` returns."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

from runtime.api.errors import RETRYABLE, ErrorCode
from runtime.api.methods import GROUPS, METHODS
from runtime.api.openrpc import NOTHING, openrpc_document

REFERENCE: Final = "#/components/schemas/"
BOUNDS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "maxProperties": "at most {} members",
}
EVERYDAY: Final = {("minLength", 1), ("minimum", -1), ("minimum", 0), ("minItems", 1), ("maximum", 2**53 - 1)}
"""Bounds that the description says, or that nobody would miss."""

VM_NAMES: Final = {"vm", "to"}
"""Members whose description says what they may be, in fewer words than their types."""

Schema = dict[str, Any]


@cache
def document() -> dict[str, Any]:
    """The document; not to be changed."""
    return openrpc_document("0")  # of the version only the info depends, which is not shown


def methods() -> str:
    """Every method, as Markdown."""
    told = {method["name"]: method for method in document()["methods"]}
    return "\n".join(
        part
        for heading, group in GROUPS.items()
        for part in (f"## {heading}\n", *(_method(told[method.name]) for method in group))
    )


def _method(method: dict[str, Any]) -> str:
    name = method["name"]
    text = f"### `{name}` {{ #{anchor(name)} }}\n\n{method['summary']}\n"
    if method["params"]:
        text += "\n| param | type | |\n| --- | --- | --- |\n"
        text += "".join(_row(p["name"], p["schema"], p["required"]) for p in method["params"])
    else:
        text += "\nNo params.\n"
    result = method["result"]
    described = result.get("description", "")
    kind = "" if described == NOTHING else type_of(result["schema"])
    text += f"\nResult: {': '.join(filter(None, [kind, lower(described)]))}\n"
    if method["errors"]:
        codes = (error["data"]["code"] for error in method["errors"])
        text += "\nErrors: " + ", ".join(f"[`{code}`](#error-{code})" for code in codes) + ".\n"
    return text


def lower(text: str) -> str:
    """A sentence that goes on from another one."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def types() -> str:
    """Every record that a method takes within its params, or answers with, as Markdown."""
    components: dict[str, Schema] = document()["components"]["schemas"]
    params = {method.params.__name__ for method in METHODS.values()}
    parts = []
    for name in sorted(components.keys() - params):
        schema = components[name]
        text = f"### `{name}` {{ #type-{name} }}\n\n{schema.get('description', '')}\n"
        if schema.get("properties"):
            required = set(schema.get("required", ()))
            text += "\n| member | type | |\n| --- | --- | --- |\n"
            text += "".join(_row(key, member, key in required) for key, member in schema["properties"].items())
        parts.append(text)
    return "\n".join(parts)


def _row(name: str, schema: Schema, required: bool) -> str:
    said = [schema.get("description", "")]
    if name not in VM_NAMES:
        said += [f"{text[:1].upper()}{text[1:]}." for text in _bounds(schema)]
    if not required and schema.get("default") not in (None, [], {}):
        said.append(f"Default: `{json.dumps(schema['default'])}`.")
    mark = "" if required else "?"
    return f"| `{name}{mark}` | {type_of(schema)} | {escaped(' '.join(filter(None, said)))} |\n"


def _bounds(schema: Schema) -> list[str]:
    """What a value must keep to, its alternatives' and items' bounds included."""
    own = [
        text.format(f"{schema[key]:,}")
        for key, text in BOUNDS.items()
        if key in schema and (key, schema[key]) not in EVERYDAY
    ]
    inner = [each for option in schema.get("anyOf", ()) for each in _bounds(option)]
    items = [f"each {each}" for each in _bounds(schema["items"])] if schema.get("items") else []
    return list(dict.fromkeys([*own, *inner, *items]))


def type_of(schema: Schema) -> str:
    """A type for people, with links to the records."""
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(REFERENCE)
        return f"[{name}](#type-{name})"
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(option) for option in schema["anyOf"]))
    match schema.get("type"):
        case "array":
            return f"list of {type_of(schema.get('items') or {})}"
        case "object":
            values = schema.get("additionalProperties")
            return f"object of {type_of(values)}" if isinstance(values, dict) else "object"
        case None:
            return "any JSON"
        case kind:
            return str(kind)


def errors() -> str:
    """Every application error, as Markdown."""
    rows = (
        f'| <span id="error-{code}">`{code}`</span> | {escaped(code.meaning)} | {"yes" if code in RETRYABLE else ""} |\n'
        for code in ErrorCode
    )
    return "| code | meaning | retryable |\n| --- | --- | --- |\n" + "".join(rows)


def notifications() -> str:
    """Every notification, as Markdown."""
    rows = []
    for each in document()["x-notifications"]:
        params, _, text = each["summary"].rpartition("}: ")
        rows.append(f"| `{each['name']}` | `{params}}}` | {text[:1].upper()}{text[1:]}. |\n")
    return "| notification | params | |\n| --- | --- | --- |\n" + "".join(rows)


def anchor(name: str) -> str:
    """The anchor of a method."""
    return "method-" + name


def escaped(text: str) -> str:
    """Text for a cell of a table."""
    return text.replace("|", "\\|")
