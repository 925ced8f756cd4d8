"""Something that the agent does, as the client shows it and the transcript keeps it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

Kind = Literal["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "switch_mode", "other"]
"""What clients show a call as."""


class ToolCall:
    """One call. Use it as a context: it runs inside, and has failed if an exception ends the block."""

    def __init__(self, update: Callable[[dict[str, Any]], None], about: dict[str, Any]) -> None:
        self.about = about
        """ACP's `toolCall`, as it was announced."""
        self._update = update
        self._content: list[dict[str, Any]] = []

    def show(self, text: str) -> None:
        """Add a piece of text to what the call shows."""
        self.add({"type": "content", "content": {"type": "text", "text": text}})

    def diff(self, path: str, old: str | None, new: str) -> None:
        """Add a change of a file; `old` is None for a new one."""
        self.add({"type": "diff", "path": path, "oldText": old, "newText": new})

    def add(self, content: dict[str, Any]) -> None:
        """Add content as ACP has it."""
        self._content.append(content)
        self.update(content=self._content)

    def update(self, **members: Any) -> None:
        """Tell any members of ACP's `tool_call_update`, such as `title`, `rawOutput` and `locations`."""
        self._update({"sessionUpdate": "tool_call_update", "toolCallId": self.about["toolCallId"], **members})

    def __enter__(self) -> Self:
        self._update({"sessionUpdate": "tool_call", **self.about, "status": "in_progress"})
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.show("cancelled" if isinstance(error, asyncio.CancelledError) else f"{type(error).__name__}: {error}")
        self.update(status="completed" if error is None else "failed")
