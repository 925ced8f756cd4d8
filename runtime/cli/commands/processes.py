"""`exec` and `ps`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from runtime.cli.table import add_vm

if TYPE_CHECKING:
    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the commands."""
    run = table.command(
        "exec",
        "processes:execute",
        "run a command in a VM, with this program's stdin, stdout and stderr",
        epilog="Commands are components in the VM's /bin, or paths. The exit code is the command's own; 134 when it crashed, "
        "124 when it took too long, 137 when it was killed. Nothing is inherited from your environment but what --env names. "
        "Ctrl-C kills the command. A command whose output nobody reads any more is killed, too.",
    )
    add_vm(run)
    run.add_argument(
        "--env",
        metavar="K=V",
        action="append",
        default=[],
        help="a variable for the command; K alone takes the value from your environment (repeatable)",
    )
    run.add_argument("--cwd", metavar="DIR", help="the working directory in the VM (default: /home/user)")
    run.add_argument("--timeout", metavar="SECONDS", type=float, help="kill the command when it takes longer")
    run.add_argument(
        "-c",
        "--command",
        metavar="LINE",
        help="a line for the VM's /bin/sh, instead of ARGV; without a shell it may only have words",
    )
    run.add_argument("argv", metavar="ARGV", nargs=argparse.REMAINDER, help="the command and its arguments, after --")
    ps = table.command("ps", "processes:ps", "list the processes of VMs that are awake")
    add_vm(ps, default=None)
    ps.add_argument("-a", "--all", action="store_true", help="with commands that have ended lately")
