"""Which table a page is of, and its rows as they were stored.

First the trees are walked from their roots. What cannot be reached like that, because a page on the way is damaged, is found by
the pointer map, which every file of ours has (auto_vacuum): it names the page above each page. Where even the schema is lost
the roots are told by their order, which is that in which our tables are made.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

import apsw
import attrs

from runtime.salvage.fileformat import CHILD, KINDS, ROOT, TABLE_LEAF
from runtime.store.migrations import MIGRATIONS
from runtime.store.sql import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.salvage.pages import Pages, Row

SKIPPED: Final = ("loose_chunk", "loose_layer", "snapshot", "idempotency", "sqlite_sequence")
"""Of no use in exports."""

MAX_DEPTH: Final = 32
"""Pages above one another: more than any tree has."""

AMBIGUOUS: Final = ("extent", "loose_chunk", "loose_layer")
_TYPES: Final[dict[str, tuple[type, ...]]] = {"INTEGER": (int,), "TEXT": (str,), "BLOB": (bytes,)}


@attrs.frozen
class Table:
    """How the rows of a table are stored."""

    name: str
    columns: tuple[str, ...]
    key: int | None
    """The column that is the row's number, and not stored among its values."""
    types: tuple[tuple[type, ...], ...]
    """What each column's values may be."""
    defaults: tuple[Any, ...]
    """Of columns that rows from before them do not have."""

    def values(self, row: Row) -> tuple[Any, ...]:
        """The columns' values. Raises ValueError when there are too many."""
        if not 0 < len(row.values) <= len(self.columns):
            raise ValueError(self.name)
        found = [*row.values, *self.defaults[len(row.values) :]]
        if self.key is not None:
            found[self.key] = row.rowid
        return tuple(found)

    def fits(self, row: Row | None) -> bool:
        """Whether it can be one of the table's."""
        try:
            values = () if row is None else self.values(row)
        except ValueError:
            return False
        return bool(values) and all(isinstance(value, types) for value, types in zip(values, self.types, strict=True))


class Tables:
    """The pages of our tables."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self.unread: Counter[str] = Counter()
        """Rows of a table that were seen and could not be read."""
        self.lost_pages = 0
        """Pages of trees that hold nothing readable."""
        self.guessed = 0
        """Pages that nothing leads to any more, told by what is on them."""
        self._known, order = _ours()
        roots = self._roots(order)
        self._owner: dict[int, str] = {}
        for page, name in roots.items():
            self._walk(page, name)
        for page in range(2, pages.count + 1):
            if page not in self._owner and pages.kind(page) in KINDS:
                self._climb(page, roots)
        for page in range(2, pages.count + 1):
            # Last, so that what is known for certain comes first: the map is lost, or the way up leads into what is.
            if page not in self._owner and pages.kind(page) in KINDS and pages.above(page)[0] in (0, CHILD):
                self._guess(page)
        self.complete = set(self._known) <= set(roots.values())

    def rows(self) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        """Every row of every table that can be read."""
        for page, name in self._owner.items():
            table = self._known.get(name)
            if table is None or name in SKIPPED:
                continue
            for row in self._pages.rows(page):
                if row is not None and 0 < len(row.values) <= len(table.columns):
                    yield table, table.values(row)
                else:
                    self.unread[name] += 1

    def _walk(self, root: int, name: str) -> None:
        waiting = [root]
        while waiting:
            page = waiting.pop()
            if page not in self._owner:
                self._owner[page] = name
                self.lost_pages += self._pages.kind(page) not in KINDS
                waiting += self._pages.children(page)

    def _climb(self, page: int, roots: dict[int, str]) -> None:
        """Find the tree of a page by the pages above it."""
        way: list[int] = []
        at = page
        while at not in self._owner and at not in way and len(way) < MAX_DEPTH:
            kind, above = self._pages.above(at)
            way.append(at)
            if kind == ROOT and at in roots:
                break
            if kind != CHILD:
                return  # free, or of a value that lies over several pages
            at = above
        name = self._owner.get(at) or roots.get(at)
        if name is not None:
            self._owner |= dict.fromkeys(way, name)

    def _guess(self, page: int) -> None:
        """Tell a page by its rows. Those of `extent` look like those of its index, so that they are not told."""
        found = list(self._pages.rows(page))
        able = [
            name
            for name, table in self._known.items()
            if name not in AMBIGUOUS
            and found
            and (table.key is not None) == (self._pages.kind(page) == TABLE_LEAF)
            and all(table.fits(row) for row in found)
        ]
        if len(able) == 1:
            self._owner[page] = able[0]
            self.guessed += 1

    def _roots(self, order: list[str]) -> dict[int, str]:
        """Root page -> name."""
        found: dict[int, str] = {}
        waiting, seen = [1], set()
        while waiting:
            page = waiting.pop()
            if page not in seen:
                seen.add(page)
                waiting += self._pages.children(page)
                for row in self._pages.rows(page):
                    with contextlib.suppress(AttributeError, ValueError, TypeError):
                        _, name, _, root, _ = row.values  # type: ignore[union-attr]
                        if isinstance(root, int) and root > 1 and isinstance(name, str):
                            found[root] = name
        if set(self._known) <= set(found.values()):
            return found
        by_order = sorted(page for page in range(2, self._pages.count + 1) if self._pages.above(page)[0] == ROOT)
        return dict(zip(by_order, order, strict=False)) | found


def _ours() -> tuple[dict[str, Table], list[str]]:
    """Our tables by name, and the names of all that has a root, in the order of the roots."""
    with contextlib.closing(apsw.Connection(":memory:")) as blank:
        for step in MIGRATIONS:
            blank.execute(step)
        known = {}
        listed = "SELECT name, wr FROM pragma_table_list WHERE type = 'table' AND schema = 'main'"
        for name, without_rowid in rows(blank, listed):
            columns = rows(blank, 'SELECT name, pk, dflt_value, type, "notnull" FROM pragma_table_xinfo (?)', (name,))
            if name.startswith("sqlite_"):
                continue
            key = None if without_rowid else next((at for at, each in enumerate(columns) if each[1]), None)
            defaults = tuple(
                None if text is None else rows(blank, f"SELECT {text}")[0][0] for _, _, text, _, _ in columns
            )
            types = tuple(
                _TYPES[type_] if fixed or pk else (*_TYPES[type_], NoneType) for _, pk, _, type_, fixed in columns
            )
            known[name] = Table(name, tuple(each[0] for each in columns), key, types, defaults)
        order = rows(blank, "SELECT name FROM sqlite_schema WHERE rootpage > 1 ORDER BY rootpage")
        return known, [name for (name,) in order]
