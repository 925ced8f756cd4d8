"""The command as people run it: in a process of its own, against a daemon without VMs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.places import Place, a_place
from tests.patience import WAIT
from tests.system.daemon import Daemon, running
from tests.system.daemon import environment as of_a_daemon

FAKE_DAEMON = Path(__file__).parent.parent / "rpc" / "fake_host.py"
SHIM = Path(__file__).parent / "shim"
COMMAND = [sys.executable, "-P", "-m", "runtime.cli"]

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def socket_path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="torpor-") as directory:
        path = Path(directory) / "t.sock"
        command = [sys.executable, "-P", str(FAKE_DAEMON), str(path)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as daemon:
            assert daemon.stderr is not None
            try:
                assert daemon.stderr.readline() == "ready\n"
                yield path
            finally:
                daemon.terminate()


@pytest.fixture
def place(component_cache: Path) -> Iterator[Place]:
    """A socket and a state file of one test, for commands that start real daemons."""
    with a_place(component_cache) as place:
        yield place


@pytest.fixture(scope="module")
def daemon(component_cache: Path) -> Iterator[Daemon]:
    """A daemon with VMs."""
    directory = Path(tempfile.mkdtemp(prefix="torpor-"))
    with running(Daemon(directory / "d", of_a_daemon(component_cache))) as daemon:
        yield daemon
        assert daemon.stop() == 0
    log = daemon.log.read_text()
    shutil.rmtree(directory)
    assert "Traceback" not in log, log


@pytest.fixture
def environment(socket_path: Path) -> dict[str, str]:
    # A daemon that a command starts, be it by mistake, is the one without VMs, and has a state file of its own.
    places = {"TORPOR_SOCKET": str(socket_path), "TORPOR_STATE": str(socket_path.with_name("started.db"))}
    return {**os.environ, **places, "PYTHONPATH": str(SHIM), "COLUMNS": "100"}


@pytest.fixture
def torpor(environment: dict[str, str]) -> Command:
    """Run the command with these arguments; returns the completed process."""

    def run(*arguments: str, text: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            capture_output=True,
            text=True,
            errors="surrogateescape",
            input="" if text is None else text,
            timeout=WAIT,
            env={**environment, **env},
            check=False,
        )

    return run
