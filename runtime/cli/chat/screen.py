"""A conversation at a terminal, by prompt_toolkit: what is complete goes into the scrollback, and below it is what changes.

From above: what is under way, what the agent asks, the prompt line with its completions, the status line.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completion
from prompt_toolkit.data_structures import Size
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import ANSI, to_formatted_text
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.layout import BufferControl, ConditionalContainer, FormattedTextControl, HSplit, Layout, Window
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style

from runtime.cli.chat import commands, live
from runtime.cli.chat.completing import offers
from runtime.cli.chat.lines import cut
from runtime.cli.chat.paint import CODES
from runtime.cli.chat.pasted import Pasted
from runtime.cli.chat.questions import Form, Permission
from runtime.text import whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from anyio.abc import TaskGroup
    from prompt_toolkit.completion import CompleteEvent, Completer
    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import StyleAndTextTuples as Fragments

    from runtime.cli.chat.blocks import Block
    from runtime.cli.chat.conversation import Conversation
    from runtime.cli.chat.lines import Line
    from runtime.cli.chat.paint import Painter
    from runtime.cli.chat.questions import Question

INPUT_ROWS: Final = 10
"""Rows of the prompt line at most; it scrolls then."""

MENU_ROWS: Final = 8
"""Completions that are shown at once."""

OTHER_ROWS: Final = 4
"""Rows below what is under way: the prompt line, the status, and some air."""

LIVE_TEXT: Final = 4096
"""Characters of a block under way that are rendered each time that more of it comes: more than a screen."""

FRAME_SECONDS: Final = 0.04
"""Between two looks at what the agent has said: 25 a second are fluent, and cost little."""

SPINNER_SECONDS: Final = live.FRAME_MS / 1000
"""Between two frames of the spinner, while nothing else is new."""

_SGR: Final = {"1": "bold", "2": "dim", "31": "ansired", "32": "ansigreen", "33": "ansiyellow", "36": "ansicyan"}
"""SGR's codes as prompt_toolkit names them."""

SIZE: Final = Size(rows=24, columns=80)
"""Of a terminal that does not know its own."""


class Screen:
    """The terminal, for one conversation."""

    def __init__(self, painter: Painter, history: Path | None, output: Vt100_Output) -> None:
        self._painter = painter
        self._output = output
        self._news = anyio.Event()
        self._began: float | None = None
        self._open: tuple[Block, int, list[str]] | None = None
        self.hint = ""
        """What takes the place of the status line until the next key."""
        self.pasted = Pasted()
        self.input = Buffer(
            history=FileHistory(str(history)) if history is not None else InMemoryHistory(),
            completer=cast("Completer", Completing(self)),
            complete_while_typing=True,
            multiline=True,
            name="prompt",
        )
        self.input.on_text_changed += self._on_text
        self.answer = Buffer(multiline=False, name="answer")
        self._question_control = FormattedTextControl(self._question, focusable=True, show_cursor=False)
        self._input_control = BufferControl(self.input)
        self._answer_control = BufferControl(self.answer)
        self.app: Application[None] = Application(
            layout=Layout(self._rows(), focused_element=self._input_control),
            style=Style.from_dict({name: _SGR[code] for name, code in CODES.items()}),
            include_default_pygments_style=False,
            erase_when_done=True,
            color_depth=None if painter.has_colours else ColorDepth.MONOCHROME,
            output=output,
        )
        self.app.ttimeoutlen = 0.05
        self.app.timeoutlen = 0.2

    def changed(self) -> None:
        """Show what is new, soon."""
        self._news.set()

    async def run(self, conversation: Conversation, tasks: TaskGroup) -> None:
        """Show the conversation until the person leaves it."""
        self.conversation = conversation
        self.tasks = tasks
        tasks.start_soon(self._refresh)
        try:
            await self.app.run_async()
        except EOFError:  # the terminal is gone
            conversation.leave()

    def print(self, text: str) -> None:
        """Put text into the scrollback, above all that changes."""
        if text:
            self.app.renderer.erase()
            self._output.write_raw(text)
            self._output.flush()
        self.app.invalidate()

    def show(self, text: str) -> None:
        """Put what the person has typed for us into the scrollback."""
        self.conversation.note(f"› {text}", "user")

    def submit(self) -> None:
        """Take what was typed: a command, or a prompt."""
        typed = self.input.text
        text = whole(self.pasted.expanded(typed)).strip()  # bytes that are not UTF-8 come as halves of characters
        if not text:
            return
        command = commands.parse(text)
        if command is not None and command[0] not in {each.name for each in commands.offered(self.conversation)}:
            self.hint = f"there is no /{command[0]}; /help lists what there is"
            return
        if command is not None and command[0] in commands.OWN:
            self.show(text)
            self.tasks.start_soon(commands.run, self.conversation, *command)
        elif not self.conversation.submit(text):
            self.hint = "too many prompts wait; Esc stops the turn"
            return
        self.input.append_to_history()
        self.input.reset()
        self.pasted.clear()

    def answer_with(self, question: Question, method: str, params: dict[str, Any]) -> None:
        """Answer what the agent asks."""
        self.tasks.start_soon(self.conversation.answer, question, method, params)

    async def stop(self) -> None:
        """Stop the turn; what was to come after it goes back to the prompt line, before the draft."""
        waiting = await self.conversation.cancel()
        if waiting:
            self.input.text = "\n".join([*waiting, *([self.input.text] if self.input.text else [])])
            self.input.cursor_position = len(self.input.text)

    def show_folded(self) -> None:
        """Show in full what was folded last, and at the next key what was before it."""
        question = self.conversation.question
        width = self._width
        if isinstance(question, Permission):
            self.print("".join(self._painter.line(line) + "\n" for line in question.lines(width, whole=True)))
        elif not self._painter.folded:
            self.hint = "nothing is folded"
        else:
            item = self._painter.folded.pop()
            self.print("\n" + self._painter.item(item, width, whole=True))

    def _on_text(self, _: Buffer) -> None:
        self.hint = ""

    @property
    def _width(self) -> int:
        columns: int = self._output.get_size().columns
        return columns

    async def _refresh(self) -> None:
        """Print what is complete and draw what is under way, for as long as the conversation lasts."""
        while not self.conversation.is_left:
            with anyio.move_on_after(SPINNER_SECONDS if self._began is not None else None):
                await self._news.wait()
            self._news = anyio.Event()
            self._mind_time()
            self._mind_focus()
            self.print(self._painter.items(self.conversation.state.take(), self._width - 1))
            await anyio.sleep(FRAME_SECONDS)
        self.app.exit()

    def _mind_time(self) -> None:
        conversation = self.conversation
        is_going_on = conversation.is_busy or bool(conversation.doing) or conversation.is_lost
        if not is_going_on:
            self._began = None
        elif self._began is None:
            self._began = time.monotonic()

    def _mind_focus(self) -> None:
        question, layout = self.conversation.question, self.app.layout
        wanted: Any = self._input_control
        if isinstance(question, Permission):
            wanted = self._question_control
        elif isinstance(question, Form):
            wanted = self._answer_control
        if layout.current_control is not wanted:
            layout.focus(wanted)
            self.answer.reset()

    def _rows(self) -> HSplit:
        asks = Condition(lambda: self.conversation.question is not None)
        asks_form = Condition(lambda: isinstance(self.conversation.question, Form))
        has_menu = Condition(lambda: self.input.complete_state is not None)
        return HSplit(
            [
                Window(FormattedTextControl(self._under_way), dont_extend_height=True),
                ConditionalContainer(Window(self._question_control, dont_extend_height=True), asks),
                ConditionalContainer(_typing(self._answer_control), asks_form),
                ConditionalContainer(_typing(self._input_control), ~asks),
                ConditionalContainer(
                    Window(FormattedTextControl(self._menu), dont_extend_height=True), has_menu & ~asks
                ),
                Window(FormattedTextControl(self._status), height=1),
                Window(),
            ]
        )

    def _under_way(self) -> Fragments:
        width, rows = self._width - 1, self._output.get_size().rows
        conversation = self.conversation
        below = [*live.under_way(conversation.state, width), *live.waiting(conversation, width)]
        if self._began is not None:
            line = live.spinner(conversation, int((time.monotonic() - self._began) * 1000), width)
            below += [line] if line is not None else []
        shown = _styled(below)
        most = max(1, rows - OTHER_ROWS - len(shown) - min(INPUT_ROWS, self.input.document.line_count))
        lines = self._open_lines(width, most) + ([[], *shown] if shown else [[]])
        return _joined(lines[-(most + len(shown)) :])

    def _open_lines(self, width: int, most: int) -> list[Fragments]:
        """The last lines of the block that the agent is saying, rendered as they will be."""
        block = self.conversation.state.open_text
        if block is None:
            return []
        if self._open is None or self._open[:2] != (block, width):
            text = self._painter.block(block._replace(text=block.text[-LIVE_TEXT:]), width)
            self._open = block, width, ("\n" + text if block.parted else text).rstrip("\n").split("\n")
        return [to_formatted_text(ANSI(line)) for line in self._open[2][-most:]]

    def _question(self) -> Fragments:
        question = self.conversation.question
        if question is None:
            return []
        width, rows = self._width - 1, self._output.get_size().rows
        lines = question.lines(width)
        if isinstance(question, Permission):
            choices = question.choices(width)
            most = max(1, rows - len(choices) - OTHER_ROWS)
            if len(lines) > most:
                lines = [*lines[: most - 1], [("dim", f"  … {len(lines) - most + 1} lines more: Ctrl-O")]]
            lines = [*lines, *choices]
        return _joined(_styled(lines))

    def _menu(self) -> Fragments:
        state = self.input.complete_state
        if state is None:
            return []
        index = state.complete_index or 0
        first = max(0, min(index - MENU_ROWS // 2, len(state.completions) - MENU_ROWS))
        lines: list[Line] = []
        width = max((len(each.display_text) for each in state.completions[first : first + MENU_ROWS]), default=0)
        for place, each in enumerate(state.completions[first : first + MENU_ROWS], first):
            style = "mark" if place == state.complete_index else ""
            line = [(style, f"  {each.display_text:<{width}}"), ("dim", f"  {each.display_meta_text}")]
            lines.append(cut(line, self._width - 1))
        return _joined(_styled(lines))

    def _status(self) -> Fragments:
        if self.hint:
            return _joined(_styled([cut([("warn", self.hint)], self._width - 1)]))
        return _joined(_styled([live.status(self.conversation, self._width - 1)]))


def terminal() -> Vt100_Output:
    """Return this program's terminal. It is not asked where its cursor is: not all of them answer."""

    def size() -> Size:
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
        return Size(rows or SIZE.rows, columns or SIZE.columns)

    return Vt100_Output(sys.stdout, size, term=os.environ.get("TERM"), enable_cpr=False)


class Completing:
    """prompt_toolkit's `Completer`, over `completing.offers`."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def get_completions(self, document: Document, _event: CompleteEvent) -> Iterator[Completion]:
        """Offer what the word before the cursor may become."""
        known = commands.offered(self._screen.conversation)
        for each in offers(document.text_before_cursor, known):
            yield Completion(each.text, -each.back, display=each.shown, display_meta=each.about)

    async def get_completions_async(self, document: Document, event: CompleteEvent) -> AsyncIterator[Completion]:
        """The same: it takes no time."""
        for each in self.get_completions(document, event):
            yield each


def _typing(control: BufferControl) -> Window:
    """A place to type in."""
    return Window(
        control,
        height=Dimension(min=1, max=INPUT_ROWS),
        dont_extend_height=True,
        wrap_lines=True,
        get_line_prefix=lambda number, wrapped: [("class:user", "› " if number == wrapped == 0 else "  ")],
    )


def _styled(lines: list[Line]) -> list[Fragments]:
    return [[(f"class:{style}" if style else "", text) for style, text in line] for line in lines]


def _joined(lines: list[Fragments]) -> Fragments:
    joined: Fragments = []
    for number, line in enumerate(lines):
        joined += [("", "\n"), *line] if number else line
    return joined
