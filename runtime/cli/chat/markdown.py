"""Blocks of Markdown and code as text for a terminal, by rich, which takes a tenth of a second to be loaded."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Final

from markdown_it import MarkdownIt
from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.syntax import Syntax
from rich.theme import Theme

if TYPE_CHECKING:
    from runtime.cli.chat.blocks import Block

CODE_THEME: Final = "ansi_dark"
"""The terminal's own colours, which its user can read on its background."""

INDENT: Final = 2
"""Cells before code."""

_STYLES: Final = Theme(
    {
        "markdown.code": "cyan",
        "markdown.h1": "bold underline",
        "markdown.h2": "bold",
        "markdown.h3": "bold",
        "markdown.h4": "bold",
        "markdown.h5": "bold",
        "markdown.h6": "bold",
        "markdown.block_quote": "dim",
        "markdown.item.bullet": "cyan",
        "markdown.item.number": "cyan",
        "markdown.hr": "dim",
        "markdown.table.border": "dim",
        "markdown.table.header": "bold",
        "markdown.link_url": "cyan underline",
    }
)

_STYLE: Final = re.compile("\033\\[[0-9;]*m")

_PARSER: Final = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
"""HTML is text: rich would leave it out."""


def rendered(block: Block, width: int, *, colours: bool) -> str:
    """Return a block as lines with their ends and with escape sequences of style and colour, and no others."""
    file = io.StringIO()
    console = Console(
        file=file,
        force_terminal=True,
        width=width,
        no_color=not colours,
        legacy_windows=False,
        highlight=False,
        theme=_STYLES,
    )
    console.print(_code(block.text, block.language) if block.language is not None else _prose(block.text))
    lines = [line.rstrip(" ") for line in file.getvalue().split("\n")]
    shown = [number for number, line in enumerate(lines) if _STYLE.sub("", line).strip()]
    return "".join(f"{line}\n" for line in lines[shown[0] : shown[-1] + 1]) if shown else ""


def _code(text: str, language: str) -> Any:
    code = Syntax(text, language or "text", theme=CODE_THEME, word_wrap=True, background_color="default")
    return Padding(code, (0, 0, 0, INDENT))


def _prose(text: str) -> Any:
    made = Markdown("", code_theme=CODE_THEME, hyperlinks=False)
    made.parsed = _PARSER.parse(text)
    for token in made.parsed:
        if token.tag == "h1":
            token.tag = "h2"  # the first kind would be centred
    return made
