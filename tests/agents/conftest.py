"""The agents of this repository, built and run on a real host in this process."""

from __future__ import annotations

import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import msgspec
import pytest

from runtime.engine import ArtefactCache
from runtime.posix.host import make_engine
from runtime.store.store import open_store
from runtime.vms.catalogue import Catalogue
from runtime.vms.host import open_host
from tests.sessions.fakes import create_options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from runtime.engine import Engine
    from runtime.vms.host import Host
    from tests.agents.pi import Pi

ROOT = Path(__file__).resolve().parents[2]
AGENTS = ROOT / "agents"
# A first build fetches and builds everything, on a slow machine.
BUILD_TIMEOUT_S = 900


@pytest.fixture(scope="session")
def built() -> str:
    """Build all agents, those whose sources have changed; what the build said."""
    command = [sys.executable, "build/components.py", "--examples"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def programs(built: str) -> Path:
    """The folder of the test programs, with those that serve as shells here."""
    command = [sys.executable, "build/guests.py", "args_env", "spin"]
    subprocess.run(command, cwd=ROOT, capture_output=True, timeout=BUILD_TIMEOUT_S, check=True)
    return ROOT / "tests" / "guests" / "dist"


@pytest.fixture(scope="session")
def engine(built: str, component_cache: Path) -> Engine:
    return make_engine(ArtefactCache(component_cache))


@attrs.define
class Bench:
    """One VM, and one session in it at a time."""

    host: Host
    session_id: str = ""
    created: dict[str, Any] = attrs.field(factory=dict)

    async def start(self, agent: str, **env: str) -> dict[str, Any]:
        vm = await self.host.vm("test")
        self.created = await vm.sessions.create(agent, create_options({"env": env}))
        self.session_id = self.created["sessionId"]
        return self.created

    async def ask(self, prompt: str | list[dict[str, Any]]) -> dict[str, Any]:
        vm = await self.host.vm("test")
        return await vm.sessions.prompt(self.session_id, prompt)

    async def say(self, prompt: str) -> str:
        text = (await self.ask(prompt))["text"]
        assert isinstance(text, str)
        return text

    async def cancel(self, grace_ms: int = 5000) -> str:
        vm = await self.host.vm("test")
        return str((await vm.sessions.cancel(self.session_id, grace_ms))["outcome"])

    async def sleep(self) -> None:
        await self.host.sleep("test", 0, False)

    async def read(self, path: str) -> bytes:
        vm = await self.host.vm("test")
        return await vm.files.read_file(path)

    async def write(self, path: str, content: bytes) -> None:
        vm = await self.host.vm("test")
        await vm.files.write_file(path, content)

    async def events(self) -> list[dict[str, Any]]:
        """All events of the session, as {method, params}."""
        rows = await self.host.queries.session_events("test", self.session_id)
        return [msgspec.json.decode(row["event"]) for row in rows]

    async def updates(self, kind: str) -> list[dict[str, Any]]:
        """The session updates of a kind."""
        updates = [event["params"].get("update", {}) for event in await self.events()]
        return [update for update in updates if update.get("sessionUpdate") == kind]


@asynccontextmanager
async def open_bench(engine: Engine, state: Path, options: Mapping[str, Any] | None = None) -> AsyncIterator[Bench]:
    catalogue = Catalogue(AGENTS, [AGENTS / "examples"])
    async with open_store(state) as store, open_host(store, engine, catalogue) as host:
        await host.get_or_create("test", dict(options or {}))
        yield Bench(host)


@pytest.fixture
async def bench(engine: Engine, tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(engine, tmp_path / "state.db") as bench:
        yield bench


@pytest.fixture
def pi(engine: Engine, tmp_path: Path) -> Pi:
    from tests.agents import pi  # noqa: PLC0415 - which needs this module

    return pi.Pi(engine, tmp_path / "state.db")
