"""The daemon that runs: `status`, `start`, `stop`, `restart`, `logs`, `sleep` and `keys rotate`."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final, Self

from runtime.cli import exits, output
from runtime.cli.connecting import connect_to, vm_name
from runtime.cli.table import DEFAULT_VM
from runtime.version import VERSION

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from runtime.cli.table import Table
    from runtime.client.sync import Client

ACTIVATION_SECONDS: Final = 30.0
"""For systemd to start the next daemon."""


def register(table: Table) -> None:
    """Enter the commands."""
    text = "tell whether a daemon runs, and what it does; the exit code says so as well"
    table.command("status", status, text, starts=False)
    text = "start a daemon in the background, unless one answers; whatever needs one does so by itself"
    table.command("start", start, text, starts=False)
    command = table.command("stop", stop, "stop the daemon: running turns end as cancelled", starts=False)
    _add_timeout(command)
    command = table.command(
        "restart",
        restart,
        "stop the daemon and start one of this version, with the same state, socket and options",
        epilog="Running turns end as cancelled. The new daemon has the environment of this command.",
        starts=False,
    )
    _add_timeout(command)
    command = table.command("logs", logs, "print the daemon's log, which holds no contents", starts=False)
    command.add_argument(
        "-n", "--lines", metavar="N", type=int, default=50, help="so many of the last lines (default: 50)"
    )
    command.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until interrupted")
    command.add_argument(
        "--state", metavar="FILE", help="the state file whose daemon is meant (default: that of the one that answers)"
    )
    add_sleep(table)
    keys = table.group("keys", "the key of sessions' variables")
    keys.command("rotate", rotate_key, "seal the variables of all sessions with a new key")


def add_sleep(table: Table) -> None:
    """Enter `sleep`, which is `vm sleep` as well."""
    command = table.command("sleep", sleep, "put a VM to sleep: its agents leave memory, nothing is lost")
    command.add_argument("vm", metavar="VM", nargs="?", default=DEFAULT_VM, help=f"the VM (default: {DEFAULT_VM})")
    command.add_argument("--force", action="store_true", help="cancel turns that run instead of waiting for them")
    command.add_argument("--grace", metavar="SECONDS", type=float, help="how long to wait for turns that run")


def _add_timeout(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=30.0, help="how long to wait for its end (default: 30)"
    )


def status(args: argparse.Namespace) -> int:
    """Print what the daemon tells of itself; exit with NO_DAEMON when none runs."""
    from runtime.cli.elsewhere import local_path
    from runtime.client.errors import ConnectError
    from runtime.client.greeting import greet
    from runtime.daemon.places import state_path

    path = local_path(args)
    try:
        client, _ = greet(path)
    except ConnectError as error:
        state = os.fspath(state_path(None))
        if args.json:
            shown = {"running": False, "socket": os.fspath(path), "state": state, "stateBytes": _state_bytes(state)}
            output.write_json({**shown, "reason": error.reason})
        else:
            output.say(f"{error}; whatever needs one starts it, and `torpor serve` does so in the foreground")
        return exits.NO_DAEMON
    with client:
        found = client.call("daemon.status")
    found["stateBytes"] = _state_bytes(found["state"])
    found["uptimeSeconds"] = max(0, int(time.time() - found["startedAt"] / 1000))
    if args.json:
        output.write_json({"running": True, **found})
    else:
        for name, value in _rows(found):
            sys.stdout.write(f"{name:<12}{output.one_line(value)}\n")
    if found["version"] != VERSION:
        output.say(
            f"the daemon is torpor {found['version']}, this program torpor {VERSION}: `torpor restart` replaces it"
        )
    return exits.OK


def _rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("daemon", f"torpor {found['version']}, process {found['pid']}, up {output.duration(found['uptimeSeconds'])}"),
        ("socket", found["socket"] + (" (held by systemd)" if found.get("activated") else "")),
        ("state", f"{found['state']} ({output.size(found['stateBytes'])})"),
        *([("durability", found["durability"])] if "durability" in found else []),  # an older daemon does not tell
        ("log", str(found.get("log"))),
        ("VMs", f"{found['awake']} awake, {found['vms'] - found['awake']} asleep"),
        ("sessions", f"{found['sessions']} live, in {found['processes']} processes"),
        ("clients", f"{found['connections'] - 1} besides this one"),
    ]
    if found["http"] is not None:
        rows.insert(2, ("HTTP", found["http"]))
    if found.get("memoryBytes") is not None:  # an older daemon does not tell
        rows.append(("memory", f"{output.size(found['memoryBytes'])}, all guests included"))
    if found.get("maxMemoryBytes") is not None:
        rows.append(("max memory", f"{output.size(found['maxMemoryBytes'])}: above it no other guest starts"))
    if found.get("idleExitSeconds") is not None:
        rows.append(("idle exit", f"after {output.duration(int(found['idleExitSeconds']))}"))
    return rows


def _state_bytes(state: str) -> int | None:
    """Return the size of the state file with its log; None when there is none."""
    total = None
    for name in (state, state + "-wal"):
        try:
            total = (total or 0) + os.stat(name).st_size  # noqa: PTH116 - a name, not a Path
        except OSError:
            continue
    return total


def start(args: argparse.Namespace) -> int:
    """Start a daemon unless one answers; return when it is ready."""
    args.no_start = False
    with connect_to(args) as client:
        status = client.call("daemon.status")
    if args.json:
        output.write_json({"pid": status["pid"], "version": status["version"], "socket": status["socket"]})
    else:
        output.say(f"torpor {status['version']} serves {status['socket']} (process {status['pid']})")
    return exits.OK


def stop(args: argparse.Namespace) -> int:
    """Ask the daemon to end (SIGTERM) and wait until it has."""
    from runtime.cli.elsewhere import local_path

    with _Running(local_path(args)) as daemon:
        daemon.end(args.timeout)
    if args.json:
        output.write_json({"pid": daemon.status["pid"], "stopped": True})
    return exits.OK


class _Running:
    """The daemon that serves a socket, as a process; a context manager. Raises ConnectError, EndpointError."""

    def __init__(self, path: Path) -> None:
        from runtime.api.endpoint import EndpointError
        from runtime.client.errors import ConnectError, ConnectionLostError, RpcError
        from runtime.client.greeting import greet

        try:
            client, _ = greet(path)
            with client:
                self.status = client.call("daemon.status")
                # Not who the kernel says began to listen: with socket activation that is systemd. As long as the connection
                # is open the process is there, so that the descriptor names this very one.
                self._process = os.pidfd_open(self.status["pid"])
        except (ConnectionLostError, ProcessLookupError) as error:
            raise ConnectError(path, "it has just ended") from error
        except RpcError as error:
            if error.name == "shutting_down":
                raise ConnectError(path, "it is shutting down") from error
            raise EndpointError(f"the daemon does not tell its process id: {error.message}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._process)

    def end(self, timeout: float) -> None:
        """End it in order. Raises TimeoutError."""
        import select
        import signal

        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, signal.SIGTERM)
        poll = select.poll()
        poll.register(self._process, select.POLLIN)
        if not poll.poll(timeout * 1000):
            raise TimeoutError(f"the daemon (process {self.status['pid']}) has not ended within {timeout:g} s")


def restart(args: argparse.Namespace) -> int:
    """End the daemon and start one of this version with the same state, socket and options; return when it is ready."""
    from runtime.cli.elsewhere import local_path

    path = local_path(args)
    client = _restarted(path, args.timeout)
    if client is None:
        output.say("systemd runs this daemon, and has to restart it: systemctl --user restart torpor.service")
        return exits.FAILED
    with client:
        status = client.call("daemon.status")
    if args.json:
        output.write_json({"pid": status["pid"], "version": status["version"], "socket": os.fspath(path)})
    else:
        output.say(f"torpor {status['version']} serves {path} (process {status['pid']})")
    return exits.OK


def _restarted(path: Path, timeout: float) -> Client | None:
    """A connection to the next daemon; None when another program than this one has to start it."""
    from runtime.cli.starting import start, start_with
    from runtime.client.errors import ConnectError

    try:
        daemon = _Running(path)
    except ConnectError:
        return start(path, None)
    with daemon:
        status = daemon.status
        activated = status.get("activated", False)
        if status.get("managed") and not activated:
            return None
        daemon.end(timeout)
    if activated:
        return _activated(path)
    return start_with(path, status.get("arguments") or ["--socket", os.fspath(path), "--state", status["state"]])


def _activated(path: Path) -> Client:
    """Connect to a socket that systemd holds: that starts the daemon."""
    from runtime.cli.reaching import POLL_SECONDS, reach
    from runtime.client.errors import ConnectError

    deadline = time.monotonic() + ACTIVATION_SECONDS
    while True:
        try:
            return reach(path)
        except ConnectError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)


def logs(args: argparse.Namespace) -> int:
    """Print the last lines of the log, whether the daemon runs or not, and with `--follow` what comes."""
    from runtime.cli import log_lines

    path = _log_path(args)
    lines = log_lines.read(path)
    if not lines and not args.follow:
        output.say(f"there is no log at {path}: no daemon has run with that state file")
        return exits.FAILED
    for line in lines[-args.lines :] if args.lines else ():
        log_lines.show(line, as_json=args.json)
    if args.follow:
        log_lines.follow(path, as_json=args.json)
    return exits.OK


def _log_path(args: argparse.Namespace) -> Path:
    """Where the daemon that runs says, else beside the state file."""
    from pathlib import Path

    from runtime.cli.elsewhere import local_path
    from runtime.client.errors import ClientError
    from runtime.client.greeting import greet
    from runtime.daemon.places import log_path, state_path

    if args.state is None:
        path = local_path(args)
        try:
            client, _ = greet(path)
            with client:
                return Path(client.call("daemon.status")["log"])
        except (ClientError, OSError, KeyError):
            pass
    return log_path(state_path(args.state))


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
