"""What an editor is shown of the commands that an agent runs by `terminal/*`, which are the VM's."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.cli.acp import terminals
from runtime.cli.acp.editor import Editor
from runtime.cli.acp.terminals import Terminals
from tests.cli.acp_stage import REQUEST, Stage, opened

TEXT = {"type": "content", "content": {"type": "text", "text": "about it"}}
CALL = {
    "sessionUpdate": "tool_call",
    "toolCallId": "c",
    "title": "ls",
    "content": [TEXT, {"type": "terminal", "terminalId": "t"}],
}
ENDED = {"terminalId": "t", "output": "out\n", "truncated": False, "exitCode": 3, "signal": None}
END = {
    "sessionUpdate": "tool_call_update",
    "toolCallId": "c",
    "_meta": {
        "terminal_output": {"terminal_id": "s.t", "data": "out\n"},
        "terminal_exit": {"terminal_id": "s.t", "exit_code": 3, "signal": None},
    },
}


def editor(*, terminals: bool) -> Editor:
    made = Editor()
    made.hear({"_meta": {"terminal_output": terminals}, "terminal": True})
    return made


@pytest.fixture
def of_session() -> Terminals:
    return Terminals("s")


def test_an_editor_that_shows_terminals_of_others(of_session: Terminals) -> None:
    zed = editor(terminals=True)
    (told,) = of_session.shown(zed, {**CALL, "_meta": {"agent": 1}})
    assert told["content"] == [TEXT, {"type": "terminal", "terminalId": "s.t"}]
    assert told["_meta"] == {"agent": 1, "terminal_info": {"terminal_id": "s.t"}}
    (again,) = of_session.shown(zed, CALL)
    assert "_meta" not in again  # it would be made anew
    assert of_session.end(zed, ENDED) == [END]
    assert of_session.end(zed, {**ENDED, "terminalId": "of no call"}) == []


def test_a_terminal_that_has_ended_before_it_is_shown(of_session: Terminals) -> None:
    zed = editor(terminals=True)
    assert of_session.end(zed, {**ENDED, "truncated": True}) == []
    _, end = of_session.shown(zed, CALL)
    assert end["_meta"]["terminal_output"]["data"] == "[...]\nout\n"
    assert len(of_session.shown(zed, CALL)) == 1  # and it is told once


def test_the_output_is_text_for_other_editors(of_session: Terminals) -> None:
    plain = editor(terminals=False)
    assert of_session.shown(plain, CALL) == [{**CALL, "content": [TEXT]}]
    (end,) = of_session.end(plain, {**ENDED, "output": "a ``` b"})
    block = {"type": "content", "content": {"type": "text", "text": "````\na ``` b\n````"}}
    assert end == {"sessionUpdate": "tool_call_update", "toolCallId": "c", "content": [TEXT, block]}
    again = {"sessionUpdate": "tool_call_update", "toolCallId": "c", "content": CALL["content"], "status": "completed"}
    assert of_session.shown(plain, again) == [{**again, "content": [TEXT, block]}]


@pytest.mark.parametrize(
    "update",
    [
        {"sessionUpdate": "tool_call", "toolCallId": "c", "content": [TEXT, {"type": "terminal", "terminalId": 5}, 7]},
        {"sessionUpdate": "tool_call", "toolCallId": "c", "content": None},
        {"sessionUpdate": "tool_call", "toolCallId": ["c"], "content": CALL["content"]},
        {"sessionUpdate": "plan", "toolCallId": "c", "content": CALL["content"]},
    ],
)
def test_what_has_no_terminal_is_passed_on(of_session: Terminals, update: dict[str, Any]) -> None:
    assert of_session.shown(editor(terminals=True), update) == [update]


def test_so_many_are_remembered(of_session: Terminals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminals, "KEPT", 1)
    plain = editor(terminals=False)
    for id_ in ("t", "u"):
        of_session.end(plain, {**ENDED, "terminalId": id_})
    assert of_session.shown(plain, CALL) == [{**CALL, "content": [TEXT]}]


def updates(stage: Stage) -> list[Any]:
    return [line["params"] for line in stage.told()]


def test_a_session_shows_its_terminals() -> None:
    stage = opened()
    stage.event(0, "session/update", update=CALL)
    stage.event(1, "_torpor/terminal_ended", **ENDED)
    first, second = updates(stage)
    assert first == {"sessionId": "s", "update": {**CALL, "content": [TEXT]}}
    assert second["sessionId"] == "s"
    assert second["update"]["content"][1]["content"]["text"] == "```\nout\n\n```"


def test_a_permission_request_names_no_terminal_that_the_editor_has_not() -> None:
    stage = opened()
    call = {name: CALL[name] for name in ("toolCallId", "title", "content")}
    stage.daemon("permissionRequest", request={**REQUEST, "toolCall": call})
    (asked,) = stage.told()
    assert asked["params"]["toolCall"] == {**call, "content": [TEXT]}
    stage = opened()
    stage.editor("initialize", id_=9, protocolVersion=1, clientCapabilities={"_meta": {"terminal_output": True}})
    stage.event(0, "_torpor/terminal_ended", **ENDED)
    stage.daemon("permissionRequest", request={**REQUEST, "toolCall": call})
    made, ended, asked = stage.told()
    assert made["params"]["update"]["_meta"] == {"terminal_info": {"terminal_id": "s.t"}}
    assert ended["params"]["update"] == END
    assert asked["params"]["toolCall"] == {**call, "content": [TEXT, {"type": "terminal", "terminalId": "s.t"}]}
