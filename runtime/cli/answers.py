"""What agents ask for, answered from elsewhere: `permission ls`, `permission allow` and `permission deny`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.cli import exits, output
from runtime.cli.connecting import connect_to, vm_name
from runtime.cli.table import UsageError, add_vm

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table
    from runtime.client.sync import Client


def register(table: Table) -> None:
    """Enter the commands."""
    group = table.group("permission", "what agents ask for: list it, and answer")
    command = group.command("ls", ls, "list the requests that wait for an answer, in all VMs")
    add_vm(command, default=None)
    command = group.command("allow", allow, "allow what an agent asks for")
    _add_request(command)
    command.add_argument("--always", action="store_true", help="and the like of it for the rest of the session")
    command.add_argument("--option", metavar="ID", help="by one of the options that the agent offers")
    command = group.command("deny", deny, "refuse what an agent asks for")
    _add_request(command)


def _add_request(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "request",
        metavar="REQUEST",
        nargs="?",
        help="its id, or the beginning of it (default: the only one that waits)",
    )
    add_vm(command, default=None)


def ls(args: argparse.Namespace) -> int:
    """List what waits."""
    with connect_to(args) as client:
        found = _waiting(client, args.vm)
    if args.json:
        for each in found:
            output.write_json(each)
    else:
        rows = [(each["permissionId"], output.vm_label(each["vm"]), each["sessionId"], _title(each)) for each in found]
        output.write_table(("REQUEST", "VM", "SESSION", "FOR"), rows)
    return exits.OK


def allow(args: argparse.Namespace) -> int:
    """Allow a request."""
    reply = {"optionId": args.option} if args.option else {"reply": "always" if args.always else "once"}
    return _answer(args, reply)


def deny(args: argparse.Namespace) -> int:
    """Refuse a request."""
    return _answer(args, {"reply": "reject"})


def _answer(args: argparse.Namespace, reply: dict[str, Any]) -> int:
    with connect_to(args) as client:
        found = _waiting(client, args.vm)
        chosen = [each for each in found if args.request is None or each["permissionId"].startswith(args.request)]
        exact = [each for each in chosen if each["permissionId"] == args.request]
        if len(exact or chosen) > 1:
            raise UsageError(f"{len(chosen)} requests may be meant: `torpor permission ls` lists them")
        if not chosen:
            output.say(f"no request {args.request} waits" if args.request else "no request waits for an answer")
            return exits.FAILED
        (request,) = exact or chosen
        ids = {name: request[name] for name in ("vm", "sessionId", "permissionId")}
        client.call("respondPermission", **ids, **reply)
    if args.json:
        output.write_json({**ids, **reply})
    else:
        output.say(f"answered: {_title(request)}")
    return exits.OK


def _waiting(client: Client, vm: str | None) -> list[dict[str, Any]]:
    """The requests that wait, each with its `vm` and `sessionId`. Only a session in a turn has any."""
    from runtime.cli.finding import at_once, rows_of

    rows = rows_of(client, None if vm is None else [vm_name(vm)], "listSessions")
    ids = [{"vm": row["vm"], "sessionId": row["sessionId"]} for row in rows if row["status"] == "running"]
    details = at_once(client, [("getSession", each) for each in ids])
    return [
        {**each, **request}
        for each, found in zip(ids, details, strict=True)
        if found
        for request in found["pendingPermissions"]
    ]


def _title(request: dict[str, Any]) -> str:
    call = request["toolCall"]
    return str(call.get("title") or call.get("kind") or "a tool call")
