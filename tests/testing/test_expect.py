"""What expectations say when they fail, and how transcripts are put."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.api.sessions import SessionEvent
from runtime.testing import expect, golden, transcript
from runtime.testing.expect import tool
from runtime.testing.model import TestModel
from runtime.testing.script import say


def events(*updates: dict[str, Any] | tuple[str, dict[str, Any]]) -> list[SessionEvent]:
    found = []
    for seq, each in enumerate(updates):
        method, params = each if isinstance(each, tuple) else ("session/update", {"update": each})
        found.append(SessionEvent(session_id="s", seq=seq, created_at=seq, event={"method": method, "params": params}))
    return found


def chunk(text: str, kind: str = "agent_message_chunk") -> dict[str, Any]:
    return {"sessionUpdate": kind, "content": {"type": "text", "text": text}}


def call(number: int, title: str, **arguments: Any) -> dict[str, Any]:
    return {
        "sessionUpdate": "tool_call",
        "toolCallId": f"call-{number}",
        "title": title,
        "kind": "edit",
        "status": "completed",
        "rawInput": arguments,
    }


HTTP = (
    "_torpor/http_request",
    {"scheme": "http", "host": "127.0.0.1", "port": 1, "path": "/", "method": "GET", "status": 200},
)
ASKED = ("session/request_permission", {"permissionId": "p", "toolCall": {"title": "Run it"}})
ANSWERED = (
    "_torpor/permission_reply",
    {"permissionId": "p", "outcome": "selected", "optionId": "allow", "by": "client"},
)
TURN = transcript.entries(
    events(
        chunk("Go.", "user_message_chunk"),
        chunk("Go"),
        HTTP,
        chunk("ing."),
        call(1, "Write a.txt", path="a.txt"),
        call(2, "Write b.txt", path="b.txt"),
        ASKED,
        ANSWERED,
        ("_torpor/turn_ended", {"stopReason": "max_tokens", "fuelUsed": 1000}),
    )
)


def failure(function: Any, *arguments: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        function(*arguments)
    return str(caught.value)


def test_entries_join_what_belongs_together() -> None:
    kinds = [entry.kind for entry in TURN]
    assert kinds == ["prompt", "text", "http_request", "tool", "tool", "permission", "reply", "end"]
    assert TURN[1].text == "Going."


def test_a_failure_shows_the_transcript_with_the_place_marked() -> None:
    said = failure(expect.tool_calls, TURN, ["write", tool("write", path="c.txt")])
    assert said.startswith(
        "tool call 2 is write(path='b.txt'), expected write(path='c.txt'): path is 'b.txt', expected 'c.txt'"
    )
    assert ">    5 tool completed: Write b.txt\n>        path: b.txt" in said
    assert "     4 tool completed: Write a.txt" in said
    assert "     1 text\n         Going." in said


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        (["write"], "1 tool calls expected, found 2: write(path='a.txt'), write(path='b.txt')"),
        (
            ["write", "*", "read"],
            "3 tool calls expected, found 2: write(path='a.txt'), write(path='b.txt'); missing: read()",
        ),
        (["read", "write"], "tool call 1 is write(path='a.txt'), expected read()"),
    ],
)
def test_tool_calls_in_order(calls: list[str], message: str) -> None:
    assert failure(expect.tool_calls, TURN, calls).splitlines()[0] == message


def test_what_holds_is_silent() -> None:
    expect.tool_calls(TURN, ["Write a.txt", tool("edit", path=lambda path: path.endswith("b.txt"))])
    expect.tool_call(TURN, tool("write"), 2)
    expect.tool_call(TURN, tool("write", path="a.txt"), None)
    expect.tool_call(TURN, tool("read"), 0)
    expect.text(TURN, "Going.", "Going.", "ing", "^G")
    expect.stop(TURN, "max_tokens", "max_tokens")
    expect.permissions(TURN, [("Run *", "allow")])
    expect.budget(TURN, 1000, 1000, 2)
    expect.memory(TURN, 1000, 1000)
    expect.turns(TURN, 1)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (expect.tool_call, (tool("write"), 1), "tool call write() expected 1 times, found 2 times; the calls are:"),
        (expect.tool_call, (tool("read", path=1), None), "tool call read(path=1) expected; the calls are: write("),
        (expect.text, ("Going.", "Gone.", None, None), "the agent's text is not as expected:"),
        (expect.text, ("Going.", None, "never", None), "the agent's text does not contain 'never'; it is 'Going.'"),
        (expect.text, ("Going.", None, None, "^x"), "the agent's text does not match '^x'"),
        (expect.stop, ("max_tokens", "end_turn"), "the turn's stop reason is 'max_tokens', expected 'end_turn'"),
        (expect.permissions, ([],), "permissions asked and answered: expected [], found [('Run it', 'allow')]"),
        (expect.budget, (1000, 999, None), "the turn took 1,000 of fuel, at most 999 was expected"),
        (expect.budget, (1000, None, 1), "the turn took 2 tool calls, at most 1 were expected"),
        (expect.memory, (1001, 1000), "the agent took 1,001 bytes of memory, at most 1,000 were expected"),
        (expect.memory, (None, 1000), "this daemon does not tell how much memory the agent had"),
        (expect.turns, (0,), "the session took 1 turns, at most 0 were expected"),
    ],
)
def test_messages(function: Any, arguments: tuple[Any, ...], message: str) -> None:
    said = failure(function, TURN, *arguments)
    assert said.startswith(message)
    assert "turn ended: max_tokens" in said


def test_the_model_tells_what_it_was_asked() -> None:
    model = TestModel()
    model.script(say("one"))
    none = "; the requests are:\n  (none)"
    assert failure(model.expect_script_used) == f"0 requests were made, 1 expected{none}"
    assert failure(model.expect_request, 0) == f"there is no request 0{none}"


def test_plans_and_failed_turns() -> None:
    steps = [{"content": "Look", "status": "completed"}, {"content": "Leap", "status": "pending"}]
    error = {"code": -32000, "message": "no luck"}
    ended = ("_torpor/turn_ended", {"stopReason": None, "error": error})
    made, failed = transcript.entries(events({"sessionUpdate": "plan", "entries": steps}, ended))
    assert transcript.line(made) == "plan\n  completed: Look\n  pending: Leap"
    assert transcript.line(failed).startswith("turn failed: no luck\n  {")


def test_the_marked_place_is_found_again() -> None:
    shown = failure(expect.budget, TURN, 0, None, 1)
    assert transcript.marked(shown, TURN) is TURN[4]
    assert transcript.marked(failure(expect.budget, TURN, 1, 0, None), TURN) is None


def test_golden_text_is_the_same_from_run_to_run() -> None:
    one = "a 01a204bd-563c-7fab-8107-e14b0dd732b5 b toolu_scripted000000000007 a 01a204bd-563c-7fab-8107-e14b0dd732b5"
    assert golden.normalised(one) == "a <id 1> b <id 2> a <id 1>"
    assert golden.normalised("2026-01-02T03:04:05.678Z 1790000000000 http://127.0.0.1:8080/x") == (
        "<time> <time> http://127.0.0.1:<port>/x"
    )
    assert "http" not in golden.render(TURN)
