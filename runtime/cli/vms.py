"""VMs: `vm ls`, `show`, `new`, `configure`, `rm`, `sleep`, `wake`, `stats`, `fork`, `export`, `import` and `prune`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from runtime.cli import daemon, exits, history, move, output
from runtime.cli.connecting import connect_to, vm_name
from runtime.cli.table import UsageError, add_yes

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table
    from runtime.client.sync import Client


def register(table: Table) -> None:
    """Enter the commands."""
    group = table.group("vm", "VMs: list, make, change and remove them")
    command = group.command("ls", ls, "list VMs with what they hold and when they were last used; wakes none")
    command.add_argument("-q", "--quiet", action="store_true", help="names alone")
    command.add_argument(
        "--label", metavar="K[=V]", action="append", default=[], help="only with this label (repeatable)"
    )
    command = group.command("show", show, "describe a VM: its options and what it uses")
    _add_name(command)
    command = group.command("new", new, "make a VM, asleep and without files of yours")
    command.add_argument("name", metavar="NAME", help="its name; parts of a name joined with /")
    _add_options(command)
    command = group.command(
        "configure",
        configure,
        "change a VM's options",
        epilog="What is left out stays as it is. Hosts, mounts and labels that are given take the place of all that there "
        "were; an empty one ('') leaves none. Limits of guests count from the next wake on.",
    )
    _add_name(command)
    _add_options(command)
    command = group.command("rm", rm, "remove VMs with their sessions and files")
    command.add_argument("names", metavar="VM", nargs="+", help="the VM's whole name; parts of a name joined with /")
    add_yes(command)
    daemon.add_sleep(group)
    command = group.command("wake", wake, "wake a VM, which never has to be done: whatever needs it wakes it")
    _add_name(command)
    command = group.command("stats", stats, "tell what a VM, or each VM, uses; wakes none")
    command.add_argument("name", metavar="VM", nargs="?", help="the VM (default: all)")
    command = group.command(
        "prune",
        prune,
        "remove VMs that were made for editors and that nobody has used for long",
        epilog="They are those that `torpor acp` has made for workspaces. A VM that is awake is never removed, nor one that "
        "`torpor acp --vm` has named.",
    )
    command.add_argument(
        "--older-than", metavar="AGE", default="30d", help="last used so long ago, as 30d, 12h or 90min (default: 30d)"
    )
    command.add_argument("--dry-run", action="store_true", help="list what would be removed, and remove nothing")
    add_yes(command)
    history.add_fork(group)
    move.add_commands(group)


def _add_name(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="VM", help="its name, or as much of it as no other VM's begins with; `last`")


def _add_options(command: argparse.ArgumentParser) -> None:
    """Add what a VM is made with, or changed to."""
    command.add_argument("--allow", metavar="HOST", action="append", help="a host that it may reach (repeatable)")
    command.add_argument(
        "--mount",
        metavar="HOST[:PATH][:ro]",
        action="append",
        help="a directory of the daemon's machine, at its own path or at PATH (repeatable)",
    )
    command.add_argument("--label", metavar="K=V", action="append", help="a text of your own (repeatable)")
    command.add_argument(
        "--limit", metavar="NAME=N", action="append", help="a limit as the API names it, like memoryBytes (repeatable)"
    )
    command.add_argument("--idle", metavar="SECONDS", type=float, help="fall asleep after so long without work")
    command.add_argument(
        "--base", choices=("default", "none"), metavar="WHICH", help="default or none: Torpor's commands in /bin"
    )


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """The options that are given. Raises UsageError."""
    from runtime.cli.mounts import parse_mounts

    found: dict[str, Any] = {}
    if args.allow is not None:
        found["network"] = {"allow": [host for host in args.allow if host]}
    if args.mount is not None:
        found["mounts"] = parse_mounts([each for each in args.mount if each])
    if args.label is not None:
        found["labels"] = dict(_pair("--label", each) for each in args.label if each)
    if args.limit is not None:
        found["limits"] = {
            name: _number(name, value) for name, value in (_pair("--limit", each) for each in args.limit)
        }
    if args.idle is not None:
        found["idleTimeoutMs"] = round(args.idle * 1000)
    if args.base is not None:
        found["base"] = args.base
    return found


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"{option} {text}: NAME=VALUE is expected")
    return name, value


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"--limit {name}={text}: a whole number is expected")
    return int(text)


def ls(args: argparse.Namespace) -> int:
    """List VMs."""
    from runtime.cli.finding import at_once

    with connect_to(args) as client:
        found = [row for row in client.call("vm.list") if all(_has(row, label) for label in args.label)]
        if not args.quiet:
            used = at_once(client, [("vm.stats", {"vm": row["vm"]}) for row in found])
            found = [{**row, "stats": each} for row, each in zip(found, used, strict=True) if each]
    if args.json:
        for row in found:
            output.write_json(row)
    elif args.quiet:
        sys.stdout.writelines(output.vm_label(row["vm"]) + "\n" for row in found)
    else:
        header = ("VM", "STATE", "SESSIONS", "FILES", "SIZE", "TOKENS", "COST", "LAST USED")
        output.write_table(header, [_row(row) for row in found])
    return exits.OK


def _has(row: dict[str, Any], label: str) -> bool:
    name, equals, value = label.partition("=")
    labels = (row["options"] or {}).get("labels") or {}
    return name in labels and (not equals or labels[name] == value)


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    stats = row["stats"]
    size = output.size(stats["files"]["bytes"] + stats["eventBytes"])
    last = "now" if row["state"] == "awake" else output.local_time(row.get("updatedAt", row["createdAt"]))
    counts = str(stats["sessions"]["total"]), str(stats["files"]["count"]), size
    return output.vm_label(row["vm"]), row["state"], *counts, output.tokens(stats), output.cost(stats), last


def show(args: argparse.Namespace) -> int:
    """Describe a VM."""
    import json

    from runtime.cli.finding import find_vm

    with connect_to(args) as client:
        vm = find_vm(client, args.name)
        found = {**client.call("vm.get", vm=vm), "stats": client.call("vm.stats", vm=vm)}
    if args.json:
        output.write_json(found)
    else:
        output.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    return exits.OK


def new(args: argparse.Namespace) -> int:
    """Make a VM, unless there is one of that name: that one stays as it is."""
    options = _options(args)
    with connect_to(args) as client:
        made = client.call("vm.getOrCreate", vm=vm_name(args.name), options=options or None)
    if args.json:
        output.write_json(made)
    else:
        output.say(f"VM {output.vm_label(made['vm'])} {'is there' if made['created'] else 'was there already'}")
    return exits.OK


def configure(args: argparse.Namespace) -> int:
    """Change options."""
    from runtime.cli.finding import find_vm

    options = _options(args)
    if not options:
        raise UsageError("vm configure takes what is to change: --allow, --mount, --label, --limit, --idle or --base")
    with connect_to(args) as client:
        vm = find_vm(client, args.name)
        if "limits" in options:
            before = client.call("vm.get", vm=vm)["options"] or {}
            options["limits"] = {**(before.get("limits") or {}), **options["limits"]}
        made = client.call("vm.configure", vm=vm, options=options)
    if args.json:
        output.write_json(made)
    return exits.OK


def rm(args: argparse.Namespace) -> int:
    """Remove VMs, after a question that says what goes with them."""
    from runtime.cli.asking import confirmed

    with connect_to(args) as client:
        names = [vm_name(name) for name in args.names]
        held = [_held(client, name) for name in names]
        if not confirmed(args, f"Remove {'; '.join(held)}?"):
            return exits.FAILED
        for name in names:
            client.call("vm.destroy", vm=name)
            if args.json:
                output.write_json({"vm": name, "removed": True})
    return exits.OK


def _held(client: Client, vm: str | list[str]) -> str:
    stats = client.call("vm.stats", vm=vm)
    size = output.size(stats["files"]["bytes"])
    return f"VM {output.vm_label(vm)} with {stats['sessions']['total']} sessions and {size} of files"


def prune(args: argparse.Namespace) -> int:
    """Remove VMs that editors have left."""
    from runtime.cli.pruning import prune as go

    return go(args)


def wake(args: argparse.Namespace) -> int:
    """Wake a VM."""
    from runtime.cli.finding import find_vm

    with connect_to(args) as client:
        made = client.call("vm.wake", vm=find_vm(client, args.name))
    if args.json:
        output.write_json(made)
    return exits.OK


def stats(args: argparse.Namespace) -> int:
    """Tell what VMs use."""
    from runtime.cli.finding import at_once, find_vm

    with connect_to(args) as client:
        if args.name:
            found = [client.call("vm.stats", vm=find_vm(client, args.name))]
        else:
            of_all = at_once(client, [("vm.stats", {"vm": row["vm"]}) for row in client.call("vm.list")])
            found = [each for each in of_all if each]
    if args.json:
        for row in found:
            output.write_json(row)
    else:
        header = ("VM", "STATE", "LIVE", "PROCESSES", "MEMORY", "FILES", "FILE BYTES", "TRANSCRIPTS")
        output.write_table(header, [_used(row) for row in found])
        for row in found:
            for near in row.get("near", ()):  # an older daemon does not tell
                of = f" of session {near['sessionId']}" if "sessionId" in near else ""
                share = 100 * near["used"] // near["allowed"]
                output.say(
                    f"VM {output.vm_label(row['vm'])} has used {share} % of {near['limit']}{of} ({near['allowed']:,})"
                )
    return exits.OK


def _used(row: dict[str, Any]) -> tuple[str, ...]:
    counts = str(row["sessions"]["live"]), str(row["processes"]["count"]), output.size(row["memoryBytes"])
    held = str(row["files"]["count"]), output.size(row["files"]["bytes"]), output.size(row["eventBytes"])
    return output.vm_label(row["vm"]), row["state"], *counts, *held
