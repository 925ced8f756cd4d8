"""The pages of `session/list`."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.cli.acp.errors import RefusedError
from runtime.cli.acp.pages import PAGE, page


def test_pages_have_all_once_the_last_used_first() -> None:
    rows = [{"sessionId": f"s{number % 7}.{number}", "updatedAt": number // 3} for number in range(2 * PAGE + 5)]
    seen: list[dict[str, Any]] = []
    cursor: str | None = None
    sizes = []
    while True:
        found, cursor = page(rows, cursor)
        sizes.append(len(found))
        seen += found
        if cursor is None:
            break
    assert sizes == [PAGE, PAGE, 5]
    assert sorted(seen, key=str) == sorted(rows, key=str)
    assert [row["updatedAt"] for row in seen] == sorted((row["updatedAt"] for row in rows), reverse=True)


def test_a_full_page_may_be_the_last_one() -> None:
    rows = [{"sessionId": str(number), "updatedAt": 5} for number in range(PAGE)]
    assert page(rows, None)[1] is None
    assert page([], None) == ([], None)
    assert page(rows, "4.x")[0] == []


@pytest.mark.parametrize("cursor", ["", "x", "5", ".x", "5.", "-1.x", "1" * 40 + ".x"])
def test_another_text_is_no_cursor(cursor: str) -> None:
    with pytest.raises(RefusedError):
        page([], cursor)
