"""What there is: `agents`, `vms`, `sessions` and `events`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from runtime.api.events import SESSION_EVENT, SUBSCRIPTION_LAGGED
from runtime.cli import exits, output
from runtime.cli.connecting import connect_to, vm_name
from runtime.cli.table import add_vm

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from runtime.cli.table import Table
    from runtime.client.sync import Client

PAGE: Final = 1000
"""Events asked for at a time: some 300 KiB, and the first are printed at once."""


def register(table: Table) -> None:
    """Enter the commands."""
    table.command("agents", agents, "list the agents that can be run")
    table.command("vms", vms, "list the VMs, awake or asleep")
    command = table.command("sessions", sessions, "list sessions, also of VMs that sleep")
    add_vm(command, default=None)
    command = table.command("events", events, "print the transcript of a session")
    command.add_argument("session", metavar="SESSION", help="the session's id")
    add_vm(command)
    command.add_argument("--after", metavar="SEQ", type=int, default=-1, help="only what came after this event")
    command.add_argument("--limit", metavar="N", type=int, help="at most so many")
    command.add_argument("--type", metavar="TYPE", action="append", dest="types", help="only this type (repeatable)")
    command.add_argument("--follow", action="store_true", help="go on with what comes, until interrupted")


def agents(args: argparse.Namespace) -> int:
    """List the agents."""
    with connect_to(args) as client:
        found = client.call("listAgents")
    if args.json:
        return _as_json(found)
    rows = [
        (agent["id"], str(agent["version"]), agent["source"], agent["title"]) for agent in found if not agent["problem"]
    ]
    output.write_table(("ID", "VERSION", "SOURCE", "TITLE"), rows)
    for agent in found:
        if agent["problem"]:
            output.say(f"{agent['id']} cannot be run: {agent['problem']}")
    return exits.OK


def vms(args: argparse.Namespace) -> int:
    """List the VMs."""
    with connect_to(args) as client:
        found = client.call("vm.list")
    if args.json:
        return _as_json(found)
    rows = [(output.vm_label(vm["vm"]), vm["state"], output.local_time(vm["createdAt"])) for vm in found]
    output.write_table(("VM", "STATE", "CREATED"), rows)
    return exits.OK


def sessions(args: argparse.Namespace) -> int:
    """List the sessions of one VM or of all."""
    from runtime.cli.finding import rows_of

    with connect_to(args) as client:
        found = rows_of(client, None if args.vm is None else [vm_name(args.vm)])
    if args.json:
        return _as_json(found)
    rows = [
        (
            row["sessionId"],
            output.vm_label(row["vm"]),
            row["agentType"],
            row["status"],
            str(row["lastSeq"] + 1),
            output.local_time(row["updatedAt"]),
            row["title"] or "",
        )
        for row in found
    ]
    output.write_table(("SESSION", "VM", "AGENT", "STATUS", "EVENTS", "UPDATED", "TITLE"), rows)
    return exits.OK


def events(args: argparse.Namespace) -> int:
    """Print a transcript, and with `--follow` what comes."""
    ids = {"vm": vm_name(args.vm), "sessionId": args.session}
    with connect_to(args) as client:
        print_events(client, ids, args)
    return exits.OK


def print_events(
    client: Client, ids: dict[str, Any], args: argparse.Namespace, show: Callable[[dict[str, Any]], None] | None = None
) -> None:
    """Print the events of a session that the command line asks for: each by `show`, else a line each, or JSON."""
    if show is None:

        def show(event: dict[str, Any]) -> None:
            _print_event(event, as_json=args.json)

    (_follow if args.follow else _print_pages)(client, ids, args, show)


def _print_pages(
    client: Client, ids: dict[str, Any], args: argparse.Namespace, show: Callable[[dict[str, Any]], None]
) -> None:
    after, left = args.after, args.limit
    while left is None or left > 0:
        limit = PAGE if left is None else min(PAGE, left)
        page = client.call("getSessionEvents", **ids, after=after, limit=limit, types=args.types)
        for event in page:
            show(event)
        if not page:
            return
        after = page[-1]["seq"]
        left = None if left is None else left - len(page)


def _follow(
    client: Client, ids: dict[str, Any], args: argparse.Namespace, show: Callable[[dict[str, Any]], None]
) -> None:
    last, left = args.after, args.limit
    types = args.types or [SESSION_EVENT]
    client.call("subscribe", **ids, after=last, types=types)
    for notification in client.notifications():
        if notification.method == SUBSCRIPTION_LAGGED:
            client.call("subscribe", **ids, after=last, types=types)
        elif notification.method == SESSION_EVENT:
            last = notification.params["seq"]
            event = {name: notification.params[name] for name in ("sessionId", "seq", "createdAt", "event")}
            show(event)
            left = None if left is None else left - 1
        if left is not None and left <= 0:
            return


def _print_event(event: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.write_json(event)
        return
    import json

    message = event["event"]
    params = message.get("params") or {}
    update = params.get("update") if message["method"] == "session/update" else None
    if isinstance(update, dict):
        kind = str(update.get("sessionUpdate"))
        members = {name: value for name, value in update.items() if name != "sessionUpdate"}
    else:
        kind, members = message["method"], {name: value for name, value in params.items() if name != "sessionId"}
    content = members.get("content")
    text = content.get("text") if isinstance(content, dict) else None
    shown = text if isinstance(text, str) else json.dumps(members, ensure_ascii=False)
    line = f"{event['seq']:>6}  {output.local_time(event['createdAt'])}  {kind:<24}  {output.one_line(shown)}"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _as_json(rows: list[dict[str, Any]]) -> int:
    for row in rows:
        output.write_json(row)
    return exits.OK
