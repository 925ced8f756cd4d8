"""Agents at work: `chat` for a conversation, `run` for one prompt, `acp` for an editor."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from runtime.api.defaults import HOME
from runtime.cli import exits, output
from runtime.cli.connecting import connect_to, vm_name
from runtime.cli.table import UsageError, add_vm, environment

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the commands."""
    command = table.command(
        "chat",
        chat,
        "hold a conversation with an agent in this terminal, as torpor without any word does",
        epilog="Without an agent it is pi, with the key for a model that your environment has. /help lists what can be typed. "
        "Ctrl-D leaves; the session is kept, and a turn that runs goes on.",
    )
    command.add_argument(
        "agent", metavar="AGENT", nargs="?", help="the agent, as `torpor agents` lists them (default: pi)"
    )
    add_run(command)
    command.set_defaults(vm=None)
    command.add_argument("--session", metavar="ID", help="go on in this session: a part of its id, last, or -")
    command.add_argument(
        "--continue",
        action="store_true",
        dest="last",
        help="go on with the last session, of this agent and VM if named",
    )
    _add_settings(command)
    command = table.command(
        "run",
        run,
        "prompt an agent and print its answer as it comes",
        epilog="Text goes to stdout, tool calls and messages to stderr. Nothing is inherited "
        "from your environment but what --env names. A session that was made for the prompt is closed after it; --session "
        "goes on with it. Ctrl-C cancels the prompt; a second one leaves it.",
    )
    command.add_argument("agent", metavar="AGENT", help="the agent, as `torpor agents` lists them")
    command.add_argument(
        "prompt",
        metavar="PROMPT",
        nargs="*",
        help="what to say to it, in one word or several; - or nothing reads it from a pipe; @path sends that file along",
    )
    add_run(command)
    command.add_argument("--session", metavar="ID", help="go on in this session, or open it under this id")
    command.add_argument("--new", metavar="ID", help="open a session under this id, which none may have")
    command.add_argument(
        "--continue", action="store_true", dest="last", help="go on with the last session of this agent in the VM"
    )
    _add_settings(command)
    command.set_defaults(mixes=True)
    command.add_argument(
        "--keep",
        action="store_true",
        help="leave the session open if it was made for this: its agent stays in memory",
    )
    command = table.command(
        "acp",
        acp,
        "be an agent for an editor: ACP on stdin and stdout",
        epilog="An editor starts this as it would start the agent itself. The agent works on the files of its VM, on "
        "those of the editor only with --workspace, and gets no environment but what --env names. Messages go to stderr. At "
        "the end of stdin turns are cancelled and sessions suspended: session/load and session/resume go on with them.",
    )
    command.add_argument("agent", metavar="AGENT", help="the agent, as `torpor agents` lists them")
    command.add_argument(
        "--vm", metavar="NAME", help="the VM (default: one for each workspace); parts of a name joined with /"
    )
    command.add_argument(
        "--workspace",
        action="store_true",
        help="mount the directory that the editor works in, at its own path, for the agent to read and change",
    )
    _add_start(command)
    command.add_argument(
        "--http", metavar="HOST:PORT", help="be one over WebSocket at ws://HOST:PORT/acp, to who has the token"
    )
    command.add_argument(
        "--http-token",
        metavar="FILE",
        help="the file with the token (default: acp-http-token beside the state file, made if need be)",
    )
    command.add_argument("--http-public", action="store_true", help="let --http name an address that others can reach")
    command.add_argument(
        "--http-origin",
        metavar="ORIGIN",
        action="append",
        default=[],
        help="let web pages of this origin connect (repeatable)",
    )


def _add_settings(command: argparse.ArgumentParser) -> None:
    command.add_argument("--model", metavar="MODEL", help="the model, of those that the agent offers")
    command.add_argument("--mode", metavar="MODE", help="the mode, of those that the agent offers")


def add_run(command: argparse.ArgumentParser) -> None:
    """Add what a prompt of a session of its own is run with."""
    add_vm(command)
    _add_start(command)
    command.add_argument("--cwd", metavar="DIR", help=f"the agent's working directory in the VM (default: {HOME})")
    command.add_argument(
        "--auth-method", metavar="ID", help="how the agent is to be authenticated, of the ways that it offers"
    )
    command.add_argument("--yes", action="store_true", help="allow whatever the agent asks permission for")


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
    command.add_argument(
        "--base",
        choices=("default", "none"),
        metavar="WHICH",
        help="default or none: whether the VM has Torpor's commands in /bin, when the VM is created",
    )
    command.add_argument("--state", metavar="FILE", help="the state file of a daemon that is started")


def chat(args: argparse.Namespace) -> int:
    """Hold a conversation; return how it went (`runtime.cli.exits`)."""
    from runtime.cli.chat.entry import chat

    return chat(args)


def run(args: argparse.Namespace) -> int:
    """Prompt an agent; return how it went (`runtime.cli.exits`)."""
    from runtime.cli.prompting import Run

    if args.new and (args.session or args.last):
        raise UsageError("--new opens another session than --session and --continue go on with: give one of them")
    env = environment(args.env)
    is_piped = args.prompt in ([], ["-"])
    if not args.prompt and sys.stdin.isatty():
        raise UsageError("a PROMPT is missing; `torpor chat` holds a conversation")
    prompt = sys.stdin.buffer.read().decode(errors="replace") if is_piped else " ".join(args.prompt)
    with connect_to(args) as client:
        return Run(client, args, env).go(prompt, attach=not is_piped)


def acp(args: argparse.Namespace) -> int:
    """Be the agent until stdin ends; return how it went (`runtime.cli.exits`)."""
    if args.http is not None:
        return _serve_acp(args)
    if args.http_token or args.http_public or args.http_origin:
        output.say("--http-token, --http-public and --http-origin go with --http")
        return exits.USAGE
    from runtime.cli.acp.face import Face
    from runtime.cli.acp.loop import Loop
    from runtime.cli.mounts import parse_mounts

    env = environment(args.env)
    vm = None if args.vm is None else vm_name(args.vm)
    mounts = parse_mounts(args.mount)
    face = Face(
        args.agent,
        vm=vm,
        allow=args.allow,
        base=args.base,
        env=env,
        mounts=mounts,
        workspace=args.workspace,
        on_terminal=sys.stderr.isatty(),
    )
    with connect_to(args).detach() as daemon:
        daemon.setblocking(False)
        return Loop(face, daemon, sys.stdin.fileno(), sys.stdout.fileno()).run()


def _serve_acp(args: argparse.Namespace) -> int:
    """Be the agent of clients that come over HTTP; return the exit code."""
    if args.workspace and args.http_public:
        output.say("--workspace and --http-public: others would have any directory of this machine mounted")
        return exits.USAGE
    from pathlib import Path

    import trio

    from runtime.api.endpoint import EndpointError
    from runtime.cli.acp.http import PATH, TOKEN_NAME, Server
    from runtime.cli.starting import program
    from runtime.daemon.places import state_path
    from runtime.newfile import make_directory
    from runtime.rpc.http_listener import AddressError, http_options

    token = None if args.http_token is None else Path(args.http_token)
    default = state_path(args.state).parent / TOKEN_NAME
    try:
        if token is None:
            make_directory(default.parent)
        options = http_options(args.http, token, default, public=args.http_public, origins=args.http_origin, path=PATH)
        output.say(f"the token is in {token or default}")
        return trio.run(Server(options, [*program(), *_same(args)]).run)
    except AddressError as error:
        output.say(str(error))
        return exits.USAGE
    except EndpointError as error:
        output.say(str(error))
        return exits.FAILED


def _same(args: argparse.Namespace) -> list[str]:
    """The command line of a `torpor acp` like this one, for one client."""
    given = ["acp"]
    for name in ("socket", "vm", "base", "state"):
        if (value := getattr(args, name)) is not None:
            given += [f"--{name}", value]
    for name in ("env", "allow", "mount"):
        for value in getattr(args, name):
            given += [f"--{name}", value]
    return [*given, *(["--workspace"] if args.workspace else []), args.agent]
