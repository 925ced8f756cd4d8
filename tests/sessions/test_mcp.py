"""MCP servers of a session: what agents of different abilities are sent, what runs, and what is wrong with the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.api.errors import ApiError, ErrorCode
from runtime.sessions.options.mcp_servers import MAX_NAME, MAX_SERVERS, normalise
from tests.sessions.fakes import Exit, create_options

if TYPE_CHECKING:
    from tests.sessions.fakes import FakeProcess, FakeVm

LOCAL = {"type": "local", "name": "near", "command": "/bin/near", "args": ["-v"], "env": {"A": "1"}}
REMOTE = {"type": "remote", "name": "far", "url": "https://far/mcp"}
HTTP = {"mcpCapabilities": {"http": True}}


class Servers:
    """Every local server that was started."""

    def __init__(self, vm: FakeVm) -> None:
        self.processes: list[FakeProcess] = []
        vm.commands["/bin/near"] = self.run

    async def run(self, process: FakeProcess) -> None:
        self.processes.append(process)
        await process.stderr.send(b"hello\n")
        await trio.sleep_forever()


def sent(vm: FakeVm) -> Any:
    return dict(vm.agent.received)["session/new"]["mcpServers"]


async def faults(vm: FakeVm, servers: Any) -> list[str]:
    with pytest.raises(ApiError) as caught:
        await vm.sessions.create("fake", create_options({"mcpServers": servers}))
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT
    assert vm.started == [], "nothing is started for it"
    return sorted(error["pointer"].removeprefix("/options/mcpServers") for error in caught.value.data["errors"])


async def test_an_agent_that_takes_http_gets_local_servers_by_http(vm: FakeVm) -> None:
    servers = Servers(vm)
    vm.capabilities = HTTP
    created = await vm.sessions.create("fake", create_options({"mcpServers": [LOCAL, REMOTE]}))
    assert sent(vm) == [
        {"type": "http", "name": "near", "url": "http://mcp.torpor.internal/near", "headers": []},
        {"type": "http", "name": "far", "url": "https://far/mcp", "headers": []},
    ]
    await wait_all_tasks_blocked()
    (process,) = servers.processes
    assert (process.argv, process.env, process.cwd) == (["/bin/near", "-v"], {"A": "1"}, "/home/user")
    await vm.sessions.close(created["sessionId"])
    assert process.status == Exit(None, "killed", "killed")
    await vm.sessions.resume(created["sessionId"])
    await wait_all_tasks_blocked()
    assert len(servers.processes) == 2
    methods = [event["method"] for event in await vm.events(created["sessionId"])]
    assert methods.count("_torpor/mcp_stderr") == 2
    assert "_torpor/mcp_exit" not in methods


async def test_servers_end_with_an_agent_that_crashes(vm: FakeVm) -> None:
    servers = Servers(vm)
    vm.capabilities = HTTP
    created = await vm.sessions.create("fake", create_options({"mcpServers": [LOCAL]}))
    await wait_all_tasks_blocked()
    vm.agent.process.finish(Exit(1))
    await wait_all_tasks_blocked()
    assert servers.processes[0].status is not None
    await vm.sessions.close(created["sessionId"])
    methods = [event["method"] for event in await vm.events(created["sessionId"])]
    assert "_torpor/agent_exit" in methods
    assert "_torpor/mcp_exit" not in methods


async def test_an_agent_without_http_gets_local_servers_as_acp_has_them_and_nothing_runs(vm: FakeVm) -> None:
    servers = Servers(vm)
    await vm.sessions.create("fake", create_options({"mcpServers": [LOCAL]}))
    assert sent(vm) == [
        {"name": "near", "command": "/bin/near", "args": ["-v"], "env": [{"name": "A", "value": "1"}]},
    ]
    await wait_all_tasks_blocked()
    assert servers.processes == []


@pytest.mark.parametrize("kind", ["http", "sse"])
async def test_an_agent_that_does_not_take_the_type(vm: FakeVm, kind: str) -> None:
    vm.capabilities = {"mcpCapabilities": {"http": False, "sse": "yes"}}
    with pytest.raises(ApiError) as caught:
        await vm.sessions.create("fake", create_options({"mcpServers": [LOCAL, {**REMOTE, "type": kind}]}))
    assert caught.value.code is ErrorCode.UNSUPPORTED_BY_AGENT
    assert caught.value.data["capability"] == f"mcpCapabilities.{kind}"
    assert vm.running == []


async def test_every_fault_is_told_by_its_pointer(vm: FakeVm) -> None:
    wrong = [
        {"type": "carrier pigeon"},
        {"type": "local", "arg": [], "a/b": 1},
        {"type": "remote", "url": "ftp://x"},
        {"name": "twice", "url": "http://x", "headers": {"bad name": "v"}},
        {"name": "twice", "command": "x", "args": "a", "env": {"A": 1}},
        {"name": "x" * (MAX_NAME + 1), "command": "x"},
        {"url": "http://x", "headers": {"X": "a\r\nb"}},
        {"url": "http://["},
    ]
    assert await faults(vm, wrong) == [
        "/0/type",
        "/1/arg",
        "/1/a~1b",
        "/1/command",
        "/2/url",
        "/3/headers",
        "/4/args",
        "/4/env",
        "/4/name",
        "/5/name",
        "/6/headers",
        "/7/url",
    ]
    assert await faults(vm, [LOCAL] * (MAX_SERVERS + 1)) == [""]


def test_servers_without_a_name_get_one_by_their_place() -> None:
    assert [server["name"] for server in normalise([LOCAL, {"command": "x"}, {"url": "http://x"}])] == [
        "near",
        "mcp-2",
        "mcp-3",
    ]
