"""Items as lines of styled text, for whatever shows them: a terminal's scrollback, the lines that change, a pipe.

A line is a list of (style, text). What the agent says in Markdown is not here but in `runtime.cli.chat.paint`.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from runtime.cli.chat.diffs import diff
from runtime.cli.chat.items import Diff, Ended, Note, Plan, Prompt, Said, Thought, Tool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runtime.cli.chat.items import Item

Line = list[tuple[str, str]]

OUTPUT_LINES: Final = 8
"""Lines of a tool's output that are shown unless all are asked for: its first and its last."""

DIFF_LINES: Final = 40
"""Lines of a diff that are shown unless all are asked for."""

NOTICED_MS: Final = 100
"""What takes less is not worth a number."""

EXACT_SECONDS: Final = 10
"""Below this, tenths of a second tell something."""

MINUTE: Final = 60

TAB: Final = "    "

MARKS: Final = {"completed": ("ok", "✓"), "failed": ("bad", "✗"), "in_progress": ("mark", "▸"), "pending": ("dim", "○")}
"""Status of a tool call or of a step -> the style and the sign of it."""

GOOD_ENDS: Final = ("end_turn",)


def item_lines(item: Item, width: int, *, whole: bool = False) -> list[Line]:
    """Return an item as lines of at most `width` cells, but for prose, which a terminal wraps. `whole` leaves nothing out."""
    match item:
        case Prompt(text):
            return [[("user", f"{'›' if not number else ' '} {line}")] for number, line in enumerate(text.split("\n"))]
        case Said(block):
            return [[("", line)] for line in block.text.split("\n")]
        case Thought():
            return _thought(item, width, whole=whole)
        case Note(text, style):
            return [[(style, line)] for line in text.split("\n")]
        case Plan():
            return plan_lines(item, width)
        case Tool():
            return tool_lines(item, width, whole=whole)
        case Ended():
            return _ended(item)


def is_folded(item: Item, width: int) -> bool:
    """Whether something of an item is left out unless it is shown as a whole."""
    return isinstance(item, Tool | Thought) and item_lines(item, width) != item_lines(item, width, whole=True)


def tool_lines(tool: Tool, width: int, *, whole: bool = False) -> list[Line]:
    """Return a tool call: what it does, and what came of it."""
    title = tool.title or tool.kind or "tool"
    lines = [cut([MARKS.get(tool.status, MARKS["pending"]), ("", " "), ("tool", title)], width)]
    if tool.command and " ".join(tool.command.split()) != title:
        lines += _indented(
            (("dim", f"$ {line}" if not number else f"  {line}") for number, line in _numbered(tool.command)), width
        )
    for part in tool.content:
        if isinstance(part, Diff):
            lines += diff_lines(part, width, None if whole else DIFF_LINES)
        else:
            style = "bad" if tool.status == "failed" else "dim"
            texts = part.rstrip("\n").split("\n")
            shown = [(style, text) for text in texts] if whole else list(_folded(texts, style))
            lines += _indented(shown, width)
    return lines


def diff_lines(change: Diff, width: int, most: int | None) -> list[Line]:
    """Return a change of a file: its path with what it comes to, and the lines that are different."""
    found = list(diff(change.old, change.new))
    added, removed = (sum(mark == sign for mark, _, _ in found) for sign in "+-")
    counts = [("add", f"+{added}"), *([("del", f" -{removed}")] if change.old is not None else [])]
    lines: list[Line] = [cut([("", "  "), ("dim", f"{change.path} "), *counts], width)]
    digits = len(str(max((number or 0 for _, _, number in found), default=0)))
    for mark, text, number in found if most is None else found[:most]:
        style = {"+": "add", "-": "del"}.get(mark, "dim")
        place = f"{'' if number is None else number:>{digits}}"
        lines.append(cut([("dim", f"  {place} "), (style, f"{mark} {text}")], width))
    if most is not None and len(found) > most:
        lines.append([("dim", f"  … {len(found) - most} lines more")])
    return lines


def plan_lines(plan: Plan, width: int) -> list[Line]:
    """Return a plan, one line a step."""
    steps: list[Line] = []
    for status, step in plan.steps:
        style = "dim" if status == "completed" else "tool" if status == "in_progress" else ""
        steps.append(cut([("", "  "), MARKS.get(status, MARKS["pending"]), ("", " "), (style, step)], width))
    return [[("head", "Plan")], *steps]


def cut(line: Line, width: int) -> Line:
    """Return as much of a line as fits into `width` cells, without line ends and tabs."""
    shown: Line = []
    left = width
    for style, text in line:
        flat = text.replace("\t", TAB).replace("\n", " ")
        if cells(flat) <= left:
            shown.append((style, flat))
            left -= cells(flat)
            continue
        kept = ""
        for character in flat:
            left -= cells(character)
            if left < 1:
                break
            kept += character
        return [*shown, (style, f"{kept}…")]
    return shown


def cells(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text
    )


def plain(line: Line) -> str:
    """Return a line without its styles."""
    return "".join(text for _, text in line).rstrip()


def seconds(millis: int) -> str:
    """Return a time span as short as it can be told."""
    whole = millis // 1000
    if whole < EXACT_SECONDS:
        return f"{millis / 1000:.1f} s"
    return f"{whole} s" if whole < MINUTE else f"{whole // MINUTE} min {whole % MINUTE} s"


def _thought(thought: Thought, width: int, *, whole: bool) -> list[Line]:
    heading: Line = [
        ("dim", f"∴ thought for {seconds(thought.millis)}" if thought.millis >= NOTICED_MS else "∴ thought")
    ]
    if whole:
        return [heading, *([("dim", f"  {line}")] for line in thought.text.strip().split("\n"))]
    first = " ".join(thought.text.split())
    return [cut([*heading, ("dim", f": {first}" if first else "")], width)]


def _ended(end: Ended) -> list[Line]:
    if end.error is not None:
        return [[("bad", f"the turn failed: {line}" if not number else line)] for number, line in _numbered(end.error)]
    if end.reason in GOOD_ENDS:
        return []
    return [[("warn", f"the turn ended: {(end.reason or 'it says not why').replace('_', ' ')}")]]


def _folded(texts: list[str], style: str) -> Iterator[tuple[str, str]]:
    if len(texts) <= OUTPUT_LINES + 1:
        yield from ((style, text) for text in texts)
        return
    half = OUTPUT_LINES // 2
    yield from ((style, text) for text in texts[:half])
    yield "dim", f"… {len(texts) - 2 * half} lines more"
    yield from ((style, text) for text in texts[-half:])


def _indented(lines: Iterable[tuple[str, str]], width: int) -> list[Line]:
    return [cut([("", "  "), line], width) for line in lines]


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(text.rstrip("\n").split("\n"))
