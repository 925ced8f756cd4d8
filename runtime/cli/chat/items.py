"""What a conversation consists of, one record for each thing that is shown. All text in them is safe to be shown (`clean`).

Only the standard library is used: `run` and `log` show with these, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runtime.cli import output

if TYPE_CHECKING:
    from runtime.cli.chat.blocks import Block

MAX_TEXT: Final = 64 * 1024
"""Characters kept of a thought, or of what a tool has to show: more than anybody reads. The middle of more is left out."""

MAX_PARTS: Final = 100
"""Pieces of content of one tool call, and steps of a plan."""


def clean(value: Any, limit: int = MAX_TEXT) -> str:
    """Return a text of an agent's without what a terminal would obey, and at most so long; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    if len(value) > limit:
        value = f"{value[: limit // 2]}\n… {len(value) - limit} characters …\n{value[-(limit // 2) :]}"
    return output.printable(value)


class Prompt(NamedTuple):
    """What the user said."""

    text: str


class Said(NamedTuple):
    """A block of what the agent said."""

    block: Block


class Thought(NamedTuple):
    """What the agent thought, and for how long."""

    text: str
    millis: int


class Note(NamedTuple):
    """Something that happened beside the conversation."""

    text: str
    style: str = "dim"


class Plan(NamedTuple):
    """What the agent is about to do: steps with their status."""

    steps: tuple[tuple[str, str], ...]
    """(status, step); the status is `pending`, `in_progress` or `completed`."""


class Ended(NamedTuple):
    """A turn is over."""

    reason: str | None
    error: str | None
    millis: int


class Diff(NamedTuple):
    """A change of a file that a tool call has made or is about to make."""

    path: str
    old: str | None
    new: str


class Tool:
    """A tool call with all its updates."""

    def __init__(self, call_id: str) -> None:
        self.id = call_id
        self.title = ""
        self.kind = ""
        self.status = "pending"
        self.command = ""
        """The command line, of a call that runs one."""
        self.content: tuple[str | Diff, ...] = ()
        """Texts and changes, in the order in which the agent has them."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in ("completed", "failed")

    def merge(self, update: dict[str, Any]) -> None:
        """Take over what an update says."""
        if title := clean(update.get("title")):
            self.title = output.one_line(title)
        if kind := clean(update.get("kind")):
            self.kind = output.one_line(kind)
        if status := clean(update.get("status")):
            self.status = output.one_line(status)
        given = update.get("rawInput")
        if isinstance(given, dict) and isinstance(given.get("command"), str):
            self.command = clean(given["command"])
        content = update.get("content")
        if isinstance(content, list):
            self.content = tuple(part for each in content[:MAX_PARTS] if (part := _part(each)) is not None)


Item = Prompt | Said | Thought | Note | Plan | Ended | Tool


def content_text(content: Any) -> str:
    """What stands for a block of content: its text, or in brackets what else it is."""
    if not isinstance(content, dict):
        return ""
    kind = content.get("type")
    if kind == "text":
        return clean(content.get("text"))
    resource = content.get("resource")
    uri = content.get("uri") or (resource.get("uri") if isinstance(resource, dict) else None)
    return f"[{output.one_line(clean(uri) or clean(kind))}]"


def _part(content: Any) -> str | Diff | None:
    if not isinstance(content, dict):
        return None
    if content.get("type") == "diff":
        old = content.get("oldText")
        path = output.one_line(clean(content.get("path")))
        return Diff(path, clean(old) if isinstance(old, str) else None, clean(content.get("newText")))
    return content_text(content.get("content")) or None
