"""`run` and `acp`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.cli.table import add_vm

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the commands."""
    run = table.command(
        "run",
        "run:run",
        "prompt an agent and print its answer as it comes",
        epilog="Text goes to stdout, tool calls and messages to stderr. Nothing is inherited "
        "from your environment but what --env names. Ctrl-C cancels the prompt; a second one leaves it.",
    )
    run.add_argument("agent", metavar="AGENT", help="the agent, as `torpor agents` lists them")
    run.add_argument("prompt", metavar="PROMPT", help="what to say to it; - reads it from stdin")
    add_vm(run)
    _add_start(run)
    run.add_argument("--session", metavar="ID", help="go on in this session, or open it under this id")
    run.add_argument("--cwd", metavar="DIR", help="the agent's working directory in the VM (default: /home/user)")
    run.add_argument("--yes", action="store_true", help="allow whatever the agent asks permission for")
    acp = table.command(
        "acp",
        "acp.command:run",
        "be an agent for an editor: ACP on stdin and stdout",
        epilog="An editor starts this as it would start the agent itself. The agent works on the files of its VM, on "
        "those of the editor only with --workspace, and gets no environment but what --env names. Messages go to stderr. At "
        "the end of stdin turns are cancelled and sessions suspended: session/load and session/resume go on with them.",
    )
    acp.add_argument("agent", metavar="AGENT", help="the agent, as `torpor agents` lists them")
    acp.add_argument(
        "--vm", metavar="NAME", help="the VM (default: one for each workspace); parts of a name joined with /"
    )
    acp.add_argument(
        "--workspace",
        action="store_true",
        help="mount the directory that the editor works in, at its own path, for the agent to read and change",
    )
    _add_start(acp)


def _add_start(command: argparse.ArgumentParser) -> None:
    """Add what an agent and its VM are started with."""
    command.add_argument(
        "--env",
        metavar="K=V",
        action="append",
        default=[],
        help="a variable for the agent; K alone takes the value from your environment (repeatable)",
    )
    command.add_argument(
        "--allow",
        metavar="HOST",
        action="append",
        default=[],
        help="a host (or host:port, or *.domain) that the VM may reach, when the VM is created (repeatable)",
    )
    command.add_argument(
        "--mount",
        metavar="HOST[:PATH][:ro]",
        action="append",
        default=[],
        help="a directory of this machine for the VM, at its own path or at PATH, to be changed or only read (repeatable)",
    )
    command.add_argument("--state", metavar="FILE", help="the state file of a daemon that is started")
