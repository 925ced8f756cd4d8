"""The agents that a user adds: `agent new`, `agent dev`, `agent add`, `agent check`, `agent list` and `agent remove`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from runtime.cli import exits, lists, output
from runtime.cli.agents import add_run
from runtime.cli.connecting import connect_to

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the commands."""
    group = table.group("agent", "the agents that can be run, and those that you add")
    command = group.command(
        "add",
        add,
        "add an agent for all VMs, from a component or a folder",
        epilog="It is compiled and started once, to see that it is one, and copied to the first folder of TORPOR_AGENTS; the "
        "folder of an agent without a build is linked there. An agent that was added under the same id is replaced; what lies "
        "there by other means is not. What its manifest lists under `dependencies` is installed into the folder first.",
    )
    command.add_argument("path", metavar="PATH", help="a component, or a folder with an agent.toml")
    command.add_argument("--name", metavar="ID", help="the agent's id (default: the manifest's, or the file's name)")
    _add_index(command)
    command = group.command(
        "check",
        check,
        "tell what an agent is, and whether it can be run",
        epilog="It is compiled and started once without any network, as by `agent add`. Nothing is added.",
    )
    command.add_argument("path", metavar="PATH", help="a component, or a folder with an agent.toml")
    command = group.command(
        "new",
        new,
        "write an agent that runs as it is, to be edited",
        starts=False,
        epilog="It is a folder with a manifest and the agent's source, which nothing has to build: `torpor agent add` makes it "
        "known, and an edit is there at the next session.",
    )
    command.add_argument("name", metavar="ID", help="the agent's id")
    command.add_argument(
        "--lang", choices=("python", "javascript"), default="python", help="the language (default: %(default)s)"
    )
    command.add_argument("--dir", metavar="DIR", dest="directory", help="the folder to make (default: the id)")
    command = group.command(
        "dev",
        dev,
        "prompt an agent anew at each edit of its folder",
        epilog="It is added, and prompted in a new session each time. Its answer goes to stdout; tool calls, messages and what "
        "the agent writes to stderr go to stderr. Ctrl-C cancels a prompt, or ends the waiting.",
    )
    command.add_argument("path", metavar="DIR", help="a folder with an agent.toml")
    command.add_argument("prompt", metavar="PROMPT", help="what to say to it")
    add_run(command)
    command.set_defaults(session=None, new=None, last=False, keep=False, model=None, mode=None)
    _add_index(command)
    for name in ("list", "ls"):
        group.command(name, lists.agents, "list the agents that can be run")
    for name in ("remove", "rm"):
        command = group.command(name, remove, "remove an agent that was added")
        command.add_argument("name", metavar="ID", help="the agent, as `torpor agents` has it")


def _add_index(command: argparse.ArgumentParser) -> None:
    """Add where packages come from."""
    text = "where the dependencies of an agent without a build are installed from (default: PyPI, or npm's registry)"
    command.add_argument("--index-url", metavar="URL", help=text)


def new(args: argparse.Namespace) -> int:
    """Write an agent."""
    from runtime.cli.new_agent import new as go

    return go(args)


def dev(args: argparse.Namespace) -> int:
    """Prompt an agent at each edit."""
    from runtime.cli.dev import dev as go

    return go(args)


def add(args: argparse.Namespace) -> int:
    """Add an agent."""
    from pathlib import Path

    from runtime.cli.dependencies import install

    with connect_to(args) as client:
        install(client, Path(args.path), args.index_url)
        made = client.call("addAgent", path=os.path.abspath(args.path), name=args.name or None)  # noqa: PTH100 - no link is resolved
    if args.json:
        output.write_json(made)
    else:
        output.say(f"{made['id']} can be run: {made['title']} {made['version']}")
    return exits.OK


def check(args: argparse.Namespace) -> int:
    """Tell what an agent is."""
    with connect_to(args) as client:
        found = client.call("checkAgent", path=os.path.abspath(args.path))  # noqa: PTH100 - as above
    if args.json:
        output.write_json(found)
        return exits.OK
    can = ", ".join(sorted(name for name, value in (found["capabilities"] or {}).items() if value)) or "nothing more"
    rows = [
        ("agent", f"{found['id']}: {found['title']} {found['version']}"),
        *_component(found),
        ("hosts", ", ".join(found["network"]) or "none"),
        ("session", f"refused: {found['refusal']}" if found["refusal"] else f"opened; the agent can: {can}"),
    ]
    for name, text in rows:
        sys.stdout.write(f"{name:<10} {output.printable(text)}\n")
    return exits.OK


def _component(found: dict[str, Any]) -> list[tuple[str, str]]:
    """What there is to say of its component."""
    if found["sha256"] is None:
        return [(found["kind"], "run as it is, from its folder")]
    return [
        ("component", f"{found['bytes'] / 1e6:.1f} MB, SHA-256 {found['sha256']}"),
        ("imports", ", ".join(found["imports"]) or "nothing"),
    ]


def remove(args: argparse.Namespace) -> int:
    """Remove an agent that was added."""
    with connect_to(args) as client:
        client.call("removeAgent", name=args.name)
    if args.json:
        output.write_json({"removed": args.name})
    return exits.OK
