"""The daemon: `serve`, `status`, `stop`, `restart`, `logs`, `sleep` and `keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.cli.table import DEFAULT_VM

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the commands."""
    _add_serve(table)
    status = "tell whether a daemon runs, and what it does; the exit code says so as well"
    table.command("status", "status:run", status, starts=False)
    stop = table.command("stop", "daemon:stop", "stop the daemon: running turns end as cancelled", starts=False)
    restart = table.command(
        "restart",
        "daemon:restart",
        "stop the daemon and start one of this version, with the same state, socket and options",
        epilog="Running turns end as cancelled. The new daemon has the environment of this command.",
        starts=False,
    )
    for command in (stop, restart):
        command.add_argument(
            "--timeout", metavar="SECONDS", type=float, default=30.0, help="how long to wait for its end (default: 30)"
        )
    logs = table.command("logs", "logs:run", "print the daemon's log, which holds no contents", starts=False)
    logs.add_argument(
        "-n", "--lines", metavar="N", type=int, default=50, help="so many of the last lines (default: 50)"
    )
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until interrupted")
    _add_state(logs, "the state file whose daemon is meant (default: that of the one that answers)")
    sleep = table.command("sleep", "daemon:sleep", "put a VM to sleep: its agents leave memory, nothing is lost")
    sleep.add_argument("vm", metavar="VM", nargs="?", default=DEFAULT_VM, help=f"the VM (default: {DEFAULT_VM})")
    sleep.add_argument("--force", action="store_true", help="cancel turns that run instead of waiting for them")
    sleep.add_argument("--grace", metavar="SECONDS", type=float, help="how long to wait for turns that run")
    keys = table.group("keys", "the key of sessions' variables")
    keys.command("rotate", "daemon:rotate_key", "seal the variables of all sessions with a new key")


def _add_serve(table: Table) -> None:
    serve = table.command(
        "serve",
        "serve:run",
        "run the daemon in the foreground",
        epilog="Serves the socket that systemd passes, if it does. The log is beside the state file; `torpor logs` shows it.",
        starts=False,
    )
    _add_state(serve, "the state file; it is created if need be")
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


def _add_state(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument("--state", metavar="FILE", help=text)
