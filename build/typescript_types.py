"""
Writes the TypeScript client's types from the OpenRPC document: clients/typescript/src/generated.ts.

    python build/typescript_types.py [--check]

`--check` writes nothing and fails when the file is stale. Besides the types of all params and results it holds the class
`VmMethods`: one method for each of the API's that takes `vm`. What the API requires goes by position, in the document's
order; what it leaves open goes into a last argument of options, together with what concerns the call itself (`signal`).
"""

from __future__ import annotations

import json
import sys
import textwrap
from typing import Final

from client_methods import (
    ALTERNATIVES,
    BYTES,
    COMPONENTS,
    DOCUMENT,
    METHODS,
    REFERENCE,
    Schema,
    described,
    error_names,
    given,
    reachable,
    requires_vm,
    run,
    shape,
)
from toolchain import ROOT

OUTPUT: Final = ROOT / "clients" / "typescript" / "src" / "generated.ts"
HEADER: Final = """\
// Written by build/typescript_types.py from the daemon's OpenRPC document (`rpc.discover`). Do not edit: run it again.

/** Any JSON object: what an agent says, or what the API leaves open. */
export type JsonObject = { [member: string]: any };

/** What concerns a call itself, and not what is asked. */
export interface CallOptions {
  /** Gives the call up: it rejects with the signal's reason, and the daemon is told. */
  signal?: AbortSignal;
}
"""
SCALARS: Final = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}

BY_HAND: Final = {"subscribe", "serveFiles", "vm.getOrCreate", "vm.import", "respondPermission"}
"""Methods of a VM that are not methods of the handle as they stand: some make the handle, src/vm.ts has others, and some
are a connection's."""

POSITIONAL: Final = {"params", "signal"}
"""Optional params that go by position: one reads better so, the other's name is that of a call's own option."""

DOC_WIDTH: Final = 112


def type_of(schema: Schema) -> str:
    """The TypeScript type of what a schema admits."""
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(REFERENCE)
        return "Uint8Array" if name == BYTES else name
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_of(option) for option in schema["anyOf"]))
    match schema.get("type"):
        case "array":
            if "prefixItems" in schema:
                return f"[{', '.join(type_of(item) for item in schema['prefixItems'])}]"
            item = type_of(schema.get("items") or {})
            return f"({item})[]" if " " in item else f"{item}[]"
        case "object":
            values = schema.get("additionalProperties")
            return f"Record<string, {type_of(values)}>" if isinstance(values, dict) else "JsonObject"
        case list() as kinds:
            return " | ".join(SCALARS[kind] for kind in kinds)
        case None:
            return "unknown"
        case kind:
            return SCALARS[kind]


def given_type(schema: Schema) -> str:
    """The type of an optional member that a caller gives."""
    return type_of(given(schema))


def doc(text: str, indent: str = "") -> str:
    """A documentation comment, or nothing without a text."""
    if not text:
        return ""
    text = text.replace("*/", "* /")
    if len(text) + len(indent) + 7 <= DOC_WIDTH:
        return f"{indent}/** {text} */\n"
    lines = textwrap.wrap(text, DOC_WIDTH - len(indent) - 3, break_long_words=False, break_on_hyphens=False)
    return f"{indent}/**\n" + "".join(f"{indent} * {line}\n" for line in lines) + f"{indent} */\n"


def interface(name: str, schema: Schema) -> str:
    """A component as a TypeScript interface, or as a type where it is no record."""
    text = doc(schema.get("description", ""))
    if schema.get("type") != "object" or "properties" not in schema:
        return f"{text}export type {name} = {type_of(schema)};\n"
    is_given = (
        schema.get("additionalProperties") is False
    )  # what the daemon reads refuses unknown members, see names.py
    members = [
        doc(described(member), "  ")
        + f"  {_member(key, member, key in schema.get('required', ()), is_given=is_given)};\n"
        for key, member in schema["properties"].items()
    ]
    return f"{text}export interface {name} {{\n{''.join(members)}}}\n"


def _member(name: str, schema: Schema, required: bool, *, is_given: bool) -> str:
    if required:
        return f"{name}: {type_of(schema)}"
    return f"{name}?: {given_type(schema) if is_given else type_of(schema)}"


def method_entry(method: Schema) -> str:
    """A method's line in the interface `Methods`."""
    params = "; ".join(_member(p["name"], p["schema"], p["required"], is_given=True) for p in method["params"])
    shape = f"{{ {params} }}" if params else "{}"
    return f"  {json.dumps(method['name'])}: {{ params: {shape}; result: {type_of(method['result']['schema'])} }};\n"


def handle_method(method: Schema) -> str:
    """A method of the VM handle."""
    name = method["name"].removeprefix("vm.")
    params = shape(method, POSITIONAL)
    positional: list[str] = []
    members: list[str] = []
    if params.alternatives:
        single, many = ALTERNATIVES
        positional.append(f"{single}: {' | '.join(given_type(param['schema']) for param in params.alternatives)}")
        members.append(f"...(typeof {single} === 'string' ? {{ {single} }} : {{ {many}: {single} }})")
    for param in params.positional:
        positional.append(_member(param["name"], param["schema"], param["required"], is_given=True))
        members.append(param["name"])
    if params.nested is not None:
        kind = f"{given_type(params.nested['schema'])} & CallOptions"
        default = "" if params.nested["required"] else " = {}"
    else:
        optional = "; ".join(
            _member(param["name"], param["schema"], required=False, is_given=True) for param in params.optional
        )
        kind = f"{{ {optional} }} & CallOptions" if optional else "CallOptions"
        default = " = {}"
    arguments = ", ".join([*positional, f"options: {kind}{default}"])
    passed = f"{{ {', '.join(members)} }}" if members else "{}"
    call = "invokeWithOptions" if params.nested is not None else "invoke"
    errors = error_names(method)
    text = doc(f"{method['summary']}{f' Errors: {errors}.' if errors else ''}", "  ")
    result = type_of(method["result"]["schema"])
    return (
        f"{text}  {name}({arguments}): Promise<{result}> {{\n"
        f"    return this.{call}({json.dumps(method['name'])}, {passed}, options);\n  }}\n"
    )


def takes_vm(method: Schema) -> bool:
    """Whether a method is one of a VM, and to be generated."""
    return method["name"] not in BY_HAND and (requires_vm(method) or method["name"] == "listAgents")


def generate() -> str:
    """The whole text of generated.ts."""
    used = reachable([[method["params"], method["result"]] for method in METHODS]) - {BYTES}
    with_bytes = [m["name"] for m in METHODS if BYTES in reachable(m["result"])]
    notifications = [each["name"] for each in DOCUMENT["x-notifications"]]
    parts = [
        HEADER,
        *(interface(name, COMPONENTS[name]) for name in sorted(used)),
        "/** Params and result of each method. */\nexport interface Methods {\n"
        + "".join(map(method_entry, METHODS))
        + "}\n",
        "/** Every method of the API. */\nexport type MethodName = keyof Methods;\n",
        "/** What a subscription may send. */\nexport type NotificationName =\n"
        + "".join(f"  | {json.dumps(name)}\n" for name in notifications).rstrip()
        + ";\n",
        "/** Methods whose results hold bytes. */\nexport const METHODS_WITH_BYTES: ReadonlySet<string> = new Set("
        + json.dumps(with_bytes)
        + ");\n",
        "/** The API's methods on one VM; `Vm` is what users hold. */\nexport abstract class VmMethods {\n"
        "  protected abstract invoke<M extends MethodName>(\n"
        '    method: M, params: object, options: CallOptions): Promise<Methods[M]["result"]>;\n\n'
        "  protected abstract invokeWithOptions<M extends MethodName>(\n"
        '    method: M, params: object, options: CallOptions): Promise<Methods[M]["result"]>;\n\n'
        + "\n".join(handle_method(method) for method in METHODS if takes_vm(method))
        + "}\n",
    ]
    return "\n".join(parts)


def main() -> int:
    """Run the command line; the exit code."""
    return run("typescript_types.py", __doc__, {OUTPUT: generate})


if __name__ == "__main__":
    sys.exit(main())
