"""`torpor acp` under clients that others have made: npm's acpx, and the official libraries for Python and TypeScript."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import acp
import pytest
from acp import schema

from tests.cli.acp_editor import COMMAND, WAIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.daemon import Api, Daemon

PACKAGE = Path(__file__).parent / "acpx"
TOOLCHAIN = Path(__file__).resolve().parents[2] / "build" / "toolchain.py"
INSTALL_TIMEOUT_S = 300


@pytest.fixture(scope="session")
def node() -> Any:
    """Node.js, found as the build finds it."""
    spec = importlib.util.spec_from_file_location("toolchain", TOOLCHAIN)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["toolchain"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.find_node()


@pytest.fixture(scope="session")
def packages(node: Any, request: pytest.FixtureRequest) -> Path:
    """The folder with what the lock file names, installed once."""
    assert request.config.cache is not None
    directory = request.config.cache.mkdir("torpor-acpx")
    lock = (PACKAGE / "package-lock.json").read_bytes()
    stamp = directory / "installed"
    wanted = hashlib.sha256(lock).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PACKAGE / name, directory)
        # Not `npm ci`: it insists on entries for the optional packages of all platforms.
        command = [*node.npm, "install", "--no-save", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"]
        path = f"{node.node.parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(
            command,
            cwd=directory,
            env={**os.environ, "PATH": path},
            check=True,
            timeout=INSTALL_TIMEOUT_S,
            capture_output=True,
        )
        stamp.write_text(wanted)
    shutil.copy(PACKAGE / "client.mjs", directory)  # what it imports is looked for beside it
    return directory


class Acpx:
    """acpx in a workspace and a home of its own."""

    def __init__(self, node: Any, program: Path, daemon: Daemon, directory: Path) -> None:
        self.workspace = directory / "workspace"
        self._home = directory / "home"
        self.workspace.mkdir()
        self._home.mkdir()
        agent = shlex.join([*COMMAND, "--env", "ECHO_RESUME=1", "echo"])
        self._command = [str(node.node), str(program), "--agent", agent]
        path = f"{node.node.parent}{os.pathsep}{os.environ['PATH']}"
        self._environment = {"PATH": path, "HOME": str(self._home), "TORPOR_SOCKET": str(daemon.socket)}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._command, *arguments],
            cwd=self.workspace,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        """What it says; it must succeed."""
        with self.start(*arguments) as process:
            said, _ = process.communicate(timeout=WAIT)
        assert process.returncode == 0, said
        return said

    def let_go(self) -> None:
        """End the process that keeps the agent for the next prompt."""
        for lock in (self._home / ".acpx" / "queues").glob("*.lock"):
            process = os.pidfd_open(json.loads(lock.read_text())["pid"])
            signal.pidfd_send_signal(process, signal.SIGTERM)
            poll = select.poll()
            poll.register(process, select.POLLIN)
            assert poll.poll(WAIT * 1000), "acpx keeps its agent"
            os.close(process)


@pytest.fixture
def acpx(node: Any, packages: Path, daemon: Daemon, tmp_path: Path) -> Iterator[Acpx]:
    acpx = Acpx(node, packages / "node_modules" / "acpx" / "dist" / "cli.js", daemon, tmp_path)
    yield acpx
    acpx.let_go()


@pytest.fixture
def api(daemon: Daemon) -> Iterator[Api]:
    with daemon.connect() as api:
        yield api


def let_go(acpx: Acpx, api: Api) -> None:
    """Let acpx end its agent, and see the VM fall asleep (after `subscribe`)."""
    acpx.let_go()
    api.until(lambda notification: notification.params.get("state") == "asleep")


def test_acpx_prompts_cancels_and_resumes(acpx: Acpx, api: Api) -> None:
    session = acpx.run("sessions", "new").split()[-1]
    (vm,) = [vm["vm"] for vm in api.call("vm.list") if vm["vm"].startswith("acp-workspace-")]
    api.call("subscribe", vm=vm, types=["vmState", "agent_message_chunk"])

    said = acpx.run("prompt", "say hello")
    assert "session/resume" in said  # by another process than the one that made the session
    assert "hello" in said
    assert "[done] end_turn" in said

    with acpx.start("prompt", "say begun; sleep 60000") as turn:
        api.until(
            lambda notification: "begun" in str(notification.params.get("event", {}).get("params", {}).get("update"))
        )
        assert "cancel requested" in acpx.run("cancel")
        said, _ = turn.communicate(timeout=WAIT)
    assert (turn.returncode, "[done] cancelled" in said) == (0, True), said

    let_go(acpx, api)
    said = acpx.run("prompt", "history")
    assert "session/resume" in said
    assert '"user":"say hello"' in said
    assert session in acpx.run("sessions", "list")
    let_go(acpx, api)
    (row,) = api.call("listPersistedSessions", vm=vm)
    assert (row["sessionId"], row["status"], row["cwd"]) == (session, "suspended", str(acpx.workspace))


class Client(acp.Client):
    """A client on the official Python library."""

    def __init__(self) -> None:
        self.updates: list[Any] = []
        self.begun = asyncio.Event()

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        self.updates.append(update)
        self.begun.set()

    async def request_permission(self, options: Any, session_id: str, tool_call: Any, **_: Any) -> Any:
        chosen = next(option for option in options if option.kind == "allow_once")
        outcome = schema.AllowedOutcome(outcome="selected", option_id=chosen.option_id)
        return schema.RequestPermissionResponse(outcome=outcome)

    def said(self) -> str:
        chunks = [update for update in self.updates if isinstance(update, schema.AgentMessageChunk)]
        self.updates.clear()
        return "".join(chunk.content.text for chunk in chunks)


async def converse(daemon: Daemon, cwd: str) -> None:
    client = Client()
    environment = {**os.environ, "TORPOR_SOCKET": str(daemon.socket)}
    program, *arguments = [*COMMAND, "echo"]
    async with acp.spawn_agent_process(client, program, *arguments, env=environment) as (agent, _):
        hello = await agent.initialize(protocol_version=acp.PROTOCOL_VERSION)
        assert hello.agent_capabilities is not None
        assert hello.agent_capabilities.load_session
        session = (await agent.new_session(cwd=cwd, mcp_servers=[])).session_id

        async def prompt(text: str) -> str:
            return (await agent.prompt(session_id=session, prompt=[acp.text_block(text)])).stop_reason

        assert await prompt("say hello; permission Rm") == "end_turn"
        assert client.said() == "hellopermission: allow-once"
        await agent.set_session_mode(session_id=session, mode_id="code")
        client.begun.clear()
        turn = asyncio.create_task(prompt("say begun; sleep 60000"))
        await client.begun.wait()
        await agent.cancel(session_id=session)
        assert await turn == "cancelled"
        client.updates.clear()
        loaded = await agent.load_session(session_id=session, cwd=cwd, mcp_servers=[])
        assert loaded.modes is not None
        assert loaded.modes.current_mode_id == "code"
        assert [update.session_update for update in client.updates].count("user_message_chunk") == 2
        with pytest.raises(acp.RequestError) as refused:
            await agent.load_session(session_id="none", cwd=cwd, mcp_servers=[])
        assert refused.value.code == -32002


def test_the_official_python_client(daemon: Daemon) -> None:
    asyncio.run(asyncio.wait_for(converse(daemon, "/home/me/python"), WAIT))


def test_the_official_typescript_client(node: Any, packages: Path, daemon: Daemon, tmp_path: Path) -> None:
    workspace = tmp_path.resolve() / "typescript"
    workspace.mkdir()
    (workspace / "open").write_text("saved")
    said = subprocess.run(
        [str(node.node), str(packages / "client.mjs"), str(workspace), *COMMAND, "--workspace", "echo"],
        env={**os.environ, "TORPOR_SOCKET": str(daemon.socket)},
        stdout=subprocess.PIPE,
        check=True,
        timeout=WAIT,
    )
    seen = json.loads(said.stdout)
    assert seen["hello"]["agentCapabilities"]["sessionCapabilities"].keys() >= {"list", "resume", "fork", "close"}
    texts = [
        update["content"]["text"] for update in seen["updates"] if update["sessionUpdate"] == "agent_message_chunk"
    ]
    assert texts == ["hello", "permission: allow-once", "read: unsaved"]
    assert seen["asked"] == ["session/request_permission", f"{workspace}/open"]
    assert seen["ended"]["stopReason"] == "end_turn"
    assert set(seen["listed"]) == set(seen["sessions"])
    assert seen["replayed"].count("agent_message_chunk") == 3
    assert seen["code"] == 0
