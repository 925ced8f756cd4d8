"""A backend in memory that refuses what the Protocol forbids, and a checker of the tree that it keeps."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tests.walking import walk
from wasi_fs import (
    CHUNK_SIZE,
    ROOT_INO,
    Changes,
    Dentry,
    FileSystem,
    FileType,
    FsCode,
    FsError,
    InodeRecord,
    Limits,
    OpenFile,
    Stat,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class MemoryBackend:
    def __init__(self) -> None:
        self.inodes: dict[int, InodeRecord] = {}
        self.dentries: dict[int, dict[str, Dentry]] = {}
        self.chunks: dict[int, dict[int, bytes]] = {}
        self.kept_usage = Usage(0, 0)
        self.kept_next_ino = ROOT_INO + 1
        self.queries: Counter[str] = Counter()

    def load_inode(self, ino: int) -> InodeRecord | None:
        self.queries["inode"] += 1
        return self.inodes.get(ino)

    def lookup(self, dir_ino: int, name: str) -> Dentry | None:
        self.queries["lookup"] += 1
        return self.dentries.get(dir_ino, {}).get(name)

    def entries(self, dir_ino: int) -> Iterator[tuple[str, int, FileType]]:
        self.queries["entries"] += 1
        for name, dentry in reversed(self.dentries.get(dir_ino, {}).items()):
            yield name, dentry.ino, dentry.type

    def entries_after(self, dir_ino: int, after: str, count: int) -> tuple[list[tuple[str, int, FileType]], str | None]:
        self.queries["page"] += 1
        entries = self.dentries.get(dir_ino, {}).items()
        later = sorted((name, dentry.ino, dentry.type) for name, dentry in entries if name > after)
        return later[:count], later[count - 1][0] if len(later) >= count else None

    def load_chunk(self, ino: int, index: int) -> bytes | None:
        self.queries["chunk"] += 1
        return self.chunks.get(ino, {}).get(index)

    def chunk_sizes(self, ino: int, first: int, count: int) -> tuple[list[tuple[int, int]], int | None]:
        self.queries["sizes"] += 1
        later = sorted((index, len(data)) for index, data in self.chunks.get(ino, {}).items() if index >= first)
        return later[:count], later[count - 1][0] + 1 if len(later) >= count else None

    def orphans(self) -> list[tuple[int, int]]:
        return [(record.ino, record.allocated) for record in self.inodes.values() if record.nlink == 0]

    def usage(self) -> Usage:
        return self.kept_usage

    def next_ino(self) -> int:
        return self.kept_next_ino

    def apply(self, changes: Changes) -> None:
        for ino in changes.removed:
            assert ino < changes.next_ino
            self.inodes.pop(ino, None)
            self.chunks.pop(ino, None)
            self.dentries.pop(ino, None)
        for record in changes.inodes:
            assert record.ino < changes.next_ino
            self.inodes[record.ino] = record
        seen = set()
        for change in changes.dentries:
            assert (change.dir_ino, change.name) not in seen
            seen.add((change.dir_ino, change.name))
            names = self.dentries.setdefault(change.dir_ino, {})
            if change.dentry is None:
                names.pop(change.name, None)
            else:
                names[change.name] = change.dentry
        for ino, first in changes.truncated:
            self.chunks[ino] = {i: data for i, data in self.chunks.get(ino, {}).items() if i < first}
        for write in changes.chunks:
            assert 1 <= len(write.data) <= CHUNK_SIZE
            self.chunks.setdefault(write.ino, {})[write.index] = bytes(write.data)
        assert changes.next_ino >= self.kept_next_ino
        self.kept_usage = changes.usage
        self.kept_next_ino = changes.next_ino

    def check(self) -> None:
        """What fsck would check; orphans may be there."""
        names: Counter[int] = Counter()
        subdirectories: Counter[int] = Counter()
        reached = set()
        todo = [ROOT_INO]
        while todo:
            directory = todo.pop()
            assert directory not in reached, "a directory has two names"
            reached.add(directory)
            entries = self.dentries.get(directory, {})
            assert self.inodes[directory].size == len(entries)
            for dentry in entries.values():
                record = self.inodes[dentry.ino]
                assert record.type == dentry.type
                names[record.ino] += 1
                if record.type is FileType.DIRECTORY:
                    assert record.parent == directory
                    subdirectories[directory] += 1
                    todo.append(record.ino)
                else:
                    reached.add(record.ino)
        for record in self.inodes.values():
            assert record.ino in reached or record.nlink == 0, f"{record} is lost"
            if record.ino in reached:
                is_directory = record.type is FileType.DIRECTORY
                assert record.nlink == (2 + subdirectories[record.ino] if is_directory else names[record.ino])
            chunks = self.chunks.get(record.ino, {})
            if record.type is FileType.SYMLINK:
                assert record.allocated == record.size == len((record.target or "").encode())
            else:
                assert record.allocated == sum(map(len, chunks.values()))
            for index, data in chunks.items():
                assert index * CHUNK_SIZE + len(data) <= record.size
        assert self.kept_usage == Usage(sum(r.allocated for r in self.inodes.values()), names.total())


@attrs.define
class World:
    """A filesystem with its backend and clock; `save` and `reload` as the store would."""

    backend: MemoryBackend = attrs.field(factory=MemoryBackend)
    limits: Limits = attrs.field(factory=Limits)
    ticks: Iterator[int] = attrs.field(factory=lambda: itertools.count(1_700_000_000_000_000_000))
    fs: FileSystem = attrs.field(init=False)
    under_way: Changes | None = None
    shown: bool = False

    def __attrs_post_init__(self) -> None:
        self.reload()

    def save(self, **options: bool) -> Changes | None:
        changes = self.fs.take_changes(**options)
        if changes is not None:
            self.backend.apply(changes)
            changes.committed()
            self.backend.check()
        return changes

    def reload(self) -> None:
        """Start anew from what the backend has, as after a crash."""
        self.fs = FileSystem(self.backend, self.limits, lambda: next(self.ticks))

    def open(self, path: str, **options: Any) -> OpenFile:
        file = self.fs.open(path, **options)
        assert isinstance(file, OpenFile)
        return file


def snapshot(fs: FileSystem) -> dict[str, tuple[Stat, object]]:
    """All that can be seen of a tree: attributes, contents, targets."""
    seen: dict[str, tuple[Stat, object]] = {}
    for path, stat in [(".", fs.stat("/")), *walk(fs, "/")]:
        content: object = None
        if stat.type is FileType.REGULAR:
            content = fs.read_file(path)
        elif stat.type is FileType.SYMLINK:
            content = fs.readlink(path)
        seen[path] = (stat, content)
    return seen


def settle_nothing(world: World) -> None:
    """All stays in memory."""


def settle_saved(world: World) -> None:
    """All is in the backend, the caches are empty, and open handles live on."""
    world.save()
    world.save()
    world.fs._contents.forget()


def settle_failed(world: World) -> None:
    """A commit was tried in vain."""
    changes = world.fs.take_changes()
    if changes is not None:
        changes.failed()


def settle_in_flight(world: World) -> None:
    """A commit is under way, and the backend shows it already or, each second time, not yet."""
    if world.under_way is not None:
        if world.shown:
            world.under_way.committed()
        else:
            world.under_way.failed()
    world.under_way = world.fs.take_changes()
    world.shown = not world.shown
    if world.under_way is not None and world.shown:
        world.backend.apply(world.under_way)


SETTLINGS = [settle_nothing, settle_saved, settle_failed, settle_in_flight]


def refused(code: FsCode, function: Callable[..., object], *arguments: Any, **options: Any) -> None:
    with pytest.raises(FsError) as caught:
        function(*arguments, **options)
    assert caught.value.code is code, caught.value


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(params=SETTLINGS, ids=lambda function: function.__name__.removeprefix("settle_"))
def settle(request: pytest.FixtureRequest, world: World) -> Callable[[], None]:
    """To be called between the steps of a test: what is seen must not depend on how far it has been saved."""
    return lambda: request.param(world)
