"""Agents on a real host in this process, and a tap on every frame that the runtime writes to them."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import msgspec
import pytest
import trio

from runtime.acp.codec import Request
from runtime.engine import ArtefactCache
from runtime.posix.host import make_engine
from runtime.sessions.agent.process import Agent
from runtime.store.store import open_store
from runtime.vms.catalogue import Catalogue, built_in_directory
from runtime.vms.host import open_host
from tests.conformance import schema
from tests.sessions.fakes import create_options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.engine import Engine
    from runtime.hub import Notice
    from runtime.sessions.manager import Sessions
    from runtime.vms.host import Host
    from runtime.vms.vm import Vm

ROOT = Path(__file__).resolve().parents[2]
AGENTS = Path(__file__).parent / "agents"
BUILD_TIMEOUT_S = 600


@pytest.fixture(scope="session")
def built() -> None:
    """Build what the suite runs, where its sources have changed: the Python agent beside the others, one core each."""
    ours = ["build/components.py", "--folder", str(AGENTS)]
    rest = (["build/components.py", "echo", "pi"], [*ours, "sdk-js"], ["build/guests.py", "args_env"])
    options: dict[str, Any] = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([sys.executable, *ours, "plain-py"], **options) as beside:
        for command in rest:
            done = subprocess.run([sys.executable, *command], timeout=BUILD_TIMEOUT_S, check=False, **options)
            assert done.returncode == 0, done.stdout
        said, _ = beside.communicate(timeout=BUILD_TIMEOUT_S)
    assert beside.returncode == 0, said


@pytest.fixture(scope="session")
def engine(built: None, component_cache: Path) -> Engine:
    return make_engine(ArtefactCache(component_cache))


@attrs.define
class Tap:
    """What the runtime has written to agents, checked as it is written."""

    methods: list[str] = attrs.field(factory=list)
    """The methods of its requests and notifications, and `METHOD ->` for its answers."""
    _asked: dict[int, dict[Any, list[str]]] = attrs.field(factory=lambda: defaultdict(lambda: defaultdict(list)))

    def asked(self, agent: Agent, request: Request) -> None:
        """The agent has sent a request."""
        self._asked[id(agent)][request.id].append(request.method)

    def written(self, agent: Agent, data: bytes) -> None:
        """The runtime has written a line to the agent."""
        assert data.endswith(b"\n")
        assert data.count(b"\n") == 1
        frame = msgspec.json.decode(data)
        if "method" in frame:
            self.methods.append(frame["method"])
            schema.check_request(frame)
        elif frame["id"] is None:
            schema.check_answer(frame, "_nothing", {})
        else:
            method = self._asked[id(agent)][frame["id"]].pop(0)
            self.methods.append(f"{method} ->")
            schema.check_answer(frame, method, schema.CLIENT_RESULTS)


@pytest.fixture
def tap(monkeypatch: pytest.MonkeyPatch) -> Tap:
    tap = Tap()
    post, handle = Agent._post, Agent._handle

    def tapped_post(self: Agent, data: bytes) -> None:
        tap.written(self, data)
        post(self, data)

    async def tapped_handle(self: Agent, event: Any) -> None:
        if isinstance(event, Request):
            tap.asked(self, event)
        await handle(self, event)

    monkeypatch.setattr(Agent, "_post", tapped_post)
    monkeypatch.setattr(Agent, "_handle", tapped_handle)
    return tap


@attrs.define
class Talk:
    """One session with one agent, in a VM of its own."""

    host: Host
    agent: str
    tap: Tap
    name: str = "test"
    """Its VM."""
    id: str = ""
    created: dict[str, Any] = attrs.field(factory=dict)

    async def vm(self) -> Vm:
        return await self.host.vm(self.name)

    async def sessions(self) -> Sessions:
        return (await self.vm()).sessions

    async def start(self, **options: Any) -> None:
        self.created = await (await self.sessions()).create(self.agent, create_options(options))
        self.id = self.created["sessionId"]

    async def ask(self, *commands: str, blocks: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
        prompt = [*blocks, {"type": "text", "text": "\n".join(commands)}]
        return await (await self.sessions()).prompt(self.id, prompt)

    async def say(self, *commands: str) -> str:
        return str((await self.ask(*commands))["text"])

    async def until(self, wanted: str) -> dict[str, Any]:
        """Wait for the next notice to clients of this method or type, and return it."""
        heard = trio.Event()
        notices: list[Notice] = []

        def take(notice: Notice) -> None:
            if wanted in (notice.method, notice.type):
                notices.append(notice)
                heard.set()

        detach = self.host.hub.attach(self.name, take)
        await heard.wait()
        detach()
        return notices[0].params

    async def events(self) -> list[dict[str, Any]]:
        rows = await self.host.queries.session_events(self.name, self.id)
        return [msgspec.json.decode(row["event"]) for row in rows]

    async def updates(self, kind: str) -> list[dict[str, Any]]:
        updates = [event["params"].get("update", {}) for event in await self.events()]
        return [update for update in updates if update.get("sessionUpdate") == kind]


@pytest.fixture
async def host(engine: Engine, tmp_path: Path) -> AsyncIterator[Host]:
    catalogue = Catalogue(built_in_directory(), [AGENTS])
    async with open_store(tmp_path / "state.db") as store, open_host(store, engine, catalogue) as host:
        await host.get_or_create("test", {})
        yield host
