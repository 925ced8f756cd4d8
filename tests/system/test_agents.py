"""Agents of one's own, usable and not, and what the daemon holds when they have come and gone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.vms.catalogue import built_in_directory
from tests.system.daemon import Api, Daemon, Vm, environment, fresh_name, running

if TYPE_CHECKING:
    from collections.abc import Iterator

CYCLES = int(os.environ.get("TORPOR_SOAK_CYCLES", "150"))  # `make soak` asks for many more


@pytest.fixture
def own_agents(component_cache: Path, scratch: Path) -> Iterator[tuple[Daemon, Path]]:
    directory = scratch / fresh_name("agents")
    daemon = Daemon(directory, environment(component_cache, TORPOR_AGENTS=str(directory / "agents")))
    with running(daemon):
        yield daemon, directory / "agents"
    assert "Traceback" not in daemon.log.read_text()


def install(directory: Path, id_: str, component: bytes, extra: str = "") -> None:
    (directory / id_).mkdir(parents=True)
    (directory / id_ / "agent.wasm").write_bytes(component)
    (directory / id_ / "agent.toml").write_text(
        f'id = "{id_}"\ntitle = "{id_}"\nversion = "1"\ncomponent = "agent.wasm"\n{extra}'
    )


def test_an_agent_that_is_added_can_be_used_at_once(own_agents: tuple[Daemon, Path]) -> None:
    daemon, directory = own_agents
    echo = (built_in_directory() / "dist" / "echo.wasm").read_bytes()
    with daemon.connect() as api:
        vm = Vm(api, "own")
        assert vm.error("createSession", agentType="mine").name == "agent_not_found"
        install(directory, "mine", echo, 'args = ["--x"]\nenv = { FROM_MANIFEST = "yes" }\n')
        assert vm.session("mine").say("env FROM_MANIFEST") == "FROM_MANIFEST=yes"
        (listed,) = [agent for agent in vm.call("listAgents") if agent["id"] == "mine"]
        assert (listed["source"], listed["installed"]) == ("user", True)


@pytest.mark.parametrize(
    ("component", "told"),
    [
        (b"\0asm\1\0\0\0", "module"),
        (b"no wasm at all", ""),
        (b"", ""),
        (None, ""),
    ],
    ids=["core-module", "text", "empty", "truncated"],
)
def test_what_is_no_component_is_told_so(own_agents: tuple[Daemon, Path], component: bytes | None, told: str) -> None:
    daemon, directory = own_agents
    echo = (built_in_directory() / "dist" / "echo.wasm").read_bytes()
    install(directory, "bad", echo[: len(echo) // 2] if component is None else component)
    with daemon.connect() as api:
        vm = Vm(api, "own")
        error = vm.error("createSession", agentType="bad")
        assert (error.name, error.data["phase"]) == ("agent_failed", "start")
        assert told in error.message
        assert vm.call("listPersistedSessions") == []
        assert vm.session().say("fine") == "echo: fine"


def test_a_broken_manifest_is_told_and_hides_no_other_agent(own_agents: tuple[Daemon, Path]) -> None:
    daemon, directory = own_agents
    (directory / "broken").mkdir(parents=True)
    (directory / "broken" / "agent.toml").write_text("id = 5\n")
    with daemon.connect() as api:
        vm = Vm(api, "own")
        error = vm.error("createSession", agentType="broken")
        assert error.name == "agent_not_found"
        assert "broken/agent.toml" in error.message
        assert "echo" in {agent["id"] for agent in vm.call("listAgents")}


def holds(daemon: Daemon, api: Api) -> tuple[int, int, int]:
    """Descriptors, threads and MiB of private memory of a daemon that has nothing to do."""
    api.call("daemon.status")
    process = Path(f"/proc/{daemon.pid}")
    return len(list((process / "fd").iterdir())), len(list((process / "task").iterdir())), daemon.rss() >> 20


def test_sessions_that_come_and_go_leave_nothing_behind(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        vm = Vm(api, "cycles")

        def cycle() -> None:
            session = vm.session()
            session.prompt("say hello; fswrite x.txt y")
            session.call("closeSession")
            session.call("destroySession")

        for _ in range(CYCLES):
            cycle()
        before = holds(own_daemon, api)
        for _ in range(CYCLES):
            cycle()
        descriptors, threads, memory = holds(own_daemon, api)
        print(f"after {CYCLES} cycles {before}, after {2 * CYCLES} {(descriptors, threads, memory)}")  # noqa: T201 - for make soak
        assert descriptors <= before[0] + 2
        assert threads <= before[1] + 1
        assert memory <= before[2] + 8
        vm.sleep()
        assert holds(own_daemon, api)[2] <= before[2] + 8
