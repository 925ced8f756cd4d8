"""The pages of `session/list`: the sessions that were used last come first, and a cursor is where a page ends."""

from __future__ import annotations

import re
from typing import Any, Final

from runtime.cli.acp.errors import RefusedError
from runtime.jsonrpc import INVALID_PARAMS

PAGE: Final = 100
"""Sessions: what an editor's menu shows at once."""

_CURSOR: Final = re.compile(r"([0-9]{1,16})\.(.+)", re.DOTALL)


def page(rows: list[dict[str, Any]], cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """The rows after a cursor, at most `PAGE`, and the cursor of the next page, if there is one.

    A session that is used between two pages may be missed, since it is on the first one then. Raises RefusedError for what is
    no cursor of ours.
    """
    ordered = sorted(rows, key=_place)
    if cursor is not None:
        match = _CURSOR.fullmatch(cursor)
        if match is None:
            raise RefusedError(INVALID_PARAMS, "Invalid params: this cursor is from no page of session/list")
        before = (-int(match[1]), match[2])
        ordered = [row for row in ordered if _place(row) > before]
    found = ordered[:PAGE]
    more = len(ordered) > PAGE
    return found, f"{found[-1]['updatedAt']}.{found[-1]['sessionId']}" if more else None


def _place(row: dict[str, Any]) -> tuple[int, str]:
    return -row["updatedAt"], row["sessionId"]
