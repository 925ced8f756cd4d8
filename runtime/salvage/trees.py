"""One VM's files made whole again: a tree of what is left, in which nothing stands that an import would refuse.

What has lost its name is put into `/lost+found`, as fsck does. A file that lacks content keeps its size, with zeros in the
place of what is lost, and is named in the report.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from runtime.api.errors import ApiError
from runtime.store.chunks import HASH_BYTES, Unpacker
from runtime.store.flattening import DENTRY, EXTENT, INODE, FlatTree
from runtime.store.foreign import check_dentry, check_inode
from runtime.store.sql import rows
from wasi_fs.backend import CHUNK_SIZE, ROOT_INO, FileType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import apsw

    Say = Callable[[str], None]
    """Hears of one thing that is lost."""

LOST_FOUND: Final = "lost+found"

MAX_SHOWN: Final = 100
"""Names of a path in a report."""

_NAMES: Final = [name.strip() for name in INODE.split(",")]


class SoundChunks:
    """Which chunks are what their hash says."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.sizes: dict[int, int] = {}
        unpacker = Unpacker()
        for id_, hash_, size, data in connection.execute("SELECT id, hash, size, data FROM chunk"):
            try:
                if hashlib.blake2b(unpacker.unpack(size, data), digest_size=HASH_BYTES).digest() == hash_:
                    self.sizes[id_] = size
            except ApiError:
                continue


def rebuild(connection: apsw.Connection, layer: int, chunks: SoundChunks, say: Say) -> int:
    """Write what `layer` shows into a new layer, and return its id; `say` hears of each thing that is lost."""
    tree = FlatTree(connection, layer)
    inodes = {row[0]: dict(zip(_NAMES, row, strict=True)) for row in _sound(tree.inodes(), check_inode, say, "a file")}
    names = [row for row in _sound(tree.dentries(), check_dentry, say, "a name") if row[0] in inodes]
    extents = list(tree.extents())
    if not inodes:
        names = []
    root = inodes.setdefault(ROOT_INO, _directory(ROOT_INO))
    root["parent"] = ROOT_INO
    if root["type"] != FileType.DIRECTORY:
        inodes[ROOT_INO] = _directory(ROOT_INO)
    placed = _Placing(inodes)
    for directory, name, ino, type_ in names:
        if ino in inodes and inodes[ino]["type"] == type_:
            placed.names.setdefault(directory, {})[name] = ino
    for directory, name, ino, _ in names:
        if ino not in inodes:
            say(f"{placed.path(directory)}/{name}: the file of that name is lost")
    entries = placed.place(say)
    kept = _contents(inodes, extents, chunks, placed, say)
    return _store(connection, inodes, entries, kept)


class _Placing:
    """Gives each inode its place below the root."""

    def __init__(self, inodes: dict[int, dict[str, Any]]) -> None:
        self._inodes = inodes
        self.names: dict[int, dict[str, int]] = {}
        self._parents: dict[int, tuple[int, str]] = {}

    def place(self, say: Say) -> list[tuple[int, str, int, int]]:
        """The names that count, as rows of DENTRY."""
        entries: list[tuple[int, str, int, int]] = []
        reached = {ROOT_INO}
        self._below(ROOT_INO, reached, entries)
        if lost := self._inodes.keys() - reached:
            folder = max(self._inodes) + 1
            self._inodes[folder] = _directory(folder)
            name = LOST_FOUND
            while name in self.names.get(ROOT_INO, {}):
                name += "+"
            self._enter(ROOT_INO, name, folder, reached, entries)
            # First those that are not below another one that is lost, then what is left: rings.
            below = {ino for each in lost for ino in self.names.get(each, {}).values()}
            for ino in [*sorted(lost - below), *sorted(lost & below)]:
                if ino not in reached:
                    self._enter(folder, f"inode-{ino}", ino, reached, entries)
                    say(f"/{name}/inode-{ino}: its name is lost")
                    self._below(ino, reached, entries)
        return entries

    def _below(self, top: int, reached: set[int], entries: list[tuple[int, str, int, int]]) -> None:
        waiting = [top]
        while waiting:
            directory = waiting.pop()
            if self._inodes[directory]["type"] != FileType.DIRECTORY:
                continue
            for name, ino in sorted(self.names.get(directory, {}).items()):
                if ino in reached and (ino == ROOT_INO or self._inodes[ino]["type"] == FileType.DIRECTORY):
                    continue  # a directory has one name
                if ino not in reached:
                    waiting.append(ino)
                self._enter(directory, name, ino, reached, entries)

    def _enter(
        self, directory: int, name: str, ino: int, reached: set[int], entries: list[tuple[int, str, int, int]]
    ) -> None:
        reached.add(ino)
        self._parents.setdefault(ino, (directory, name))
        entries.append((directory, name, ino, self._inodes[ino]["type"]))
        if self._inodes[ino]["type"] == FileType.DIRECTORY:
            self._inodes[ino]["parent"] = directory

    def path(self, ino: int) -> str:
        """Where an inode is, as far as that is known."""
        parts: list[str] = []
        while ino in self._parents and len(parts) < MAX_SHOWN:
            ino, name = self._parents[ino]
            parts.insert(0, name)
        return "/" + "/".join(parts) if parts else f"(inode {ino})" if ino != ROOT_INO else ""


def _contents(
    inodes: dict[int, dict[str, Any]],
    extents: list[tuple[int, int, int]],
    chunks: SoundChunks,
    placed: _Placing,
    say: Say,
) -> list[tuple[int, int, int]]:
    kept, stored = [], dict.fromkeys(inodes, 0)
    for ino, position, chunk in extents:
        inode, size = inodes.get(ino), chunks.sizes.get(chunk)
        if inode is None or size is None or inode["type"] != FileType.REGULAR or position < 0:
            continue
        if position * CHUNK_SIZE + size <= inode["size"]:
            kept.append((ino, position, chunk))
            stored[ino] += size
    for ino, inode in inodes.items():
        if inode["type"] == FileType.REGULAR:
            if stored[ino] != inode["allocated"]:
                missing = inode["allocated"] - stored[ino]
                say(f"{placed.path(ino)}: {missing} of its {inode['size']} bytes are lost, and are zeros")
            inode["allocated"] = stored[ino]
    return kept


def _store(
    connection: apsw.Connection,
    inodes: dict[int, dict[str, Any]],
    entries: list[tuple[int, str, int, int]],
    extents: list[tuple[int, int, int]],
) -> int:
    links: dict[int, int] = {}
    held: dict[int, int] = {}
    folders: dict[int, int] = {}
    for directory, _, ino, type_ in entries:
        links[ino] = links.get(ino, 0) + 1
        held[directory] = held.get(directory, 0) + 1
        folders[directory] = folders.get(directory, 0) + (type_ == FileType.DIRECTORY)
    for ino, inode in inodes.items():
        if inode["type"] == FileType.DIRECTORY:
            inode |= {"nlink": 2 + folders.get(ino, 0), "size": held.get(ino, 0), "allocated": 0}
        else:
            inode["nlink"] = links[ino]
            if inode["type"] == FileType.SYMLINK:
                inode["allocated"] = inode["size"]
    total = sum(inode["allocated"] for inode in inodes.values())
    sql = "INSERT INTO layer (next_ino, bytes, entries) VALUES (?, ?, ?) RETURNING id"
    ((layer,),) = rows(connection, sql, (max(inodes) + 1, total, len(entries)))
    for table, columns, values in (
        ("inode", INODE, [tuple(inode[name] for name in _NAMES) for inode in inodes.values()]),
        ("dentry", DENTRY, entries),
        ("extent", EXTENT, extents),
    ):
        marks = ", ".join("?" * (columns.count(",") + 2))
        sql = f"INSERT INTO {table} (layer, {columns}) VALUES ({marks})"  # noqa: S608
        connection.executemany(sql, [(layer, *row) for row in values])
    return int(layer)


def _directory(ino: int) -> dict[str, Any]:
    row = (ino, int(FileType.DIRECTORY), 0o755, 2, 0, 0, 0, 0, 0, ROOT_INO, None, 0)
    return dict(zip(_NAMES, row, strict=True))


def _sound(
    found: Iterable[tuple[Any, ...]], check: Callable[[tuple[Any, ...]], None], say: Say, what: str
) -> list[tuple[Any, ...]]:
    kept = []
    for row in found:
        try:
            check(row)
        except (ApiError, UnicodeError):
            say(f"{what} is lost: what is stored of it makes no sense")
        else:
            kept.append(row)
    return kept
