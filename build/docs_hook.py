"""
The part of the documentation that is written from the code, put into the pages while mkdocs builds them.

A page says `<!-- reference: NAME -->` or `<!-- reference: NAME ARGUMENT -->` where it wants it. Nothing generated is committed,
so that nothing generated is ever stale.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import reference_api
import reference_cli
import reference_events
import reference_layers
import reference_lifecycle
import reference_limits

if TYPE_CHECKING:
    from collections.abc import Callable

MARKER: Final = re.compile(r"^<!-- reference: (\S+)(?: (.+?))? -->$", re.MULTILINE)

GENERATORS: Final[dict[str, Callable[[str], str]]] = {
    "api": lambda _: reference_api.methods(),
    "api-types": lambda _: reference_api.types(),
    "api-errors": lambda _: reference_api.errors(),
    "api-notifications": lambda _: reference_api.notifications(),
    "cli-common": lambda _: reference_cli.common_options(),
    "cli": lambda _: reference_cli.commands(),
    "exit-codes": lambda _: reference_cli.exit_codes(),
    "events": lambda _: reference_events.table(),
    "lifecycle": reference_lifecycle.table,
    "layers": lambda _: reference_layers.table(),
    "limits": reference_limits.table,
}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs for each page before it is rendered. Raises KeyError for a marker that names nothing."""
    return MARKER.sub(lambda match: GENERATORS[match[1]](match[2] or ""), markdown)
