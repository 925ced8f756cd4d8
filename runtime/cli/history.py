"""The past of VMs: `fs snapshot`, `snapshots`, `drop`, `diff` and `restore` for their files, `fork` and `fork-session`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from runtime.cli import exits, output
from runtime.cli.connecting import connect_to, vm_name
from runtime.cli.table import add_session, add_vm, add_yes

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table

MARKS: Final = {"added": "A", "removed": "D", "modified": "M"}


def register(table: Table) -> None:
    """Enter the commands; those of `fs` beside its others."""
    _add_past(table.more("fs"), "snapshot", "snapshots", "drop")
    _add_past(table.group("snapshot", "a VM's files as they were: keep, list, compare, restore"), "new", "ls", "rm")
    add_fork(table)
    add_fork_session(table, "fork-session")


def _add_past(group: Table, new: str, ls: str, rm: str) -> None:
    """Enter what there is for snapshots, under the names that it has in a group."""
    point = "a snapshot's name, or SESSION@SEQ for what the turns of a session up to this event have left"
    command = group.command(new, snapshot, "keep the VM's files as they are, under a name")
    command.add_argument("name", metavar="NAME", nargs="?", help="the name (default: one is made up)")
    add_vm(command)
    command = group.command(ls, snapshots, "list snapshots of the VM's files")
    command.add_argument("--session", metavar="ID", help="those that the turns of a session have left")
    add_vm(command)
    command = group.command(rm, drop, "delete a snapshot, with what only it has kept")
    command.add_argument("name", metavar="NAME", help="its name")
    if rm == "rm":
        add_yes(command)
    else:
        command.set_defaults(yes=True)
    add_vm(command)
    command = group.command("diff", diff, "tell what is different in the VM's files")
    command.add_argument("before", metavar="FROM", help=point)
    command.add_argument("after", metavar="TO", nargs="?", help="the same (default: as the files are now)")
    command.add_argument("--path", metavar="PATH", help="only what is at this path or below it")
    add_vm(command)
    command = group.command("restore", restore, "put the VM to sleep and make its files what they were")
    command.add_argument("to", metavar="POINT", help=point)
    command.add_argument("--force", action="store_true", help="cancel turns and processes instead of waiting for them")
    add_vm(command)


def add_fork(table: Table) -> None:
    """Enter `fork`, which is `vm fork` as well."""
    command = table.command(
        "fork",
        fork,
        "make a VM like another, as it is or as it was after an event",
        epilog="The files of an event are those at the end of the last turn before it; nothing is woken.",
    )
    command.add_argument("vm", metavar="VM", help="the VM; parts of a name joined with /")
    command.add_argument("to", metavar="NAME", help="the new VM's name")
    command.add_argument(
        "--at", metavar="SESSION@SEQ", help="begin after this event of a session (default: as everything is now)"
    )


def add_fork_session(table: Table, name: str) -> None:
    """Enter `fork-session`, which is `session fork` as well."""
    command = table.command(
        name,
        fork_session,
        "make a session with the history of another, in its VM or in a fork of the VM",
    )
    add_session(command)
    command.add_argument("--at", metavar="SEQ", type=int, help="the last event to keep (default: all)")
    command.add_argument("--to", metavar="NAME", help="fork the VM to this name, too: with the files of that moment")


def snapshot(args: argparse.Namespace) -> int:
    """Take a snapshot; print its name."""
    with connect_to(args) as client:
        made = client.call("snapshot", vm=vm_name(args.vm), name=args.name)
    if args.json:
        output.write_json(made)
    else:
        sys.stdout.write(output.printable(made["name"]) + "\n")
    return exits.OK


def snapshots(args: argparse.Namespace) -> int:
    """List snapshots, oldest first."""
    with connect_to(args) as client:
        found = client.call("listSnapshots", vm=vm_name(args.vm), sessionId=args.session)
    if args.json:
        for each in found:
            output.write_json(each)
    else:
        rows = [(output.local_time(each["createdAt"]), _label(each)) for each in found]
        output.write_table(("TAKEN", "NAME"), rows)
    return exits.OK


def drop(args: argparse.Namespace) -> int:
    """Delete a snapshot; `snapshot rm` asks before."""
    from runtime.cli.asking import confirmed

    if not confirmed(args, f"Delete the snapshot {args.name} of VM {args.vm}?"):
        return exits.FAILED
    with connect_to(args) as client:
        client.call("deleteSnapshot", vm=vm_name(args.vm), name=args.name)
    if args.json:
        output.write_json({"name": args.name, "deleted": True})
    return exits.OK


def diff(args: argparse.Namespace) -> int:
    """List what is different, a path a line."""
    points = {"from": _point(args.before), "to": None if args.after is None else _point(args.after)}
    with connect_to(args) as client:
        found = client.call("diff", vm=vm_name(args.vm), **points, path=args.path)
    if args.json:
        output.write_json(found)
    else:
        for each in found["changes"]:
            sys.stdout.write(f"{MARKS[each['change']]} {output.one_line(each['path'])}\n")
    return exits.OK


def restore(args: argparse.Namespace) -> int:
    """Restore a snapshot."""
    with connect_to(args) as client:
        found = client.call("restore", vm=vm_name(args.vm), to=_point(args.to), force=args.force or None)
    if args.json:
        output.write_json(found)
    else:
        output.say(f"the files are those of {_label(found)}, of {output.local_time(found['createdAt'])}")
    return exits.OK


def _point(text: str) -> str | dict[str, Any]:
    """What SESSION@SEQ names, or else a snapshot's name."""
    session, _, seq = text.rpartition("@")
    if session and seq.isascii() and seq.isdigit():
        return {"sessionId": session, "seq": int(seq)}
    return text


def _label(snapshot: dict[str, Any]) -> str:
    name: str = snapshot.get("name") or f"{snapshot['sessionId']}@{snapshot['seq']}"
    return name


def fork(args: argparse.Namespace) -> int:
    """Fork a VM."""
    at = None if args.at is None else _point(args.at)
    if isinstance(at, str):
        output.say("--at takes a session's id and the seq of one of its events: SESSION@SEQ")
        return exits.USAGE
    with connect_to(args) as client:
        made = client.call("vm.fork", vm=vm_name(args.vm), to=vm_name(args.to), at=at)
    if args.json:
        output.write_json(made)
    else:
        output.say(f"VM {output.vm_label(made['vm'])} is there, asleep{_files_of(made)}")
    return exits.OK


def fork_session(args: argparse.Namespace) -> int:
    """Fork a session."""
    from runtime.cli.finding import find_session

    to = None if args.to is None else vm_name(args.to)
    with connect_to(args) as client:
        made = client.call("forkSession", **find_session(client, args), at=args.at, to=to)
    if args.json:
        output.write_json(made)
    else:
        output.write_text(f"{made['sessionId']}\n")
        if to is not None:
            output.say(f"in VM {output.vm_label(made['vm'])}{_files_of(made)}")
    return exits.OK


def _files_of(made: dict[str, Any]) -> str:
    at = made.get("filesAt")
    return "" if at is None else f", with the files of event {at['seq']} ({output.local_time(at['createdAt'])})"
