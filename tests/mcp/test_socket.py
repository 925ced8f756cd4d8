"""`mcpServers` through the public socket, to an agent that tells what it got."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.system.daemon import Vm


def test_all_kinds_reach_the_agent_by_http(vm: Vm) -> None:
    session = vm.session(
        env={"ECHO_RESUME": "1"},
        mcpServers=[
            {"type": "local", "command": "/bin/none"},
            {"name": "a b", "command": "none", "args": [], "env": []},
            {"type": "remote", "url": "https://h/mcp", "headers": {"Authorization": "Bearer x"}},
            {"type": "http", "name": "own", "url": "http://h", "headers": [{"name": "X", "value": "y"}]},
        ],
    )
    expected = [
        {"type": "http", "name": "mcp-1", "url": "http://mcp.torpor.internal/mcp-1", "headers": []},
        {"type": "http", "name": "a b", "url": "http://mcp.torpor.internal/a%20b", "headers": []},
        {
            "type": "http",
            "name": "mcp-3",
            "url": "https://h/mcp",
            "headers": [{"name": "Authorization", "value": "Bearer x"}],
        },
        {"type": "http", "name": "own", "url": "http://h", "headers": [{"name": "X", "value": "y"}]},
    ]
    assert json.loads(session.say("params"))["mcpServers"] == expected
    session.call("closeSession")
    session.call("resumeSession")
    assert json.loads(session.say("params"))["mcpServers"] == expected, "a resume gives them again"
    ended = [each["event"]["params"] for each in session.events(types=["_torpor/mcp_exit"])]
    assert sorted(each["server"] for each in ended) == ["a b", "a b", "mcp-1", "mcp-1"]
    assert {each["reason"] for each in ended} == {"start"}


def test_faults_are_told_by_their_pointers(vm: Vm) -> None:
    servers = [{"type": "remote"}, {"type": "local", "command": "x", "cmd": "y"}]
    error = vm.error("createSession", agentType="echo", options={"mcpServers": servers})
    assert error.name == "invalid_argument"
    assert error.data["errors"] == [
        {"pointer": "/options/mcpServers/0/url", "message": "missing"},
        {"pointer": "/options/mcpServers/1/cmd", "message": "unknown member"},
    ]
    assert vm.rows() == {}


def test_a_type_that_the_agent_does_not_take(vm: Vm) -> None:
    servers = [{"type": "sse", "name": "old", "url": "http://h/sse", "headers": []}]
    error = vm.error("createSession", agentType="echo", options={"mcpServers": servers})
    assert (error.name, error.data["capability"]) == ("unsupported_by_agent", "mcpCapabilities.sse")
    assert vm.rows() == {}
