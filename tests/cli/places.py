"""The command as people run it, with a place of its own: the daemons that it starts are real."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.patience import WAIT
from tests.system.daemon import environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

COMMAND = [sys.executable, "-P", "-m", "runtime.cli"]


class Command(subprocess.Popen[str]):
    """A command that does not outlive the block it is used in: a test that fails there fails, and does not wait for ever."""

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()
        super().__exit__(kind, value, traceback)


class Place:
    """A socket, a state file, and commands that find both in their environment."""

    def __init__(self, directory: Path, cache: Path) -> None:
        self.directory = directory
        self.socket = directory / "run" / "t.sock"
        self.state = directory / "state" / "torpor" / "torpor.db"
        self.environment = environment(
            cache, TORPOR_SOCKET=str(self.socket), XDG_STATE_HOME=str(directory / "state"), COLUMNS="100"
        )

    def popen(self, *arguments: str, **env: str) -> Command:
        return Command(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.environment, **env},
        )

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WAIT,
            env={**self.environment, **env},
            check=False,
        )

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return found

    def log(self) -> list[dict[str, Any]]:
        path = self.state.with_name(self.state.name + ".log")
        return [json.loads(line) for line in path.read_text().splitlines()]

    def end(self) -> None:
        """End whatever daemon has the state file."""
        lock = self.state.with_name(self.state.name + ".lock")
        if lock.exists() and self.run("stop").returncode not in (0, 3):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(lock.read_text()), signal.SIGKILL)


@contextlib.contextmanager
def a_place(cache: Path) -> Iterator[Place]:
    """A place of which nothing is left."""
    directory = Path(tempfile.mkdtemp(prefix="torpor-"))
    place = Place(directory, cache)
    try:
        yield place
    finally:
        place.end()
        shutil.rmtree(directory)
