"""`torpor`: reads the command line, runs the command, reports how it failed."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Final

from runtime.cli import (
    added_agents,
    agents,
    answers,
    anything,
    base,
    context_commands,
    daemon,
    exits,
    files,
    history,
    inspecting,
    install,
    lists,
    more_files,
    move,
    output,
    processes,
    repair,
    serve,
    sessions,
    testing,
    transcripts,
    vms,
)
from runtime.cli.parsers import Parser
from runtime.cli.sections import SectionsFormatter
from runtime.cli.table import Table, UsageError
from runtime.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUPS: Final = (
    agents,
    serve,
    daemon,
    vms,
    sessions,
    answers,
    lists,
    transcripts,
    added_agents,
    processes,
    base,
    files,
    more_files,
    history,
    move,
    anything,
    context_commands,
    inspecting,
    testing,
    repair,
    install,
)
"""In the order in which the reference lists their commands."""
DESCRIPTION: Final = "Run AI agents in durable, hibernating VMs."
EPILOG: Final = f"""\
exit codes:
{exits.as_text()}

environment:
  TORPOR_SOCKET  the daemon's socket (default: $XDG_RUNTIME_DIR/torpor/torpor.sock)
  TORPOR_HOST    a daemon elsewhere: ssh://HOST, https://HOST:PORT, or a context's name
  TORPOR_STATE   the daemon's state file (default: ~/.local/state/torpor/torpor.db)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code (`runtime.cli.exits`)."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr] # both are text files in a command
    words = sys.argv[1:] if arguments is None else arguments
    if not words and sys.stdin.isatty() and sys.stdout.isatty():
        words = ["chat"]
    args = parser().parse_args(words)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        # Python would try to flush stdout once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.BROKEN_PIPE
    except Exception as error:
        failure = _failure(error, args)
        if failure is None:
            raise
        return failure
    return code


def _failure(error: Exception, args: argparse.Namespace) -> int | None:
    """Report an error that a command may end with, and return its exit code; None for a fault of ours."""
    import json

    from runtime.cli.guessing import meant
    from runtime.client.sync import ConnectError, ConnectionLostError, EndpointError, RpcError

    if isinstance(error, RpcError):
        if args.json:
            sys.stderr.write(json.dumps({"error": output.error_members(error)}) + "\n")
        else:
            output.report(error, meant(error, args))
        return exits.AGENT_FAILED if error.name in exits.AGENT_ERRORS else exits.FAILED
    if isinstance(error, ConnectError):
        output.say(str(error))
        return exits.NO_DAEMON
    if isinstance(error, ConnectionLostError | EndpointError):
        output.say(str(error))
        return exits.NO_DAEMON
    if isinstance(error, UsageError):
        output.say(str(error))
        return exits.USAGE
    if isinstance(error, UnicodeEncodeError):
        output.say("an argument is not valid UTF-8")
        return exits.USAGE
    if isinstance(error, OSError):
        output.say(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return exits.FAILED
    return None


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    root = Parser(
        prog="torpor",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=SectionsFormatter,
    )
    root.add_argument(
        "-V", "--version", action="version", version=f"torpor {VERSION}", help="print the version and exit"
    )
    entered = table()
    entered.command("help", _help, "print the help of a command, or the list of them", starts=False).add_argument(
        "words", metavar="COMMAND", nargs="*", help="the command's words"
    )
    entered.command("version", _version, "print the version of this program", starts=False)
    entered.command("man", _man, "print the manual page, for man(1): torpor man | man -l -", starts=False)
    command = entered.command(
        "open",
        _open,
        "look into a state or export file, read only: run a command that reads on what it holds",
        starts=False,
        epilog="The file may be in use by a daemon. Without a command its VMs and sessions are listed. Commands that would "
        "change something fail.",
    )
    command.add_argument("file", metavar="FILE", help="the file")
    command.add_argument("words", metavar="COMMAND", nargs=argparse.REMAINDER, help="the command, as fs cat /etc/motd")
    entered.enter_into(root)
    return root


def _man(args: argparse.Namespace) -> int:
    from runtime.cli.manual import page

    output.write_json({"page": page(parser())}) if args.json else sys.stdout.write(page(parser()))
    return exits.OK


def _open(args: argparse.Namespace) -> int:
    """Run commands on a file."""
    listed = not args.words or args.words[0].startswith("-")
    code = exits.OK
    for words in [["vm", "ls"], ["session", "ls"]] if listed else [[]]:
        inner = parser().parse_args([*words, *args.words])
        if not hasattr(inner, "no_start"):
            raise UsageError(f"{args.words[0]} does not work on the VMs of a daemon, nor on those of a file")
        inner.opened = args.opened = args.file
        inner.json = args.json = args.json or inner.json  # a failure is told as the command would
        code = code or inner.run(inner)
    return code


def _help(args: argparse.Namespace) -> int:
    """As the command with `--help`."""
    return main([*args.words, "--help"])


def _version(args: argparse.Namespace) -> int:
    output.write_json({"version": VERSION}) if args.json else sys.stdout.write(f"torpor {VERSION}\n")
    return exits.OK


def table() -> Table:
    """Return the table of all commands."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--socket", metavar="PATH", help="the daemon's socket")
    common.add_argument("--json", action="store_true", help="print JSON, one object a line")
    entered = Table(common)
    for group in GROUPS:
        group.register(entered)
    return entered
