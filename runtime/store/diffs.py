"""What differs between two states of a VM's files, in proportion to what was written in between.

Two states are two layers with a common past. Whatever is different between them was written in a layer that only one of them
has, so those layers name the candidates; the two trees are then walked side by side, and no further than to these. A directory
that only one of them has is gone through as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from runtime.errors import ApiError, ErrorCode
from runtime.store.files import CHAIN, LayerFiles
from runtime.store.flattening import MAX_CHAIN
from runtime.store.sql import json_text, placeholders, rows
from wasi_fs.backend import ROOT_INO, FileType
from wasi_fs.errors import FsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import apsw

    from wasi_fs.backend import InodeRecord

MAX_CANDIDATES: Final = 300_000
"""Names and files that may have changed, of which all are looked at: a few seconds on a thread of their own."""

MAX_CHUNKS: Final = 1024
"""Chunks of one file that are compared byte by byte, which only zeros that are stored on one side need: 64 MiB."""

Change = Literal["added", "removed", "modified"]


@attrs.frozen
class Difference:
    """One path that is not the same in both states."""

    path: str
    change: Change
    before: InodeRecord | None
    after: InodeRecord | None


def compare(connection: apsw.Connection, before: int, after: int, below: str, limit: int) -> list[Difference]:
    """The differences from the layer `before` to the layer `after` at the path `below` and under it, by path.

    A path differs when its type, permission bits, content or link target does; times and inode numbers alone are no difference.
    `connection` is inside a read transaction. Raises `ApiError` LIMIT_EXCEEDED for more than `limit`, or when too much was
    written in between to look at, STATE_CORRUPT.
    """
    try:
        return _Comparison(connection, before, after, limit).run([part for part in below.split("/") if part])
    except FsError as error:
        raise ApiError(ErrorCode.STATE_CORRUPT, f"files of the past cannot be read: {error}") from error


def current_layer(connection: apsw.Connection, vm: int) -> int:
    """The layer that a VM writes to. Raises `ApiError` VM_NOT_FOUND."""
    found = rows(connection, "SELECT layer FROM vm WHERE id = ?", (vm,))
    if not found:
        raise ApiError(ErrorCode.VM_NOT_FOUND, "the VM was destroyed")
    return int(found[0][0])


class _Direct:
    """A connection as `LayerFiles` wants its reader."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return rows(self._connection, sql, parameters)


class _Comparison:
    """One comparison."""

    def __init__(self, connection: apsw.Connection, before: int, after: int, limit: int) -> None:
        self._connection = connection
        self._chains = [self._chain(before), self._chain(after)]
        self._sides = [LayerFiles(_Direct(connection), layer) for layer in (before, after)]
        self._limit = limit
        self._found: list[Difference] = []
        self._changed: set[int] = set()
        """Files and directories of both sides that may differ in themselves."""
        self._names: dict[int, set[str]] = {}
        """Names to look at, by directory: those that may differ, and those on the way to them."""
        self._on_the_way: set[int] = set()
        self._ways: tuple[set[int], set[int]] = (set(), set())
        """The same by side: a directory may have moved."""

    def run(self, below: list[str]) -> list[Difference]:
        only_one_has = set(self._chains[0]) ^ set(self._chains[1])
        if only_one_has:
            self._find_candidates(sorted(only_one_has))
            self._compare_nodes("/", self._sides[0].load_inode(ROOT_INO), self._sides[1].load_inode(ROOT_INO), below)
        return sorted(self._found, key=lambda each: each.path)

    # Candidates

    def _find_candidates(self, layers: list[int]) -> None:
        among = placeholders(len(layers))
        written = {ino for (ino,) in self._bounded(f"SELECT DISTINCT ino FROM extent WHERE layer IN {among}", layers)}  # noqa: S608
        self._changed = written | self._with_other_attributes(layers)
        for directory, name in self._bounded(
            f"SELECT DISTINCT dir, name FROM dentry WHERE layer IN {among}",  # noqa: S608
            layers,
        ):
            self._names.setdefault(directory, set()).add(name)
        self._add_ways_to(self._names)
        self._add_names_of(self._changed)
        self._add_names_of(self._on_the_way)  # last: names of changed files have added to them

    def _with_other_attributes(self, layers: list[int]) -> set[int]:
        """Those of which an attribute differs that makes a difference: most rows are there for a time of access alone."""
        among = placeholders(len(layers))
        candidates = json_text(
            [ino for (ino,) in self._bounded(f"SELECT DISTINCT ino FROM inode WHERE layer IN {among}", layers)]  # noqa: S608
        )
        before, after = (
            set(
                rows(
                    self._connection,
                    f"SELECT ino, type, mode, iif(type = {FileType.DIRECTORY:d}, 0, size), target FROM "  # noqa: S608
                    "(SELECT ino, type, mode, size, target, max (layer) FROM inode "
                    f"WHERE layer IN {placeholders(len(chain))} AND ino IN (SELECT value FROM json_each(?)) GROUP BY ino)",
                    [*chain, candidates],
                )
            )
            for chain in self._chains
        )
        return {row[0] for row in before ^ after}

    def _add_names_of(self, inos: set[int]) -> None:
        """Look at all names that these have on either side, and find the ways to their directories."""
        both = sorted(set(self._chains[0]) | set(self._chains[1]))
        for directory, name in self._bounded(
            f"SELECT DISTINCT dir, name FROM dentry WHERE layer IN {placeholders(len(both))} "  # noqa: S608
            "AND ino IN (SELECT value FROM json_each(?))",
            [*both, json_text(list(inos))],
        ):
            self._add_ways_to([directory])
            self._names.setdefault(directory, set()).add(name)

    def _add_ways_to(self, directories: Iterable[int]) -> None:
        for side, seen in zip(self._sides, self._ways, strict=True):
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

    # The walk

    def _compare_nodes(
        self, path: str, before: InodeRecord | None, after: InodeRecord | None, below: list[str]
    ) -> None:
        """Compare what is at a path, and all below it, as far as it is, or leads to, `below`."""
        todo = [(path, before, after, below)]
        while todo:
            path, before, after, below = todo.pop()
            if not below:
                self._report(path, before, after)
            directories = [
                None if each is None or each.type is not FileType.DIRECTORY else each for each in (before, after)
            ]
            if directories == [None, None]:
                continue
            names = self._names_in([None if each is None else each.ino for each in directories])
            for name in names if not below else names & {below[0]}:
                inside = [
                    self._child(side, directory, name) for side, directory in zip(self._sides, directories, strict=True)
                ]
                todo.append((f"{path.rstrip('/')}/{name}", inside[0], inside[1], below[1:]))

    def _names_in(self, directories: list[int | None]) -> set[str]:
        """The names in which a directory of the one side may differ from one of the other."""
        if directories[0] == directories[1] and directories[0] is not None:
            return self._names.get(directories[0], set())
        return {
            name
            for side, ino in zip(self._sides, directories, strict=True)
            if ino is not None
            for name, _, _ in side.entries(ino)
        }

    def _child(self, side: LayerFiles, directory: InodeRecord | None, name: str) -> InodeRecord | None:
        dentry = None if directory is None else side.lookup(directory.ino, name)
        return None if dentry is None else side.load_inode(dentry.ino)

    def _report(self, path: str, before: InodeRecord | None, after: InodeRecord | None) -> None:
        if before is None and after is None:
            return
        change: Change
        if before is None:
            change = "added"
        elif after is None:
            change = "removed"
        elif self._differ(before, after):
            change = "modified"
        else:
            return
        if len(self._found) >= self._limit:
            raise ApiError(
                ErrorCode.LIMIT_EXCEEDED,
                f"one answer holds {self._limit} changes; ask for those below one `path`",
                limit="changes",
                max=self._limit,
            )
        self._found.append(Difference(path, change, before, after))

    def _differ(self, before: InodeRecord, after: InodeRecord) -> bool:
        if (before.type, before.mode, before.target) != (after.type, after.mode, after.target):
            return True
        if before.type is not FileType.REGULAR or (before.ino == after.ino and before.ino not in self._changed):
            return False
        return before.size != after.size or self._contents_differ(before.ino, after.ino)

    def _contents_differ(self, before: int, after: int) -> bool:
        """Whether two files of one size hold different bytes; equal content is the same chunk, but for zeros at its end."""
        extents = [self._extents(chain, ino) for chain, ino in zip(self._chains, (before, after), strict=True)]
        suspects = {position for position, _ in extents[0].items() ^ extents[1].items()}
        if len(suspects) > MAX_CHUNKS:
            return True
        for position in sorted(suspects):
            one = self._sides[0].load_chunk(before, position) or b""
            other = self._sides[1].load_chunk(after, position) or b""
            if one.rstrip(b"\0") != other.rstrip(b"\0"):
                return True
        return False

    def _extents(self, chain: list[int], ino: int) -> dict[int, int]:
        found = rows(
            self._connection,
            "SELECT position, chunk, max (layer) FROM extent "  # noqa: S608
            f"WHERE layer IN {placeholders(len(chain))} AND ino = ? GROUP BY position",
            [*chain, ino],
        )
        return {position: chunk for position, chunk, _ in found if chunk is not None}
