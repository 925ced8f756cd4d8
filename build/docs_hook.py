"""
The part of the documentation that is written from the code, put into the pages while mkdocs builds them.

A page says `<!-- reference: NAME -->` or `<!-- reference: NAME ARGUMENT -->` where it wants it. Nothing generated is committed,
so that nothing generated is ever stale. A page can also link to a file of the repository that is no page: such links are
turned into ones to the repository's own site.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import reference_api
import reference_cli
import reference_events
import reference_limits

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).resolve().parent.parent
DOCS: Final = ROOT / "docs"
MARKER: Final = re.compile(r"^<!-- reference: (\S+)(?: (.+?))? -->$", re.MULTILINE)
LINK: Final = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")

GENERATORS: Final[dict[str, Callable[[str], str]]] = {
    "api": lambda _: reference_api.methods(),
    "api-types": lambda _: reference_api.types(),
    "api-errors": lambda _: reference_api.errors(),
    "api-notifications": lambda _: reference_api.notifications(),
    "cli-common": lambda _: reference_cli.common_options(),
    "cli": lambda _: reference_cli.commands(),
    "exit-codes": lambda _: reference_cli.exit_codes(),
    "events": lambda _: reference_events.table(),
    "limits": reference_limits.table,
}


def generated(name: str, argument: str) -> str:
    """The text that a marker stands for. Raises KeyError for a name that there is not."""
    return GENERATORS[name](argument)


def expand(markdown: str) -> str:
    """A page with what its markers stand for."""
    return MARKER.sub(lambda match: generated(match[1], match[2] or ""), markdown)


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Called by mkdocs for each page before it is rendered."""

    def leave(match: re.Match[str]) -> str:
        folder = (DOCS / page.file.src_uri).parent
        target = (folder / match[2]).resolve()
        inside = target.is_relative_to(DOCS) and files.get_file_from_path(target.relative_to(DOCS).as_posix())
        if inside or not target.exists():  # mkdocs complains of what is not there
            return match[0]
        kind = "tree" if target.is_dir() else "blob"
        return f"[{match[1]}]({config['repo_url']}/{kind}/main/{target.relative_to(ROOT).as_posix()}{match[3] or ''})"

    return LINK.sub(leave, expand(markdown))
