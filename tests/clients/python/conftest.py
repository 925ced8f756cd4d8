"""A daemon without VMs, in a process of its own, for clients of all kinds; and real ones, for what happens to daemons."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.patience import WAIT
from tests.system.daemon import Daemon, environment, running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

FAKE_DAEMON = Path(__file__).parents[2] / "rpc" / "fake_host.py"
TOKEN = "a-token-of-the-tests"


@pytest.fixture(scope="module")
def places() -> Iterator[dict[str, str]]:
    """Where the daemon is, by kind of endpoint."""
    with tempfile.TemporaryDirectory(prefix="torpor-") as directory:
        path = Path(directory) / "t.sock"
        command = [sys.executable, "-P", str(FAKE_DAEMON), str(path), TOKEN]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as daemon:
            assert daemon.stderr is not None
            try:
                ready, url = daemon.stderr.readline().split()
                assert ready == "ready"
                yield {"unix": str(path), "http": url}
            finally:
                daemon.terminate()
            assert daemon.wait(WAIT) == 0


@pytest.fixture
def socket_path(places: dict[str, str]) -> Path:
    return Path(places["unix"])


@pytest.fixture(params=["unix", "http"])
def place(request: pytest.FixtureRequest, places: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TORPOR_TOKEN", TOKEN)
    return places[request.param]


@pytest.fixture(params=["trio", "asyncio"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def run(backend: str) -> Callable[[Callable[[], Awaitable[Any]]], Any]:
    """Run an async function under trio and under asyncio."""

    def bounded(function: Callable[[], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            with anyio.fail_after(WAIT):
                return await function()

        return anyio.run(main, backend=backend)

    return bounded


@pytest.fixture
def daemon(component_cache: Path) -> Iterator[Daemon]:
    """A real daemon, on its socket and over HTTP: tests may kill it. `daemon.url` is where it is over HTTP."""
    directory = Path(tempfile.mkdtemp(prefix="torpor-"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = Daemon(directory / "d", environment(component_cache))
    made.arguments = [f"--http=127.0.0.1:{port}"]
    made.url = f"http://127.0.0.1:{port}"  # type: ignore[attr-defined]
    with running(made) as daemon:
        yield daemon
    log = daemon.log.read_text()
    shutil.rmtree(directory)
    assert "Traceback" not in log, log
