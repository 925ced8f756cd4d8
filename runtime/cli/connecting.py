"""How commands reach the daemon: connect, or (for `run`) start one and wait until it answers."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Final

from runtime.cli import output
from runtime.client.endpoint import EndpointError, prepare_directory, socket_path
from runtime.client.sync import Client, ConnectError, connect

if TYPE_CHECKING:
    import argparse
    import subprocess
    from pathlib import Path

START_SECONDS: Final = 30.0
"""How long a daemon may take to answer: a second as a rule, more where the agents' components are compiled first."""
POLL_SECONDS: Final = 0.02
LOG_TAIL: Final = 4096  # bytes of the daemon's log that are looked at for the reason why it did not start
REASON_LINES: Final = 5


def connect_to(args: argparse.Namespace) -> Client:
    """Connect to the daemon that `--socket` names. Raises ConnectError."""
    return connect(args.socket)


def vm_name(text: str) -> str | list[str]:
    """Return the name that `--vm` stands for: parts joined with / are a name in parts."""
    return text.split("/") if "/" in text else text


def connect_or_start(args: argparse.Namespace) -> Client:
    """Connect to the daemon; start one, detached, if none answers. Raises EndpointError when that fails."""
    try:
        return connect_to(args)
    except ConnectError:
        return _start(socket_path(args.socket), args.state)


def _start(path: Path, state: str | None) -> Client:
    import subprocess  # noqa: PLC0415 - slow, and not needed once a daemon runs

    prepare_directory(path)
    log = path.with_name(path.name + ".log")
    output.say(f"starting a daemon on {path} (its log: {log}; `torpor stop` ends it)")
    command = [*_program(), "serve", "--socket", os.fspath(path)]
    if state is not None:
        command += ["--state", os.path.abspath(state)]  # noqa: PTH100 - resolve() would follow links
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - of a descriptor
        start = file.seek(0, os.SEEK_END)
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd="/", start_new_session=True
        )
    deadline = time.monotonic() + START_SECONDS
    while True:
        ended = process.poll() is not None
        try:
            return connect(path)
        except ConnectError:
            if ended:
                raise EndpointError(f"the daemon did not start: {_reason(log, start)}") from None
        if time.monotonic() > deadline:
            _give_up(process)
            raise EndpointError(f"the daemon did not answer within {START_SECONDS:g} s; see {log}")
        time.sleep(POLL_SECONDS)


def _program() -> list[str]:
    """The command line that is this program: the single executable is no Python, and takes its commands itself."""
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-P", "-m", "runtime.cli"]


def _give_up(process: subprocess.Popen[bytes]) -> None:
    process.terminate()


def _reason(log: Path, start: int) -> str:
    """Return the last lines that this daemon wrote."""
    with log.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(start, end - LOG_TAIL))
        lines = file.read().decode(errors="replace").split("\n")
    said = [line.removeprefix("torpor: ") for line in lines if line.strip()][-REASON_LINES:]
    return "\n  ".join(said) or f"it said nothing; see {log}"
