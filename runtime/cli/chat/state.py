"""A conversation as it stands: what is open, what has become complete, and what is known of the session.

A pure value: `runtime.cli.chat.fold` changes it as events come, and whoever shows it takes what is complete. Nothing here knows
a terminal, a daemon or a clock: times are those of events, in milliseconds since the epoch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runtime.cli.chat.blocks import Blocks
from runtime.cli.chat.items import MAX_TEXT, Ended, Note, Prompt, Said, Thought, clean
from runtime.cli.output import one_line

if TYPE_CHECKING:
    from runtime.cli.chat.blocks import Block
    from runtime.cli.chat.items import Item, Plan, Tool

MAX_TOOLS: Final = 50
"""Tool calls that are under way at once; the oldest of more is shown as it is. Agents run a handful."""

MAX_SHOWN: Final = 1000
"""Ended tool calls that are remembered by their ids: those of a long turn."""

MAX_COMMANDS: Final = 500
"""Commands of an agent that are offered; those of all skills that somebody has are some dozens."""


class Choice(NamedTuple):
    """A value that an option or the mode may have."""

    value: str
    name: str
    about: str


class Option(NamedTuple):
    """A config option of the agent."""

    id: str
    category: str
    value: str
    choices: tuple[Choice, ...]


class Command(NamedTuple):
    """A command of the agent: `/name` at the beginning of a prompt."""

    name: str
    about: str


class Usage(NamedTuple):
    """What the session has used so far, as far as the agent tells."""

    context: int | None = None
    context_size: int | None = None
    cost: tuple[tuple[float, str], ...] = ()
    """(amount, currency)."""


class State:
    """One session, from the events that have come so far."""

    def __init__(self) -> None:
        self.complete: list[Item] = []
        """What is complete and was not taken yet (`take`), in the order in which it became so."""
        self.tools: dict[str, Tool] = {}
        """Tool calls that are under way."""
        self.shown: dict[str, None] = {}
        """Tool calls that are over; what an agent still says of them is not shown."""
        self.denied: set[str] = set()
        """Hosts that the agent has tried to reach in this turn, and may not."""
        self.plan: Plan | None = None
        self.thought: list[str] = []
        """What has come of a thought that goes on."""
        self.prompt: list[str] = []
        """What has come of a prompt."""
        self.commands: tuple[Command, ...] = ()
        self.modes: tuple[Choice, ...] = ()
        self.mode = ""
        self.options: tuple[Option, ...] = ()
        self.usage = Usage()
        self.title = ""
        self.turn_started: int | None = None
        """When the turn that runs has begun; None between turns."""
        self.context_before = 0
        """Tokens in the context when it began."""
        self.turns = 0
        """Turns that are over."""
        self.seq = -1
        """The last event that was taken over."""
        self._text = Blocks()
        self._thought_size = 0
        self._thought_began = self._thought_last = 0

    def take(self) -> list[Item]:
        """What has become complete since the last call."""
        items, self.complete = self.complete, []
        return items

    @property
    def open_text(self) -> Block | None:
        """What has come of a block that is not complete."""
        return self._text.open

    def say(self, text: str) -> None:
        """The agent says more; whatever it did before is over."""
        self.close_prompt()
        self.close_thought(None)
        self.complete += map(Said, self._text.feed(text))

    def think(self, text: str, at: int) -> None:
        """The agent thinks more."""
        self.close_prompt()
        self.close_text()
        if not self.thought:
            self._thought_began = at
        if self._thought_size < MAX_TEXT:
            self.thought.append(text)
            self._thought_size += len(text)
        self._thought_last = at

    def note(self, text: str, style: str = "dim") -> None:
        """Show something that happened, after what was said so far."""
        self.close_text()
        self.close_thought(None)
        self.complete.append(Note(text, style))

    def close_text(self) -> None:
        """What is said from now on is another text."""
        self.complete += map(Said, self._text.end())

    def close_thought(self, at: int | None) -> None:
        """The thought is over, at its last piece if nobody knows better."""
        if self.thought:
            millis = (self._thought_last if at is None else at) - self._thought_began
            self.complete.append(Thought("".join(self.thought), millis))
            self.thought, self._thought_size = [], 0

    def close_prompt(self) -> None:
        """The prompt is complete."""
        if self.prompt:
            self.complete.append(Prompt("".join(self.prompt)))
            self.prompt = []

    def finish(self, tool: Tool) -> None:
        """A tool call is over, or shown as it is."""
        self.tools.pop(tool.id, None)
        self.shown[tool.id] = None
        if len(self.shown) > MAX_SHOWN:
            del self.shown[next(iter(self.shown))]
        self.close_text()
        self.complete.append(tool)

    def close(self) -> None:
        """Nothing more comes: what is open is shown as it is."""
        self.close_prompt()
        self.close_thought(None)
        self.close_text()
        for tool in list(self.tools.values()):
            self.finish(tool)
        if self.plan is not None:
            self.complete.append(self.plan)
            self.plan = None

    def end_turn(self, reason: str | None, error: str | None, at: int) -> None:
        """The turn is over, and so is all that was open in it."""
        self.close()
        began, self.turn_started = self.turn_started, None
        self.turns += 1
        self.complete.append(Ended(reason, error, 0 if began is None else max(0, at - began)))

    def option(self, category: str) -> Option | None:
        """The config option of this category, else of this id."""
        for option in self.options:
            if option.category == category:
                return option
        return next((option for option in self.options if option.id == category), None)


def choices(found: Any, name: str) -> tuple[Choice, ...]:
    """Choices as an agent lists them, named by this member; groups of them are made one list."""
    made: list[Choice] = []
    for each in found if isinstance(found, list) else ():
        if not isinstance(each, dict):
            continue
        if isinstance(each.get("options"), list):
            made += choices(each["options"], name)
        elif isinstance(each.get(name), str):
            title = one_line(clean(each.get("name")) or clean(each[name]))
            made.append(Choice(each[name], title, one_line(clean(each.get("description")))))
    return tuple(made[:MAX_COMMANDS])
