"""Items as lines and as a terminal's text."""

from __future__ import annotations

import itertools
import re

import pytest

from runtime.cli.chat.blocks import Block
from runtime.cli.chat.diffs import CONTEXT_LINES, MAX_COMPARED, diff
from runtime.cli.chat.items import Ended, Note, Plan, Prompt, Said, Thought, Tool
from runtime.cli.chat.lines import DIFF_LINES, NOTICED_MS, OUTPUT_LINES, cells, cut, item_lines, plain, seconds
from runtime.cli.chat.paint import MAX_FOLDED, Painter


def shown(item, width=40, **how):
    return [plain(line) for line in item_lines(item, width, **how)]


def a_tool(content, status="completed"):
    tool = Tool("1")
    tool.merge({"title": "Do", "status": status, "content": content})
    return tool


def output(text):
    return {"type": "content", "content": {"type": "text", "text": text}}


def test_a_diff_has_the_lines_that_are_different_and_those_around_them():
    old = "".join(f"{number}\n" for number in range(20))
    new = old.replace("4\n", "four\n", 1).replace("19\n", "19\n20\n")
    assert [(mark, line) for mark, line, _ in diff(old, new)] == [
        *((" ", str(number)) for number in range(1, 4)),
        *(("-", "4"), ("+", "four")),
        *((" ", str(number)) for number in range(5, 8)),
        ("…", ""),
        *((" ", str(number)) for number in range(17, 20)),
        ("+", "20"),
    ]
    assert list(diff(None, "a\n")) == [("+", "a", 1)]
    assert list(diff("a\n", "a\n")) == [(" ", "a", 1)]


def test_long_texts_are_compared_where_they_are_alike_at_their_ends_only():
    same = [f"{number}\n" for number in range(100)]
    old = [f"old {number}\n" for number in range(MAX_COMPARED + 1)]
    new = [f"new {number}\n" for number in range(MAX_COMPARED + 1)]
    found = list(diff("".join([*same, *old, *same]), "".join([*same, *new, *same])))
    marks = [(mark, len(list(group))) for mark, group in itertools.groupby(mark for mark, _, _ in found)]
    assert marks == [(" ", CONTEXT_LINES), ("-", len(old)), ("+", len(new)), (" ", CONTEXT_LINES)]


def test_output_and_diffs_are_folded_unless_all_is_asked_for():
    text = "".join(f"line {number}\n" for number in range(30))
    tool = a_tool([output(text)])
    assert shown(tool)[1:] == [
        *(f"  line {number}" for number in range(OUTPUT_LINES // 2)),
        f"  … {30 - OUTPUT_LINES} lines more",
        *(f"  line {number}" for number in range(30 - OUTPUT_LINES // 2, 30)),
    ]
    assert len(shown(tool, whole=True)) == 31
    tool = a_tool([{"type": "diff", "path": "/a", "oldText": "", "newText": "x\n" * (DIFF_LINES + 5)}])
    assert shown(tool)[1] == f"  /a +{DIFF_LINES + 5} -0"
    assert len(shown(tool)) == 2 + DIFF_LINES + 1
    assert shown(tool)[-1] == "  … 5 lines more"


def test_lines_fit():
    wide = "日本語" * 20
    assert cells(plain(cut([("", wide)], 40))) <= 40
    assert plain(cut([("", "x" * 41)], 40)) == "x" * 39 + "…"
    assert plain(cut([("", "x" * 40)], 40)) == "x" * 40
    assert plain(cut([("", "a\tb")], 40)) == "a    b"
    for item in (a_tool([output(wide), {"type": "diff", "path": wide, "newText": wide}]), Plan((("pending", wide),))):
        assert all(cells(line) <= 40 for line in shown(item))


def test_ends_of_turns():
    assert shown(Ended("end_turn", None, 1)) == []
    assert shown(Ended("max_tokens", None, 1)) == ["the turn ended: max tokens"]
    assert shown(Ended(None, "no key", 1)) == ["the turn failed: no key"]


@pytest.mark.parametrize(("millis", "text"), [(50, "0.1 s"), (9_949, "9.9 s"), (10_000, "10 s"), (61_000, "1 min 1 s")])
def test_times(millis, text):
    assert seconds(millis) == text


def test_thoughts_are_one_line():
    assert shown(Thought("First this.\nThen that.", 2500)) == ["∴ thought for 2.5 s: First this. Then t…"]
    assert shown(Thought("First this.\nThen that.", NOTICED_MS - 1), whole=True) == [
        "∴ thought",
        "  First this.",
        "  Then that.",
    ]


def test_blank_lines_go_between_what_is_different(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    painter = Painter(escapes=False)
    tool, block = a_tool([]), Said(Block("text"))
    assert painter.items([Prompt("hi"), block, Said(Block("more", parted=False))], 40) == "› hi\n\ntext\nmore\n"
    assert painter.items([tool, tool, Ended("end_turn", None, 1), Note("n")], 40) == "\n✓ Do\n✓ Do\n\nn\n"


def test_so_many_folded_items_can_be_shown_as_a_whole():
    painter = Painter(escapes=False)
    long = [Thought(f"{number} " + "x" * 100, 1000) for number in range(MAX_FOLDED + 5)]
    painter.items([*long, Note("short")], 40)
    assert list(painter.folded) == long[5:]


def test_colours_only_where_they_are_wanted(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    tool = a_tool([output("x")], status="failed")
    assert Painter().item(tool, 40) == "\033[31m✗\033[0m \033[1mDo\033[0m\n  \033[31mx\033[0m\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Painter().item(tool, 40) == "✗ \033[1mDo\033[0m\n  x\n"
    assert Painter(escapes=False).item(tool, 40) == "✗ Do\n  x\n"


def test_markdown(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    text = Painter().item(Said(Block("# A\n\nsee <b>this</b> [x](http://y)\n\n* one")), 30)
    assert re.sub("\033\\[[0-9;]*m", "", text) == "A\n\nsee <b>this</b> x (http://y)\n\n • one\n"
    code = Painter().item(Said(Block("x = 1", "python")), 30)
    assert "x = 1" in code.replace("\033[0m", "")
    assert Painter().item(Said(Block("   ")), 30) == ""
