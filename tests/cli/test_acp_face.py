"""What `torpor acp` says to a daemon that a test plays: the moments that a real one seldom has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runtime import jsonrpc
from runtime.cli.acp import flows, wire
from runtime.cli.acp.errors import RefusedError, from_daemon
from runtime.cli.acp.workspaces import workspace_vm
from tests.cli.acp_stage import MADE, REQUEST, ROW, Stage, opened


@pytest.fixture
def stage() -> Stage:
    return opened()


def test_an_answer_waits_for_the_events_before_it(stage: Stage) -> None:
    stage.editor("session/prompt", id_=2, sessionId="s", prompt=[])
    stage.event(0, "_torpor/turn_started")
    stage.update(1, "user_message_chunk")  # the editor's own
    stage.expect("sendPrompt", {"stopReason": "end_turn", "response": {"_meta": {"a": 1}}, "seq": 3})
    stage.update(2)
    assert stage.kinds() == ["session/update"]
    stage.event(3, "_torpor/turn_ended")
    (answer,) = stage.told()
    assert answer["result"] == {"stopReason": "end_turn", "_meta": {"a": 1}}


def test_an_error_waits_as_well(stage: Stage) -> None:
    stage.editor("session/prompt", id_=2, sessionId="s", prompt=[])
    data = {"code": "agent_error", "agentError": {"code": -32000, "message": "no"}, "seq": 1}
    stage.expect("sendPrompt", error={"code": -32000, "message": "...", "data": data})
    stage.update(0)
    stage.event(1, "_torpor/turn_ended")
    update, answer = stage.told()
    assert (update["method"], answer["error"]) == ("session/update", {"code": -32000, "message": "no"})


def test_a_cancel_that_overtakes_its_prompt_is_said_again(stage: Stage) -> None:
    stage.editor("session/prompt", id_=2, sessionId="s", prompt=[])
    stage.editor("session/cancel", sessionId="s")
    stage.expect("sendPrompt")
    stage.expect("cancelPrompt", {"outcome": "no_active_prompt"})
    assert stage.silent()
    stage.event(0, "_torpor/turn_started")
    stage.expect("cancelPrompt", {"outcome": "cancelled"})
    stage.event(1, "_torpor/turn_started")
    assert stage.silent()


def test_a_cancel_that_overtook_its_prompt_may_be_answered_after_the_turns_begin(stage: Stage) -> None:
    stage.editor("session/prompt", id_=2, sessionId="s", prompt=[])
    stage.editor("session/cancel", sessionId="s")
    answer = stage.expect("sendPrompt")
    cancel = stage.expect("cancelPrompt")
    stage.event(0, "_torpor/turn_started")
    stage.reply(cancel, result={"outcome": "no_active_prompt"})
    again = stage.expect("cancelPrompt")
    stage.event(1, "_torpor/turn_ended")
    stage.reply(again, result={"outcome": "no_active_prompt"})
    assert stage.silent(), "it has ended, and its answer is on its way"
    stage.reply(answer, result={"stopReason": "end_turn", "response": None, "seq": 1})
    assert stage.kinds() == [2]


def test_a_prompt_after_a_cancel_waits_for_what_was_cancelled(stage: Stage) -> None:
    stage.editor("session/prompt", id_=2, sessionId="s", prompt=[])
    first = stage.expect("sendPrompt")
    stage.editor("session/cancel", sessionId="s")
    cancel = stage.expect("cancelPrompt")
    stage.editor("session/prompt", id_=3, sessionId="s", prompt=[{"type": "text", "text": "two"}])
    stage.editor("session/prompt", id_=4, sessionId="s", prompt=[])
    (answer,) = stage.told()
    assert (answer["id"], answer["error"]["code"]) == (4, jsonrpc.INVALID_REQUEST)
    stage.reply(first, result={"stopReason": "cancelled", "response": None, "seq": -1})
    assert stage.kinds() == [2]
    assert stage.silent(), "the cancel that is under way would find it"
    stage.reply(cancel, result={"outcome": "cancelled"})
    stage.expect("sendPrompt", {"stopReason": "end_turn", "response": None, "seq": -1})
    (answer,) = stage.told()
    assert (answer["id"], answer["result"]) == (3, {"stopReason": "end_turn"})


def test_a_cancel_finds_the_prompts_before_it_and_no_other(stage: Stage) -> None:
    stage.editor("session/cancel", sessionId="s")
    idle = stage.expect("cancelPrompt")
    stage.editor("session/prompt", id_=2, sessionId="s", prompt=[])
    assert stage.silent()
    stage.reply(idle, result={"outcome": "no_active_prompt"})
    first = stage.expect("sendPrompt")
    stage.event(0, "_torpor/turn_started")
    assert stage.silent(), "it came after the cancel"
    for id_ in (3, 4):
        stage.editor("session/cancel", sessionId="s")
        stage.editor("session/prompt", id_=id_, sessionId="s", prompt=[])
    for _ in range(2):
        stage.expect("cancelPrompt", {"outcome": "cancelled"})
    (answer,) = stage.told()
    assert (answer["id"], answer["result"]) == (3, {"stopReason": "cancelled"}), "it was never asked"
    stage.reply(first, result={"stopReason": "cancelled", "response": None, "seq": 0})
    stage.expect("sendPrompt", {"stopReason": "end_turn", "response": None, "seq": 0})
    assert [line["id"] for line in stage.told()] == [2, 4]


def test_a_prompt_that_waits_can_be_cancelled_as_a_request(stage: Stage) -> None:
    stage.editor("session/prompt", id_=2, sessionId="s", prompt=[])
    first = stage.expect("sendPrompt")
    stage.editor("session/cancel", sessionId="s")
    stage.expect("cancelPrompt", {"outcome": "cancelled"})
    stage.editor("session/prompt", id_="three", sessionId="s", prompt=[])
    stage.editor("$/cancel_request", requestId="three")
    (answer,) = stage.told()
    assert (answer["id"], answer["result"]) == ("three", {"stopReason": "cancelled"})
    assert stage.silent()
    stage.reply(first, result={"stopReason": "cancelled", "response": None, "seq": -1})
    assert stage.kinds() == [2]
    assert stage.silent()


def test_a_cancel_that_found_nothing_is_not_said_again_to_a_later_turn(stage: Stage) -> None:
    stage.editor("session/prompt", id_=2, sessionId="s", prompt=[])
    first = stage.expect("sendPrompt")
    stage.editor("session/cancel", sessionId="s")
    cancel = stage.expect("cancelPrompt")
    stage.reply(first, result={"stopReason": "end_turn", "response": None, "seq": -1})
    stage.reply(cancel, result={"outcome": "no_active_prompt"})
    assert stage.kinds() == [2]
    stage.event(0, "_torpor/turn_started")  # another client's
    assert stage.silent()


def test_a_prompt_can_be_cancelled_as_a_request(stage: Stage) -> None:
    stage.editor("session/prompt", id_=2, sessionId="s", prompt=[])
    stage.expect("sendPrompt")
    stage.editor("$/cancel_request", requestId=1)
    assert stage.silent()
    stage.editor("$/cancel_request", requestId=2)
    stage.expect("cancelPrompt", {"outcome": "cancelled"})


def test_a_second_prompt_is_refused(stage: Stage) -> None:
    for id_ in (2, 3):
        stage.editor("session/prompt", id_=id_, sessionId="s", prompt=[])
    (answer,) = stage.told()
    assert (answer["id"], answer["error"]["code"]) == (3, jsonrpc.INVALID_REQUEST)


def test_a_subscription_that_lagged_is_made_again(stage: Stage) -> None:
    stage.update(0)
    stage.daemon("subscriptionLagged", lastSeq=0)
    stage.update(1)  # of nobody any more
    stage.expect("subscribe", {"subscriptionId": "sub"}, after=0)
    stage.expect("getSession", {**ROW, "pendingPermissions": [REQUEST]})
    stage.update(0)  # once is enough
    stage.update(1)
    assert stage.kinds() == ["session/update", "session/request_permission", "session/update"]


def test_a_permission_is_asked_for_once_and_withdrawn_when_another_client_answers(stage: Stage) -> None:
    stage.daemon("permissionRequest", request=REQUEST)
    stage.daemon("permissionRequest", request=REQUEST)
    assert stage.kinds() == ["session/request_permission"]
    asked = stage._asked
    stage.event(0, "_torpor/permission_reply", permissionId="p")
    (cancel,) = stage.told()
    assert (cancel["method"], cancel["params"]) == ("$/cancel_request", {"requestId": asked["id"]})
    stage._asked = asked
    stage.answer_daemon({"outcome": {"outcome": "selected", "optionId": "yes"}})
    assert stage.silent()


def test_a_permission_that_the_daemon_tells_of_again_before_it_has_the_answer_is_not_asked_for_again(
    stage: Stage,
) -> None:
    stage.daemon("subscriptionLagged", lastSeq=-1)
    stage.expect("subscribe", {"subscriptionId": "sub"})
    details = stage.expect("getSession")  # answered later
    stage.daemon("permissionRequest", request=REQUEST)
    assert stage.kinds() == ["session/request_permission"]
    stage.answer_daemon({"outcome": {"outcome": "selected", "optionId": "yes"}})
    responding = stage.expect("respondPermission", permissionId="p", optionId="yes")
    stage.reply(details, result={**ROW, "pendingPermissions": [REQUEST]})
    assert stage.silent()
    stage.reply(responding, result={})
    assert stage.silent()


@pytest.mark.parametrize("outcome", [{"outcome": {"outcome": "cancelled"}}, {"outcome": None}, {}, None])
def test_no_choice_is_a_no_and_if_there_is_no_no_the_turn_ends(stage: Stage, outcome: Any) -> None:
    stage.daemon("permissionRequest", request=REQUEST)
    stage.told()
    stage.answer_daemon(outcome)
    unknown = {"code": -32000, "message": "...", "data": {"code": "invalid_permission_option"}}
    stage.expect("respondPermission", error=unknown, permissionId="p", reply="reject")
    stage.expect("cancelPrompt", {"outcome": "cancelled"})
    assert stage.silent()


def test_after_a_cancel_no_choice_needs_no_answer(stage: Stage) -> None:
    stage.editor("session/prompt", id_=2, sessionId="s", prompt=[])
    stage.expect("sendPrompt")
    stage.daemon("permissionRequest", request=REQUEST)
    stage.told()
    stage.editor("session/cancel", sessionId="s")
    stage.expect("cancelPrompt")
    stage.answer_daemon({"outcome": {"outcome": "cancelled"}})
    assert stage.silent()


def test_env_is_given_again_where_it_is_asked_for() -> None:
    stage = Stage(KEY="k")
    stage.editor("session/resume", id_=1, cwd="/w", sessionId="s")
    stage.expect("getSession", ROW, vm="v", sessionId="s")
    missing = {"code": -32000, "message": "...", "data": {"code": "secrets_required", "names": ["KEY"]}}
    stage.expect("resumeSession", error=missing)
    stage.expect("resumeSession", MADE, options={"env": {"KEY": "k"}})
    stage.expect("subscribe", {"subscriptionId": "sub"}, after=4)


@pytest.mark.parametrize(("key", "env"), [({}, {}), ({"KEY": "k"}, {"env": {"KEY": "k"}})])
def test_mcp_servers_are_given_again_where_they_are_asked_for(key: dict[str, str], env: dict[str, Any]) -> None:
    stage = Stage(**key)
    servers = [{"type": "http", "name": "m", "url": "http://h", "headers": []}]
    stage.editor("session/resume", id_=1, cwd="/w", sessionId="s", mcpServers=servers)
    stage.expect("getSession", ROW, vm="v", sessionId="s")
    missing = {"code": "secrets_required", "names": [], "options": ["mcpServers"]}
    stage.expect("resumeSession", error={"code": -32000, "message": "...", "data": missing})
    stage.expect("resumeSession", MADE, options={**env, "mcpServers": servers})


def test_what_the_vm_may_reach_is_settled_when_it_is_made() -> None:
    stage = Stage(vm=None, allow=("a.example",))
    vm = workspace_vm("/w")
    for id_ in (1, 2):
        stage.editor("session/new", id_=id_, cwd="/w", mcpServers=[])
    none = {"code": -32000, "message": "...", "data": {"code": "vm_not_found"}}
    stage.expect("vm.get", error=none, vm=vm)
    stage.expect("vm.get", {"options": {"network": {"allow": ["b.example"]}}})
    options = {"network": {"allow": ["a.example"]}, "labels": {"torpor.acp/workspace": "/w"}}
    stage.expect("vm.getOrCreate", {}, options=options)
    (answer,) = stage.told()
    assert (answer["id"], answer["error"]["code"]) == (2, jsonrpc.INVALID_PARAMS)
    assert "a.example" in answer["error"]["message"]


def test_a_probe_that_fails_leaves_no_vm() -> None:
    stage = Stage(KEY="k")
    stage.editor("initialize", id_=1, protocolVersion=1)
    stage.expect("vm.getOrCreate", {})
    failed = {"code": -32000, "message": "no key", "data": {"code": "agent_failed"}}
    stage.expect("createSession", error=failed, options={"env": {"KEY": "k"}})
    stage.expect("vm.destroy", {})
    (answer,) = stage.told()
    assert answer["result"]["agentInfo"]["name"] == "echo"
    assert "promptCapabilities" not in answer["result"]["agentCapabilities"]


def test_a_daemon_that_is_gone_leaves_no_request_without_an_answer(stage: Stage) -> None:
    stage.editor("session/prompt", id_=2, sessionId="s", prompt=[])
    stage.editor("session/prompt", id_=3, sessionId="s", prompt=[])
    stage.editor("session/set_mode", id_=4, sessionId="s", modeId="m")
    stage.face.flows.fail(RefusedError(-32603, "gone"))
    assert [(line["id"], line["error"]["code"]) for line in stage.told()] == [(3, -32600), (2, -32603), (4, -32603)]


def test_a_mistake_of_ours_costs_one_request(stage: Stage) -> None:
    stage.editor("session/set_config_option", id_=2, sessionId="s", configId="c", value="v")
    stage.expect("setConfigOption", {"nonsense": True})
    (answer,) = stage.told()
    assert answer["error"]["code"] == jsonrpc.INTERNAL_ERROR
    stage.editor("session/set_mode", id_=3, sessionId="s", modeId="m")
    stage.expect("setMode", {})
    assert stage.kinds() == [3]


@pytest.mark.parametrize(
    ("code", "data", "translated"),
    [
        (-32000, {"code": "session_not_found"}, -32002),
        (-32000, {"code": "agent_failed"}, -32603),
        (-32000, {"code": "something_new"}, -32603),
        (-32000, {"code": "prompt_in_progress"}, -32600),
        (-32000, {"code": "unsupported_by_agent"}, -32602),
        (-32800, {"code": "cancelled"}, -32800),
        (-32602, None, -32602),
        (-32602, {"code": "invalid_params", "errors": [{"pointer": "/prompt", "message": "m"}]}, -32602),
        (-32601, {"code": "method_not_found"}, -32603),
        (-32601, None, -32603),
        (-32000, {"code": "agent_error", "agentError": {"code": -32000, "message": "log in"}}, -32000),
    ],
)
def test_only_an_agent_can_ask_to_be_logged_in_to(code: int, data: Any, translated: int) -> None:
    assert from_daemon({"code": code, "message": "m", "data": data}).code == translated


def test_the_agents_last_words_are_part_of_the_message() -> None:
    error = from_daemon(
        {"code": -32000, "message": "it failed", "data": {"code": "agent_failed", "stderr": "no key\n"}}
    )
    assert error.message == "it failed\nno key"


def test_a_line_that_is_too_long_is_answered_under_its_id() -> None:
    stage = Stage()
    stage.face.hear_editor(
        jsonrpc.TooLong(999, b'{"jsonrpc":"2.0","id":"long","method":"session/prompt","params":{"pr')
    )
    (answer,) = stage.told()
    assert (answer["id"], answer["error"]["code"]) == ("long", jsonrpc.INVALID_REQUEST)
    for spaces, id_ in ((100, "long"), (jsonrpc.HEAD, None)):
        line = b'{"jsonrpc":"2.0",%s"id":"long","method":"x","params":"%s"}' % (b" " * spaces, b"x" * 1000)
        lines = jsonrpc.Lines(1000)
        lines.push(line + b"\n")
        for found in lines:
            stage.face.hear_editor(found)
        assert [answer["id"] for answer in stage.told()] == [id_]


def test_what_is_longer_for_the_daemon_than_it_takes_is_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It hangs up at a longer line, and with it all sessions of the editor would be gone."""
    monkeypatch.setattr(flows, "MAX_LINE", 2000)
    prompt = {"sessionId": "s", "prompt": [{"type": "text", "text": "x", "_meta": {"numbers": [1e15] * 200}}]}
    line = json.dumps({"id": 2, "method": "session/prompt", "params": prompt}).replace("1000000000000000.0", "1e15")
    assert len(line) < 2000
    stage.face.hear_editor(line.encode())
    (answer,) = stage.told()
    assert (answer["id"], answer["error"]["code"]) == (2, jsonrpc.INVALID_REQUEST)
    assert not stage.face.flows.to_daemon
    stage.editor("session/prompt", id_=3, sessionId="s", prompt=[])
    stage.expect("sendPrompt")


@pytest.mark.parametrize(
    ("line", "id_", "code"),
    [
        (b"{", None, jsonrpc.PARSE_ERROR),
        (b"\xff", None, jsonrpc.PARSE_ERROR),
        (b"[" * 9999, None, jsonrpc.PARSE_ERROR),
        (b"[1]", None, jsonrpc.INVALID_REQUEST),
        (b'"x"', None, jsonrpc.INVALID_REQUEST),
        (b'{"method":1}', None, jsonrpc.INVALID_REQUEST),
        (b'{"method":1,"id":3}', 3, jsonrpc.INVALID_REQUEST),
        (b'{"id":true,"method":"x"}', None, jsonrpc.INVALID_REQUEST),
        (b'{"id":{},"method":"x"}', None, jsonrpc.INVALID_REQUEST),
        (b'{"id":4}', 4, jsonrpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0"}', None, jsonrpc.INVALID_REQUEST),
        (b'{"id":5,"method":"x","params":{"a":"\xff"}}', 5, jsonrpc.PARSE_ERROR),
        (b'{"id":"a","method":"x","params":{"a":"\\u12"}}', "a", jsonrpc.PARSE_ERROR),
        (b'{"id":6,"method":"x","params":NaN}', 6, jsonrpc.PARSE_ERROR),
        (b'{"id":6,"method":"x","params":{"n":1e999}}', 6, jsonrpc.PARSE_ERROR),
        (b'{"id":7,"method":"x","params":' + b"[" * 9999, 7, jsonrpc.PARSE_ERROR),
    ],
)
def test_lines_that_are_no_messages(line: bytes, id_: Any, code: int) -> None:
    stage = Stage()
    stage.face.hear_editor(line)
    (answer,) = stage.told()
    assert (answer["id"], answer["error"]["code"]) == (id_, code)


def test_what_utf8_cannot_carry_is_replaced() -> None:
    halves = json.loads('["\\ud83d", "\\ude00x", "\\ud83d\\ude00", "\\\\ud83d"]')
    assert json.loads(wire.encode({"x": halves}))["x"] == ["\ufffd", "\ufffdx", "\U0001f600", "\\ud83d"]


def test_who_looks_at_a_terminal_is_told_of_an_agent_that_is_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage(on_terminal=True)
    stage.editor("session/new", id_=1, cwd="/w", mcpServers=[])
    stage.expect("vm.get", {"options": {}})
    stage.expect("subscribe", {"subscriptionId": "compilations"}, vm="v", types=["compiling"])
    making = stage.expect("createSession")
    stage.daemon("compiling", vm="v", program="echo.wasm", bytes=1)
    assert capsys.readouterr().err == "torpor: compiling echo.wasm, once\n"
    stage.reply(making, result=MADE)
    stage.expect("subscribe", {"subscriptionId": "sub"})
    stage.expect("getSession", ROW)
    stage.editor("session/new", id_=2, cwd="/w", mcpServers=[])
    stage.expect("vm.get", {"options": {}})
    stage.expect("createSession")  # one subscription for each VM is enough


def test_an_editor_is_not_sent_what_it_has_not_asked_for(stage: Stage) -> None:
    stage.update(5, "notice")
    stage.update(6)
    assert [line["params"]["update"]["sessionUpdate"] for line in stage.told()] == ["agent_message_chunk"]
    stage.editor("initialize", id_=9, protocolVersion=1, clientCapabilities={"session": {"notices": {}}})
    stage.update(7, "notice")
    assert stage.told()[-1]["params"]["update"]["sessionUpdate"] == "notice"
