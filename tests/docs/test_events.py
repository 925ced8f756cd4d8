"""Events have the members that docs/events.md and `rpc.discover` tell of them, whatever happens to an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runtime.api.events import EVENTS
from runtime.network import HttpExchange
from runtime.sessions.transcript.network_log import BURST, NetworkLog

if TYPE_CHECKING:
    from tests.system.daemon import Api, Vm

EVERY_WAY = {
    "_torpor/session_started": "say Hello",
    "_torpor/turn_started": "say Hello",
    "_torpor/turn_ended": "fail on purpose",
    "_torpor/permission_reply": "permission Delete a file",
    "_torpor/stderr": "stderr noise",
    "_torpor/malformed": "garbage",
    "_torpor/notification": "garbage",
    "_torpor/agent_exit": "exit 3",
}
"""Event -> a prompt to the agent echo after which it is in the transcript."""


def check(method: str, members: set[str]) -> None:
    """Fail unless an event of this method may have these members, and has all that it must have."""
    told = EVENTS[method].members
    assert members - {"sessionId"} <= {member.removesuffix("?") for member in told}, method
    assert {member for member in told if not member.endswith("?")} <= members, method


@pytest.mark.parametrize(("method", "prompt"), EVERY_WAY.items())
def test_events_of_a_turn(api: Api, vm: Vm, method: str, prompt: str) -> None:
    session = vm.session(permissionPolicy="allow")
    pending = session.start("sendPrompt", prompt=prompt, idempotencyKey="k")
    assert api.client.wait(pending, 30)
    told = [event["event"] for event in session.events(types=list(EVENTS))]
    assert method in {event["method"] for event in told}
    for event in told:
        check(event["method"], event["params"].keys())


def test_events_of_a_life(vm: Vm) -> None:
    session = vm.session()
    session.say("say Hello")
    vm.sleep()
    session.say("say Hello")
    session.call("closeSession")
    told = {event["event"]["method"]: event["event"]["params"] for event in session.events(types=list(EVENTS))}
    assert {"_torpor/session_suspended", "_torpor/session_resumed", "_torpor/session_closed"} <= told.keys()
    for method, params in told.items():
        check(method, params.keys())


def test_events_of_mcp_servers(vm: Vm) -> None:
    server = {"type": "local", "name": "none", "command": "/bin/none"}
    session = vm.session("pi", mcpServers=[server])
    session.subscribe(after=-1)
    check("_torpor/mcp_exit", session.until_update("_torpor/mcp_exit")[-1].params["event"]["params"].keys())


def test_events_of_the_network() -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    log = NetworkLog(lambda method, params: told.append((method, params)), lambda: 0.0)
    for error in [None, "HTTP-request-denied"] * BURST:
        log.observe(HttpExchange("GET", "https", "example.com", 443, "/", 200, error, 1, 1, 1.0, secrets=("KEY",)))
    log.flush()
    assert {method for method, _ in told} == {"_torpor/http_request", "_torpor/http_requests"}
    for method, params in told:
        check(method, params.keys())
