"""What is under way, below the scrollback."""

from __future__ import annotations

import pytest

from runtime.cli.chat import live
from runtime.cli.chat.lines import plain
from runtime.cli.chat.state import Choice, Option, State, Usage
from tests.cli.chat.events import Session


class Conversation:
    """What of a conversation is shown."""

    def __init__(self) -> None:
        self.state = State()
        self.vm = ["team", "work"]
        self.agent = "pi"
        self.waiting: list[str] = []
        self.questions: list[object] = []
        self.doing = ""
        self.is_lost = self.is_busy = self.is_cancelling = False


def test_what_is_under_way_has_room_for_so_much():
    session = Session()
    session.begin("\n".join("prompt"))
    assert [plain(line) for line in live.under_way(session.state, 20)] == ["› p", "  r", "  o", "  m", "  p"][
        : live.LIVE_PROMPT
    ]
    for number in range(live.LIVE_TOOLS + 2):
        text = "".join(f"{line}\n" for line in range(10))
        session.tool(f"{number}", title=f"tool {number}", content=[{"content": {"type": "text", "text": text}}])
    session.update("plan", entries=[{"content": "step", "status": "pending"}] * (live.LIVE_PLAN + 3))
    lines = [plain(line) for line in live.under_way(session.state, 20)]
    written = [f"  {number}" for number in range(10 - live.LIVE_OUTPUT, 10)]
    assert lines[: 1 + live.LIVE_OUTPUT] == ["○ tool 0", *written]
    assert lines.index("  … 2 more") == live.LIVE_TOOLS * (1 + live.LIVE_OUTPUT)
    assert lines[-1] == "  … 3 more"
    conversation = Conversation()
    conversation.waiting = ["one"] * (live.WAITING_SHOWN + 1)
    assert [plain(line) for line in live.waiting(conversation, 40)][live.WAITING_SHOWN - 1 :] == [
        "› one  (waits)",
        "  … 1 more wait",
    ]


@pytest.mark.parametrize(
    ("how", "shown"),
    [
        ({}, None),
        ({"doing": "starting pi"}, "⠙ starting pi · 0.1 s"),
        ({"is_busy": True}, "⠙ 0.1 s · 2.0k tokens · Esc stops"),
        ({"is_busy": True, "questions": ["?"]}, None),
        ({"is_busy": True, "is_cancelling": True}, "⠙ stopping"),
        ({"is_lost": True, "doing": "x"}, "⠙ the daemon went away; waiting for it"),
    ],
)
def test_the_spinner(how, shown):
    conversation = Conversation()
    conversation.state.usage = Usage(2000, 10_000)
    for name, value in how.items():
        setattr(conversation, name, value)
    line = live.spinner(conversation, live.FRAME_MS, 60)
    assert (None if line is None else plain(line)) == shown


def test_the_status_line_loses_what_is_no_news_first():
    conversation = Conversation()
    state = conversation.state
    state.options = (Option("model", "model", "m", (Choice("m", "Sonnet", ""),)),)
    state.mode, state.modes = "plan", (Choice("plan", "Plan", ""),)
    state.usage = Usage(20_000, 200_000, ((0.0312, "USD"), (2.5, "EUR")))
    assert plain(live.status(conversation, 80)) == "team/work · pi · Sonnet · Plan · 10 % of 200k · $0.0312 · 2.50 EUR"
    assert len(plain(live.status(conversation, 30))) <= 30


@pytest.mark.parametrize(("number", "shown"), [(999, "999"), (1234, "1.2k"), (123_456, "123k")])
def test_counts(number, shown):
    assert live.count(number) == shown
