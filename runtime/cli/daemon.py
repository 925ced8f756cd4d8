"""`torpor serve`, `stop`, `restart`, `sleep` and `keys rotate`."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from runtime.cli import exits, output
from runtime.cli.connecting import POLL_SECONDS, connect_to, greet, reach, vm_name
from runtime.client.endpoint import EndpointError, socket_path
from runtime.client.sync import ConnectError, ConnectionLostError, RpcError

if TYPE_CHECKING:
    import argparse

    from runtime.client.sync import Client
    from runtime.rpc.http_listener import HttpOptions

DURABILITIES: Final = ("power", "process")
DEFAULT_DURABILITY: Final = "process"
STATE_NAME: Final = "torpor.db"
ACTIVATION_SECONDS: Final = 30.0  # for systemd to start the next daemon


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
    """Run the daemon until SIGTERM, SIGINT or, with `--idle-exit`, until nobody needs it."""
    if args.http is None and (args.http_token or args.http_public or args.http_origin):
        output.say("--http-token, --http-public and --http-origin go with --http")
        return exits.USAGE
    if args.idle_exit is not None and not args.idle_exit > 0:
        output.say("--idle-exit is a number of seconds above 0")
        return exits.USAGE
    from runtime.memory import parse_size  # noqa: PLC0415 - for this command alone

    durability = args.durability or os.environ.get("TORPOR_DURABILITY") or DEFAULT_DURABILITY
    if durability not in DURABILITIES:
        output.say(f"--durability: {durability!r} is none of {', '.join(DURABILITIES)}")
        return exits.USAGE
    max_memory = args.max_memory or os.environ.get("TORPOR_MAX_MEMORY") or None
    try:
        max_bytes = None if max_memory is None else parse_size(max_memory)
    except ValueError as error:
        output.say(f"--max-memory: {error}")
        return exits.USAGE
    from runtime.systemd import ActivationError, path_of, take_listener  # noqa: PLC0415 - for this command alone

    try:
        passed = take_listener()
    except ActivationError as error:
        raise EndpointError(str(error)) from error
    socket = socket_path(args.socket) if passed is None else path_of(passed)
    state = state_path(args.state)
    from runtime.daemon import main  # noqa: PLC0415 - the daemon and all that it needs
    from runtime.newfile import make_directory  # noqa: PLC0415
    from runtime.rpc.http_listener import AddressError  # noqa: PLC0415
    from runtime.settings import Ending, Settings  # noqa: PLC0415
    from runtime.store.durability import Durability  # noqa: PLC0415

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
        background=args.background,
        arguments=_arguments(args, socket, state, durability, max_memory),
    )
    codes = {Ending.ORDERLY: exits.OK, Ending.FAILED: exits.NO_DAEMON, Ending.TAKEN: exits.ALREADY_RUNNING}
    return codes[main(settings)]


def _http(args: argparse.Namespace, directory: Path) -> HttpOptions | None:
    if args.http is None:
        return None
    from runtime.rpc.http_listener import http_options  # noqa: PLC0415 - as above

    token = None if args.http_token is None else Path(args.http_token)
    return http_options(args.http, token, directory, public=args.http_public, origins=args.http_origin)


def _arguments(
    args: argparse.Namespace, socket: Path, state: Path, durability: str, max_memory: str | None
) -> list[str]:
    """Return what makes another daemon like this one, wherever it is started."""
    given = ["--socket", os.fspath(socket), "--state", os.fspath(state), "--log-level", args.log_level]
    given += ["--durability", durability]
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


def stop(args: argparse.Namespace) -> int:
    """Ask the daemon to end (SIGTERM) and wait until it has."""
    with _Running(socket_path(args.socket)) as daemon:
        daemon.end(args.timeout)
    if args.json:
        output.write_json({"pid": daemon.status["pid"], "stopped": True})
    return exits.OK


class _Running:
    """The daemon that serves a socket, as a process; a context manager. Raises ConnectError, EndpointError."""

    def __init__(self, path: Path) -> None:
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
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, signal.SIGTERM)
        poll = select.poll()
        poll.register(self._process, select.POLLIN)
        if not poll.poll(timeout * 1000):
            raise TimeoutError(f"the daemon (process {self.status['pid']}) has not ended within {timeout:g} s")


def restart(args: argparse.Namespace) -> int:
    """End the daemon and start one of this version with the same state, socket and options; return when it is ready."""
    path = socket_path(args.socket)
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
    from runtime.cli.starting import start, start_with  # noqa: PLC0415 - subprocess, for this command alone

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
    deadline = time.monotonic() + ACTIVATION_SECONDS
    while True:
        try:
            return reach(path)
        except ConnectError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)


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
