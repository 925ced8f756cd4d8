"""MCP servers: a remote one that is a process of this machine, a local one for the VM's /bin; the daemon is tests/system's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from tests.mcp.remote_server import KEY
from tests.system.conftest import *  # noqa: F403 - its fixtures

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@attrs.frozen
class Remote:
    """The remote server."""

    port: int

    @property
    def host(self) -> str:
        """What a VM that may reach it has in `network.allow`."""
        return f"127.0.0.1:{self.port}"

    @property
    def short(self) -> dict[str, object]:
        """It in `mcpServers`."""
        url = f"http://{self.host}/mcp"
        return {"type": "remote", "name": "far", "url": url, "headers": {"Authorization": KEY}}


@pytest.fixture(scope="session")
def remote() -> Iterator[Remote]:
    """The remote server, running."""
    command = [sys.executable, str(HERE / "remote_server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Remote(int(process.stdout.readline()))
        finally:
            process.kill()


@pytest.fixture(scope="session")
def local_server() -> bytes:
    """The component of the local server."""
    output = HERE / "dist" / "local_server.wasm"
    command = [sys.executable, "-c", BUILD, str(HERE / "local_server.c"), str(output)]
    subprocess.run(command, cwd=ROOT / "build", timeout=BUILD_TIMEOUT_S, check=True)
    return output.read_bytes()
