"""
Writes the TypeScript client's types from the OpenRPC document: clients/typescript/src/generated.ts.

    python build/typescript_types.py [--check]

`--check` writes nothing and fails when the file is stale. Besides the types of all params and results it holds the class
`VmMethods`: one method for each of the API's that takes `vm`. What the API requires goes by position, in the document's
order; what it leaves open goes into a last argument of options, together with what concerns the call itself (`signal`).
The document decides all of it, so that a method which the daemon learns is in the client after one run of this.
"""

from __future__ import annotations

import json
import sys
import textwrap
from typing import TYPE_CHECKING, Any, Final

from toolchain import ROOT

from runtime.api.openrpc import openrpc_document

if TYPE_CHECKING:
    from collections.abc import Iterator

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
REFERENCE: Final = "#/components/schemas/"
BYTES: Final = "Bytes"
SCALARS: Final = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
# Methods of a VM that are not methods of the handle as they stand: the handle is made by the one, and src/vm.ts has the other.
BY_HAND: Final = {"subscribe", "vm.getOrCreate", "vm.import", "respondPermission"}
# Params of which one is expected, and which the schema can only call optional: they share one position.
ALTERNATIVES: Final = (("command", "argv"),)
# Optional params that go by position: one reads better so, the other's name is that of a call's own option.
POSITIONAL: Final = {"params", "signal"}
DOC_WIDTH: Final = 112

Schema = dict[str, Any]


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
    """The type of an optional member that a caller gives: leaving it out says what null would, if null is the default."""
    if schema.get("default", ...) is not None:
        return type_of(schema)
    kinds = schema.get("anyOf", [])
    rest = [kind for kind in kinds if kind.get("type") != "null"]
    return type_of({"anyOf": rest} if rest else schema)


def doc(text: str, indent: str = "") -> str:
    """A documentation comment, or nothing without a text."""
    if not text:
        return ""
    text = text.replace("*/", "* /")
    if len(text) + len(indent) + 7 <= DOC_WIDTH:
        return f"{indent}/** {text} */\n"
    lines = textwrap.wrap(text, DOC_WIDTH - len(indent) - 3, break_long_words=False, break_on_hyphens=False)
    return f"{indent}/**\n" + "".join(f"{indent} * {line}\n" for line in lines) + f"{indent} */\n"


def described(schema: Schema) -> str:
    """The description of a member: its own, or that of the one thing it may be besides null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    inner = kinds[0].get("description", "") if len(kinds) == 1 else ""
    return str(schema.get("description", inner))


def interface(name: str, schema: Schema) -> str:
    """A component as a TypeScript interface, or as a type where it is no record."""
    text = doc(schema.get("description", ""))
    if schema.get("type") != "object" or "properties" not in schema:
        return f"{text}export type {name} = {type_of(schema)};\n"
    given = schema.get("additionalProperties") is False  # what the daemon reads refuses unknown members, see names.py
    members = [
        doc(described(member), "  ") + f"  {_member(key, member, key in schema.get('required', ()), given=given)};\n"
        for key, member in schema["properties"].items()
    ]
    return f"{text}export interface {name} {{\n{''.join(members)}}}\n"


def _member(name: str, schema: Schema, required: bool, *, given: bool) -> str:
    if required:
        return f"{name}: {type_of(schema)}"
    return f"{name}?: {given_type(schema) if given else type_of(schema)}"


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


def reachable(schema: Any, components: dict[str, Schema]) -> set[str]:
    """The names of all components that something of this schema can hold."""
    found: set[str] = set()
    waiting = list(references(schema))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += references(components[name])
    return found


def method_entry(method: Schema) -> str:
    """A method's line in the interface `Methods`."""
    params = "; ".join(_member(p["name"], p["schema"], p["required"], given=True) for p in method["params"])
    shape = f"{{ {params} }}" if params else "{}"
    return f"  {json.dumps(method['name'])}: {{ params: {shape}; result: {type_of(method['result']['schema'])} }};\n"


def handle_method(method: Schema) -> str:
    """A method of the VM handle."""
    name = method["name"].removeprefix("vm.")
    params = {param["name"]: param for param in method["params"] if param["name"] != "vm"}
    positional: list[str] = []
    members: list[str] = []
    for several in ALTERNATIVES:
        if all(key in params for key in several):
            taken = [params.pop(key) for key in several]
            positional.append(f"{several[0]}: {' | '.join(given_type(param['schema']) for param in taken)}")
            single, many = several
            members.append(f"...(typeof {single} === 'string' ? {{ {single} }} : {{ {many}: {single} }})")
    nested = params.pop("options", None) if not _has_other_optional(params) else None
    for key, param in list(params.items()):
        if param["required"] or key in POSITIONAL:
            positional.append(_member(key, param["schema"], param["required"], given=True))
            members.append(key)
            del params[key]
    if nested is not None:
        kind = f"{given_type(nested['schema'])} & CallOptions"
        default = "" if nested["required"] else " = {}"
    else:
        optional = "; ".join(_member(key, param["schema"], required=False, given=True) for key, param in params.items())
        kind = f"{{ {optional} }} & CallOptions" if optional else "CallOptions"
        default = " = {}"
    arguments = ", ".join([*positional, f"options: {kind}{default}"])
    given = f"{{ {', '.join(members)} }}" if members else "{}"
    call = "invokeWithOptions" if nested is not None else "invoke"
    errors = ", ".join(f"`{error['data']['code']}`" for error in method["errors"])
    text = doc(f"{method['summary']}{f' Errors: {errors}.' if errors else ''}", "  ")
    result = type_of(method["result"]["schema"])
    return (
        f"{text}  {name}({arguments}): Promise<{result}> {{\n"
        f"    return this.{call}({json.dumps(method['name'])}, {given}, options);\n  }}\n"
    )


def _has_other_optional(params: dict[str, Schema]) -> bool:
    return any(not param["required"] for name, param in params.items() if name != "options")


def takes_vm(method: Schema) -> bool:
    """Whether a method is one of a VM, and to be generated."""
    return method["name"] not in BY_HAND and any(param["name"] == "vm" for param in method["params"])


def generate() -> str:
    """The whole text of generated.ts."""
    document = openrpc_document("0")  # of the version only the info depends, which is not used
    components: dict[str, Schema] = document["components"]["schemas"]
    methods: list[Schema] = document["methods"]
    used = reachable([[method["params"], method["result"]] for method in methods], components) - {BYTES}
    with_bytes = [m["name"] for m in methods if BYTES in reachable(m["result"], components)]
    notifications = [each["name"] for each in document["x-notifications"]]
    parts = [
        HEADER,
        *(interface(name, components[name]) for name in sorted(used)),
        "/** Params and result of each method. */\nexport interface Methods {\n"
        + "".join(map(method_entry, methods))
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
        + "\n".join(handle_method(method) for method in methods if takes_vm(method))
        + "}\n",
    ]
    return "\n".join(parts)


def main(arguments: list[str]) -> int:
    """Run the command line; the exit code."""
    if arguments not in ([], ["--check"]):
        print(__doc__)
        return 2
    wanted = generate()
    if OUTPUT.exists() and OUTPUT.read_text("utf-8") == wanted:
        return 0
    if arguments:
        print(f"{OUTPUT.relative_to(ROOT)} is stale: run python build/typescript_types.py", file=sys.stderr)
        return 1
    OUTPUT.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
