"""Sessions: `session ls`, `show`, `rm`, `close`, `resume`, `cancel`, `fork`, `set` and `send`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.cli import exits, history, output
from runtime.cli.connecting import connect_to, vm_name
from runtime.cli.table import UsageError, add_session, add_vm, add_yes, environment

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table
    from runtime.client.sync import Client

SETTERS: Final = {
    "model": ("setModel", "value"),
    "thinking": ("setThoughtLevel", "value"),
    "mode": ("setMode", "modeId"),
}
"""What has a method of its own, and that method's param; whatever else is set is a config option by its id."""

TRUTH: Final = {"true": True, "false": False}


def register(table: Table) -> None:
    """Enter the commands."""
    group = table.group("session", "conversations with agents: list, change, end and remove them")
    command = group.command("ls", ls, "list sessions, those of VMs that sleep as well, with their tokens and cost")
    add_vm(command, default=None)
    command.add_argument("--live", action="store_true", help="only those whose agent is in memory")
    command = group.command("show", show, "describe a session: its agent, settings, and what waits for an answer")
    add_session(command)
    command = group.command("rm", rm, "remove a session with its transcript; its VM's files stay")
    add_session(command)
    add_yes(command)
    command = group.command("close", close, "end a session: its agent leaves memory, the transcript stays")
    add_session(command)
    command = group.command("resume", resume, "bring a session back that was closed or suspended")
    add_session(command)
    command.add_argument(
        "--env",
        metavar="K=V",
        action="append",
        default=[],
        help="a variable that it asks for again; K alone takes the value from your environment (repeatable)",
    )
    command = group.command("cancel", cancel, "end the turn that a session is in")
    add_session(command)
    command.add_argument("--grace", metavar="SECONDS", type=float, help="how long the agent has for it (default: 5)")
    history.add_fork_session(group, "fork")
    command = group.command(
        "set",
        set_,
        "set a session's model, mode, thinking or another option; without a value, list what can be set",
        epilog="model, mode and thinking are set as such, whatever else by the id that the agent has given it.",
    )
    add_session(command)
    command.add_argument("name", metavar="NAME", nargs="?", help="model, mode, thinking, or an option's id")
    command.add_argument("value", metavar="VALUE", nargs="?", help="one of the values that it offers")
    command = group.command(
        "send", send, "send an agent a request of ACP, or one of its own, and print what it answers"
    )
    add_session(command)
    command.add_argument("method", metavar="METHOD", help="the request's method")
    command.add_argument("params", metavar="JSON", nargs="?", help="its params; sessionId is filled in")


def ls(args: argparse.Namespace) -> int:
    """List sessions, what was used last first."""
    from runtime.cli.finding import rows_of

    method = "listSessions" if args.live else "listPersistedSessions"
    with connect_to(args) as client:
        found = rows_of(client, None if args.vm is None else [vm_name(args.vm)], method)
    found.sort(key=lambda row: row["updatedAt"], reverse=True)
    if args.json:
        for row in found:
            output.write_json(row)
    else:
        header = ("SESSION", "VM", "AGENT", "STATUS", "EVENTS", "TOKENS", "COST", "LAST USED", "TITLE")
        output.write_table(header, [_row(row) for row in found])
    return exits.OK


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    usage = output.tokens(row["usage"]), output.cost(row["usage"])
    what = row["sessionId"], output.vm_label(row["vm"]), row["agentType"], row["status"], str(row["lastSeq"] + 1)
    return *what, *usage, output.local_time(row["updatedAt"]), row["title"] or ""


def show(args: argparse.Namespace) -> int:
    """Describe a session."""
    import json

    from runtime.cli.finding import find_session

    with connect_to(args) as client:
        ids = find_session(client, args)
        found = {"vm": ids["vm"], **client.call("getSession", **ids)}
    if args.json:
        output.write_json(found)
    else:
        output.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    return exits.OK


def rm(args: argparse.Namespace) -> int:
    """Remove a session, after a question."""
    from runtime.cli.asking import confirmed
    from runtime.cli.finding import find_session

    with connect_to(args) as client:
        ids = find_session(client, args)
        events = client.call("getSession", **ids)["lastSeq"] + 1
        what = f"session {ids['sessionId']} of VM {output.vm_label(ids['vm'])} with {events} events"
        if not confirmed(args, f"Remove {what}?"):
            return exits.FAILED
        client.call("destroySession", **ids)
    if args.json:
        output.write_json({**ids, "removed": True})
    return exits.OK


def close(args: argparse.Namespace) -> int:
    """End a session."""
    return _done(args, "closeSession")


def resume(args: argparse.Namespace) -> int:
    """Bring a session back."""
    env = environment(args.env)
    return _done(args, "resumeSession", options={"env": env} if env else None)


def cancel(args: argparse.Namespace) -> int:
    """End a turn; tell when there was none."""
    return _done(args, "cancelPrompt", graceMs=None if args.grace is None else round(args.grace * 1000))


def set_(args: argparse.Namespace) -> int:
    """Set what a session works with, or list what can be set."""
    from runtime.cli.finding import find_session

    if args.name is not None and args.value is None:
        raise UsageError(f"a value for {args.name} is missing; `torpor session set {args.session}` lists what there is")
    with connect_to(args) as client:
        ids = find_session(client, args)
        if args.name is None:
            return _list_settings(client, ids, as_json=args.json)
        if args.name in SETTERS:
            method, member = SETTERS[args.name]
            made = client.call(method, **ids, **{member: args.value})
        else:
            value = TRUTH.get(args.value, args.value) if _is_truth(client, ids, args.name) else args.value
            made = client.call("setConfigOption", **ids, configId=args.name, value=value)
    if args.json:
        output.write_json(made)
    return exits.OK


def _is_truth(client: Client, ids: dict[str, Any], name: str) -> bool:
    """Whether an option is true or false, and no word."""
    options = client.call("getConfigOptions", **ids)
    return any(each["id"] == name and isinstance(each.get("currentValue"), bool) for each in options)


def _list_settings(client: Client, ids: dict[str, Any], *, as_json: bool) -> int:
    modes, options = client.call("getModes", **ids), client.call("getConfigOptions", **ids)
    if as_json:
        output.write_json({"modes": modes, "configOptions": options})
        return exits.OK
    rows = [(each["id"], _word(each.get("currentValue")), _offered(each)) for each in options]
    if modes is not None:
        offered = " ".join(each["id"] for each in modes["availableModes"])
        rows.insert(0, ("mode", modes["currentModeId"], offered))
    output.write_table(("NAME", "VALUE", "VALUES"), rows)
    return exits.OK


def _offered(option: dict[str, Any]) -> str:
    """The values that an option offers; ACP has them in groups as well."""
    if isinstance(option.get("currentValue"), bool):
        return "true false"
    listed = option.get("options") or []
    flat = [each for entry in listed for each in (entry.get("options") or [entry])]
    return " ".join(str(each.get("value", "")) for each in flat)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def send(args: argparse.Namespace) -> int:
    """Send any request of ACP."""
    import json

    from runtime.cli.finding import find_session

    try:
        params = None if args.params is None else json.loads(args.params)
    except ValueError as error:
        raise UsageError(f"the params are no JSON: {error}") from error
    with connect_to(args) as client:
        output.write_json(client.call("rawSend", **find_session(client, args), method=args.method, params=params))
    return exits.OK


def _done(args: argparse.Namespace, method: str, **params: Any) -> int:
    """Call a method on the session, and print what it answers, where that says something."""
    from runtime.cli.finding import find_session

    with connect_to(args) as client:
        answer = client.call(method, **find_session(client, args), **params)
    if args.json:
        output.write_json(answer)
    elif answer.get("outcome") == "no_active_prompt":
        output.say("there was no turn")
    elif answer.get("outcome") == "killed":
        output.say("the agent did not end its turn in time, and was killed")
    return exits.OK
