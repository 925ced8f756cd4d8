"""One guest that has the tests of Node's modules in it, and a VM with the programs that they start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import msgspec
import pytest

from runtime.engine import ArtefactCache
from runtime.posix.host import make_engine
from runtime.store.store import open_store
from runtime.testing.loopback import http_server
from runtime.vms.catalogue import Catalogue
from runtime.vms.host import open_host

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.engine import Engine
    from runtime.testing.loopback import Exchange
    from runtime.vms.host import Host

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILD_TIMEOUT_S = 900
PROGRAMS = {"show": "args_env", "cat": "copy_stdin", "code": "exit_code", "spin": "spin", "stderr": "stderr"}


@pytest.fixture(scope="session")
def built() -> None:
    """Build the guest and the programs, where their sources have changed."""
    for command in (["components.py", "--folder", str(HERE)], ["guests.py", *PROGRAMS.values()]):
        arguments: list[Any] = [sys.executable, ROOT / "build" / command[0], *command[1:]]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def engine(built: None, component_cache: Path) -> Engine:
    return make_engine(ArtefactCache(component_cache))


@attrs.define
class Modules:
    """A VM in which the tests of modules are run."""

    host: Host
    url: str
    """A server that it may talk to, and that answers with what it has been asked."""

    async def run(
        self, test: str, *arguments: str, stdin: bytes = b"", env: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """What came of a test: exitCode, stdout, stderr."""
        vm = await self.host.vm("test")
        command = ["modules", f"test_{test}", *arguments]
        return await vm.commands.execute(command, env=env or {}, cwd="/home/user", stdin=stdin, timeout_ms=None)


async def echo(exchange: Exchange) -> None:
    """Tell what was asked."""
    body = (await exchange.read_body()).decode()
    own = dict(exchange.headers).get("x-own")
    answer = {"method": exchange.method, "target": exchange.target, "own": own, "body": body}
    await exchange.start(200, [("content-type", "application/json")])
    await exchange.send(msgspec.json.encode(answer))
    await exchange.finish()


@pytest.fixture
async def modules(engine: Engine, tmp_path: Path) -> AsyncIterator[Modules]:
    catalogue = Catalogue(ROOT / "agents", [])
    async with (
        http_server(echo) as server,
        open_store(tmp_path / "state.db") as store,
        open_host(store, engine, catalogue) as host,
    ):
        await host.get_or_create("test", {"network": {"allow": [server.url.removeprefix("http://")]}})
        vm = await host.vm("test")
        await vm.files.write_file("/bin/modules", (HERE / "dist" / "modules.wasm").read_bytes())
        for name, guest in PROGRAMS.items():
            await vm.files.write_file(
                f"/bin/{name}", (ROOT / "tests" / "guests" / "dist" / f"{guest}.wasm").read_bytes()
            )
        yield Modules(host, server.url)
