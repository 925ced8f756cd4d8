"""`torpor fork` and `fork-session`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.cli import exits, output
from runtime.cli.connecting import connect_to, vm_name

if TYPE_CHECKING:
    import argparse


def fork(args: argparse.Namespace) -> int:
    """Fork a VM."""
    at: dict[str, Any] | None = None
    if args.at is not None:
        session, _, seq = args.at.rpartition("@")
        if not session or not seq.isascii() or not seq.isdigit():
            output.say("--at takes a session's id and the seq of one of its events: SESSION@SEQ")
            return exits.USAGE
        at = {"sessionId": session, "seq": int(seq)}
    with connect_to(args) as client:
        made = client.call("vm.fork", vm=vm_name(args.vm), to=vm_name(args.to), at=at)
    if args.json:
        output.write_json(made)
    else:
        output.say(f"VM {output.vm_label(made['vm'])} is there, asleep{_files_of(made)}")
    return exits.OK


def fork_session(args: argparse.Namespace) -> int:
    """Fork a session."""
    to = None if args.to is None else vm_name(args.to)
    with connect_to(args) as client:
        made = client.call("forkSession", vm=vm_name(args.vm), sessionId=args.session, at=args.at, to=to)
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
