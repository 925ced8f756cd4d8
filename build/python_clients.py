"""
Writes the methods of the Python clients from the OpenRPC document: runtime/client/generated/.

    python build/python_clients.py [--check]

`--check` writes nothing and fails when a file is stale. `types.py` has the types of results and options, `vm.py` and
`daemon.py` the methods of the asynchronous client, `vm_sync.py` and `daemon_sync.py` those of the synchronous one. What the
API requires goes by position, in the document's order; what it leaves open goes by keyword, and None is the same as nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from client_methods import (
    ALTERNATIVES,
    BYTES,
    COMPONENTS,
    METHODS,
    Schema,
    described,
    error_names,
    given,
    references,
    requires_vm,
    run,
    shape,
)
from python_types import (
    AS_IT_CAME,
    RECORDS,
    docstring,
    modules,
    names_in,
    own_record,
    prose,
    record,
    snake,
    type_of,
    typed_dict,
)
from toolchain import ROOT

from runtime.api.openrpc import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FOLDER: Final = ROOT / "runtime" / "client" / "generated"
HEADER: Final = (
    "Written by build/python_clients.py from the daemon's methods (`runtime.api`). Do not edit: run it again."
)

BY_HAND: Final = {"hello", "vm.getOrCreate", "vm.import"}
"""Methods of a VM or of the daemon that are written by hand."""

SYNC_ONLY: Final = {"subscribe", "unsubscribe", "serveFiles", "respondFile"}
"""Those that only the synchronous client has as they stand."""

OMITTED: Final = {"progressToken"}
"""The asynchronous client does not tell of progress."""

FORMS: Final = {"command_params", "files_to_write", "listed", "mapped", "point", "received", "sent", "some"}
"""What the methods need of `runtime.client.forms`."""

POSITIONAL: Final = {
    "subscribe": {"sessionId"},
    "rawSend": {"params"},
    "respondPermission": {"reply"},
    "snapshot": {"name"},
    "listSnapshots": {"sessionId"},
    "diff": {"to"},
}
"""Optional params that go by position."""

INVOKE: Final = '    """Call a method of the API."""\n    raise NotImplementedError'
RENAMED: Final = {("move", "from"): "source", ("move", "to"): "target", ("diff", "from"): "from_"}


def given_form(schema: Schema) -> tuple[str, str]:
    """How a caller gives a param: its type, and the function of `runtime.client.forms` that makes it ready to send."""
    kind = type_of(schema)
    names = set(references(schema))
    if BYTES in names:
        return kind, "sent"
    if "ForkPoint" in names:
        return f"tuple[str, int] | {kind}", "point"
    if names == {"FileToWrite"}:
        return "Mapping[str, str | bytes]", "files_to_write"
    if kind == "list[str]":
        return "Iterable[str]", "listed"
    if kind.startswith("dict[str, ") and kind != "dict[str, Any]":
        return f"Mapping{kind.removeprefix('dict')}", "mapped"
    return kind, ""


class Arguments:
    """The arguments of a method in Python, and what is sent of them."""

    def __init__(self, method: Schema) -> None:
        self.name = str(method["name"])
        self.positional: list[str] = []
        self.keywords: list[str] = []
        self.notes: list[tuple[str, str]] = []
        params = shape(method, POSITIONAL.get(self.name, ()))
        members = [
            self._add(self.positional, param["name"], param["schema"], param["required"]) for param in params.positional
        ]
        if params.alternatives:
            single, many = ALTERNATIVES
            self.positional.insert(0, f"{single}: str | Iterable[str]")
            self.notes.insert(0, (single, f"A line for the VM's /bin/sh, or the words of the command ({many})."))
            members.insert(0, f"**command_params({single})")
        members += [
            self._add(self.keywords, param["name"], param["schema"], required=False)
            for param in params.optional
            if param["name"] not in OMITTED
        ]
        if params.nested is not None:
            if params.nested["required"]:
                members.append(self._add(self.positional, "options", params.nested["schema"], required=True))
            else:
                members.append(f'"options": some({{{", ".join(self._flattened(params.nested["schema"]))}}})')
        self.members = f"{{{', '.join(members)}}}"

    def _flattened(self, schema: Schema) -> Iterable[str]:
        """Give each of the options a keyword of its own."""
        (name,) = references(schema)
        for key, member in COMPONENTS[name]["properties"].items():
            yield self._add(self.keywords, key, member, required=False)

    def _add(self, arguments: list[str], key: str, schema: Schema, required: bool) -> str:
        name = RENAMED.get((self.name, key), snake(key))
        kind, form = given_form(schema if required else given(schema))
        kind = kind.removesuffix(" | None") if not required else kind
        arguments.append(f"{name}: {kind}" if required else f"{name}: {kind} | None = None")
        self.notes.append((name, prose(described(schema))))
        return f'"{key}": {form}({name})' if form else f'"{key}": {name}'

    def signature(self) -> str:
        """What is between the parentheses."""
        star = ["*"] if self.keywords else []
        return ", ".join(["self", *self.positional, *star, *self.keywords])


def method_of(method: Schema, *, sync: bool) -> str:
    """A method of a client."""
    arguments = Arguments(method)
    define, wait = ("def", "") if sync else ("async def", "await ")
    call = f'{wait}self._invoke("{method["name"]}", {arguments.members})'
    kind, body = _result(method["result"], call)
    name = snake(method["name"])
    text = textwrap.indent(
        f"{docstring(prose(method['summary']), arguments.notes, error_names(method))}\n{body}",
        "    ",
    )
    head = f"{define} {name}({{}}) -> {{}}:\n"
    parts = [head.format(arguments.signature(), kind) + text]
    if kind == "str | bytes":  # which of them it is follows from the encoding that is asked for
        signature = arguments.signature()
        bytes_asked = re.sub(r"encoding: [^=]* = None", 'encoding: Literal["base64"]', signature)
        parts = [
            f"@overload\n{head.format(bytes_asked, 'bytes')}    ...",
            f"@overload\n{head.format(signature, kind)}    ...",
            *parts,
        ]
    return "\n".join(parts)


def _result(result: Schema, call: str) -> tuple[str, str]:
    """The type of a result, and the body that returns it: nothing of an empty object, and of a record its only member."""
    schema = result["schema"]
    if result.get("description") == NOTHING:
        return "None", call
    if "$ref" in schema:
        properties = COMPONENTS[next(references(schema))].get("properties", {})
        if len(properties) == 1:
            ((name, member),) = properties.items()
            kind = type_of(member)
            value = f'({call})["{name}"]'
            if BYTES in set(references(member)):
                value = f"received({value})"
            return kind, f"result: {kind} = {value}\nreturn result"
    kind = type_of(schema)
    return kind, f"result: {kind} = {call}\nreturn result"


def types() -> str:
    """The text of types.py."""
    places = modules()
    own = sorted(name for name in RECORDS if own_record(name))
    kinds: list[str] = []
    for method in METHODS:
        kind = type_of(method["result"]["schema"])
        names = names_in(kind) & RECORDS
        for name in names & set(own) - AS_IT_CAME:
            kind = kind.replace(name, f"{places[name].rpartition('.')[2]}.{name}")
        if names:
            kinds.append(f'"{method["name"]}": {kind},')
    sent = [f"{places[name].rpartition('.')[2]}.{name}: {name}," for name in own if name not in AS_IT_CAME]
    body = "\n".join(
        [
            *map(record, own),
            *map(typed_dict, sorted(mentioned(own))),
            "KINDS: Final[dict[str, Any]] = {" + "\n".join(kinds) + "}",
            '"""Method -> the type of a result with attributes, as it travels."""\n',
            "OWN: Final[dict[type[Struct], type[Struct]]] = {" + "\n".join(sent) + "}",
            '"""Record as it travels -> the same with bytes as bytes."""',
        ]
    )
    imports = [f"from {places[name]} import {name}" for name in sorted(RECORDS - set(own)) if name in names_in(body)]
    imports += [f"from runtime.api import {module}" for module in ("many_files", "processes")]
    return "\n".join(
        [
            f'"""The types of results and of options.\n\n{HEADER}\n"""\n',
            "from __future__ import annotations\n",
            "from typing import Any, Final, Literal, NotRequired, TypedDict\n",
            "from msgspec import Struct\n",
            *imports,
            body,
        ]
    )


def mentioned(own: list[str]) -> set[str]:
    """The names of the typed dicts that methods and records of the client mention, and those that these mention."""
    texts = [method_of(method, sync=True) for method in METHODS if method["name"] not in BY_HAND]
    texts += ["VmOptions", "Lack", *map(record, own)]  # two of methods that are written by hand
    found: set[str] = set()
    while texts:
        for name in names_in(texts.pop()) & set(COMPONENTS) - RECORDS - found:
            found.add(name)
            texts.append(typed_dict(name))
    return found


def module(title: str, classes: dict[str, tuple[str, list[Schema]]], *, sync: bool) -> str:
    """The text of a module of methods: class -> its docstring, its methods."""
    define = "def" if sync else "async def"
    parts = []
    for name, (text, methods) in classes.items():
        body = "\n\n".join(
            [
                f'"""{text}"""',
                f"{define} _invoke(self, method: str, params: dict[str, Any]) -> Any:\n{INVOKE}",
                *(method_of(method, sync=sync) for method in methods),
            ]
        )
        parts.append(f"class {name}:\n{textwrap.indent(body, '    ')}\n")
    body = "\n\n".join(parts)
    names = names_in(body)
    places = modules()
    components = names & set(COMPONENTS)
    ours = sorted(name for name in components if name not in RECORDS or own_record(name))
    forms = sorted(names & FORMS)
    checking = [f"from collections.abc import {name}" for name in ("Iterable", "Mapping") if name in names]
    checking += [f"from {places[name]} import {name}" for name in sorted(components - set(ours))]
    checking += [f"from runtime.client.generated.types import {', '.join(ours)}"] if ours else []
    typing = [name for name in ("Any", "Literal", "overload") if name in names]
    return "\n".join(
        [
            f'"""{title}\n\n{HEADER}\n"""\n',
            "from __future__ import annotations\n",
            f"from typing import TYPE_CHECKING, {', '.join(typing)}\n",
            *([f"from runtime.client.forms import {', '.join(forms)}\n"] if forms else []),
            "if TYPE_CHECKING:",
            *(f"    {line}" for line in checking),
            "",
            body,
        ]
    )


def vm(*, sync: bool) -> str:
    """The text of vm.py or vm_sync.py."""
    methods = [
        method
        for method in METHODS
        if (requires_vm(method) or method["name"] == "listAgents")
        and method["name"] not in BY_HAND
        and (sync or method["name"] not in SYNC_ONLY)
    ]
    title = f"The methods of a VM, {'' if sync else 'a'}synchronous."
    return module(title, {"VmMethods": ("The API's methods on one VM; `Vm` is what users hold.", methods)}, sync=sync)


def daemon(*, sync: bool) -> str:
    """The text of daemon.py or daemon_sync.py."""
    methods = [
        method
        for method in METHODS
        if not requires_vm(method) and method["name"] not in BY_HAND and (sync or method["name"] not in SYNC_ONLY)
    ]
    title = f"The methods that are not of one VM, {'' if sync else 'a'}synchronous."
    classes = {
        "DaemonMethods": (
            "The API's methods on the daemon; `Client` is what users hold.",
            [method for method in methods if method["name"] != "vm.list"],
        ),
        "VmsMethods": (
            "The API's methods on all VMs; `client.vm` is what users hold.",
            [method for method in methods if method["name"] == "vm.list"],
        ),
    }
    return module(title, classes, sync=sync)


def formatted(generate: Callable[[], str]) -> str:
    """Python in the form that `make lint` wants."""
    ruff = Path(sys.executable).with_name("ruff")
    text = generate()
    for arguments in (("check", "--select", "I", "--fix", "--quiet"), ("format",)):
        command = [str(ruff), *arguments, "--stdin-filename", str(FOLDER / "generated.py"), "-"]
        text = subprocess.run(command, input=text, text=True, stdout=subprocess.PIPE, check=True).stdout
    return text


if __name__ == "__main__":
    texts: dict[str, Callable[[], str]] = {
        "types.py": types,
        "vm.py": partial(vm, sync=False),
        "vm_sync.py": partial(vm, sync=True),
        "daemon.py": partial(daemon, sync=False),
        "daemon_sync.py": partial(daemon, sync=True),
    }
    sys.exit(
        run("python_clients.py", __doc__, {FOLDER / name: partial(formatted, text) for name, text in texts.items()})
    )
