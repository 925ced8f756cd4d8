"""`torpor shell`: a shell in a VM, at this program's terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.api.defaults import HOME

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the command."""
    command = table.command(
        "shell",
        shell,
        "open a shell in a VM, at this terminal",
        epilog="Without a command it is the VM's /bin/bash, or /bin/sh. All keys go to the shell, Ctrl-C and Ctrl-Z as well; "
        "its exit code is that of this command. Closing the terminal hangs up the shell. Nothing is inherited from your "
        "environment but TERM and what --env names.",
    )
    command.add_argument("vm", metavar="VM", nargs="?", default="default", help="the VM (default: default)")
    command.add_argument(
        "--env",
        metavar="K=V",
        action="append",
        default=[],
        help="a variable for the shell; K alone takes the value from your environment (repeatable)",
    )
    command.add_argument("--cwd", metavar="DIR", help=f"the working directory in the VM (default: {HOME})")
    command.add_argument("argv", metavar="COMMAND", nargs="*", help="what to run instead of a shell, after --")


def shell(args: argparse.Namespace) -> int:
    """`torpor shell`."""
    from runtime.cli.keyboard import shell as run

    return run(args)
