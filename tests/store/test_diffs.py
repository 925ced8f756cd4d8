"""Differences between layers that only programs inside a VM can make."""

from __future__ import annotations

import tracemalloc
from functools import partial
from typing import TYPE_CHECKING

import pytest

from runtime.api.errors import ApiError, ErrorCode
from runtime.store import diffs, open_store
from runtime.store.diffs import compare, current_layer
from runtime.vms.options import VmOptions
from runtime.vms.volume import Volume

if TYPE_CHECKING:
    from pathlib import Path


async def test_hard_links_differ_under_all_their_names(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db") as store:
        record, _ = await store.vms.get_or_create("vm", {}, 0)
        volume = Volume(store, record, VmOptions())
        fs = volume.filesystem
        fs.write_file("/a/one", b"first", parents=True)
        fs.mkdir("/b/c", parents=True)
        fs.link("/a/one", "/b/c/two")
        await volume.snapshot_as("s")
        before = store.snapshots.named(record.row, "s")
        assert before is not None

        async def differences(limit: int = 100) -> list[tuple[str, str]]:
            await volume.flush()
            after = await store.reader.run(partial(_layer, vm=record.row))
            found = await store.reader.run(lambda db: compare(db, before.layer, after, "/", limit, 1 << 20))
            return [(each.path, each.change) for each in found]

        assert await differences() == []
        fs.utimes("/a/one", 1, 1)
        fs.chmod("/", 0o700)
        assert await differences() == [("/", "modified")]
        fs.chmod("/", 0o755)
        fs.write_file("/b/c/two", b"again")
        assert await differences() == [("/a/one", "modified"), ("/b/c/two", "modified")]
        fs.unlink("/a/one")
        assert await differences() == [("/a/one", "removed"), ("/b/c/two", "modified")]
        with pytest.raises(ApiError) as caught:
            await differences(limit=1)
        assert (caught.value.code, caught.value.data["max"]) == (ErrorCode.LIMIT_EXCEEDED, 1)


async def test_zeros_are_zeros_whether_they_are_stored_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_store(tmp_path / "state.db") as store:
        record, _ = await store.vms.get_or_create("vm", {}, 0)
        volume = Volume(store, record, VmOptions())
        fs = volume.filesystem
        for name in ("same", "other"):
            fs.write_file(f"/{name}", b"x" + bytes(200_000))
        await volume.snapshot_as("s")
        for name in ("same", "other"):
            fs.truncate(f"/{name}", 1)
            fs.truncate(f"/{name}", 200_001)
        with fs.open("/other", write=True) as file:
            file.write(150_000, b"y")  # type: ignore[union-attr]
        await volume.flush()
        before = store.snapshots.named(record.row, "s")
        assert before is not None
        after = await store.reader.run(partial(_layer, vm=record.row))
        found = await store.reader.run(lambda db: compare(db, before.layer, after, "/", 100, 1 << 20))
        assert [each.path for each in found] == ["/other"]
        monkeypatch.setattr(diffs, "MAX_CHUNKS", 2)  # so many are compared at most; more are taken for different
        found = await store.reader.run(lambda db: compare(db, before.layer, after, "/", 100, 1 << 20))
        assert [each.path for each in found] == ["/other", "/same"]


@pytest.mark.slow
async def test_a_deep_tree_is_refused_before_its_paths_take_memory(tmp_path: Path) -> None:
    """The paths of directories in one another add up to the square of their number."""
    async with open_store(tmp_path / "state.db") as store:
        record, _ = await store.vms.get_or_create("vm", {}, 0)
        volume = Volume(store, record, VmOptions())
        fs = volume.filesystem
        fs.write_file("/other", b"")
        await volume.snapshot_as("s")
        before = store.snapshots.named(record.row, "s")
        assert before is not None
        at = fs.root
        for _ in range(2000):
            fs.mkdir("d", at=at)
            at = fs.resolve("d", at=at)  # type: ignore[assignment]
        await volume.flush()
        after = await store.reader.run(partial(_layer, vm=record.row))

        def refused(db: object) -> int:
            tracemalloc.start()
            with pytest.raises(ApiError) as caught:
                compare(db, before.layer, after, "/", 50_000, 1 << 18)  # type: ignore[arg-type]
            assert caught.value.code is ErrorCode.TOO_LARGE
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return peak

        assert await store.reader.run(refused) < 3 << 20  # all paths: 4 MB, and twice as much while they are sorted
        found = await store.reader.run(lambda db: compare(db, before.layer, after, "/other", 10, 1000))
        assert found == []
        await volume.snapshot_as("deep")
        deep = store.snapshots.named(record.row, "deep")
        assert deep is not None
        fs.write_file("leaf", b"", at=at)
        await volume.flush()
        after = await store.reader.run(partial(_layer, vm=record.row))
        found = await store.reader.run(lambda db: compare(db, deep.layer, after, "/", 10, 1 << 20))
        assert [each.path for each in found] == ["/d" * 2000 + "/leaf"]
        found = await store.reader.run(lambda db: compare(db, deep.layer, after, "/d" * 100, 10, 1 << 20))
        assert len(found) == 1


async def test_differences_are_sorted_over_all_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffs, "SORTED", 3)
    async with open_store(tmp_path / "state.db") as store:
        record, _ = await store.vms.get_or_create("vm", {}, 0)
        volume = Volume(store, record, VmOptions())
        await volume.snapshot_as("s")
        before = store.snapshots.named(record.row, "s")
        assert before is not None
        for name in ("b/x", "a-b", "a/c", 'a/"', "z"):
            volume.filesystem.write_file(f"/{name}", b"", parents=True)
        await volume.flush()
        after = await store.reader.run(partial(_layer, vm=record.row))
        found = await store.reader.run(lambda db: compare(db, before.layer, after, "/", 100, 1 << 20))
        paths = [each.path for each in found]
        assert paths == sorted(paths)
        assert {"/a", "/a-b", '/a/"', "/a/c", "/b", "/b/x", "/z"} <= set(paths)
        found = await store.reader.run(lambda db: compare(db, before.layer, after, "/a", 100, 1 << 20))
        assert [each.path for each in found] == ["/a", '/a/"', "/a/c"]


async def test_so_much_may_have_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.store.candidates.MAX_CANDIDATES", 5)
    async with open_store(tmp_path / "state.db") as store:
        record, _ = await store.vms.get_or_create("vm", {}, 0)
        volume = Volume(store, record, VmOptions())
        await volume.snapshot_as("s")
        before = store.snapshots.named(record.row, "s")
        assert before is not None
        for number in range(6):
            volume.filesystem.write_file(f"/{number}", b"x")
            await volume.flush()
            after = await store.reader.run(partial(_layer, vm=record.row))
            if number < 4:
                found = await store.reader.run(lambda db: compare(db, before.layer, after, "/", 100, 1 << 20))  # noqa: B023
                assert len(found) == number + 1
        with pytest.raises(ApiError, match="more than 5 files were written") as caught:
            await store.reader.run(lambda db: compare(db, before.layer, after, "/", 100, 1 << 20))
        assert (caught.value.code, caught.value.data["limit"]) == (ErrorCode.LIMIT_EXCEEDED, "changes")


def _layer(connection: object, *, vm: int) -> int:
    return current_layer(connection, vm)  # type: ignore[arg-type]
