"""What `torpor run` shows of a turn: the answer on stdout, what the agent does on stderr.

Into a pipe the answer goes as it comes. A terminal is shown Markdown, block by block, and that something is going on.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

from runtime.cli import output, progress
from runtime.cli.chat.fold import fold
from runtime.cli.chat.items import Note, Plan, Said, Thought, Tool
from runtime.cli.chat.lines import item_lines, tool_lines
from runtime.cli.chat.live import count, money
from runtime.cli.chat.paint import Painter
from runtime.cli.chat.state import State

if TYPE_CHECKING:
    from runtime.cli.chat.items import Item

COLUMNS: Final = 100
"""Of what is no terminal, or knows not how wide it is."""


class Showing:
    """One turn."""

    def __init__(self, agent: str) -> None:
        self._agent = agent
        self._state = State()
        self._renders = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._on_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._answer = Painter(escapes=self._renders)
        self._beside = Painter(escapes=self._on_terminal)
        self._is_line_open = False
        self._waiting: progress.Line | None = None

    def event(self, entry: dict[str, Any]) -> None:
        """Show an entry of the transcript."""
        event = entry["event"]
        update = event["params"].get("update") if event["method"] == "session/update" else None
        if not self._renders and isinstance(update, dict) and update.get("sessionUpdate") == "agent_message_chunk":
            text = (update.get("content") or {}).get("text")
            if isinstance(text, str) and text:
                self._show_nothing_going_on()
                output.write_text(text)
                self._is_line_open = not text.endswith("\n")
        fold(self._state, entry)
        self._show_complete()

    def note(self, line: str) -> None:
        """Write a line on what happens to stderr."""
        self._write([output.one_line(line)])

    def wait(self) -> None:
        """Nothing has come for a moment: show that something is going on."""
        if not self._on_terminal or self._is_line_open:
            return
        if self._waiting is None:
            self._waiting = progress.Line(self._agent)
        running = next(iter(self._state.tools.values()), None)
        self._waiting.turn_to(self._agent if running is None else running.title or self._agent)
        self._waiting.show()

    def pause(self) -> None:
        """Something else is about to be written: begin a line for it."""
        self._show_nothing_going_on()
        if self._is_line_open:
            output.write_text("\n")
            self._is_line_open = False

    def end(self) -> None:
        """The turn is over: show what is left."""
        self._state.close()
        self._show_complete()
        self.pause()

    def cost(self) -> str:
        """Return what the session has cost so far, and how full its context is; "" for an agent that does not tell."""
        usage = self._state.usage
        told = [money(amount, currency) for amount, currency in usage.cost]
        if usage.context:
            told.append(f"{count(usage.context)} tokens in the context")
        return ", ".join(told)

    def _show_complete(self) -> None:
        for item in self._state.take():
            if not isinstance(item, Said):
                self._write(self._lines(item))
            elif self._renders:
                self._show_nothing_going_on()
                sys.stdout.write(self._answer.items([item], _width()))
                sys.stdout.flush()

    def _lines(self, item: Item) -> list[str]:
        if isinstance(item, Tool):
            title = output.one_line(item.title or item.kind or "tool")
            rest = tool_lines(item, _width())[1:]
            return [f"* {'failed: ' if item.status == 'failed' else ''}{title}", *map(self._beside.line, rest)]
        is_shown = isinstance(item, Thought | Plan) and self._on_terminal
        if is_shown or (isinstance(item, Note) and item.style == "warn"):
            return [self._beside.line(line) for line in item_lines(item, _width())]
        return []

    def _write(self, lines: list[str]) -> None:
        if lines:
            self.pause()
            sys.stderr.write("".join(f"{line}\n" for line in lines))
            sys.stderr.flush()

    def _show_nothing_going_on(self) -> None:
        if self._waiting is not None:
            self._waiting.__exit__()
            self._waiting = None


def _width() -> int:
    try:
        return os.get_terminal_size(2).columns or COLUMNS
    except OSError:
        return COLUMNS
