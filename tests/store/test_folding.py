"""Layers that nobody needs by themselves are folded into those above, and nobody sees a difference."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest

from runtime.store import garbage, open_store
from runtime.store.files import LayerFiles
from runtime.store.garbage import collect_garbage
from runtime.vms.files import VmFiles
from runtime.vms.options import VmOptions
from runtime.vms.volume import Volume
from tests.walking import walk
from wasi_fs import CHUNK_SIZE, FileSystem, FileType, Limits

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.store import Store

NAMES = ["a", "b", "c", "d/e", "d/f", "d/g/h"]


def seen(fs: FileSystem) -> dict[str, Any]:
    """Everything in a tree."""
    found: dict[str, Any] = {"usage": fs.usage}
    for path, stat in walk(fs, "/"):
        content = fs.read_file(path) if stat.type is FileType.REGULAR else None
        found[path] = (stat._replace(atime=0), content)
    return found


def frozen(store: Store, layer: int) -> dict[str, Any]:
    return seen(FileSystem(LayerFiles(store.reader, layer), Limits(), lambda: 0, bytes))


def count(store: Store, table: str) -> int:
    row = store.reader.one(f"SELECT count(*) FROM {table}")  # noqa: S608 - the tests' own words
    assert row is not None
    return int(row[0])


def reachable(store: Store) -> int:
    """Chunks that a tree of some VM or snapshot can show, or a layer that is needed hides; all others are garbage."""
    return len(store.reader.all("SELECT DISTINCT chunk FROM extent WHERE chunk IS NOT NULL"))


async def change(files: VmFiles, fate: random.Random) -> None:
    """Some change of the tree."""
    path = f"/{fate.choice(NAMES)}"
    kind = fate.choice(["write", "write", "write", "cut", "grow", "delete", "remove", "move", "sparse"])
    fs = files._fs
    if kind == "write" or not await files.exists(path):
        await files.write_file(path, os.urandom(fate.choice([10, CHUNK_SIZE, 3 * CHUNK_SIZE + 5])))
    elif kind == "cut":
        await files.truncate(path, fs.stat(path).size // 2)
    elif kind == "grow":
        await files.truncate(path, fs.stat(path).size + CHUNK_SIZE)
    elif kind == "sparse":
        await files.truncate(path, 5 * CHUNK_SIZE)
    elif kind == "delete":
        await files.delete_file(path)
    elif kind == "remove":
        await files.delete_file("/d" if await files.exists("/d") else path, recursive=True)
    else:
        await files.move(path, "/moved")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
async def test_nobody_sees_a_difference(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fate = random.Random(seed)  # noqa: S311 - a test's
    monkeypatch.setattr(garbage, "STEP_ROWS", 3)  # so that much happens between the steps of one fold
    async with open_store(tmp_path / "state.db") as store:
        record, _ = await store.vms.get_or_create("vm", {}, 0)
        volume = Volume(store, record, VmOptions())
        files = VmFiles(volume)
        kept: dict[int, dict[str, Any]] = {}
        for turn in range(30):
            for _ in range(fate.randrange(4)):
                await change(files, fate)
            store.snapshots.take(record.row, turn, files=volume.backend)
            await store.writer.barrier()
            kept[store.snapshots.list(record.row)[-1].row] = seen(volume.filesystem)
            for _ in range(fate.randrange(3)):
                if len(kept) > 3:
                    gone = fate.choice(list(kept))
                    del kept[gone]
                    store.snapshots.delete(gone)
            for _ in range(fate.randrange(12)):
                await store.writer.commit(garbage._prune)
                if fate.random() < 0.3:
                    await change(files, fate)
            if fate.random() < 0.3:
                await collect_garbage(store.writer)
            await store.writer.barrier()
            assert seen(Volume(store, _record(store), VmOptions()).filesystem) == seen(volume.filesystem)
            for snapshot in store.snapshots.list(record.row):
                assert frozen(store, snapshot.layer) == kept[snapshot.row]
        now = seen(volume.filesystem)
        for snapshot in kept:
            store.snapshots.delete(snapshot)
        await collect_garbage(store.writer)
        assert count(store, "layer") == 1, "one layer is enough for what nobody tells apart"
        assert count(store, "chunk") == reachable(store)
        assert seen(Volume(store, _record(store), VmOptions()).filesystem) == now
        shown = {ino for (ino,) in store.reader.all("SELECT ino FROM inode WHERE type <> 0")}
        assert {ino for (ino,) in store.reader.all("SELECT DISTINCT ino FROM extent")} <= shown, "content of nothing"


def _record(store: Store) -> Any:
    record = store.vms.get("vm")
    assert record is not None
    return record


async def test_a_large_layer_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "FOLDED_ROWS", 20)
    async with open_store(tmp_path / "state.db") as store:
        record, _ = await store.vms.get_or_create("vm", {}, 0)
        volume = Volume(store, record, VmOptions())
        await VmFiles(volume).write_files([(f"/{number}", b"x") for number in range(20)])
        for turn in range(3):
            await VmFiles(volume).write_file("/changed", str(turn).encode())
            store.snapshots.take(record.row, turn, files=volume.backend)
        await store.writer.barrier()
        for snapshot in store.snapshots.list(record.row):
            store.snapshots.delete(snapshot.row)
        await collect_garbage(store.writer)
        assert count(store, "layer") == 2
        assert volume.filesystem.read_file("/changed") == b"2"


@pytest.mark.parametrize("steps", range(9))
async def test_what_is_removed_halfway_is_not_kept(tmp_path: Path, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "STEP_ROWS", 2)
    async with open_store(tmp_path / "state.db") as store:
        record, _ = await store.vms.get_or_create("vm", {}, 0)
        volume = Volume(store, record, VmOptions())
        files = VmFiles(volume)
        await files.write_file("/d/file", os.urandom(6 * CHUNK_SIZE))
        await files.write_file("/d/other", b"other")
        store.snapshots.take(record.row, 0, files=volume.backend)
        await files.write_file("/kept", b"kept")
        (snapshot,) = store.snapshots.list(record.row)
        store.snapshots.delete(snapshot.row)
        for _ in range(steps):
            await store.writer.commit(garbage._prune)
        await files.delete_file("/d", recursive=True)
        await collect_garbage(store.writer)
        assert count(store, "layer") == 1
        assert (count(store, "extent"), count(store, "chunk")) == (1, 1)
        assert count(store, "dentry WHERE ino IS NOT NULL") == 1
        assert await files.readdir("/") == ["kept"]
