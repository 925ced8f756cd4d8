"""`torpor fs snapshot`, `snapshots`, `drop`, `diff` and `restore`: the past of a VM's files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from runtime.cli import exits, output
from runtime.cli.connecting import connect_to, vm_name

if TYPE_CHECKING:
    import argparse

MARKS: Final = {"added": "A", "removed": "D", "modified": "M"}


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
    """Delete a snapshot."""
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
    session, _, seq = text.rpartition("@")
    if session and seq.isascii() and seq.isdigit():
        return {"sessionId": session, "seq": int(seq)}
    return text


def _label(snapshot: dict[str, Any]) -> str:
    name: str = snapshot.get("name") or f"{snapshot['sessionId']}@{snapshot['seq']}"
    return name
