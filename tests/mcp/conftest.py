"""MCP servers: a remote one that is a process of this machine, and a local one for the VM's /bin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "Bearer remote-secret"
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""A PNG of one pixel."""

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILD_TIMEOUT_S = 900
"""The first build of a guest fetches what that takes."""
BUILD = """
import sys
from functools import partial
from pathlib import Path
from freshness import build_if_stale, fingerprint
from guests import SCRIPTS, ZIGLANG, build_c, installed_node
source, output = map(Path, sys.argv[1:])
installed_node()
build_if_stale(output, fingerprint([source, SCRIPTS / "guests.py"], ZIGLANG), partial(build_c, source))
"""


class Remote:
    """The remote server: a process that can be started anew on its port."""

    def __init__(self) -> None:
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def host(self) -> str:
        """What a VM that may reach it has in `network.allow`."""
        return f"127.0.0.1:{self.port}"

    @property
    def short(self) -> dict[str, object]:
        """It in `mcpServers`."""
        url = f"http://{self.host}/mcp"
        return {"type": "remote", "name": "far", "url": url, "headers": {"Authorization": KEY}}

    def start(self) -> None:
        """Start it; it answers when this returns."""
        command = [sys.executable, str(HERE / "remote_server.py"), str(self.port)]
        env = {**os.environ, "MCP_KEY": KEY, "MCP_DOT": DOT}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def stop(self) -> None:
        """End it at once."""
        assert self._process is not None
        with self._process:
            self._process.kill()


@pytest.fixture(scope="session")
def remote() -> Iterator[Remote]:
    """The remote server, running."""
    remote = Remote()
    remote.start()
    yield remote
    remote.stop()


@pytest.fixture(scope="session")
def local_server() -> bytes:
    """The component of the local server."""
    output = HERE / "dist" / "local_server.wasm"
    command = [sys.executable, "-c", BUILD, str(HERE / "local_server.c"), str(output)]
    subprocess.run(command, cwd=ROOT / "build", timeout=BUILD_TIMEOUT_S, check=True)
    return output.read_bytes()
