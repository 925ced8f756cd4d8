"""Starting a daemon: detached, once, however many commands want one at the same time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

from runtime.api.endpoint import EndpointError, prepare_directory
from runtime.cli import exits, output
from runtime.cli.reaching import reach
from runtime.client.sync import Client, ConnectError
from runtime.executable import is_single_executable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

START_SECONDS: Final = 30.0
"""How long a daemon may take until it is ready: a third of a second as a rule."""

TAKEN_SECONDS: Final = 5.0
"""How long another daemon that has the state file or the socket is waited for: it may be about to end, or to begin."""

PAUSE_SECONDS: Final = 0.1
"""Between two looks for another daemon that begins or ends: it tells nobody."""

IDLE_EXIT_SECONDS: Final = 3600
"""After which a daemon that a command has started ends if nobody needs it. VMs sleep after a quarter of an hour by default;
to start again takes a third of a second, and to stay costs some 40 MB."""

READY: Final = b"torpor: ready on "

REASON_LINES: Final = 5
"""Of what a daemon says, at the end: where one that ends says why."""

MAX_SAID: Final = 64 * 1024
"""Bytes of what a daemon says before it is ready."""


def start(path: Path, state: str | None) -> Client:
    """Start a daemon that serves `path`, unless somebody else does so first; connect. Raises EndpointError."""
    arguments = ["--idle-exit", str(IDLE_EXIT_SECONDS)]
    if state is not None:
        arguments += ["--state", os.path.abspath(state)]  # noqa: PTH100 - resolve() would follow links
    return start_with(path, ["--socket", os.fspath(path), *arguments])


def start_with(path: Path, arguments: Sequence[str]) -> Client:
    """As `start`, with these arguments of `torpor serve`."""
    prepare_directory(path)
    begun, told = time.monotonic(), False
    with _turn(path):
        while True:
            with contextlib.suppress(ConnectError):
                return reach(path)
            if not told:
                output.say(f"starting a daemon on {path} (`torpor stop` ends it)")
                told = True
            code, said = _spawn(arguments)
            waited = time.monotonic() - begun
            if code is not None and (code != exits.ALREADY_RUNNING or waited > TAKEN_SECONDS):
                raise EndpointError(f"the daemon did not start: {_reason(said, code)}")
            if waited > START_SECONDS:
                raise EndpointError(
                    f"no daemon stayed at {path} within {START_SECONDS:g} s; `torpor doctor` may tell why"
                )
            if code is not None:
                time.sleep(PAUSE_SECONDS)


@contextlib.contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Let one command at a time start a daemon for `path`: those behind it find one that answers."""
    place = path.with_name(path.name + ".start")
    descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _spawn(arguments: Sequence[str]) -> tuple[int | None, bytes]:
    """Start a daemon and wait until it is ready; its exit code if it ended instead, and what it said. Raises EndpointError."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*program(), "serve", "--background", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd="/",
        start_new_session=True,
    )
    assert process.stderr is not None
    deadline = time.monotonic() + START_SECONDS
    said = b""
    with process.stderr as stderr:
        while True:
            poll = select.poll()
            poll.register(stderr, select.POLLIN)
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                process.terminate()
                raise EndpointError(f"the daemon was not ready within {START_SECONDS:g} s; it said: {_lines(said)}")
            data = os.read(stderr.fileno(), MAX_SAID)
            said = (said + data)[-MAX_SAID:]
            if not data:
                return process.wait(), said
            if any(line.startswith(READY) for line in said.split(b"\n")[:-1]):
                return None, said


def program() -> list[str]:
    """The command line that is this program: the single executable is no Python, and takes its commands itself."""
    return [sys.executable] if is_single_executable() else [sys.executable, "-P", "-m", "runtime.cli"]


def _reason(said: bytes, code: int) -> str:
    return _lines(said) or f"it ended with {code} and said nothing"


def _lines(said: bytes) -> str:
    """Return what it said to its user, or else the last lines of whatever came."""
    lines = [line for line in said.decode(errors="replace").split("\n") if line.strip()]
    messages = [line.removeprefix("torpor: ") for line in lines if line.startswith("torpor: ")]
    return "\n  ".join((messages or lines)[-REASON_LINES:])
