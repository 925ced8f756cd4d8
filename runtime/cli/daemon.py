"""`torpor serve`, `stop`, `sleep` and `keys rotate`."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.cli import exits, output
from runtime.cli.connecting import connect_to, vm_name
from runtime.client.endpoint import socket_path

if TYPE_CHECKING:
    import argparse

    from runtime.rpc.http_listener import HttpOptions

STATE_NAME = "torpor.db"


def state_path(given: str | None) -> Path:
    """Return the absolute path of the state file: `given`, else `$TORPOR_STATE`, else the place that XDG names."""
    named = given or os.environ.get("TORPOR_STATE")
    if named:
        return Path(named).absolute()
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not base.is_absolute():
        base = Path.home() / ".local" / "state"
    return base / "torpor" / STATE_NAME


def serve(args: argparse.Namespace) -> int:
    """Run the daemon until SIGTERM or SIGINT."""
    socket = socket_path(args.socket)
    state = state_path(args.state)
    if args.http is None and (args.http_token or args.http_public or args.http_origin):
        output.say("--http-token, --http-public and --http-origin go with --http")
        return exits.USAGE
    state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    from runtime.daemon import main  # noqa: PLC0415 - the daemon and all that it needs, for this command alone

    return exits.NO_DAEMON if main(socket, state, _http(args, state.parent)) else exits.OK


def _http(args: argparse.Namespace, directory: Path) -> HttpOptions | None:
    if args.http is None:
        return None
    from runtime.rpc.http_listener import http_options  # noqa: PLC0415 - as above

    token = None if args.http_token is None else Path(args.http_token)
    return http_options(args.http, token, directory, public=args.http_public, origins=args.http_origin)


def stop(args: argparse.Namespace) -> int:
    """Ask the daemon to end (SIGTERM) and wait until it has."""
    with connect_to(args) as client:
        pid = client.daemon_pid
    try:
        process = os.pidfd_open(pid)  # names this very process, also if its number is given away meanwhile
    except ProcessLookupError:
        return exits.OK
    try:
        signal.pidfd_send_signal(process, signal.SIGTERM)
        poll = select.poll()
        poll.register(process, select.POLLIN)
        ended = bool(poll.poll(args.timeout * 1000))
    finally:
        os.close(process)
    if not ended:
        output.say(f"the daemon (process {pid}) has not ended within {args.timeout:g} s")
        return exits.FAILED
    if args.json:
        output.write_json({"pid": pid, "stopped": True})
    return exits.OK


def sleep(args: argparse.Namespace) -> int:
    """Put a VM to sleep."""
    grace = None if args.grace is None else int(args.grace * 1000)
    with connect_to(args) as client:
        answer = client.call("vm.sleep", vm=vm_name(args.vm), graceMs=grace, force=args.force or None)
    if args.json:
        output.write_json(answer)
    return exits.OK


def rotate_key(args: argparse.Namespace) -> int:
    """Seal the environments of all sessions with a new key."""
    with connect_to(args) as client:
        answer = client.call("daemon.rotateKey")
    if args.json:
        output.write_json(answer)
        return exits.OK
    output.say(f"a new key seals the variables of {answer['resealed']} sessions")
    if answer["unreadable"]:
        output.say(f"those of {answer['unreadable']} could not be opened, and will be asked for when they are resumed")
    return exits.OK
