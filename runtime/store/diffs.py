"""The differences between two states of a VM's files, in time proportional to the writes in between.

Two states are two layers with a common past. Whatever is different between them was written in a layer that only one of them
has, so those layers name the candidates; the two trees are then walked side by side, and no further than to these. A directory
that only one of them has is gone through as a whole.

Guests can nest directories as deep as their quota allows: a path is made when it is reported, and counted before.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final, Literal

import attrs

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.candidates import Candidates
from runtime.store.sql import json_text, placeholders, rows
from wasi_fs.backend import ROOT_INO, FileType
from wasi_fs.errors import FsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

    from runtime.store.files import LayerFiles
    from wasi_fs.backend import InodeRecord

MAX_CHUNKS: Final = 1024
"""Chunks of one file that are compared byte by byte, which only zeros that are stored on one side need: 64 MiB."""

CHANGE_OVERHEAD_BYTES: Final = 250
"""What a change takes as JSON beside its path, about."""

SORTED: Final = 2000
"""Changes that are sorted in one go, in a millisecond in which the event loop has to wait."""

Change = Literal["added", "removed", "modified"]


@attrs.frozen
class Difference:
    """One path that is not the same in both states."""

    path: str
    change: Change
    before: InodeRecord | None
    after: InodeRecord | None


class _Place:
    """A name on the way down; the root's is empty."""

    __slots__ = ("above", "known", "name", "size")

    def __init__(self, above: _Place | None, name: str, size: int) -> None:
        self.above = above
        self.name = name
        self.known: str | None = None
        """The path, where it has been made."""
        self.size = size
        """Bytes of the whole path as JSON."""

    def below(self, name: str) -> _Place:
        return _Place(self, name, self.size + len(json_text(name)) - 1)

    def path(self) -> str:
        """The whole path, made from the nearest one above that is made already."""
        names: list[str] = []
        place: _Place | None = self
        while place is not None and place.known is None:
            names.append(place.name)
            place = place.above
        if place is not None:
            names.append((place.known or "").rstrip("/"))
        self.known = "/".join(reversed(names)) or "/"
        return self.known


def compare(
    connection: apsw.Connection, before: int, after: int, below: str, limit: int, max_bytes: int
) -> list[Difference]:
    """The differences from the layer `before` to the layer `after` at the path `below` and under it, by path.

    A path differs when its type, permission bits, content or link target does; times and inode numbers alone are no difference.
    `connection` is inside a read transaction. Raises `ApiError` LIMIT_EXCEEDED for more than `limit`, or when too much was
    written in between to look at, TOO_LARGE for more than `max_bytes` as JSON, STATE_CORRUPT.
    """
    try:
        comparison = _Comparison(Candidates(connection, before, after), connection, limit, max_bytes)
        return comparison.run([part for part in below.split("/") if part])
    except FsError as error:
        raise ApiError(ErrorCode.STATE_CORRUPT, f"files of the past cannot be read: {error}") from error


def current_layer(connection: apsw.Connection, vm: int) -> int:
    """The layer that a VM writes to. Raises `ApiError` VM_NOT_FOUND."""
    layers = rows(connection, "SELECT layer FROM vm WHERE id = ?", (vm,))
    if not layers:
        raise ApiError(ErrorCode.VM_NOT_FOUND, "the VM was destroyed")
    return int(layers[0][0])


class _Comparison:
    """One comparison: the two trees, walked side by side."""

    def __init__(self, candidates: Candidates, connection: apsw.Connection, limit: int, max_bytes: int) -> None:
        self._candidates = candidates
        self._connection = connection
        self._limit = limit
        self._max_bytes = self._left = max_bytes
        self._found: list[Difference] = []

    def run(self, below: list[str]) -> list[Difference]:
        if self._candidates.find():
            tops = [side.load_inode(ROOT_INO) for side in self._candidates.sides]
            self._walk(_Place(None, "", 1), tops, below)
        pieces = [self._found[start : start + SORTED] for start in range(0, len(self._found), SORTED)]
        for piece in pieces:
            piece.sort(key=_path)
        return list(heapq.merge(*pieces, key=_path))

    def _walk(self, top: _Place, tops: list[InodeRecord | None], below: list[str]) -> None:
        """Compare what is at a place, and all below it, as far as it is, or leads to, `below`."""
        if not below:
            self._report(top, *tops)
        way = [(top, tops, self._names_in(tops, below[:1]))]
        while way:
            place, directories, names = way[-1]
            name = next(names, None)
            if name is None:
                way.pop()
                continue
            inside = [
                self._child(side, directory, name)
                for side, directory in zip(self._candidates.sides, directories, strict=True)
            ]
            further = place.below(name)
            if len(way) >= len(below):
                self._report(further, *inside)
            way.append((further, inside, self._names_in(inside, below[len(way) : len(way) + 1])))

    def _names_in(self, nodes: list[InodeRecord | None], only: list[str]) -> Iterator[str]:
        """The names in which a directory of the one side may differ from one of the other, or `only` one of these."""
        directories = [None if each is None or each.type is not FileType.DIRECTORY else each.ino for each in nodes]
        if directories[0] == directories[1]:
            names = set() if directories[0] is None else self._candidates.names.get(directories[0], set())
        else:
            names = {
                name
                for side, ino in zip(self._candidates.sides, directories, strict=True)
                if ino is not None
                for name, _, _ in side.entries(ino)
            }
        return iter(names.intersection(only) if only else names)

    def _child(self, side: LayerFiles, directory: InodeRecord | None, name: str) -> InodeRecord | None:
        if directory is None or directory.type is not FileType.DIRECTORY:
            return None
        dentry = side.lookup(directory.ino, name)
        return None if dentry is None else side.load_inode(dentry.ino)

    def _report(self, place: _Place, before: InodeRecord | None, after: InodeRecord | None) -> None:
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
        self._left -= place.size + CHANGE_OVERHEAD_BYTES
        if len(self._found) >= self._limit:
            raise ApiError(
                ErrorCode.LIMIT_EXCEEDED,
                f"one answer holds {self._limit} changes; ask for those below one `path`",
                limit="changes",
                max=self._limit,
            )
        if self._left < 0:
            raise ApiError(
                ErrorCode.TOO_LARGE,
                f"one answer holds {self._max_bytes} bytes; ask for the changes below one `path`",
                limit=self._max_bytes,
            )
        self._found.append(Difference(place.path(), change, before, after))

    def _differ(self, before: InodeRecord, after: InodeRecord) -> bool:
        if (before.type, before.mode, before.target) != (after.type, after.mode, after.target):
            return True
        if before.type is not FileType.REGULAR:
            return False
        if before.ino == after.ino and before.ino not in self._candidates.changed:
            return False
        return before.size != after.size or self._contents_differ(before.ino, after.ino)

    def _contents_differ(self, before: int, after: int) -> bool:
        """Whether two files of one size hold different bytes; equal content is the same chunk, but for zeros at its end."""
        suspects = self._suspects(before, after) | self._suspects(after, before, turned=True)
        if len(suspects) > MAX_CHUNKS:
            return True
        sides = self._candidates.sides
        for position in sorted(suspects):
            one = sides[0].load_chunk(before, position) or b""
            other = sides[1].load_chunk(after, position) or b""
            if one.rstrip(b"\0") != other.rstrip(b"\0"):
                return True
        return False

    def _suspects(self, one: int, other: int, *, turned: bool = False) -> set[int]:
        """Where the file of one side has a chunk that the other's has not: at most one more than are looked at."""
        chains = self._candidates.chains[::-1] if turned else self._candidates.chains
        has, has_not = (
            "SELECT position, chunk FROM (SELECT position, chunk, max (layer) FROM extent "  # noqa: S608
            f"WHERE layer IN {placeholders(len(chain))} AND ino = ? GROUP BY position) WHERE chunk IS NOT NULL"
            for chain in chains
        )
        found = rows(
            self._connection,
            f"SELECT position FROM ({has} EXCEPT {has_not}) LIMIT {MAX_CHUNKS + 1}",  # noqa: S608
            [*chains[0], one, *chains[1], other],
        )
        return {position for (position,) in found}


def _path(difference: Difference) -> str:
    return difference.path
