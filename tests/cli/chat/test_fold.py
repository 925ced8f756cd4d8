"""Events, folded into what a conversation shows."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runtime.api.events import EVENTS
from runtime.cli.chat import fold as table
from runtime.cli.chat.blocks import Block
from runtime.cli.chat.items import MAX_PARTS, MAX_TEXT, Diff, Ended, Note, Plan, Prompt, Said, Thought, Tool
from runtime.cli.chat.lines import plain, tool_lines
from runtime.cli.chat.paint import Painter
from runtime.cli.chat.state import MAX_COMMANDS, MAX_SHOWN, MAX_TOOLS
from tests.cli.chat.events import Session


def kinds(items):
    return [type(item) for item in items]


def test_a_turn():
    session = Session()
    session.begin("Do it")
    session.say("I will", "agent_thought_chunk")
    session.say(" do it.", "agent_thought_chunk")
    session.say("Look:\n\n")
    session.tool("1", title="Edit", kind="edit")
    session.tool(
        "1", title="Edit a.py", status="completed", content=[{"type": "diff", "path": "/a.py", "newText": "x\n"}]
    )
    session.say("Done")
    assert session.state.turn_started == 0
    assert session.state.open_text == Block("Done")
    session.end()
    prompt, thought, look, tool, done, end = session.state.take()
    assert (prompt, thought) == (Prompt("Do it"), Thought("I will do it.", 1000))
    assert (look, done) == (Said(Block("Look:")), Said(Block("Done")))
    assert isinstance(tool, Tool)
    assert (tool.title, tool.content) == ("Edit a.py", (Diff("/a.py", None, "x\n"),))
    assert end == Ended("end_turn", None, 8000)
    assert session.state.turn_started is None
    assert session.state.take() == []


def test_what_is_under_way_is_shown_when_it_is_over_or_the_turn_is():
    session = Session()
    session.begin("x")
    session.tool("1", title="one")
    session.tool("2", title="two")
    session.update("plan", entries=[{"content": "Look", "status": "pending"}, "no step"])
    session.tool("2", status="failed")
    assert kinds(session.state.take()) == [Prompt, Tool]
    session.end("cancelled")
    assert kinds(session.state.take()) == [Tool, Plan, Ended]
    session.tool("1", status="completed")  # late: it was shown
    assert session.state.take() == []


def test_what_the_session_is_set_to():
    session = Session()
    modes = {
        "currentModeId": "ask",
        "availableModes": [{"id": "ask", "name": "Ask"}, {"id": "code", "name": "Code"}, {}],
    }
    model = {"id": "m", "category": "model", "currentValue": "a", "options": [{"value": "a", "name": "A"}]}
    groups = {
        **model,
        "id": "g",
        "category": "other",
        "options": [{"group": "x", "options": [{"value": "b", "name": "B"}]}],
    }
    session.event("_torpor/session_started", modes=modes, configOptions=[model, groups, {"id": "bad"}])
    state = session.state
    assert [(mode.value, mode.name) for mode in state.modes] == [("ask", "Ask"), ("code", "Code")]
    assert state.option("model").choices[0].name == "A"
    assert state.option("g").choices[0].value == "b"
    assert state.option("bad") is None
    session.update("current_mode_update", currentModeId="code")
    session.update("config_option_update", configOptions=[{**model, "currentValue": "z"}])
    session.update("usage_update", used=10, size=100, cost={"amount": 0.5, "currency": "USD"})
    session.update(
        "available_commands_update", availableCommands=[{"name": "compact", "description": "shorter"}, {"no": 1}]
    )
    session.update("session_info_update", title="A title")
    assert (state.mode, state.option("model").value, state.title) == ("code", "z", "A title")
    assert state.usage == (10, 100, ((0.5, "USD"),))
    assert [command.name for command in state.commands] == ["compact"]


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"error": {"message": "no key"}}, "no key"),
        ({"filesError": "the disk is full"}, "the files of this turn could not be stored: the disk is full"),
        ({"reason": None, "end": "agent_failed"}, "agent failed"),
    ],
)
def test_how_a_turn_fails(members, error):
    session = Session()
    session.begin("x")
    session.event("_torpor/turn_ended", stopReason=members.pop("reason", "end_turn"), **members)
    assert session.state.take()[-1] == Ended("end_turn" if "end" not in members else None, error, 2000)


def test_a_turn_that_the_daemon_did_not_end_is_told_once():
    session = Session()
    session.begin("x")
    session.event("_torpor/turn_interrupted", turnId="t")
    session.event("_torpor/turn_interrupted", turnId="t")
    assert kinds(session.state.take()) == [Prompt, Ended]


def test_what_happens_beside_the_conversation():
    session = Session()
    session.event("_torpor/stderr", text="a warning\n")
    session.event("_torpor/mcp_exit", server="docs", message="exit code 1", stderr=["last words"])
    session.event("_torpor/session_resumed", tier="continuation", modes=None, configOptions=[])
    session.event("_torpor/limit_reached", limit="turnBytes", help="raise it")
    for host in ("a.example", "a.example", *(f"{number}.example" for number in range(20))):
        session.event("_torpor/http_request", error="HTTP-request-denied", host=host)
    said = [item.text for item in session.state.take() if isinstance(item, Note)]
    assert said[:4] == [
        "stderr: a warning",
        "the MCP server docs ended: exit code 1\n  | last words",
        "the agent begins afresh, and reads what was said before",
        "turnBytes is reached: raise it",
    ]
    assert len(said) == 4 + table.MAX_DENIED


def test_a_prompt_of_several_blocks_is_one():
    session = Session()
    session.begin("See @a.txt")
    session.update(
        "user_message_chunk", content={"type": "resource", "resource": {"uri": "file:///a.txt", "text": "long"}}
    )
    session.update("user_message_chunk", content={"type": "image", "data": "...", "mimeType": "image/png"})
    session.say("ok")
    assert session.state.take()[0] == Prompt("See @a.txt [file:///a.txt] [image]")


def test_so_much_is_kept_of_what_an_agent_sends():
    session = Session()
    session.begin("x")
    for _ in range(3):
        session.say("t" * MAX_TEXT, "agent_thought_chunk")
    session.say("\n")
    thought = next(item for item in session.state.take() if isinstance(item, Thought))
    assert len(thought.text) == MAX_TEXT
    for number in range(MAX_TOOLS + 10):
        session.tool(f"open {number}", title="x")
    assert len(session.state.tools) == MAX_TOOLS
    for number in range(MAX_SHOWN + 10):
        session.tool(f"done {number}", title="x", status="completed")
    assert len(session.state.shown) == MAX_SHOWN
    long = {"type": "content", "content": {"type": "text", "text": "x" * 3 * MAX_TEXT}}
    session.tool("long", status="completed", content=[long] * 2 * MAX_PARTS)
    tool = session.state.take()[-1]
    assert len(tool.content) == MAX_PARTS
    assert len(tool.content[0]) < MAX_TEXT + 100
    session.update(
        "available_commands_update", availableCommands=[{"name": f"c{number}"} for number in range(2 * MAX_COMMANDS)]
    )
    assert len(session.state.commands) == MAX_COMMANDS


def test_every_event_of_ours_is_shown_or_known_not_to_be():
    silent = {
        *("_torpor/session_suspended", "_torpor/session_closed", "_torpor/authenticated", "_torpor/permission_reply"),
        *("_torpor/elicitation_reply", "_torpor/malformed", "_torpor/notification", "_torpor/http_requests"),
        "_torpor/terminal_ended",
    }
    assert {kind for kind in EVENTS if kind not in table.CHANGES} == silent


EVIL = "\x1b[2J\x1b]0;title\x07\x9b1m\u202e"
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 10**15)
    | st.just(EVIL)
    | st.sampled_from(["completed", "diff", "text", "content"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "content", "name", "title", "path", "newText", "oldText", "value", "id", "options"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
MEMBERS = (
    *(
        "toolCallId",
        "content",
        "title",
        "kind",
        "status",
        "rawInput",
        "entries",
        "availableCommands",
        "configOptions",
        "cost",
        "used",
        "size",
    ),
    *(
        "currentModeId",
        "modes",
        "error",
        "stopReason",
        "text",
        "message",
        "stderr",
        "server",
        "host",
        "help",
        "limit",
        "end",
    ),
)


@example("tool_call_update", {"toolCallId": []})
@given(st.sampled_from(sorted(table.CHANGES)), st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=6))
def test_whatever_an_agent_sends_commands_no_terminal(kind, members):
    session = Session()
    session.begin("x")
    if kind.startswith("_"):
        session.event(kind, **members)
    else:
        session.update(kind, **{"toolCallId": "1", **members})
    session.end()
    shown = Painter().items(session.state.take(), 80)
    assert (
        not re.sub("\x1b\\[[0-9;]*m", "", shown).translate({10: None}).encode().translate(None, bytes(range(32, 256)))
    ), shown
    assert not re.search("[\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


def test_a_command_is_shown_once():
    tool = Tool("1")
    tool.merge({"title": "ls -la", "rawInput": {"command": "ls -la"}, "status": "completed"})
    assert [plain(line) for line in tool_lines(tool, 80)] == ["✓ ls -la"]
    tool.merge({"title": "List files"})
    assert [plain(line) for line in tool_lines(tool, 80)] == ["✓ List files", "  $ ls -la"]
