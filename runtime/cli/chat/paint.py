"""Items as text for a terminal, with colours where it has them.

Every escape sequence in it is of ours: what an agent has written was made harmless when it came (`items.clean`). Markdown is
the task of `markdown`, which is loaded when something was said.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Final

from runtime.cli.chat.items import Said, Tool
from runtime.cli.chat.lines import is_folded, item_lines, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.cli.chat.blocks import Block
    from runtime.cli.chat.items import Item
    from runtime.cli.chat.lines import Line

CODES: Final = {
    "user": "1",
    "tool": "1",
    "head": "1",
    "dim": "2",
    "ok": "32",
    "bad": "31",
    "warn": "33",
    "mark": "36",
    "add": "32",
    "del": "31",
}
"""Style -> what ECMA-48's SGR calls it."""

UNCOLOURED: Final = ("1", "2")
"""What NO_COLOR leaves."""

MAX_FOLDED: Final = 50
"""Items that can still be shown as a whole: some MB at most."""


class Painter:
    """Makes terminal text of items: for a terminal that knows escape sequences or not, each item as a whole or shortened."""

    def __init__(self, *, escapes: bool = True, whole: bool = False) -> None:
        self._whole = whole
        self._escapes = escapes
        self.has_colours = not os.environ.get("NO_COLOR")
        self._before: Item | None = None
        self.folded: deque[Item] = deque(maxlen=MAX_FOLDED)
        """What was not shown as a whole, the last of it last."""

    def items(self, items: Iterable[Item], width: int) -> str:
        """Return items as they follow one another, each line with its end."""
        shown = ""
        for item in items:
            text = self.item(item, width, whole=self._whole)
            if text:
                shown += f"\n{text}" if self._is_parted(item) else text
                self._before = item
            if not self._whole and is_folded(item, width):
                self.folded.append(item)
        return shown

    def item(self, item: Item, width: int, *, whole: bool = False) -> str:
        """Return one item, each line with its end; "" for what is not shown."""
        if isinstance(item, Said) and self._escapes:
            return self.block(item.block, width)
        return "".join(self.line(line) + "\n" for line in item_lines(item, width, whole=whole))

    def line(self, line: Line) -> str:
        """Return a line without its end."""
        if not self._escapes:
            return plain(line)
        shown = ""
        for style, text in line:
            code = CODES.get(style, "")
            has_style = code and (self.has_colours or code in UNCOLOURED)
            shown += f"\033[{code}m{text}\033[0m" if has_style else text
        return shown

    def block(self, block: Block, width: int) -> str:
        """Return a block of Markdown or code, each line with its end."""
        from runtime.cli.chat.markdown import rendered

        return rendered(block, width, colours=self.has_colours)

    def _is_parted(self, item: Item) -> bool:
        """Whether a blank line goes before it."""
        if self._before is None:
            return False
        if isinstance(item, Said) and isinstance(self._before, Said):
            return item.block.parted
        return not (isinstance(item, Tool) and isinstance(self._before, Tool))
