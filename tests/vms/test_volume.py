"""A VM's filesystem when the disk is full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from runtime.errors import ApiError, ErrorCode
from runtime.store import open_store
from runtime.vms.options import VmOptions
from runtime.vms.volume import Volume

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from trio.testing import MockClock


async def test_a_full_disk_ends_no_vm_and_what_was_written_is_kept_later(
    tmp_path: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    del autojump_clock
    async with open_store(tmp_path / "state.db") as store:
        record, _ = await store.vms.get_or_create("vm", {}, 0)
        volume = Volume(store, record, VmOptions())
        volume.filesystem.write_file("/file", b"content")
        async with trio.open_nursery() as nursery:
            commit_changes = store.files.commit_changes
            refused = trio.Event()

            def full(vm: int, changes: object, then: object = None) -> None:
                refused.set()
                raise ApiError(ErrorCode.IO_ERROR, "the disk is full")

            store.files.commit_changes = full  # type: ignore[method-assign]  # a disk cannot be filled here
            nursery.start_soon(volume.flush_regularly)
            await refused.wait()
            while "not durable yet" not in caplog.text:
                await trio.lowlevel.checkpoint()
            store.files.commit_changes = commit_changes  # type: ignore[method-assign]
            await volume.flush()
            nursery.cancel_scope.cancel()
        assert Volume(store, record, VmOptions()).filesystem.read_file("/file") == b"content"
