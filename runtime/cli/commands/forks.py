"""`fork` and `fork-session`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.cli.table import add_vm

if TYPE_CHECKING:
    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the commands."""
    fork = table.command(
        "fork",
        "forks:fork",
        "make a VM like another, as it is or as it was after an event",
        epilog="The files of an event are those at the end of the last turn before it; nothing is woken.",
    )
    fork.add_argument("vm", metavar="VM", help="the VM; parts of a name joined with /")
    fork.add_argument("to", metavar="NAME", help="the new VM's name")
    fork.add_argument(
        "--at", metavar="SESSION@SEQ", help="begin after this event of a session (default: as everything is now)"
    )
    session = table.command(
        "fork-session",
        "forks:fork_session",
        "make a session with the history of another, in its VM or in a fork of the VM",
    )
    session.add_argument("session", metavar="SESSION", help="the session's id")
    add_vm(session)
    session.add_argument("--at", metavar="SEQ", type=int, help="the last event to keep (default: all)")
    session.add_argument("--to", metavar="NAME", help="fork the VM to this name, too: with the files of that moment")
