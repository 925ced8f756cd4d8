"""The code blocks of the documentation, and what they are meant to print.

A block of `text` right below a block that runs is what that one prints, with `...` for anything. A block that is not run
says so, and why, in its first line: `# Not run by the tests: REASON`. A block with a file's name as its title is that file.
"""

from __future__ import annotations

import re
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from runtime.api.methods import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"
NO_PAGES: Final = re.compile(r"/(\.|node_modules/)")  # what tools leave in the folders of the examples
OUTSIDE: Final = [ROOT / "README.md", ROOT / "agents" / "README.md", ROOT / "clients" / "typescript" / "README.md"]
PAGES: Final = [*OUTSIDE, *(page for page in sorted(DOCS.rglob("*.md")) if not NO_PAGES.search(str(page)))]

FENCE: Final = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
TITLE: Final = re.compile(r'title="([^"]*)"')
SNIPPET: Final = re.compile(r'^--8<-- "([^"]+)"$', re.MULTILINE)
NOT_RUN: Final = re.compile(r"(?:#|//) Not run by the tests: \S.+")

RUN: Final = frozenset({"bash", "python", "typescript", "json"})
SHOWN: Final = frozenset({"text", "toml", "yaml", "c", "go", "javascript", "rust"})


@attrs.frozen
class Block:
    """One block."""

    page: Path
    line: int
    language: str
    title: str
    text: str
    """With what its snippets stand for."""
    quoted: bool
    """Whether it is a snippet, of a file that other tests use."""
    prints: str | None
    """The block below it, where that says what it prints."""

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def runs(self) -> bool:
        return self.language in RUN and not self.is_file and not self.quoted and NOT_RUN.match(self.text) is None

    @property
    def is_file(self) -> bool:
        """Whether it is a file that other blocks of the page use."""
        return (
            re.fullmatch(r"[\w-]+\.\w+", self.title) is not None and not self.quoted and METHODS.get(self.title) is None
        )

    def matches(self, printed: str) -> bool:
        """Whether that is what it is meant to print; nothing is meant where nothing is said."""
        if self.prints is None:
            return True
        parts = (re.escape(part) for part in self.prints.strip().split("..."))
        return re.fullmatch(".*?".join(parts), printed.strip(), re.DOTALL) is not None


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order."""
    source = page.read_text("utf-8")
    found = list(FENCE.finditer(source))
    for match, following in pairwise([*found, None]):
        assert match is not None
        language, _, rest = match["info"].strip().partition(" ")
        title = TITLE.search(rest)
        below = following is not None and not source[match.end() : following.start()].strip()
        text = textwrap.dedent(match["text"])
        yield Block(
            page=page,
            line=source.count("\n", 0, match.start()) + 1,
            language=language,
            title=title[1] if title else "",
            text=SNIPPET.sub(lambda snippet: (ROOT / snippet[1]).read_text("utf-8").rstrip("\n"), text),
            quoted=SNIPPET.search(text) is not None,
            prints=following["text"]
            if following is not None and below and following["info"].strip() == "text"
            else None,
        )
