"""
Writes WASI's types as the engine compares components with them: agents/wit/deps -> runtime/wasi/wit_types.py.

    python build/wasi_types.py            # write
    python build/wasi_types.py --check    # exit with 1 when the file is not what would be written

One table serves every version 0.2.x. The packages' tags v0.2.0 to v0.2.12 (github.com/WebAssembly/wasi-*, from 0.2.9 on
/WASI) resolve to the same types throughout. Names were added, and nothing was changed or taken away:

    0.2.1     wasi:clocks/timezone, and exit-with-code in wasi:cli/exit, which is stable from 0.2.12 on
    0.2.2     network-error-code and the resource `error` in wasi:sockets/network; the type `field-name` in wasi:http/types,
              a string as `field-key` is
    0.2.4     [method]response-outparam.send-informational in wasi:http/types

What is `@unstable` in the tree is in the table as well, since the host has some of it, and a component's toolchain may.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any, Final

from components import WASM_TOOLS
from toolchain import ROOT, WIT, BuildError, python_tool

from runtime.engine.component.types import FuncType, InterfaceType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runtime.engine.component.types import Type

OUTPUT: Final = ROOT / "runtime" / "wasi" / "wit_types.py"
HEADER: Final = '''\
"""WASI 0.2's interfaces as data, by their names without a version: what a component's imports are compared with.

Written by build/wasi_types.py from agents/wit/deps. Do not edit: run it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.engine.component.types import FuncType, InterfaceType

if TYPE_CHECKING:
    from runtime.engine.component.types import Type

# One name on each line would make it twice as long.
# fmt: off
'''
NAMESPACES: Final = ("wasi:", "torpor:posix/")
WIDTH: Final = 120

Json = dict[str, Any]


def read_wit() -> Json:
    """All packages of agents/wit, as wasm-tools resolves them. Raises BuildError."""
    tool = python_tool("wasm-tools", WASM_TOOLS)
    command: list[str | Path] = [tool, "component", "wit", "--json", "--all-features", WIT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        msg = f"wasm-tools does not read {WIT.relative_to(ROOT)}: {done.stderr.strip()}"
        raise BuildError(msg)
    document: Json = json.loads(done.stdout)
    return document


class Resolver:
    """The types of one document by their numbers, with every alias and `use` resolved."""

    def __init__(self, document: Json) -> None:
        self._types: list[Json] = document["types"]
        self._interfaces: list[Json] = document["interfaces"]
        self._packages: list[Json] = document["packages"]

    def interfaces(self) -> dict[str, InterfaceType]:
        """WASI's interfaces, by their names without version."""
        names = {number: self.interface_name(number) for number in range(len(self._interfaces))}
        return {
            name: self._interface(self._interfaces[number])
            for number, name in sorted(names.items(), key=lambda item: item[1])
            if name.startswith(NAMESPACES)
        }

    def named(self) -> Iterator[tuple[str, Type]]:
        """The types that have a name and are more than another's, in an order in which each needs only earlier ones."""
        for number, entry in enumerate(self._types):
            if entry["name"] and entry["kind"] != "resource" and "type" not in entry["kind"]:
                yield f"{self.interface_name(entry['owner']['interface'])}/{entry['name']}", self.type(number)

    def interface_name(self, number: int) -> str:
        """As in `wasi:io/streams`."""
        interface = self._interfaces[number]
        package = self._packages[interface["package"]]["name"].partition("@")[0]
        return f"{package}/{interface['name']}"

    def _interface(self, interface: Json) -> InterfaceType:
        functions = {
            name: FuncType(
                tuple((param["name"], self.type(param["type"])) for param in function["params"]),
                self._optional(function.get("result")),
            )
            for name, function in interface["functions"].items()
        }
        targets = {name: self._target(number) for name, number in interface["types"].items()}
        resources = {name: number for name, number in targets.items() if self._is_resource(number)}
        return InterfaceType(
            functions,
            {name: self.type(number) for name, number in targets.items() if name not in resources},
            {name: self._resource(number) for name, number in resources.items()},
        )

    def type(self, reference: int | str) -> Type:
        """A type as `runtime.engine.component.types` has it. Raises BuildError for a kind that is not known there."""
        target = self._target(reference)
        if isinstance(target, str):
            return target
        ((kind, value),) = self._types[target]["kind"].items()
        match kind:
            case "list" | "option":
                return (kind, self.type(value))
            case "tuple":
                return ("tuple", tuple(self.type(item) for item in value["types"]))
            case "record":
                return ("record", tuple((field["name"], self.type(field["type"])) for field in value["fields"]))
            case "variant":
                return ("variant", tuple((case["name"], self._optional(case["type"])) for case in value["cases"]))
            case "result":
                return ("result", self._optional(value["ok"]), self._optional(value["err"]))
            case "flags":
                return ("flags", tuple(flag["name"] for flag in value["flags"]))
            case "enum":
                return ("enum", tuple(case["name"] for case in value["cases"]))
            case "handle":
                ((ownership, resource),) = value.items()
                return (ownership, self._resource(self._target(resource)))
            case _:
                msg = f"agents/wit has a type of a kind that the engine does not know: {kind}"
                raise BuildError(msg)

    def _optional(self, reference: int | str | None) -> Type | None:
        return None if reference is None else self.type(reference)

    def _target(self, reference: int | str) -> int | str:
        """Where aliases lead: a primitive's name, or the number of a type that is none."""
        while isinstance(reference, int) and self._types[reference]["kind"] != "resource":
            kind: Json = self._types[reference]["kind"]
            if "type" not in kind:
                break
            reference = kind["type"]
        return reference

    def _is_resource(self, target: int | str) -> bool:
        return isinstance(target, int) and self._types[target]["kind"] == "resource"

    def _resource(self, target: int | str) -> str:
        assert isinstance(target, int)
        entry = self._types[target]
        return f"{self.interface_name(entry['owner']['interface'])}#{entry['name']}"


class Writer:
    """Python's text of types, which says each named one once."""

    def __init__(self) -> None:
        self._constants: dict[object, str] = {}

    def constant(self, name: str, value: Type) -> str:
        """The definition of a named type; nothing where an equal one has been defined."""
        if value in self._constants:
            return ""
        text = f"{_identifier(name)}: Final[Type] = {self._text(value)}"
        self._constants[value] = _identifier(name)
        return _fill(text)

    def interface(self, name: str, interface: InterfaceType) -> str:
        """An interface's entry in the table."""
        functions = "".join(
            _fill(f'"{key}": FuncType({self._text(function.params)}, {self._text(function.result)}),', 12)
            for key, function in interface.functions.items()
        )
        types = ", ".join(f'"{key}": {self._text(value)}' for key, value in interface.types.items())
        resources = ", ".join(f'"{key}": {self._text(value)}' for key, value in interface.resources.items())
        return (
            f'    "{name}": InterfaceType(\n'
            + (f"        {{\n{functions}        }},\n" if functions else "        {},\n")
            + _fill(f"{{{types}}},", 8)
            + _fill(f"{{{resources}}},", 8)
            + "    ),\n"
        )

    def _text(self, value: object) -> str:
        if value in self._constants:
            return self._constants[value]
        if isinstance(value, tuple):
            items = [self._text(item) for item in value]
            return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
        return json.dumps(value) if isinstance(value, str) else repr(value)


def _identifier(name: str) -> str:
    """`wasi:io/streams/stream-error` as IO_STREAMS_STREAM_ERROR."""
    return name.partition(":")[2].replace("/", "_").replace("-", "_").upper()


def _fill(text: str, indent: int = 0) -> str:
    """Broken into lines, at spaces: there are none within the names that WIT allows."""
    return (
        textwrap.fill(
            text,
            WIDTH,
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + 4),
            break_long_words=False,
            break_on_hyphens=False,
        )
        + "\n"
    )


def generate() -> str:
    """The whole text of wit_types.py. Raises BuildError."""
    resolver = Resolver(read_wit())
    writer = Writer()
    constants = [writer.constant(name, value) for name, value in resolver.named() if name.startswith("wasi:")]
    interfaces = [writer.interface(name, interface) for name, interface in resolver.interfaces().items()]
    table = "WASI: Final[dict[str, InterfaceType]] = {\n" + "".join(interfaces) + "}\n"
    return HEADER + "".join(constants) + "\n" + table


def main(arguments: list[str]) -> int:
    """Runs the command line; the exit code."""
    parser = argparse.ArgumentParser(description="Writes WASI's types as the engine compares components with them.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when the file is stale")
    options = parser.parse_args(arguments)
    try:
        wanted = generate()
    except BuildError as error:
        print(f"build/wasi_types.py: {error}", file=sys.stderr)
        return 1
    if OUTPUT.exists() and OUTPUT.read_text("utf-8") == wanted:
        return 0
    if options.check:
        print(f"{OUTPUT.relative_to(ROOT)} is stale: run python build/wasi_types.py", file=sys.stderr)
        return 1
    OUTPUT.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
