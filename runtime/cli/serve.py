"""`serve`: the daemon, in the foreground or, supervised, in the background."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Final

from runtime.cli import exits, output

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from runtime.cli.table import Table
    from runtime.daemon.supervisor import Life
    from runtime.rpc.http_listener import HttpOptions

DURABILITIES: Final = ("power", "process")
DEFAULT_DURABILITY: Final = "process"
FINAL: Final = (exits.OK, exits.USAGE, exits.ALREADY_RUNNING)
"""Exit codes of a daemon that is not started again."""
OF_SYSTEMD: Final = ("NOTIFY_SOCKET", "LISTEN_FDS")
"""Variables of a process that systemd has started, and starts again."""


def register(table: Table) -> None:
    """Enter the command."""
    serve = table.command(
        "serve",
        run,
        "run the daemon in the foreground",
        epilog="Serves the socket that systemd passes, if it does. The log is beside the state file; `torpor logs` shows it.",
        starts=False,
    )
    serve.add_argument("--state", metavar="FILE", help="the state file; it is created if need be")
    serve.add_argument(
        "--idle-exit",
        metavar="SECONDS",
        type=float,
        help="end when for so long nobody is connected and no turn or command runs (default: never)",
    )
    serve.add_argument(
        "--durability",
        metavar="WORD",
        help="what outlives a power cut: power, all that was answered, or process, all but the last second (default: "
        "$TORPOR_DURABILITY, else process)",
    )
    serve.add_argument(
        "--max-memory",
        metavar="SIZE",
        help="start no guest while the daemon has more, such as 512M or 4G, 0: no bound (default: $TORPOR_MAX_MEMORY, else "
        "three quarters of the machine's)",
    )
    serve.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="what is logged (default: %(default)s)",
    )
    serve.add_argument(
        "--supervise",
        action="store_true",
        help="start the daemon again when it dies, unless systemd does (one in the background always is)",
    )
    serve.add_argument(
        "--background", action="store_true", help="once ready, leave stdout and stderr, and log to the file alone"
    )
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


def run(args: argparse.Namespace) -> int:
    """Run the daemon until SIGTERM, SIGINT or, with `--idle-exit`, until nobody needs it."""
    if (args.background or args.supervise) and not any(name in os.environ for name in OF_SYSTEMD):
        from runtime.daemon.supervisor import supervise  # before anything else: what it has loaded, it keeps

        life = supervise(background=args.background, final=FINAL, give_up=partial(_give_up, args.state))
        return life if isinstance(life, int) else _serve(args, life)
    return _serve(args, None)


def _serve(args: argparse.Namespace, life: Life | None) -> int:
    if args.http is None and (args.http_token or args.http_public or args.http_origin):
        output.say("--http-token, --http-public and --http-origin go with --http")
        return exits.USAGE
    if args.idle_exit is not None and not args.idle_exit > 0:
        output.say("--idle-exit is a number of seconds above 0")
        return exits.USAGE
    durability = args.durability or os.environ.get("TORPOR_DURABILITY") or DEFAULT_DURABILITY
    if durability not in DURABILITIES:
        output.say(f"--durability: {durability!r} is none of {', '.join(DURABILITIES)}")
        return exits.USAGE
    from runtime.api.endpoint import EndpointError, socket_path
    from runtime.daemon.main import main
    from runtime.daemon.places import state_path
    from runtime.daemon.settings import Ending, Settings
    from runtime.daemon.systemd import ActivationError, path_of, take_listener
    from runtime.memory import parse_size
    from runtime.network.authorities import AuthoritiesError, authorities, named
    from runtime.newfile import make_directory
    from runtime.rpc.http_listener import AddressError
    from runtime.store.durability import Durability

    try:
        if named():
            authorities()  # now, so that a mistake is told before an agent meets it
    except AuthoritiesError as error:
        output.say(str(error))
        return exits.USAGE
    max_memory = args.max_memory or os.environ.get("TORPOR_MAX_MEMORY") or None
    try:
        max_bytes = None if max_memory is None else parse_size(max_memory)
    except ValueError as error:
        output.say(f"--max-memory: {error}")
        return exits.USAGE
    try:
        passed = take_listener()
    except ActivationError as error:
        raise EndpointError(str(error)) from error
    socket = socket_path(args.socket) if passed is None else path_of(passed)
    state = state_path(args.state)
    make_directory(state.parent)
    try:
        http = _http(args, state.parent)
    except AddressError as error:
        output.say(str(error))
        return exits.USAGE
    settings = Settings(
        socket_path=socket,
        state=state,
        http=http,
        passed=passed,
        idle_exit=args.idle_exit,
        max_memory=max_bytes,
        durability=Durability(durability),
        log_level=args.log_level,
        life=life,
        background=args.background,
        arguments=_arguments(args, socket, state, durability, max_memory),
    )
    codes = {Ending.ORDERLY: exits.OK, Ending.FAILED: exits.NO_DAEMON, Ending.TAKEN: exits.ALREADY_RUNNING}
    return codes[main(settings)]


def _give_up(state: str | None, reason: str) -> None:
    """In a supervisor: log why there is no daemon any more."""
    import logging

    from runtime.daemon.logs import log_to_file, start_logging
    from runtime.daemon.places import log_path, state_path

    start_logging("error")
    log_to_file(log_path(state_path(state)))
    logging.getLogger("torpor").error(reason)


def _http(args: argparse.Namespace, directory: Path) -> HttpOptions | None:
    if args.http is None:
        return None
    from pathlib import Path

    from runtime.rpc.http_listener import TOKEN_NAME, http_options

    token = None if args.http_token is None else Path(args.http_token)
    return http_options(args.http, token, directory / TOKEN_NAME, public=args.http_public, origins=args.http_origin)


def _arguments(
    args: argparse.Namespace, socket: Path, state: Path, durability: str, max_memory: str | None
) -> list[str]:
    """Return what makes another daemon like this one, wherever it is started."""
    given = ["--socket", os.fspath(socket), "--state", os.fspath(state), "--log-level", args.log_level]
    given += ["--durability", durability]
    if args.supervise:
        given.append("--supervise")
    if args.idle_exit is not None:
        given += ["--idle-exit", f"{args.idle_exit:g}"]
    if max_memory is not None:
        given += ["--max-memory", max_memory]
    if args.http is not None:
        given += ["--http", args.http, *(["--http-public"] if args.http_public else [])]
        if args.http_token is not None:
            given += ["--http-token", os.path.abspath(args.http_token)]  # noqa: PTH100 - resolve() would follow links
        for origin in args.http_origin:
            given += ["--http-origin", origin]
    return given
