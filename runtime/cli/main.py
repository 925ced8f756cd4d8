"""`torpor`: the command line, and where each command is. Modules are imported only when their command runs."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from runtime.cli import exits

if TYPE_CHECKING:
    from collections.abc import Sequence

DESCRIPTION: Final = "Run AI agents in durable, hibernating VMs."
EPILOG: Final = f"""\
exit codes:
{exits.as_text()}

environment:
  TORPOR_SOCKET  the daemon's socket (default: $XDG_RUNTIME_DIR/torpor/torpor.sock)
  TORPOR_STATE   the daemon's state file (default: ~/.local/state/torpor/torpor.db)
"""
DEFAULT_VM: Final = "default"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code (`runtime.cli.exits`)."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr] # both are text files in a command
    args = parser().parse_args(arguments)
    module, _, function = args.run.partition(":")
    try:
        code: int = getattr(import_module(f"runtime.cli.{module}"), function)(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        # Python would try to flush stdout once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.BROKEN_PIPE
    except Exception as error:
        failure = _failure(error, as_json=args.json)
        if failure is None:
            raise
        return failure
    return code


def _failure(error: Exception, *, as_json: bool) -> int | None:
    """Report an error that a command may end with, and return its exit code; None for a fault of ours."""
    import json  # noqa: PLC0415 - only when something failed

    from runtime.cli import output  # noqa: PLC0415
    from runtime.client.sync import ConnectError, ConnectionLostError, EndpointError, RpcError  # noqa: PLC0415

    if isinstance(error, RpcError):
        if as_json:
            sys.stderr.write(json.dumps({"error": output.error_members(error)}) + "\n")
        else:
            output.report(error)
        return exits.AGENT_FAILED if error.name in exits.AGENT_ERRORS else exits.FAILED
    if isinstance(error, ConnectError):
        output.say(f"{error}; `torpor serve` starts one")
        return exits.NO_DAEMON
    if isinstance(error, ConnectionLostError | EndpointError):
        output.say(str(error))
        return exits.NO_DAEMON
    if isinstance(error, UnicodeEncodeError):
        output.say("an argument is not valid UTF-8")
        return exits.USAGE
    if isinstance(error, OSError):
        output.say(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return exits.FAILED
    return None


class _Version(argparse.Action):
    """`--version`, whose answer is looked up only when it is asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_arguments: Any, **_options: Any) -> None:
        sys.stdout.write(f"torpor {_version()}\n")
        parser.exit()


def _version() -> str:
    unpacked: str | None = getattr(sys, "_MEIPASS", None)
    if unpacked is not None:  # the single executable's build writes it down: the search below takes 25 ms
        with open(os.path.join(unpacked, "VERSION"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
            return file.read()
    from importlib.metadata import version  # noqa: PLC0415 - slow, and rarely needed

    return version("torpor")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    root = argparse.ArgumentParser(
        prog="torpor",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    root.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--socket", metavar="PATH", help="the daemon's socket")
    common.add_argument("--json", action="store_true", help="print JSON, one object a line")
    _add_run(commands, common)
    _add_acp(commands, common)
    _add_daemon(commands, common)
    _add_lists(commands, common)
    _add_fs(commands, common)
    _add_portable(commands, common)
    _add_test(commands, common)
    _add(commands, common, "licenses", "licenses:run", "print the licences of what the single executable contains")
    return root


def _add(commands: Any, common: argparse.ArgumentParser, name: str, run: str, text: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(
        name, parents=[common], help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False
    )
    added.set_defaults(run=run)
    return added


def _add_vm(added: argparse.ArgumentParser, default: str | None = DEFAULT_VM) -> None:
    shown = f"the VM (default: {default or 'all'}); parts of a name joined with /"
    added.add_argument("--vm", metavar="NAME", default=default, help=shown)


def _add_run(commands: Any, common: argparse.ArgumentParser) -> None:
    run = _add(commands, common, "run", "run:run", "prompt an agent and print its answer as it comes")
    run.epilog = (
        "Starts a daemon if none answers. Text goes to stdout, tool calls and messages to stderr. Nothing is inherited "
        "from your environment but what --env names. Ctrl-C cancels the prompt; a second one leaves it."
    )
    run.add_argument("agent", metavar="AGENT", help="the agent, as `torpor agents` lists them")
    run.add_argument("prompt", metavar="PROMPT", help="what to say to it; - reads it from stdin")
    _add_vm(run)
    _add_start(run)
    run.add_argument("--session", metavar="ID", help="go on in this session, or open it under this id")
    run.add_argument("--cwd", metavar="DIR", help="the agent's working directory in the VM (default: /home/user)")
    run.add_argument("--yes", action="store_true", help="allow whatever the agent asks permission for")


def _add_acp(commands: Any, common: argparse.ArgumentParser) -> None:
    acp = _add(commands, common, "acp", "acp.command:run", "be an agent for an editor: ACP on stdin and stdout")
    acp.epilog = (
        "An editor starts this as it would start the agent itself. Starts a daemon if none answers. The agent works on the "
        "files of its VM, not on those of the editor, and gets no environment but what --env names. Messages go to stderr. "
        "At the end of stdin turns are cancelled and sessions suspended: session/load and session/resume go on with them."
    )
    acp.add_argument("agent", metavar="AGENT", help="the agent, as `torpor agents` lists them")
    acp.add_argument(
        "--vm", metavar="NAME", help="the VM (default: one for each workspace); parts of a name joined with /"
    )
    _add_start(acp)


def _add_start(run: argparse.ArgumentParser) -> None:
    """Add what an agent and its VM are started with."""
    run.add_argument(
        "--env",
        metavar="K=V",
        action="append",
        default=[],
        help="a variable for the agent; K alone takes the value from your environment (repeatable)",
    )
    run.add_argument(
        "--allow",
        metavar="HOST",
        action="append",
        default=[],
        help="a host (or host:port, or *.domain) that the VM may reach, when the VM is created (repeatable)",
    )
    run.add_argument("--state", metavar="FILE", help="the state file of a daemon that is started")


def _add_daemon(commands: Any, common: argparse.ArgumentParser) -> None:
    serve = _add(commands, common, "serve", "daemon:serve", "run the daemon in the foreground")
    serve.add_argument("--state", metavar="FILE", help="the state file; it is created if need be")
    serve.add_argument(
        "--http",
        metavar="HOST:PORT",
        help="serve the same API over WebSocket at http://HOST:PORT/rpc, to who has the token",
    )
    serve.add_argument(
        "--http-token",
        metavar="FILE",
        help="the file with the token (default: http-token beside the state file, made if need be)",
    )
    serve.add_argument("--http-public", action="store_true", help="let --http name an address that others can reach")
    serve.add_argument(
        "--http-origin",
        metavar="ORIGIN",
        action="append",
        default=[],
        help="let web pages of this origin connect (repeatable)",
    )
    stop = _add(commands, common, "stop", "daemon:stop", "stop the daemon: running turns end as cancelled")
    stop.add_argument("--timeout", metavar="SECONDS", type=float, default=30.0, help="how long to wait (default: 30)")
    sleep = _add(
        commands, common, "sleep", "daemon:sleep", "put a VM to sleep: its agents leave memory, nothing is lost"
    )
    sleep.add_argument("vm", metavar="VM", nargs="?", default=DEFAULT_VM, help=f"the VM (default: {DEFAULT_VM})")
    sleep.add_argument("--force", action="store_true", help="cancel turns that run instead of waiting for them")
    sleep.add_argument("--grace", metavar="SECONDS", type=float, help="how long to wait for turns that run")
    keys = commands.add_parser(
        "keys", help="the key of sessions' variables", description="The key of sessions' variables."
    )
    actions = keys.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add(actions, common, "rotate", "daemon:rotate_key", "seal the variables of all sessions with a new key")


def _add_lists(commands: Any, common: argparse.ArgumentParser) -> None:
    _add(commands, common, "agents", "lists:agents", "list the agents that can be run")
    _add(commands, common, "vms", "lists:vms", "list the VMs, awake or asleep")
    sessions = _add(commands, common, "sessions", "lists:sessions", "list sessions, also of VMs that sleep")
    _add_vm(sessions, default=None)
    events = _add(commands, common, "events", "lists:events", "print the transcript of a session")
    events.add_argument("session", metavar="SESSION", help="the session's id")
    _add_vm(events)
    events.add_argument("--after", metavar="SEQ", type=int, default=-1, help="only what came after this event")
    events.add_argument("--limit", metavar="N", type=int, help="at most so many")
    events.add_argument("--type", metavar="TYPE", action="append", dest="types", help="only this type (repeatable)")
    events.add_argument("--follow", action="store_true", help="go on with what comes, until interrupted")


def _add_test(commands: Any, common: argparse.ArgumentParser) -> None:
    test = _add(commands, common, "test", "test:run", "test agents as YAML files say")
    test.epilog = (
        "Agents run in this process, each test in a VM of its own; with --socket or --executable in a daemon. "
        "Exits with 0 when all tests passed, with 1 when one failed, with 2 when a file cannot be used."
    )
    test.add_argument("files", metavar="FILE", nargs="+", help="a YAML file of tests")
    test.add_argument(
        "--format", choices=("pretty", "tap", "junit"), default="pretty", help="what is printed without --json"
    )
    test.add_argument("--junit", metavar="FILE", help="write JUnit's XML to a file as well")
    test.add_argument("--name", metavar="TEXT", help="only tests with this text in their names")
    test.add_argument("--executable", metavar="FILE", help="run agents in a daemon started from this executable")
    test.add_argument("--update", action="store_true", help="write golden transcripts instead of comparing them")
    kept = "where transcripts and states of failing tests are put (default: %(default)s); empty: nowhere"
    test.add_argument("--report", metavar="DIR", default="torpor-report", help=kept)


def _add_portable(commands: Any, common: argparse.ArgumentParser) -> None:
    export = _add(commands, common, "export", "portable:export", "write a VM with files and sessions to a new file")
    export.epilog = "The values of env are left out: where the VM goes on, a session asks for them again."
    export.add_argument("vm", metavar="VM", help="the VM; parts of a name joined with /")
    export.add_argument("path", metavar="PATH", help="the file, which must not exist")
    import_ = _add(commands, common, "import", "portable:import_", "make a VM of a file that was exported")
    import_.epilog = "The file is distrusted: the VM may reach no host, and policies and cron jobs stay behind."
    import_.add_argument("path", metavar="PATH", help="the file")
    import_.add_argument("--vm", metavar="NAME", help="the VM's name (default: the one in the file)")
    import_.add_argument("--trust", action="store_true", help="take over hosts, policies and cron jobs as well")


def _add_fs(commands: Any, common: argparse.ArgumentParser) -> None:
    fs = commands.add_parser("fs", help="read and write a VM's files", description="Read and write a VM's files.")
    actions = fs.add_subparsers(title="commands", metavar="COMMAND", required=True)
    ls = _add(actions, common, "ls", "files:ls", "list a directory of the VM")
    ls.add_argument("path", metavar="PATH", nargs="?", default="/home/user", help="default: /home/user")
    ls.add_argument("-l", "--long", action="store_true", help="with type, mode, size and time")
    cat = _add(actions, common, "cat", "files:cat", "write a file of the VM to stdout")
    cat.add_argument("path", metavar="PATH")
    put = _add(actions, common, "put", "files:put", "copy a local file into the VM")
    put.add_argument("local", metavar="LOCAL", help="the file to copy; - reads stdin")
    put.add_argument("path", metavar="PATH", help="where to; a path that ends in / keeps the name")
    rm = _add(actions, common, "rm", "files:rm", "remove a file from the VM")
    rm.add_argument("path", metavar="PATH")
    rm.add_argument("-r", "--recursive", action="store_true", help="remove directories with what they hold")
    for action in (ls, cat, put, rm):
        _add_vm(action)
