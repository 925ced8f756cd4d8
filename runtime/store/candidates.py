"""Which names may differ between two states of a VM's files: those that the layers tell which only one state has.

Runs on a worker thread, which shares the interpreter with the event loop: what is large is compared by SQLite, and no step
here goes through more than `PIECE` values at once.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.files import CHAIN, LayerFiles
from runtime.store.flattening import MAX_CHAIN
from runtime.store.sql import json_text, placeholders, rows
from wasi_fs.backend import ROOT_INO, FileType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import apsw

MAX_CANDIDATES: Final = 300_000
"""Names and files that may have changed, of which all are looked at: a few seconds on a thread of their own."""

PIECE: Final = 5000
"""Numbers that go into one statement: half a millisecond in which nobody else has the interpreter."""


class Direct:
    """A connection as `LayerFiles` wants its reader."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See `runtime.store.files.Queries`."""
        return rows(self._connection, sql, parameters)


class Candidates:
    """Inodes and names that may differ between the states of two layers. Raises `ApiError` LIMIT_EXCEEDED for too many."""

    def __init__(self, connection: apsw.Connection, before: int, after: int) -> None:
        self._connection = connection
        self.chains = [self._chain(before), self._chain(after)]
        """The layers of each side, nearest first."""
        self.sides = [LayerFiles(Direct(connection), layer) for layer in (before, after)]
        self.changed: set[int] = set()
        """Files and directories of both sides that may differ in themselves."""
        self.names: dict[int, set[str]] = {}
        """Names to look at, by directory: those that may differ, and those on the way to them."""
        self._on_the_way: set[int] = set()
        self._ways: tuple[set[int], set[int]] = (set(), set())
        """The same by side: a directory may have moved."""

    def find(self) -> bool:
        """Whether there can be any; `changed` and `names` are filled."""
        layers = sorted(set(self.chains[0]) ^ set(self.chains[1]))
        if not layers:
            return False
        among = placeholders(len(layers))
        self.changed.update(
            ino
            for (ino,) in self._bounded(f"SELECT DISTINCT ino FROM extent WHERE layer IN {among}", layers)  # noqa: S608
        )
        self.changed.update(self._with_other_attributes(layers))
        for directory, name in self._bounded(
            f"SELECT DISTINCT dir, name FROM dentry WHERE layer IN {among}",  # noqa: S608
            layers,
        ):
            self.names.setdefault(directory, set()).add(name)
        self._add_ways_to(self.names)
        self._add_names_of(self.changed)
        self._add_names_of(self._on_the_way)  # last: names of changed files have added to them
        return True

    def _with_other_attributes(self, layers: list[int]) -> Iterator[int]:
        """Those of which an attribute differs that makes a difference: most rows are there for a time of access alone."""
        written = f"SELECT ino FROM inode WHERE layer IN {placeholders(len(layers))}"  # noqa: S608
        self._bounded(f"SELECT DISTINCT ino FROM ({written})", layers)  # noqa: S608 - not too many to be compared
        state = (
            f"SELECT ino, type, mode, iif (type = {FileType.DIRECTORY:d}, 0, size), target FROM "  # noqa: S608
            "(SELECT ino, type, mode, size, target, max (layer) FROM inode WHERE layer IN {} "
            f"AND ino IN ({written}) GROUP BY ino)"
        )
        one, other = (state.format(placeholders(len(chain))) for chain in self.chains)
        sides = [*self.chains[0], *layers], [*self.chains[1], *layers]
        for sql, parameters in (
            (f"{one} EXCEPT {other}", (*sides[0], *sides[1])),
            (f"{other} EXCEPT {one}", (*sides[1], *sides[0])),
        ):
            for (ino,) in self._bounded(f"SELECT ino FROM ({sql})", parameters):  # noqa: S608
                yield ino

    def _add_names_of(self, inos: set[int]) -> None:
        """Look at all names that these have on either side, and find the ways to their directories."""
        both = sorted(set(self.chains[0]) | set(self.chains[1]))
        for directory, name in self._bounded(
            f"SELECT DISTINCT dir, name FROM dentry WHERE layer IN {placeholders(len(both))} "  # noqa: S608
            "AND ino IN (SELECT value FROM json_each(?))",
            [*both, _json_list(inos)],
        ):
            self._add_ways_to([directory])
            self.names.setdefault(directory, set()).add(name)

    def _add_ways_to(self, directories: Iterable[int]) -> None:
        for side, seen in zip(self.sides, self._ways, strict=True):
            for directory in directories:
                ino = directory
                while ino != ROOT_INO and ino not in seen:
                    seen.add(ino)
                    record = side.load_inode(ino)
                    if record is None or record.type is not FileType.DIRECTORY:
                        break
                    self._on_the_way.add(ino)
                    ino = record.parent

    def _bounded(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        found = rows(self._connection, f"{sql} LIMIT {MAX_CANDIDATES + 1}", parameters)
        if len(found) > MAX_CANDIDATES:
            raise ApiError(
                ErrorCode.LIMIT_EXCEEDED,
                f"more than {MAX_CANDIDATES} files were written between the two states",
                limit="changes",
            )
        return found

    def _chain(self, layer: int) -> list[int]:
        return [row[0] for row in rows(self._connection, f"{CHAIN} LIMIT {MAX_CHAIN}", (layer,))]


def _json_list(numbers: Iterable[int]) -> str:
    """The numbers as `json_each` takes them, encoded piece by piece."""
    left = iter(numbers)
    pieces = []
    while piece := list(islice(left, PIECE)):
        pieces.append(json_text(piece)[1:-1])
    return f"[{','.join(pieces)}]"
