"""Sessions are created as asked for, or not at all; they see their VM's files and nobody else's."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.system.daemon import SECRET_OF_HOST

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.daemon import Daemon, Vm


def test_a_new_session_tells_everything_about_itself(vm: Vm) -> None:
    session = vm.session()
    info = session.info
    assert info.keys() >= {"sessionId", "agentType", "capabilities", "agentInfo", "modes", "configOptions", "cwd"}
    assert uuid.UUID(session.id).version == 7
    assert info["agentInfo"]["name"] == "echo"
    assert info["capabilities"]["promptCapabilities"]["image"] is True
    assert info["modes"]["currentModeId"] == "ask"
    assert [option["id"] for option in info["configOptions"]] == ["model", "thought"]
    assert session.call("getModes") == info["modes"]
    assert session.call("getConfigOptions") == info["configOptions"]
    assert info["cwd"] == "/home/user"
    assert vm.call("stat", path="/home/user")["type"] == "directory"
    assert session.types()[0] == "_torpor/session_started"


def test_the_agent_gets_its_own_environment_and_nothing_of_the_daemons(vm: Vm) -> None:
    session = vm.session(env={"GIVEN": "yes"}, cwd="/work/here")
    seen = json.loads(session.say("env"))
    assert seen["GIVEN"] == "yes"
    assert SECRET_OF_HOST not in str(seen)
    assert "TORPOR_CACHE" not in seen
    assert seen["HOME"] == "/home/user"
    assert json.loads(session.say("state"))["cwd"] == "/work/here"
    assert json.loads(session.say("client"))["fs"] == {"readTextFile": True, "writeTextFile": True}


def test_a_secret_from_the_host_is_there_only_when_it_is_asked_for(vm: Vm) -> None:
    session = vm.session(secrets={"KEY": {"fromHostEnv": "HOST_SECRET"}})
    assert session.say("env KEY") == "KEY=[redacted:KEY]", "the agent has it, and nobody reads it in what it says"


def test_an_id_of_ones_own_is_kept_and_used_once(vm: Vm) -> None:
    first = vm.session(sessionId="mine", cwd="/a")
    assert first.id == "mine"
    again = vm.session(sessionId="mine", cwd="/a")
    assert again.info["createdAt"] == first.info["createdAt"]
    error = vm.error("createSession", agentType="echo", options={"sessionId": "mine", "cwd": "/b"})
    assert error.name == "session_conflict"
    assert list(vm.rows()) == ["mine"]


@pytest.mark.parametrize(
    "kinds", [[], ["local"], ["remote"], ["local", "remote", "acp"]], ids=["none", "local", "remote", "mixed"]
)
def test_mcp_servers_reach_the_agent_in_acps_shape_and_all_by_http(vm: Vm, kinds: list[str]) -> None:
    given = {
        "local": {"name": "local", "type": "local", "command": "files", "args": ["-v"], "env": {"A": "1"}},
        "remote": {"name": "remote", "type": "remote", "url": "http://h/mcp", "headers": {"X": "y"}},
        "acp": {"name": "acp", "command": "/bin/files", "args": [], "env": []},
    }
    session = vm.session(mcpServers=[given[kind] for kind in kinds])
    sent = json.loads(session.say("params"))["mcpServers"]
    assert [server["name"] for server in sent] == kinds
    for server in sent:
        # A local one is run by the agent, or by the VM for an agent that can reach it by HTTP only.
        members = {"type", "name", "url", "headers"} if "url" in server else {"name", "command", "args", "env"}
        assert server.keys() == members
        if server["name"] == "remote":
            assert (server["type"], server["headers"]) == ("http", [{"name": "X", "value": "y"}])


def test_an_unknown_agent_is_told_with_those_that_are_known(vm: Vm) -> None:
    error = vm.error("createSession", agentType="nobody")
    assert error.name == "agent_not_found"
    assert "echo" in error.message
    assert {agent["id"] for agent in vm.call("listAgents")} >= {"echo", "pi"}


@pytest.mark.parametrize(
    ("failing", "phase", "code"), [("initialize", "initialize", None), ("new", "session/new", None)]
)
def test_an_agent_that_refuses_to_start_leaves_nothing_behind(
    vm: Vm, failing: str, phase: str, code: int | None
) -> None:
    error = vm.error("createSession", agentType="echo", options={"env": {"ECHO_FAIL": failing}})
    assert error.name == "agent_failed"
    assert error.data["phase"] == phase
    assert error.data["exitCode"] is code
    assert error.data["stderr"]
    assert vm.call("listPersistedSessions") == []
    assert vm.api.call("daemon.status")["processes"] == 0


def test_an_agent_that_exits_at_once_is_told_with_its_code(vm: Vm) -> None:
    error = vm.error("createSession", agentType="echo", options={"env": {"ECHO_FAIL": "exit"}})
    assert error.message == "the agent ended before it answered initialize: exit code 3"
    assert (error.name, error.data["phase"], error.data["exitCode"]) == ("agent_failed", "initialize", 3)
    assert vm.call("listPersistedSessions") == []


def test_giving_up_on_an_agent_that_never_answers_leaves_nothing_behind(vm: Vm) -> None:
    vm.call("subscribe")
    pending = vm.start("createSession", agentType="echo", options={"env": {"ECHO_FAIL": "hang"}})
    assert not vm.api.client.wait(pending, 0.2)
    vm.api.client.cancel(pending)
    assert vm.api.failure(pending).rpc_code == -32800
    assert vm.call("listPersistedSessions") == []
    assert vm.api.call("daemon.status")["processes"] == 0


def test_an_agent_of_another_protocol_is_told_so_and_closed(vm: Vm) -> None:
    error = vm.error("createSession", agentType="echo", options={"env": {"ECHO_PROTOCOL": "2"}})
    assert (error.name, error.data["phase"]) == ("agent_failed", "initialize")
    assert "version 2" in error.message


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"additionalDirectories": ["/extra"]}, "unsupported_by_agent"),
        ({"mcpServers": [{"type": "sse", "name": "s", "url": "http://h", "headers": []}]}, "unsupported_by_agent"),
        ({"cwd": "/a-file/below"}, "not_a_directory"),
        ({"cwd": "relative"}, "invalid_argument"),
        ({"env": {"A": "x" * 3_000_000}}, "too_large"),
    ],
    ids=["directories", "sse", "file", "relative", "env"],
)
def test_options_that_cannot_be_had_leave_nothing_behind(vm: Vm, options: dict[str, object], code: str) -> None:
    vm.write("/a-file", "x")
    assert vm.error("createSession", agentType="echo", options=options).name == code
    assert vm.call("listPersistedSessions") == []
    assert vm.api.call("daemon.status")["processes"] == 0


def test_two_clients_who_make_the_same_session_get_the_same(vm: Vm, daemon: Daemon) -> None:
    with daemon.connect() as api:
        mine = vm.start("createSession", agentType="echo", options={"sessionId": "same"})
        theirs = api.start("createSession", vm=vm.name, agentType="echo", options={"sessionId": "same"})
        assert vm.api.result(mine) == api.result(theirs)
    assert vm.api.call("daemon.status")["processes"] == 1


def test_the_instructions_reach_the_agent_and_cannot_be_changed(vm: Vm) -> None:
    path = "/etc/torpor/instructions.md"
    text = vm.read(path)
    plain = vm.session().say("env TORPOR_INSTRUCTIONS")
    skipping = vm.session(additionalInstructions="Speak Latin.", skipOsInstructions=True)
    skipped = skipping.say("env TORPOR_INSTRUCTIONS")
    assert "# The machine" in text
    assert "# The machine" in plain
    assert "# The machine" not in skipped
    assert "# Tools" in skipped
    assert skipped.endswith("Speak Latin.")
    assert skipping.say(f"fswrite {path} mine").startswith("fswrite failed: read-only")
    assert skipping.say(f"write {path} mine").startswith("write failed")
    assert vm.error("writeFile", path=path, content="mine").name == "read_only"
    assert vm.error("deleteFile", path=path).name == "read_only"
    assert vm.read(path) == text


def test_sessions_of_one_vm_share_its_files_at_once(vm: Vm) -> None:
    one, two = vm.session(), vm.session()
    one.say("fswrite shared.txt first")
    assert two.say("fsread shared.txt") == "fsread: first"
    two.say("write shared.txt second")
    assert one.say("fsread shared.txt") == "fsread: second"
    assert vm.read("/home/user/shared.txt") == "second"
    vm.write("/home/user/shared.txt", "third")
    assert two.say("read shared.txt") == "read: third"
    one.call("closeSession")
    assert two.say("fsread shared.txt") == "fsread: third"


def test_a_name_of_parts_is_a_name_like_any_other(make_vm: Callable[..., Vm]) -> None:
    vm = make_vm()
    parts = ["tenant", vm.name]
    assert vm.api.call("vm.getOrCreate", vm=parts)["vm"] == parts
    session = vm.api.call("createSession", vm=parts, agentType="echo")
    vm.api.call("subscribe", vm=parts)
    pending = vm.api.start("sendPrompt", vm=parts, sessionId=session["sessionId"], prompt="fswrite a.txt x")
    assert all(n.params["vm"] == parts for n in vm.api.drain(pending))
    assert vm.call("exists", path="/home/user/a.txt") is False
    assert vm.api.call("exists", vm=parts, path="/home/user/a.txt") is True
    assert parts in [each["vm"] for each in vm.api.call("vm.list")]
    vm.api.call("vm.destroy", vm=parts)


def test_vms_never_share_files(make_vm: Callable[..., Vm]) -> None:
    one, two = make_vm(), make_vm()
    one.session().say("fswrite /home/user/mine.txt private")
    other = two.session()
    assert other.say("fsread /home/user/mine.txt").startswith("fsread failed: no-entry")
    assert two.call("exists", path="/home/user/mine.txt") is False
    assert two.error("readFile", path="/home/user/mine.txt").name == "not_found"


def test_sessions_of_other_vms_do_not_exist(make_vm: Callable[..., Vm]) -> None:
    one, two = make_vm(), make_vm()
    session = one.session()
    for method in ("closeSession", "destroySession", "getSessionEvents", "getSession", "cancelPrompt", "resumeSession"):
        assert two.error(method, sessionId=session.id).name == "session_not_found"
    assert two.error("sendPrompt", sessionId=session.id, prompt="x").name == "session_not_found"
    assert two.call("listPersistedSessions") == []


def test_a_vm_is_created_once_and_keeps_its_options(make_vm: Callable[..., Vm]) -> None:
    vm = make_vm(idleTimeoutMs=60_000, labels={"a": "b"})
    assert vm.created["created"] is True
    again = vm.call("vm.getOrCreate")
    assert (again["created"], again["createdAt"]) == (False, vm.created["createdAt"])
    assert vm.call("vm.getOrCreate", options={"labels": {"a": "b"}, "idleTimeoutMs": 60_000})["created"] is False
    assert vm.error("vm.getOrCreate", options={"idleTimeoutMs": 1}).name == "vm_conflict"
    assert vm.error("vm.getOrCreate", options={"idleTimeoutMs": 1, "colour": "red"}).rpc_code == -32602
    assert vm.api.error("vm.get", vm="no-such-vm").name == "vm_not_found"
    assert vm.api.error("createSession", vm="no-such-vm", agentType="echo").name == "vm_not_found"
    assert vm.name in [each["vm"] for each in vm.api.call("vm.list")]
    assert vm.state() == "asleep"
