"""Differences between layers that only programs inside a VM can make."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from runtime.errors import ApiError, ErrorCode
from runtime.store import open_store
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
        await volume.keep("s")
        before = store.snapshots.named(record.row, "s")
        assert before is not None

        async def differences(limit: int = 100) -> list[tuple[str, str]]:
            await volume.flush()
            after = await store.reader.run(partial(_layer, vm=record.row))
            found = await store.reader.run(lambda db: compare(db, before.layer, after, "/", limit))
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


async def test_zeros_are_zeros_whether_they_are_stored_or_not(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db") as store:
        record, _ = await store.vms.get_or_create("vm", {}, 0)
        volume = Volume(store, record, VmOptions())
        fs = volume.filesystem
        for name in ("same", "other"):
            fs.write_file(f"/{name}", b"x" + bytes(200_000))
        await volume.keep("s")
        for name in ("same", "other"):
            fs.truncate(f"/{name}", 1)
            fs.truncate(f"/{name}", 200_001)
        with fs.open("/other", write=True) as file:
            file.write(150_000, b"y")  # type: ignore[union-attr]
        await volume.flush()
        before = store.snapshots.named(record.row, "s")
        assert before is not None
        after = await store.reader.run(partial(_layer, vm=record.row))
        found = await store.reader.run(lambda db: compare(db, before.layer, after, "/", 100))
        assert [each.path for each in found] == ["/other"]


def _layer(connection: object, *, vm: int) -> int:
    return current_layer(connection, vm)  # type: ignore[arg-type]
