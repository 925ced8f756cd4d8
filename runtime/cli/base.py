"""The commands of the base system: `bin add`, `bin list` and `bin remove`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runtime.cli import exits, output
from runtime.cli.connecting import connect_to

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the commands."""
    group = table.group("bin", "the commands that all VMs have in /bin")
    command = group.command(
        "add",
        add,
        "add a command to /bin of all VMs",
        epilog="The component is copied beside the daemon's state file, checked and compiled. A command of the same name is "
        "replaced; what a VM has itself under that name goes before it.",
    )
    command.add_argument("file", metavar="FILE", help="a component: a program as WebAssembly")
    command.add_argument("--name", metavar="NAME", help="the command's name (default: that of the file, without .wasm)")
    for name in ("list", "ls"):
        group.command(name, list_, "list the commands that VMs have in /bin")
    for name in ("remove", "rm"):
        command = group.command(name, remove, "remove a command that was added")
        command.add_argument("name", metavar="NAME", help="the command, as `torpor bin list` has it")


def add(args: argparse.Namespace) -> int:
    """Add a command."""
    with connect_to(args) as client:
        params = {"path": os.path.abspath(args.file), **({"name": args.name} if args.name else {})}  # noqa: PTH100 - no link is resolved
        made = client.call("addCommand", **params)
    if args.json:
        output.write_json(made)
    else:
        output.say(f"{made['name']} is in /bin of all VMs ({made['bytes'] / 1e6:.1f} MB)")
    return exits.OK


def list_(args: argparse.Namespace) -> int:
    """List the commands."""
    with connect_to(args) as client:
        found = client.call("listCommands")
    if args.json:
        for each in found:
            output.write_json(each)
        return exits.OK
    rows = [(each["name"], each["version"] or "", each["source"], each["sha256"][:12]) for each in found]
    output.write_table(("NAME", "VERSION", "SOURCE", "SHA256"), rows)
    return exits.OK


def remove(args: argparse.Namespace) -> int:
    """Remove a command that was added."""
    with connect_to(args) as client:
        client.call("removeCommand", name=args.name)
    if args.json:
        output.write_json({"removed": args.name})
    return exits.OK
