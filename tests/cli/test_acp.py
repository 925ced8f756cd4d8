"""`torpor acp` between an editor and a real daemon."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from runtime.cli import exits
from tests.cli.acp_editor import Editor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.system.daemon import Daemon

UNKNOWN = -32002
INVALID = -32602


@pytest.fixture
def start(daemon: Daemon, request: pytest.FixtureRequest) -> Iterator[Callable[..., Editor]]:
    """Start `torpor acp`, on the agent echo unless told otherwise."""
    editors: list[Editor] = []

    def start(*arguments: str) -> Editor:
        variables = {**os.environ, "TORPOR_SOCKET": str(daemon.socket)}
        editors.append(Editor(arguments or ("echo",), variables))
        return editors[-1]

    yield start
    for editor in editors:
        editor.__exit__()


@pytest.fixture
def editor(start: Callable[..., Editor]) -> Editor:
    return start()


@pytest.fixture
def cwd(request: pytest.FixtureRequest) -> str:
    """A workspace that no other test has."""
    return f"/home/me/{request.node.name}"


def vm_of(daemon: Daemon, session: str) -> tuple[str, dict[str, Any]]:
    """The VM of a session, and the session's row."""
    with daemon.connect() as api:
        for vm in api.call("vm.list"):
            for row in api.call("listPersistedSessions", vm=vm["vm"]):
                if row["sessionId"] == session:
                    return vm["vm"], row
    raise AssertionError(f"no VM has the session {session}")


def test_it_says_what_the_agent_can_do(editor: Editor, daemon: Daemon) -> None:
    answer = editor.initialize()
    assert answer["protocolVersion"] == 1
    assert answer["agentInfo"]["name"] == "echo"
    assert answer["authMethods"] == []
    capabilities = answer["agentCapabilities"]
    assert capabilities["loadSession"] is True
    assert capabilities["promptCapabilities"] == {"image": True, "audio": False, "embeddedContext": True}
    assert capabilities["mcpCapabilities"] == {"http": True, "sse": False}
    assert set(capabilities["sessionCapabilities"]) == {"list", "resume", "fork", "close", "delete"}
    assert editor.close() == exits.OK
    with daemon.connect() as api:
        assert not [vm for vm in api.call("vm.list") if "probe" in vm["vm"]]


def test_a_session_and_its_turns(editor: Editor, cwd: str) -> None:
    made = editor.call("session/new", cwd=cwd, mcpServers=[])
    assert made["modes"]["currentModeId"] == "ask"
    assert [option["id"] for option in made["configOptions"]] == ["model", "thought"]
    session = made["sessionId"]
    assert editor.prompt(session, "say hello; thought hm; plan; toolcall /a; title News") == "end_turn"
    assert editor.kinds() == [
        "agent_message_chunk",
        "agent_thought_chunk",
        "plan",
        "tool_call",
        "tool_call_update",
        "tool_call_update",
        "session_info_update",
    ]
    assert {update["sessionId"] for update in editor.updates} == {session}
    assert editor.prompt(session, "stop refusal") == "refusal"
    assert editor.prompt(session, "state") == "end_turn"
    assert f'"cwd":"{cwd}"' in editor.said.replace(" ", "")
    assert editor.close() == exits.OK
    assert editor.stderr == ""


def test_all_updates_of_a_flood_come_before_the_answer(editor: Editor, cwd: str) -> None:
    session = editor.new(cwd)
    assert editor.prompt(session, "flood 5000") == "end_turn"
    assert editor.said == "." * 5000


def test_mode_and_config_options(editor: Editor, cwd: str) -> None:
    session = editor.new(cwd)
    assert editor.call("session/set_mode", sessionId=session, modeId="code") == {}
    changed = editor.call("session/set_config_option", sessionId=session, configId="model", value="large")
    assert changed["configOptions"][0]["currentValue"] == "large"
    assert editor.kinds() == ["current_mode_update", "config_option_update"]
    assert editor.refused("session/set_config_option", sessionId=session, configId="none", value="x").code == INVALID


def test_permissions_are_the_editors(editor: Editor, cwd: str) -> None:
    session = editor.new(cwd)
    editor.prompt(session, "permission Rm")
    assert editor.said == "permission: allow-once"
    (request,) = [frame for frame in editor.frames if frame.get("method") == "session/request_permission"]
    assert request["params"]["toolCall"]["title"] == "Rm"
    editor.permit = lambda _: {"outcome": "selected", "optionId": "reject-once"}
    editor.prompt(session, "permission Rm")
    assert editor.said == "permission: reject-once"
    editor.permit = lambda _: {"outcome": "cancelled"}  # without a cancel that is a no
    editor.prompt(session, "permission Rm")
    assert editor.said == "permission: reject-once"


def test_cancel(editor: Editor, cwd: str) -> None:
    session = editor.new(cwd)
    turn = editor.begin_prompt(session, "say begun; sleep 60000")
    editor.until(lambda: editor.said == "begun")
    editor.send(method="session/cancel", params={"sessionId": session})
    assert editor.result(turn) == {"stopReason": "cancelled"}
    turn = editor.begin_prompt(session, "sleep 60000")
    editor.send(method="session/cancel", params={"sessionId": session})  # at once: it may overtake the prompt
    assert editor.result(turn) == {"stopReason": "cancelled"}
    assert editor.prompt(session, "say on") == "end_turn"
    assert editor.said == "on"


def test_prompts_right_after_cancels_run(editor: Editor, cwd: str) -> None:
    session = editor.new(cwd)
    lines = []
    for number in range(1, 4):
        text = [{"type": "text", "text": f"sleep 60000; say {number}"}]
        prompt = {"jsonrpc": "2.0", "id": f"p{number}", "method": "session/prompt"}
        lines.append({**prompt, "params": {"sessionId": session, "prompt": text}})
        lines.append({"jsonrpc": "2.0", "method": "session/cancel", "params": {"sessionId": session}})
    lines.append(
        {**lines[0], "id": "last", "params": {"sessionId": session, "prompt": [{"type": "text", "text": "say on"}]}}
    )
    editor.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    editor.until(lambda: any(frame.get("id") == "last" for frame in editor.frames))
    ended = {frame["id"]: frame["result"]["stopReason"] for frame in editor.frames if str(frame.get("id"))[0] in "pl"}
    assert ended == {"p1": "cancelled", "p2": "cancelled", "p3": "cancelled", "last": "end_turn"}


def test_cancel_with_a_permission_pending(editor: Editor, cwd: str) -> None:
    session = editor.new(cwd)
    asked: list[dict[str, Any]] = []
    editor.permit = asked.append
    turn = editor.begin_prompt(session, "permission Rm")
    editor.until(lambda: bool(asked))
    editor.send(method="session/cancel", params={"sessionId": session})
    editor.send(id=asked[0]["id"], result={"outcome": {"outcome": "cancelled"}})
    assert editor.result(turn) == {"stopReason": "cancelled"}
    assert editor.said == "permission: cancelled"


def test_load_replays_the_conversation(start: Callable[..., Editor], daemon: Daemon, cwd: str) -> None:
    first = start()
    session = first.new(cwd)
    first.prompt(session, "say one")
    first.call("session/set_mode", sessionId=session, modeId="code")
    assert first.close() == exits.OK
    vm, row = vm_of(daemon, session)
    assert (row["status"], row["cwd"]) == ("suspended", cwd)
    with daemon.connect() as api:
        assert api.call("vm.get", vm=vm)["state"] == "asleep"
    second = start()
    loaded = second.call("session/load", sessionId=session, cwd=cwd, mcpServers=[])
    assert loaded["modes"]["currentModeId"] == "code"
    assert second.kinds() == ["user_message_chunk", "agent_message_chunk", "current_mode_update"]
    assert [update["content"]["text"] for update in second.updates[:2]] == ["say one", "one"]
    assert second.prompt(session, "say two") == "end_turn"
    assert second.said.endswith("two")  # before it echo says what it was told of the conversation so far
    second.updates.clear()
    second.call("session/load", sessionId=session, cwd=cwd, mcpServers=[])  # once more, while it is open
    assert second.kinds().count("user_message_chunk") == 2
    assert second.prompt(session, "say three") == "end_turn"
    assert second.said == "three"


def test_resume_replays_nothing(start: Callable[..., Editor], cwd: str) -> None:
    first = start()
    session = first.new(cwd)
    first.prompt(session, "say one")
    assert first.close() == exits.OK
    second = start()
    assert second.call("session/resume", sessionId=session, cwd=cwd)["modes"]["currentModeId"] == "ask"
    assert second.updates == []
    assert second.prompt(session, "say two") == "end_turn"
    assert second.said.endswith("two")


def test_list_close_and_delete(start: Callable[..., Editor], cwd: str) -> None:
    editor = start()
    one, two = editor.new(cwd), editor.new(cwd)
    other = editor.new(cwd + "/other")
    editor.prompt(two, "title News")

    def listed(**params: Any) -> dict[str, dict[str, Any]]:
        return {row["sessionId"]: row for row in start().call("session/list", **params)["sessions"]}

    assert set(listed(cwd=cwd)) == {one, two}
    assert {one, two, other} <= set(listed())
    assert listed(cwd=cwd)[two]["title"] == "News"
    assert listed(cwd="/nowhere") == {}
    assert editor.call("session/close", sessionId=one) == {}
    assert editor.refused("session/prompt", sessionId=one, prompt=[]).code == UNKNOWN
    assert one in listed(cwd=cwd)
    again = start()
    assert again.refused("session/delete", sessionId=one).code == UNKNOWN  # it has not been told of it yet
    again.call("session/list", cwd=cwd)
    assert again.call("session/delete", sessionId=one) == {}
    assert set(listed(cwd=cwd)) == {two}


def test_a_session_is_forked(start: Callable[..., Editor], cwd: str) -> None:
    editor = start()
    session = editor.new(cwd)
    editor.prompt(session, "title News")
    forked = editor.call("session/fork", sessionId=session, cwd=cwd)
    assert forked["sessionId"] != session
    assert forked["modes"]["currentModeId"] == "ask"
    assert editor.prompt(forked["sessionId"], "say on") == "end_turn"
    assert editor.prompt(session, "say still") == "end_turn"
    assert {row["sessionId"] for row in start().call("session/list", cwd=cwd)["sessions"]} == {
        session,
        forked["sessionId"],
    }
    again = start()
    assert again.call("session/fork", sessionId=session, cwd=cwd, mcpServers=[])["sessionId"] not in {
        session,
        forked["sessionId"],
    }
    assert again.refused("session/fork", sessionId="nobody", cwd=cwd).code == UNKNOWN


def test_a_workspace_is_one_however_its_path_is_written(editor: Editor, daemon: Daemon, cwd: str) -> None:
    ways = [cwd, f"{cwd}/", f"{cwd}/.", f"/{cwd}", f"{cwd}/x/..", f"{cwd}//"]
    sessions = {editor.new(way) for way in ways}
    for way in ways:
        assert {each["sessionId"] for each in editor.call("session/list", cwd=way)["sessions"]} == sessions, way
    assert {each["cwd"] for each in editor.call("session/list", cwd=cwd)["sessions"]} == {cwd}
    assert len({vm_of(daemon, session)[0] for session in sessions}) == 1
    for way in ways:
        assert editor.call("session/load", sessionId=min(sessions), cwd=way, mcpServers=[]) is not None


def test_a_named_vm_holds_the_sessions_of_all_workspaces(start: Callable[..., Editor], daemon: Daemon) -> None:
    editor = start("--vm", "shared/acp", "--env", "WHO=me", "echo")
    session = editor.new("/home/user")
    editor.prompt(session, "env WHO")
    assert "me" in editor.said
    assert vm_of(daemon, session)[0] == ["shared", "acp"]
    assert [row["sessionId"] for row in editor.call("session/list")["sessions"]] == [session]


def test_another_clients_prompt_is_seen(editor: Editor, daemon: Daemon, cwd: str) -> None:
    session = editor.new(cwd)
    vm, _ = vm_of(daemon, session)
    with daemon.connect() as api:
        api.call("sendPrompt", vm=vm, sessionId=session, prompt="say hello")
    editor.until(lambda: len(editor.updates) == 2)
    assert editor.kinds() == ["user_message_chunk", "agent_message_chunk"]


def test_errors_say_what_is_wrong(start: Callable[..., Editor], cwd: str) -> None:
    editor = start()
    session = editor.new(cwd)
    told = editor.refused("session/prompt", sessionId=session, prompt=[{"type": "text", "text": "fail oh no"}])
    assert (told.code, str(told)) == (-32000, "oh no")  # the agent's own words
    audio = {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"}
    assert editor.refused("session/prompt", sessionId=session, prompt=[audio]).code == INVALID
    crash = editor.refused("session/prompt", sessionId=session, prompt=[{"type": "text", "text": "crash"}])
    assert (crash.code, crash.data["code"]) == (-32603, "agent_failed")
    assert editor.prompt(session, "say on") == "end_turn"  # it was started again
    assert editor.refused("session/prompt", sessionId="none", prompt=[]).code == UNKNOWN
    assert editor.refused("session/load", sessionId="none", cwd=cwd, mcpServers=[]).code == UNKNOWN
    assert editor.refused("session/new", cwd="relative", mcpServers=[]).code == INVALID
    assert editor.refused("_vendor/x", sessionId=session).code == -32601
    assert editor.refused("nonsense").code == -32601
    unknown = start("none").refused("initialize", protocolVersion=1)
    assert unknown.code == INVALID
    assert "known agents:" in str(unknown)


def test_lines_that_are_no_messages(editor: Editor, cwd: str) -> None:
    editor.write(b"hello?\n\n[]\n")
    editor.until(lambda: len(editor.frames) == 2)
    assert [(frame["id"], frame["error"]["code"]) for frame in editor.frames] == [(None, -32700), (None, -32600)]
    assert editor.prompt(editor.new(cwd), "say on") == "end_turn"


def test_text_that_is_not_whole_reaches_the_agent_whole(editor: Editor, cwd: str) -> None:
    session = editor.new(cwd)
    assert editor.prompt(session, "say x\ud83dy") == "end_turn"
    assert editor.updates[-1]["content"]["text"] == "x\ufffdy"


def test_the_last_line_needs_no_newline(editor: Editor) -> None:
    editor.write(b'{"jsonrpc":"2.0","id":"last","method":"initialize","params":{"protocolVersion":1}}')
    editor.hang_up()
    editor.until(lambda: len(editor.frames) == 1)
    assert editor.frames[0]["id"] == "last"
    assert editor.ended() == exits.OK


def test_what_was_asked_before_the_end_of_stdin_is_answered(editor: Editor) -> None:
    asked = editor.begin("initialize", protocolVersion=1)
    editor.hang_up()
    assert editor.result(asked)["protocolVersion"] == 1
    assert editor.ended() == exits.OK


def test_the_end_of_stdin_in_a_turn_cancels_it(editor: Editor, daemon: Daemon, cwd: str) -> None:
    session = editor.new(cwd)
    editor.begin_prompt(session, "say begun; sleep 60000")
    editor.until(lambda: editor.said == "begun")
    editor.hang_up()
    assert editor.ended() == exits.OK
    assert vm_of(daemon, session)[1]["status"] == "suspended"


def test_sigterm_is_an_end_like_any_other(editor: Editor, daemon: Daemon, cwd: str) -> None:
    session = editor.new(cwd)
    os.kill(editor.pid, signal.SIGTERM)
    assert editor.ended() == exits.OK
    assert vm_of(daemon, session)[1]["status"] == "suspended"


def test_mcp_servers_do_not_keep_the_vm_awake(editor: Editor, daemon: Daemon, cwd: str) -> None:
    server = {"name": "none", "command": "/bin/none", "args": [], "env": []}
    session = editor.call("session/new", cwd=cwd, mcpServers=[server])["sessionId"]
    assert editor.prompt(session, "params") == "end_turn"  # a server that is not there costs no session
    assert "none" in editor.said
    assert editor.close() == exits.OK
    assert vm_of(daemon, session)[1]["status"] == "suspended"


def test_a_vm_in_which_somebody_else_works_stays_awake(editor: Editor, daemon: Daemon, cwd: str) -> None:
    vm, _ = vm_of(daemon, editor.new(cwd))
    with daemon.connect() as api:
        api.call("createSession", vm=vm, agentType="echo")
        assert editor.close() == exits.OK
        assert api.call("vm.get", vm=vm)["state"] == "awake"


def test_a_daemon_that_goes_away_is_reported(start: Callable[..., Editor], daemon: Daemon, cwd: str) -> None:
    editor = start()
    turn = editor.begin_prompt(editor.new(cwd), "say begun; sleep 60000")
    editor.until(lambda: editor.said == "begun")
    daemon.restart()
    with pytest.raises(Exception, match="the daemon"):
        editor.result(turn)
    assert editor.ended() == exits.NO_DAEMON
