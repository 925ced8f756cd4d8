"""pi with MCP servers, through the public socket: the model calls their tools, and hears what came of it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from runtime.testing.messages_api import blocks_of
from runtime.testing.script import call, say
from tests.mcp.conftest import DOT
from tests.system.daemon import type_of
from tests.system.model import Model, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.mcp.conftest import Remote
    from tests.system.daemon import Session, Vm

COMMAND = "/bin/mcp-local"
LOCAL = {"type": "local", "name": "near", "command": COMMAND, "args": ["-v"], "env": {"COLOUR": "red"}}


def pi(
    make_vm: Callable[..., Vm], served: Model, *servers: dict[str, Any], allow: tuple[str, ...] = (), **vm: Any
) -> Session:
    made = make_vm(network={"allow": [served.host, *allow]}, **vm)
    session = made.session("pi", env=served.env, mcpServers=list(servers))
    session.subscribe()
    return session


def install(vm: Vm, component: bytes) -> None:
    vm.call("writeFile", path=COMMAND, content={"base64": base64.b64encode(component).decode()})


def near(
    make_vm: Callable[..., Vm],
    served: Model,
    component: bytes,
    server: dict[str, Any] = LOCAL,
    **options: Any,
) -> Session:
    """A session with the local server."""
    vm = make_vm(network={"allow": [served.host]}, **options)
    install(vm, component)
    session = vm.session("pi", env=served.env, mcpServers=[server])
    session.subscribe()
    return session


def offered(served: Model) -> dict[str, dict[str, Any]]:
    """The MCP tools that the model was last told of."""
    return {tool["name"]: tool for tool in served.last.body["tools"] if tool["name"].startswith("mcp__")}


def results(served: Model) -> list[dict[str, Any]]:
    """The results of the tools that the model called, with their content as blocks."""
    found = [result for request in served.requests for result in request.tool_results()]
    return [{**result, "content": blocks_of(result["content"])} for result in found]


def events(session: Session, method: str) -> list[dict[str, Any]]:
    return [each["event"]["params"] for each in session.events(types=[method])]


def stderr(session: Session) -> str:
    return "".join(params["text"] for params in events(session, "_torpor/stderr"))


def test_pi_calls_the_tools_of_a_remote_server(make_vm: Callable[..., Vm], remote: Remote) -> None:
    script = [
        call("mcp__far__distance", a={"x": 1, "y": 2}, b={"x": 4, "y": 6}),
        call("mcp__far__picture"),
        call("mcp__far__refuse", why="because"),
        call("mcp__far__count", to=3),
        say("done"),
    ]
    with model(script) as served:
        session = pi(make_vm, served, remote.short, allow=(remote.host,))
        assert session.say("Measure") == "done"
        distance, picture, refuse, count = results(served)
        assert (distance.get("is_error"), distance["content"]) == (False, [{"type": "text", "text": "7"}])
        assert [block["source"]["data"] for block in picture["content"] if block["type"] == "image"] == [DOT]
        assert refuse["is_error"]
        assert "refused: because" in str(refuse["content"])
        assert "counted to 3" in str(count["content"])
        tool = offered(served)["mcp__far__distance"]
        assert tool["description"] == "The Manhattan distance of two points."
        assert tool["input_schema"]["properties"]["a"]["properties"].keys() == {"x", "y"}, "$ref is resolved"
        assert "Numbers are in furlongs." in str(served.last.body["system"])
    calls = [each for each in session.events() if type_of(each["event"]) == "tool_call"]
    assert next(each["event"]["params"]["update"]["title"] for each in calls) == "far: distance"


def test_a_call_without_progress_is_given_up(make_vm: Callable[..., Vm], remote: Remote) -> None:
    script = [call("mcp__far__count", to=1, pause=60), call("mcp__far__count", to=10, pause=0.5), say("so")]
    with model(script) as served:
        vm = make_vm(network={"allow": [served.host, remote.host]})
        env = {**served.env, "PI_MCP_TIMEOUT_MS": "4000"}
        session = vm.session("pi", env=env, mcpServers=[remote.short])
        assert session.say("count") == "so"
        late, slow = results(served)
        assert late["is_error"] is True
        assert "timed out" in late["content"][0]["text"].lower()
        assert slow["content"][0]["text"] == "counted to 10", "five seconds, with news every half of one"


def test_a_remote_server_that_was_restarted_has_forgotten_us_and_goes_on(
    make_vm: Callable[..., Vm], remote: Remote
) -> None:
    points = {"a": {"x": 0, "y": 0}, "b": {"x": 1, "y": 1}}
    script = [call("mcp__far__distance", **points), say("one"), call("mcp__far__distance", **points), say("two")]
    with model(script) as served:
        session = pi(make_vm, served, remote.short, allow=(remote.host,))
        assert session.say("Measure") == "one"
        remote.stop()
        remote.start()
        assert session.say("Again") == "two"
        assert [each["content"][0]["text"] for each in results(served)] == ["2", "2"]


def test_a_wrong_key_costs_the_servers_tools_only(make_vm: Callable[..., Vm], remote: Remote) -> None:
    with model(lambda _: "without") as served:
        wrong = {**remote.short, "headers": {"Authorization": "Bearer wrong-secret"}}
        session = pi(make_vm, served, wrong, allow=(remote.host,))
        assert session.say("Measure") == session.say("Again") == "without"
        assert offered(served) == {}
    assert stderr(session).count("the MCP server far cannot be used") == 1, "the same failure is told once"
    assert "wrong-secret" not in str(session.events())


def test_a_server_at_a_host_that_is_not_granted_costs_its_tools_only(
    make_vm: Callable[..., Vm], remote: Remote
) -> None:
    with model([say("without")]) as served:
        session = pi(make_vm, served, remote.short)
        assert session.say("Measure") == "without"
        assert offered(served) == {}
        assert "The MCP server far cannot be used" in str(served.last.body["system"])
    assert "HTTP-request-denied" in stderr(session)


def test_pi_calls_the_tools_of_a_local_server(make_vm: Callable[..., Vm], local_server: bytes) -> None:
    script = [
        call("mcp__near__add", a=19, b=23),
        call("mcp__near__env", variable="COLOUR"),
        call("mcp__near__env", variable="ANTHROPIC_API_KEY"),
        call("write", path="note.txt", content="a note"),
        call("mcp__near__file", path="/home/user/note.txt"),
        call("mcp__near__fail"),
        call("mcp__near__flood"),
        say("done"),
    ]
    with model(script) as served:
        session = near(make_vm, served, local_server)
        assert session.say("Add") == "done"
        add, colour, key, _, note, failed, flooded = results(served)
        assert [each["content"][0]["text"] for each in (add, colour, key, note, flooded)] == [
            "42",
            "red",
            "unset",
            "a note",
            "flooded",
        ]
        assert (failed["is_error"], failed["content"][0]["text"]) == (True, "it failed")
        assert "Add with care." in str(served.last.body["system"])
    written = "".join(params["text"] for params in events(session, "_torpor/mcp_stderr"))
    assert "local server -v\n" in written
    assert "stdout, not a message: this is no message" in written


def test_tools_that_a_server_learns_are_there_in_the_next_turn(make_vm: Callable[..., Vm], local_server: bytes) -> None:
    with model([call("mcp__near__learn"), say("one"), call("mcp__near__learnt"), say("two")]) as served:
        session = near(make_vm, served, local_server)
        assert session.say("Learn") == "one"
        assert "mcp__near__learnt" not in offered(served)
        assert session.say("Say it") == "two"
        assert "mcp__near__learnt" in offered(served)
        assert results(served)[-1]["content"][0]["text"] == "I know"


def test_a_local_server_that_dies_is_told_to_the_model_and_to_the_client(
    make_vm: Callable[..., Vm], local_server: bytes
) -> None:
    script = [call("mcp__near__die"), call("mcp__near__add", a=1, b=1), say("oh"), call("mcp__near__add", a=1, b=1)]
    with model([*script, say("again")]) as served:
        session = near(make_vm, served, local_server)
        assert session.say("Try") == "oh"
        for result in results(served):
            assert result["is_error"]
            assert "the MCP server near ended with exit code 1" in str(result["content"])
        (ended,) = events(session, "_torpor/mcp_exit")
        assert (ended["server"], ended["exitCode"], ended["reason"]) == ("near", 1, "exit")
        assert "about to die" in ended["stderr"]
        session.call("closeSession")
        session.call("resumeSession")
        assert session.say("Now?") == "again"
        assert results(served)[-1]["content"][0]["text"] == "2"


def test_cancelling_a_turn_cancels_the_call(make_vm: Callable[..., Vm], local_server: bytes) -> None:
    with model([call("mcp__near__slow"), call("mcp__near__add", a=2, b=2), say("four")]) as served:
        session = near(make_vm, served, local_server)
        pending = session.start("sendPrompt", prompt="Wait")
        session.vm.api.until(lambda n: "working" in str(n.params))
        assert session.call("cancelPrompt") == {"outcome": "cancelled"}
        assert session.vm.api.result(pending)["stopReason"] == "cancelled"
        assert session.say("Then?") == "four"
        assert results(served)[-1]["content"][0]["text"] == "4"
    assert "told to cancel" in "".join(params["text"] for params in events(session, "_torpor/mcp_stderr"))
    assert not events(session, "_torpor/agent_exit")


def test_a_turn_that_waits_for_a_server_can_be_cancelled(make_vm: Callable[..., Vm], local_server: bytes) -> None:
    with model([]) as served:
        session = near(make_vm, served, local_server, {**LOCAL, "args": ["hang"]})
        pending = session.start("sendPrompt", prompt="Wait")
        session.until_update("user_message_chunk")
        assert session.call("cancelPrompt", graceMs=20_000) == {"outcome": "cancelled"}
        assert session.vm.api.result(pending)["stopReason"] == "cancelled"
        assert served.requests == []


def test_local_servers_live_and_end_with_their_agent(make_vm: Callable[..., Vm], local_server: bytes) -> None:
    with model(lambda _: "fine") as served:
        session = near(make_vm, served, local_server)
        vm = session.vm
        assert session.say("Hi") == "fine"
        assert vm.api.call("daemon.status")["processes"] == 2
        session.call("closeSession")
        assert vm.api.call("daemon.status")["processes"] == 0
        session.call("resumeSession")
        vm.sleep()
        assert vm.api.call("daemon.status")["processes"] == 0
        assert session.say("Hi") == "fine"
        assert "mcp__near__add" in offered(served)
        assert vm.api.call("daemon.status")["processes"] == 2
    assert events(session, "_torpor/mcp_exit") == [], "they were ended on purpose"


def test_a_local_server_keeps_no_vm_awake(make_vm: Callable[..., Vm], local_server: bytes) -> None:
    with model(lambda _: "fine") as served:
        session = near(make_vm, served, local_server, idleTimeoutMs=300)
        assert session.say("Hi") == "fine"
        session.vm.call("subscribe")
        if session.vm.state() == "awake":
            session.vm.api.until(lambda n: n.method == "vmState" and n.params["state"] == "asleep")


def test_two_sessions_do_not_reach_each_others_servers(make_vm: Callable[..., Vm], local_server: bytes) -> None:
    with model(lambda _: "fine") as served:
        first = near(make_vm, served, local_server)
        stolen = {"type": "http", "name": "stolen", "url": "http://mcp.torpor.internal/near", "headers": []}
        second = first.vm.session("pi", env=served.env, mcpServers=[stolen])
        assert second.say("Hi") == "fine"
        assert offered(served) == {}
    assert "HTTP-request-denied" in stderr(second)


def test_a_command_that_is_not_there(make_vm: Callable[..., Vm]) -> None:
    with model([say("without")]) as served:
        session = pi(make_vm, served, LOCAL)
        assert session.say("Add") == "without"
        assert "cannot be started: no command '/bin/mcp-local'" in str(served.last.body["system"])
    (ended,) = events(session, "_torpor/mcp_exit")
    assert (ended["reason"], ended["exitCode"]) == ("start", None)
