"""Long pieces of text that were pasted: a placeholder stands for each in the prompt line."""

from __future__ import annotations

from typing import Final

LONG_LINES: Final = 12
"""Lines from which on a paste is shown as a placeholder: more would fill the prompt line."""

LONG: Final = 2000
"""The same in characters."""

MAX_PASTED: Final = 8 * 1024 * 1024
"""Characters of all that is pasted into one prompt: a message of the API's has 32 MiB."""


class Pasted:
    """The pastes of one prompt."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def put(self, text: str) -> str | None:
        """Return what is to be inserted for a paste; None for one that is too long."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        lines = text.count("\n") + 1
        if lines < LONG_LINES and len(text) < LONG:
            return text
        if len(text) + sum(map(len, self._texts.values())) > MAX_PASTED:
            return None
        name = f"[pasted {len(self._texts) + 1}: {lines} lines]"
        self._texts[name] = text
        return name

    def expanded(self, typed: str) -> str:
        """Return the prompt with the pastes in their places."""
        for name, text in self._texts.items():
            typed = typed.replace(name, text)
        return typed

    def clear(self) -> None:
        """The prompt was sent."""
        self._texts.clear()
