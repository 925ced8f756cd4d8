"""The backend of `wasi_fs`: rows against a model in memory, layers against one another, content against the disk."""

from __future__ import annotations

import random
from contextlib import closing
from typing import TYPE_CHECKING

import attrs
import pytest

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.schema import open_readable
from wasi_fs.backend import (
    CHUNK_SIZE,
    ROOT_INO,
    Backend,
    Changes,
    ChunkWrite,
    Dentry,
    DentryChange,
    FileType,
    InodeRecord,
    Usage,
)
from wasi_fs.errors import FsCode, FsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.store import LayerFiles, Store, VmRecord

NOTHING = Usage(0, 0)
NAMES = ("a", "b", "ç", "it's", 'quo"te')


def inode(ino: int, **attributes: object) -> InodeRecord:
    values: dict[str, object] = {
        "type": FileType.REGULAR,
        "mode": 0o644,
        "nlink": 1,
        "size": 3,
        "allocated": 3,
        "atime": -1,
        "mtime": 2**62,
        "ctime": 5,
        "parent": 0,
        "target": None,
        "read_only": False,
    }
    return InodeRecord(ino=ino, **{**values, **attributes})  # type: ignore[arg-type]


class Outcome:
    """What became of a change set."""

    def __init__(self) -> None:
        self.answers: list[str] = []

    def changes(
        self,
        *,
        removed: Iterable[int] = (),
        inodes: Iterable[InodeRecord] = (),
        dentries: Iterable[DentryChange] = (),
        truncated: Iterable[tuple[int, int]] = (),
        chunks: Iterable[ChunkWrite] = (),
        usage: Usage = NOTHING,
        next_ino: int = 2,
    ) -> Changes:
        return Changes(
            removed=list(removed),
            inodes=list(inodes),
            dentries=list(dentries),
            truncated=list(truncated),
            chunks=list(chunks),
            usage=usage,
            next_ino=next_ino,
            committed=lambda: self.answers.append("committed"),
            failed=lambda: self.answers.append("failed"),
            refused=lambda: self.answers.append("refused"),
        )


def chunk_sizes(backend: LayerFiles, ino: int, first: int) -> dict[int, int]:
    """All of them, two at a time."""
    found: dict[int, int] = {}
    at: int | None = first
    while at is not None:
        some, at = backend.chunk_sizes(ino, at, 2)
        assert not found.keys() & dict(some).keys()
        found.update(some)
    return found


@attrs.define
class Model:
    """A backend of dictionaries."""

    inodes: dict[int, InodeRecord] = attrs.Factory(dict)
    names: dict[tuple[int, str], Dentry] = attrs.Factory(dict)
    content: dict[tuple[int, int], bytes] = attrs.Factory(dict)
    last_usage: Usage = NOTHING
    last_ino: int = 2

    def copy(self) -> Model:
        return Model(dict(self.inodes), dict(self.names), dict(self.content), self.last_usage, self.last_ino)

    def apply(self, changes: Changes) -> None:
        for ino in changes.removed:
            self.inodes.pop(ino, None)
            self.content = {key: data for key, data in self.content.items() if key[0] != ino}
        for record in changes.inodes:
            self.inodes[record.ino] = record
        for change in changes.dentries:
            if change.dentry is None:
                self.names.pop((change.dir_ino, change.name), None)
            else:
                self.names[change.dir_ino, change.name] = change.dentry
        for ino, first in changes.truncated:
            self.content = {key: data for key, data in self.content.items() if key[0] != ino or key[1] < first}
        for chunk in changes.chunks:
            self.content[chunk.ino, chunk.index] = bytes(chunk.data)
        self.last_usage, self.last_ino = changes.usage, changes.next_ino

    def check(self, backend: Backend) -> None:
        for ino in range(self.last_ino):
            assert backend.load_inode(ino) == self.inodes.get(ino)
            if ino not in self.inodes:
                continue  # nobody asks for what a removed inode had
            entries = {(name, dentry.ino, dentry.type) for (dir_, name), dentry in self.names.items() if dir_ == ino}
            assert set(backend.entries(ino)) == entries
            for name in NAMES:
                assert backend.lookup(ino, name) == self.names.get((ino, name))
            sizes = {index: len(data) for (owner, index), data in self.content.items() if owner == ino}
            assert chunk_sizes(backend, ino, 0) == sizes
            assert chunk_sizes(backend, ino, 2) == {index: size for index, size in sizes.items() if index >= 2}
            for index in range(5):
                assert backend.load_chunk(ino, index) == self.content.get((ino, index))
        assert set(backend.orphans()) == {
            (ino, record.allocated) for ino, record in self.inodes.items() if record.nlink == 0
        }
        assert backend.usage() == self.last_usage
        assert backend.next_ino() == self.last_ino


def arbitrary_changes(random: random.Random, model: Model) -> Changes:
    alive = sorted(model.inodes)
    removed = random.sample(alive, min(len(alive), random.choice((0, 0, 1, 2))))
    fresh = range(model.last_ino, model.last_ino + random.randrange(4))
    left = sorted(set(alive) - set(removed)) + list(fresh)
    touched = sorted({*fresh, *random.sample(left, len(left) // 2)})
    inodes = [inode(ino, nlink=random.randrange(3), size=random.randrange(10**12)) for ino in touched]
    names = {(random.choice(left), random.choice(NAMES)) for _ in range(4)} if left else set()
    dentries = [
        DentryChange(dir_, name, Dentry(random.choice(left), FileType.SYMLINK) if random.random() < 0.6 else None)
        for dir_, name in sorted(names)
    ]
    truncated = [(ino, random.randrange(5)) for ino in random.sample(left, len(left) // 3)]
    places = sorted({(random.choice(left), random.randrange(5)) for _ in range(4)}) if left else []
    chunks = [ChunkWrite(ino, index, random.randbytes(2) * random.randrange(1, 500)) for ino, index in places]
    return Outcome().changes(
        removed=removed,
        inodes=inodes,
        dentries=dentries,
        truncated=truncated,
        chunks=chunks,
        usage=Usage(random.randrange(10**9), random.randrange(100)),
        next_ino=fresh.stop,
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("depth", [3, 32])
async def test_layers_show_what_a_model_has(
    store: Store, vm: VmRecord, seed: int, depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.store.snapshots.MAX_DEPTH", depth)
    # Changes, snapshots and forks at random: each VM and each snapshot must show just what its model has.
    chance = random.Random(seed)  # noqa: S311  # not a secret
    backend = store.files.backend(vm.layer)
    live: list[tuple[VmRecord, LayerFiles, Model]] = [(vm, backend, Model())]
    frozen: list[tuple[int, Model]] = []
    for step in range(40):
        record, files, model = chance.choice(live)
        action = chance.random()
        if action < 0.7:
            changes = arbitrary_changes(chance, model)
            store.files.commit_changes(record.row, changes)
            model.apply(changes)
        elif action < 0.85:
            store.snapshots.take(record.row, step, files=files)
            await store.writer.barrier()
            frozen.append((store.snapshots.list(record.row)[-1].layer, model.copy()))
        elif frozen:
            layer, past = chance.choice(frozen)
            fork, _ = await store.vms.get_or_create(f"fork{step}", {}, step, parent_layer=layer)
            live.append((fork, store.files.backend(fork.layer), past.copy()))
    for _ in range(len(live) // 3):
        record, _, _ = live.pop()
        await store.vms.delete(record.row)
        kept = {row[0] for row in stored(store, "SELECT layer FROM snapshot")}
        frozen = [(layer, past) for layer, past in frozen if layer in kept]
    await store.collect_garbage()
    assert stored(store, "SELECT id FROM chunk WHERE id NOT IN (SELECT chunk FROM extent WHERE chunk NOTNULL)") == []
    used = "SELECT layer FROM vm UNION SELECT layer FROM snapshot UNION SELECT parent FROM layer WHERE parent NOTNULL"
    assert stored(store, f"SELECT id FROM layer WHERE id NOT IN ({used})") == []  # noqa: S608
    for _, files, model in live:
        model.check(files)
    for layer, model in frozen:
        model.check(store.files.backend(layer))


async def test_a_new_tree_is_empty(store: Store, vm: VmRecord) -> None:
    backend = store.files.backend(vm.layer)
    assert backend.load_inode(ROOT_INO) is None
    assert backend.usage() == Usage(0, 0)
    assert backend.next_ino() == ROOT_INO + 1
    assert backend.orphans() == []


async def test_attributes_come_back_as_they_were(store: Store, vm: VmRecord) -> None:
    records = [
        inode(1, type=FileType.DIRECTORY, mode=0o7777, nlink=2, parent=1, read_only=True),
        inode(2, atime=-(2**63), mtime=2**63 - 1, size=2**50),
        inode(3, type=FileType.SYMLINK, target="../ü"),
    ]
    outcome = Outcome()
    store.files.commit_changes(vm.row, outcome.changes(inodes=records, next_ino=4))
    assert outcome.answers == []
    await store.writer.barrier()
    assert outcome.answers == ["committed"]
    backend = store.files.backend(vm.layer)
    assert [backend.load_inode(record.ino) for record in records] == records


def stored(store: Store, sql: str) -> list[tuple[object, ...]]:
    with closing(open_readable(store.path)) as connection:
        return list(connection.execute(sql).fetchall())


async def test_content_is_compressed_and_stored_once(store: Store, vm: VmRecord) -> None:
    other, _ = await store.vms.get_or_create("other", {}, 1)
    text = b"the same line again\n" * 3000
    noise = random.Random(1).randbytes(CHUNK_SIZE)  # noqa: S311
    chunks = [
        ChunkWrite(2, 0, text),
        ChunkWrite(2, 1, bytearray(text)),
        ChunkWrite(2, 2, noise),
        ChunkWrite(2, 3, b"x"),
    ]
    for record in (vm, other):
        store.files.commit_changes(record.row, Outcome().changes(inodes=[inode(2)], chunks=chunks, next_ino=3))
    await store.writer.barrier()
    rows = stored(store, "SELECT size, length(data) FROM chunk ORDER BY size")
    assert [size for size, _ in rows] == [1, len(text), CHUNK_SIZE]
    assert [length for _, length in rows][::2] == [1, CHUNK_SIZE]
    assert rows[1][1] < 200  # type: ignore[operator]
    backend = store.files.backend(other.layer)
    assert [backend.load_chunk(2, index) for index in range(5)] == [text, text, noise, b"x", None]


async def test_content_that_was_damaged_is_told(store: Store, vm: VmRecord) -> None:
    text = b"the same line again\n" * 3000
    store.files.commit_changes(vm.row, Outcome().changes(inodes=[inode(2)], chunks=[ChunkWrite(2, 0, text)]))
    await store.writer.barrier()
    backend = store.files.backend(vm.layer)
    ((data,),) = stored(store, "SELECT data FROM chunk")
    assert isinstance(data, bytes)
    for size, damaged in ((len(text), data[:-1]), (len(text), data[:-9] + b"?" + data[-8:]), (2**40, data), (5, b"")):
        await store.writer.commit(
            lambda connection, row=(size, damaged): connection.execute("UPDATE chunk SET size = ?, data = ?", row)
        )
        with pytest.raises(FsError) as caught:
            backend.load_chunk(2, 0)
        assert caught.value.code is FsCode.IO
        assert "torpor salvage" in str(caught.value)


async def test_a_failed_change_set_leaves_nothing(store: Store, vm: VmRecord) -> None:
    outcome = Outcome()
    errors: list[object] = []
    bad = outcome.changes(inodes=[inode(2), inode(3, nlink=None)], chunks=[ChunkWrite(2, 0, b"lost")], next_ino=4)
    store.files.commit_changes(vm.row, bad, errors.append)
    await store.writer.barrier()
    assert outcome.answers == ["refused"]
    assert isinstance(errors[0], Exception)
    backend = store.files.backend(vm.layer)
    assert backend.load_inode(2) is None
    assert stored(store, "SELECT * FROM chunk") == []
    assert backend.next_ino() == ROOT_INO + 1


async def test_a_destroyed_vm_takes_no_changes(store: Store, vm: VmRecord) -> None:
    await store.vms.delete(vm.row)
    outcome = Outcome()
    errors: list[object] = []
    store.files.commit_changes(vm.row, outcome.changes(inodes=[inode(2)]), errors.append)
    await store.writer.barrier()
    assert outcome.answers == ["failed"]
    assert isinstance(errors[0], ApiError)
    assert errors[0].code is ErrorCode.VM_NOT_FOUND
    await store.collect_garbage()
    with pytest.raises(ApiError) as caught:
        store.files.backend(vm.layer)
    assert caught.value.code is ErrorCode.NOT_FOUND


async def test_garbage_is_what_nobody_refers_to(store: Store, vm: VmRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.store.garbage.STEP_ROWS", 7)
    monkeypatch.setattr("runtime.store.garbage.STEP_CHUNKS", 5)
    other, _ = await store.vms.get_or_create("other", {}, 1)
    for record, first in ((vm, 0), (other, 20)):
        chunks = [ChunkWrite(2, index, b"%d" % (first + index)) for index in range(30)]
        store.files.commit_changes(record.row, Outcome().changes(inodes=[inode(2)], chunks=chunks, next_ino=3))
    await store.writer.barrier()
    assert stored(store, "SELECT count(*) FROM chunk") == [(50,)]
    collected = await store.collect_garbage()
    assert (collected.layers, collected.chunks) == (0, 0)
    # Overwritten, cut off, and removed; 25 is still the other's, whatever happens here.
    for changes in (
        Outcome().changes(chunks=[ChunkWrite(2, 0, b"new"), ChunkWrite(2, 1, b"1"), ChunkWrite(2, 25, b"new")]),
        Outcome().changes(truncated=[(2, 28)]),
    ):
        store.files.commit_changes(vm.row, changes)
    collected = await store.collect_garbage()
    assert (collected.layers, collected.chunks) == (0, 1)  # the rest is the other's
    store.files.commit_changes(vm.row, Outcome().changes(removed=[2]))
    store.files.commit_changes(vm.row, Outcome().changes(inodes=[inode(3)], chunks=[ChunkWrite(3, 0, b"5")]))
    assert (await store.collect_garbage()).chunks == 19
    assert stored(store, "SELECT * FROM loose_chunk") == []
    await store.vms.delete(vm.row)
    collected = await store.collect_garbage()
    assert (collected.layers, collected.chunks) == (1, 1)
    backend = store.files.backend(other.layer)
    assert [backend.load_chunk(2, index) for index in range(30)] == [b"%d" % (20 + index) for index in range(30)]


async def test_a_fork_outlives_its_origin(store: Store, vm: VmRecord) -> None:
    backend = store.files.backend(vm.layer)
    store.files.commit_changes(vm.row, Outcome().changes(inodes=[inode(2)], chunks=[ChunkWrite(2, 0, b"kept")]))
    store.snapshots.take(vm.row, 1, files=backend)
    await store.writer.barrier()
    (snapshot,) = store.snapshots.list(vm.row)
    fork, _ = await store.vms.get_or_create("fork", {}, 1, parent_layer=snapshot.layer)
    await store.vms.delete(vm.row)
    await store.collect_garbage()
    assert store.files.backend(fork.layer).load_chunk(2, 0) == b"kept"
    with pytest.raises(ApiError) as caught:
        await store.vms.get_or_create("bad", {}, 1, parent_layer=fork.layer)
    assert caught.value.code is ErrorCode.NOT_FOUND


async def test_empty_pages_are_given_back(store: Store, vm: VmRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.store.garbage.KEPT_PAGES", 8)
    chance = random.Random(2)  # noqa: S311
    chunks = [ChunkWrite(2, index, chance.randbytes(CHUNK_SIZE)) for index in range(20)]
    store.files.commit_changes(vm.row, Outcome().changes(inodes=[inode(2)], chunks=chunks))
    await store.vms.delete(vm.row)
    collected = await store.collect_garbage()
    assert collected.chunks == 20
    assert collected.pages > 300  # 20 chunks of 16 pages, but for the eight
    assert stored(store, "PRAGMA freelist_count") == [(8,)]


async def test_a_chain_of_layers_stays_short(store: Store, vm: VmRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.store.snapshots.MAX_DEPTH", 5)
    backend = store.files.backend(vm.layer)
    for size in range(20):
        store.files.commit_changes(vm.row, Outcome().changes(inodes=[inode(2, size=size)]))
        store.snapshots.take(vm.row, size, files=backend)
        await store.writer.barrier()
        assert len(backend._chain) <= 5
    pasts = [store.files.backend(snapshot.layer).load_inode(2) for snapshot in store.snapshots.list(vm.row)]
    assert pasts == [inode(2, size=size) for size in range(20)]


async def test_snapshots_in_a_sessions_history(store: Store, vm: VmRecord) -> None:
    session = await store.sessions.create(vm.row, "s", "pi", 1, options={}, env={})
    for seq in (3, 7):
        store.files.commit_changes(vm.row, Outcome().changes(inodes=[inode(2, size=seq)]))
        store.snapshots.take(vm.row, 10 + seq, session=session.row, seq=seq, label=f"after {seq}")
    store.snapshots.take(vm.row, 20, session=session.row, seq=9)  # nothing has changed
    await store.writer.barrier()
    listed = store.snapshots.list(vm.row)
    assert [(snapshot.seq, snapshot.label, snapshot.created_at) for snapshot in listed] == [
        (3, "after 3", 13),
        (7, "after 7", 17),
        (9, None, 20),
    ]
    assert listed[1].layer == listed[2].layer
    assert [store.snapshots.at(session.row, seq) for seq in (2, 3, 6, 7, 99)] == [
        None,
        listed[0],
        listed[0],
        listed[1],
        listed[2],
    ]
    past = store.files.backend(listed[0].layer).load_inode(2)
    assert past is not None
    assert past.size == 3
    store.snapshots.delete(listed[0].row)
    await store.sessions.delete(session.row)
    assert store.snapshots.list(vm.row) == []
