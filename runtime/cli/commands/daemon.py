"""`serve`, `stop`, `sleep`, `keys` and `licenses`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.cli.table import DEFAULT_VM

if TYPE_CHECKING:
    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the commands."""
    serve = table.command("serve", "daemon:serve", "run the daemon in the foreground")
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
    stop = table.command("stop", "daemon:stop", "stop the daemon: running turns end as cancelled")
    stop.add_argument("--timeout", metavar="SECONDS", type=float, default=30.0, help="how long to wait (default: 30)")
    sleep = table.command("sleep", "daemon:sleep", "put a VM to sleep: its agents leave memory, nothing is lost")
    sleep.add_argument("vm", metavar="VM", nargs="?", default=DEFAULT_VM, help=f"the VM (default: {DEFAULT_VM})")
    sleep.add_argument("--force", action="store_true", help="cancel turns that run instead of waiting for them")
    sleep.add_argument("--grace", metavar="SECONDS", type=float, help="how long to wait for turns that run")
    keys = table.group("keys", "the key of sessions' variables")
    keys.command("rotate", "daemon:rotate_key", "seal the variables of all sessions with a new key")
    table.command("licenses", "licenses:run", "print the licences of what the single executable contains")
