"""`torpor stop`, `restart`, `sleep` and `keys rotate`."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from typing import TYPE_CHECKING, Final, Self

from runtime.api.endpoint import EndpointError, socket_path
from runtime.cli import exits, output
from runtime.cli.connecting import POLL_SECONDS, connect_to, greet, reach, vm_name
from runtime.client.sync import ConnectError, ConnectionLostError, RpcError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from runtime.client.sync import Client

ACTIVATION_SECONDS: Final = 30.0  # for systemd to start the next daemon


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
