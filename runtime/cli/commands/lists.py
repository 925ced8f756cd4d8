"""`agents`, `vms`, `sessions` and `events`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.cli.table import add_vm

if TYPE_CHECKING:
    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the commands."""
    table.command("agents", "lists:agents", "list the agents that can be run")
    table.command("vms", "lists:vms", "list the VMs, awake or asleep")
    sessions = table.command("sessions", "lists:sessions", "list sessions, also of VMs that sleep")
    add_vm(sessions, default=None)
    events = table.command("events", "lists:events", "print the transcript of a session")
    events.add_argument("session", metavar="SESSION", help="the session's id")
    add_vm(events)
    events.add_argument("--after", metavar="SEQ", type=int, default=-1, help="only what came after this event")
    events.add_argument("--limit", metavar="N", type=int, help="at most so many")
    events.add_argument("--type", metavar="TYPE", action="append", dest="types", help="only this type (repeatable)")
    events.add_argument("--follow", action="store_true", help="go on with what comes, until interrupted")
