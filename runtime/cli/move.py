"""VMs between daemons: `export` and `import`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from runtime.cli import exits, output
from runtime.cli.connecting import connect_to, vm_name
from runtime.cli.progress import call

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the commands."""
    add_commands(table)


def add_commands(table: Table) -> None:
    """Enter `export` and `import`, which are of the group `vm` as well."""
    command = table.command(
        "export",
        export,
        "write a VM with files and sessions to a new file",
        epilog="The values of env are left out: where the VM goes on, a session asks for them again.",
    )
    command.add_argument("vm", metavar="VM", help="the VM; parts of a name joined with /")
    command.add_argument("path", metavar="PATH", help="the file, which must not exist")
    command = table.command(
        "import",
        import_,
        "make a VM of a file that was exported",
        epilog="The file is distrusted: the VM may reach no host, and policies and cron jobs stay behind.",
    )
    command.add_argument("path", metavar="PATH", help="the file")
    command.add_argument("--vm", metavar="NAME", help="the VM's name (default: the one in the file)")
    command.add_argument("--trust", action="store_true", help="take over hosts, policies and cron jobs as well")


def export(args: argparse.Namespace) -> int:
    """Export a VM."""
    path = os.path.abspath(args.path)  # noqa: PTH100 - resolve() would follow links
    with connect_to(args) as client:
        made = call(client, "exporting", "vm.export", measured=True, vm=vm_name(args.vm), path=path)
    if args.json:
        output.write_json(made)
    else:
        output.say(f"{path}: {made['bytes']} bytes")
        if mounts := made.get("mounts"):
            output.say(f"host directories are not in it: {', '.join(mounts)}")
        if needs := made.get("needs"):
            names = ", ".join(f"{each['kind']} {each['name']}" for each in needs)
            output.say(f"what was added here and the VM may need there is not in it: {names}")
    return exits.OK


def import_(args: argparse.Namespace) -> int:
    """Import a VM."""
    path = os.path.abspath(args.path)  # noqa: PTH100 - as above
    name = None if args.vm is None else vm_name(args.vm)
    with connect_to(args) as client:
        made = call(client, "importing", "vm.import", measured=True, path=path, vm=name, trust=args.trust or None)
    if args.json:
        output.write_json(made)
    else:
        output.say(f"VM {output.vm_label(made['vm'])} is there, asleep")
        for lack in made.get("lacks", ()):
            output.say(_told(lack))
    return exits.OK


def _told(lack: dict[str, Any]) -> str:
    """A line about what the VM had there and has not here."""
    what = f"the {lack['kind']} {lack['name']}"
    there = f" ({lack['sha256'][:12]})" if lack["sha256"] else ""
    if lack["here"] is None:
        group = "agent" if lack["kind"] == "agent" else "bin"
        return f"{what}{there} is missing here: `torpor {group} add` adds one"
    return f"{what} is another one here: {lack['here'][:12]}, and not {lack['sha256'][:12]}"
