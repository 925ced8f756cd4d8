"""What is different between two texts, line by line, in bounded time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_COMPARED: Final = 500
"""Lines on each side that are compared one by one, where the texts begin and end alike: the time grows by their square."""

CONTEXT_LINES: Final = 3
"""Lines that are shown around a change."""


def diff(old: str | None, new: str) -> Iterator[tuple[str, str, int | None]]:
    """Yield (mark, line, its number): the marks are `+`, `-`, a blank, and `…` for what is left out.

    Numbers are those in the new text, but of lines that were removed.
    """
    before, after = (old or "").splitlines(), new.splitlines()
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    first = max(0, head - CONTEXT_LINES)
    for number in range(first, head):
        yield " ", after[number], number + 1
    yield from _middle(before[head : len(before) - tail], after[head : len(after) - tail], head)
    for number in range(len(after) - tail, min(len(after), len(after) - tail + CONTEXT_LINES)):
        yield " ", after[number], number + 1


def _middle(before: Sequence[str], after: Sequence[str], start: int) -> Iterator[tuple[str, str, int | None]]:
    if not before or not after or max(len(before), len(after)) > MAX_COMPARED:
        yield from (("-", line, start + number) for number, line in enumerate(before, 1))
        yield from (("+", line, start + number) for number, line in enumerate(after, 1))
        return
    from difflib import SequenceMatcher

    groups = SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(CONTEXT_LINES)
    for place, group in enumerate(groups):
        if place:
            yield "…", "", None
        for what, old_first, old_last, new_first, new_last in group:
            if what == "equal":
                yield from ((" ", after[number], start + number + 1) for number in range(new_first, new_last))
            else:
                yield from (("-", before[number], start + number + 1) for number in range(old_first, old_last))
                yield from (("+", after[number], start + number + 1) for number in range(new_first, new_last))
