"""A Markdown text that comes in pieces, cut into blocks: what is complete is shown once, and what is open again and again.

So a text is rendered in time linear in its length, however small its pieces are. A block is what stands between blank lines: a
paragraph, a heading, a table, a list with all that is indented below it. Code between fences is cut where it gets long, so that
it appears as it is written.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MAX_BLOCK: Final = 16 * 1024
"""Characters of one block: several screens. What is longer is shown in parts, since all of a block is rendered at once."""

MAX_CODE_LINES: Final = 32
"""Lines of code that are shown together: a screen. More of them would be held back for long."""

_FENCE: Final = re.compile(r"^( {0,3})(`{3,}|~{3,})\s*([^`]*)$")
_HEADING: Final = re.compile(r"^ {0,3}#{1,6}(\s|$)")
_ITEM: Final = re.compile(r"^ {0,3}([-*+]|\d{1,9}[.)])(\s|$)")


class Block(NamedTuple):
    """A part of a text that is complete."""

    text: str
    language: str | None = None
    """Of code, as the fence has it ("" for none); None for Markdown."""
    parted: bool = True
    """Whether a blank line goes before it: not before the rest of what was cut because of its size."""


class Blocks:
    """One text. `feed` and `end` return the blocks that have become complete."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._lines: list[str] = []
        self._size = 0
        self._tail: list[str] = []
        self._tail_size = 0
        self._fence: str | None = None
        self._language: str | None = None
        self._parted = True
        self._has_blank = False

    def feed(self, text: str) -> list[Block]:
        """Take more of the text."""
        found: list[Block] = []
        *lines, rest = text.split("\n")
        for line in lines:
            whole = "".join((*self._tail, line))
            self._tail, self._tail_size = [], 0
            self._take(whole, found)
        if rest:
            self._tail.append(rest)
            self._tail_size += len(rest)
            if self._size + self._tail_size > MAX_BLOCK:
                self._take("".join(self._tail), found)
                self._tail, self._tail_size = [], 0
                self._close(found, is_part=True)
        return found

    def end(self) -> list[Block]:
        """Close the text; the next piece begins another one."""
        found: list[Block] = []
        if self._tail:
            self._take("".join(self._tail), found)
        self._close(found)
        self._reset()
        return found

    @property
    def open(self) -> Block | None:
        """What has come of the block that is not complete."""
        lines = [*self._lines, "".join(self._tail)] if self._tail else self._lines
        return Block("\n".join(lines), self._language, self._parted) if lines else None

    def _take(self, line: str, found: list[Block]) -> None:
        if self._fence is not None:
            self._take_code(line, found)
        elif line.strip():
            self._take_text(line, found)
        elif self._is_list:
            self._has_blank = True  # what comes decides whether the list goes on
        else:
            self._close(found)

    def _take_text(self, line: str, found: list[Block]) -> None:
        if self._has_blank and not line.startswith((" ", "\t")):
            self._close(found)
        fence = _FENCE.match(line)
        is_heading = _HEADING.match(line) is not None
        is_inner = self._is_list and line.startswith((" ", "\t"))
        if (fence or is_heading) and not is_inner:
            self._close(found)
        if self._size > MAX_BLOCK or (self._size > MAX_BLOCK // 2 and _ITEM.match(line)):
            self._close(found, is_part=True)
        if fence is not None:
            self._fence = fence[2]
            if not is_inner:
                self._language = fence[3].split()[0] if fence[3].strip() else ""
                return
        if self._has_blank:
            self._add("")
            self._has_blank = False
        self._add(line)
        if is_heading:
            self._close(found)

    def _take_code(self, line: str, found: list[Block]) -> None:
        fence = _FENCE.match(line)
        assert self._fence is not None
        if fence is not None and fence[2].startswith(self._fence) and not fence[3].strip():
            self._fence = None
            if self._language is None:
                self._add(line)
            else:
                self._close(found)
                self._language = None
            return
        self._add(line)
        if self._language is None and self._size > MAX_BLOCK:  # code in a list that has no end
            self._language = ""
        if self._language is not None and (len(self._lines) >= MAX_CODE_LINES or self._size > MAX_BLOCK):
            self._close(found, is_part=True)

    @property
    def _is_list(self) -> bool:
        return bool(self._lines) and self._language is None and _ITEM.match(self._lines[0]) is not None

    def _add(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line) + 1

    def _close(self, found: list[Block], *, is_part: bool = False) -> None:
        if self._lines:
            found.append(Block("\n".join(self._lines), self._language, self._parted))
        self._parted = not is_part
        self._lines, self._size, self._has_blank = [], 0, False
