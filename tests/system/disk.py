"""What a disk may hold after a power cut, told from a recording of what a daemon did to its files.

The model is the strictest that POSIX allows: of a file only that is certain which was written before a sync of it that has
ended, of a directory the same, names and contents apart; of the rest any part may be there, in pieces of one sector.
"""

from __future__ import annotations

import enum
import random
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECTOR: Final = 512


class Rest(enum.Enum):
    """What becomes of that which was not synced."""

    LOST = enum.auto()
    KEPT = enum.auto()
    TORN = enum.auto()
    """Any part of it is there."""


@attrs.frozen
class Record:
    kind: str
    inode: int
    offset: int
    path: str
    data: bytes


def build(directory: Path) -> Path:
    """Compile the library that records; preload it with RECORD_ROOT and RECORD_LOG set."""
    library = directory / "recorder.so"
    source = __file__.replace("disk.py", "recorder.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl", "-lpthread"], check=True)
    return library


def acknowledge(log: Path, text: str) -> None:
    """Note in the recording that somebody has been told something."""
    data = text.encode()
    with log.open("ab", buffering=0) as file:
        file.write(b"A 0 0 %d \n%s" % (len(data), data))


def records(log: Path) -> Iterator[Record]:
    """What was recorded, in order."""
    with log.open("rb") as file:
        while head := file.readline():
            kind, inode, offset, length, path = head.rstrip(b"\n").split(b" ", 4)
            yield Record(kind.decode(), int(inode), int(offset), path.decode(), file.read(int(length)))


@attrs.define(eq=False)
class File:
    """Content, as it is on the disk and what was done to it since: (when, offset, bytes), or (when, size, None)."""

    content: bytearray = attrs.Factory(bytearray)
    pending: list[tuple[int, int, bytes | None]] = attrs.Factory(list)

    def after(self, rest: Rest, chance: random.Random) -> bytes:
        if rest is Rest.LOST:
            return bytes(self.content)
        content = bytearray(self.content)
        for _, offset, data in self.pending:
            for at, piece in [(offset, None)] if data is None else _sectors(offset, data):
                if rest is Rest.KEPT or chance.random() < 0.5:
                    _put(content, at, piece)
        return bytes(content)

    def sync(self, until: int) -> None:
        while self.pending and self.pending[0][0] < until:
            _, offset, data = self.pending.pop(0)
            _put(self.content, offset, data)


@attrs.define(eq=False)
class Directory:
    """Names, as they are on the disk and what was done to them since: (when, what each of some names stands for now)."""

    names: dict[str, File | Directory] = attrs.Factory(dict)
    pending: list[tuple[int, dict[str, File | Directory | None]]] = attrs.Factory(list)

    def now(self) -> dict[str, File | Directory]:
        return self.after(Rest.KEPT, random.Random())  # noqa: S311

    def after(self, rest: Rest, chance: random.Random) -> dict[str, File | Directory]:
        names = dict(self.names)
        for _, change in self.pending:
            if rest is Rest.KEPT or (rest is Rest.TORN and chance.random() < 0.5):
                _rename(names, change)
        return names

    def sync(self, until: int) -> None:
        while self.pending and self.pending[0][0] < until:
            _rename(self.names, self.pending.pop(0)[1])


class Disk:
    """What is below one directory; `apply` takes what was recorded, record by record."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._top = Directory()
        self._files: dict[int, File] = {}
        self._now = 0
        self._syncs: dict[int, int] = {}

    def apply(self, record: Record) -> None:
        """Take what was recorded."""
        self._now += 1
        _KINDS[record.kind](self, record)

    def _created(self, record: Record) -> None:
        self._nameless(record)
        self._change(record.path, self._files[record.inode])

    def _nameless(self, record: Record) -> None:
        self._files[record.inode] = File()

    def _made(self, record: Record) -> None:
        self._files.pop(record.inode, None)  # of a file that is gone
        self._change(record.path, Directory())

    def _written(self, record: Record) -> None:
        self._files[record.inode].pending.append((self._now, record.offset, record.data))

    def _truncated(self, record: Record) -> None:
        self._files[record.inode].pending.append((self._now, record.offset, None))

    def _linked(self, record: Record) -> None:
        self._change(record.data.decode(), self._files[record.inode])

    def _removed(self, record: Record) -> None:
        self._change(record.path, None)

    def _renamed(self, record: Record) -> None:
        moved, target = self._look(record.path), record.data.decode()
        assert moved is not None, record.path
        if record.path.rpartition("/")[0] == target.rpartition("/")[0]:  # in one directory it is one change
            self._change(record.path, None, (target, moved))
        else:
            self._change(target, moved)
            self._change(record.path, None)

    def _sync_begins(self, record: Record) -> None:
        self._syncs[record.offset] = self._now

    def _sync_ends(self, record: Record) -> None:
        node = self._files.get(record.inode) or self._look(record.path)
        assert node is not None, record.path
        node.sync(self._syncs.pop(record.offset))

    def cut(self, to: Path, rest: Rest, chance: random.Random) -> None:
        """Write what a disk may hold now into the directory `to`, which is made anew."""
        if to.exists():
            shutil.rmtree(to)
        _write(self._top, to, rest, chance)

    def _look(self, path: str) -> File | Directory | None:
        node: File | Directory | None = self._top
        for name in path.removeprefix(self._root).split("/"):
            if name and isinstance(node, Directory):
                node = node.now().get(name)
        return node

    def _change(self, path: str, node: File | Directory | None, *more: tuple[str, File | Directory]) -> None:
        directory, _, name = path.rpartition("/")
        parent = self._look(directory)
        assert isinstance(parent, Directory), path
        change = {name: node, **{other.rpartition("/")[2]: moved for other, moved in more}}
        parent.pending.append((self._now, change))


_KINDS: Final[dict[str, Callable[[Disk, Record], None]]] = {
    "C": Disk._created,
    "N": Disk._nameless,
    "M": Disk._made,
    "W": Disk._written,
    "T": Disk._truncated,
    "L": Disk._linked,
    "U": Disk._removed,
    "R": Disk._renamed,
    "B": Disk._sync_begins,
    "E": Disk._sync_ends,
}


def _sectors(offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    while start < len(data):
        end = min(len(data), start + SECTOR - (offset + start) % SECTOR)
        yield offset + start, data[start:end]
        start = end


def _put(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


def _rename(names: dict[str, File | Directory], change: dict[str, File | Directory | None]) -> None:
    for name, node in change.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def _write(directory: Directory, to: Path, rest: Rest, chance: random.Random) -> None:
    to.mkdir(mode=0o700)
    for name, node in directory.after(rest, chance).items():
        if isinstance(node, Directory):
            _write(node, to / name, rest, chance)
        else:
            (to / name).write_bytes(node.after(rest, chance))
            (to / name).chmod(0o600)
