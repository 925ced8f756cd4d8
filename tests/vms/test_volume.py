"""A VM's filesystem when the disk is full."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from runtime.api.errors import ApiError, ErrorCode
from runtime.store import open_store
from runtime.store.sql import rows
from runtime.vms.files import VmFiles
from runtime.vms.options import VmOptions
from runtime.vms.volume import Volume
from wasi_fs import FileType

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    import apsw
    from trio.testing import MockClock

    from runtime.store import Store
    from runtime.store.writer import Then
    from wasi_fs.backend import Changes


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


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(tmp_path / "state.db") as store:
        yield store


@pytest.fixture
async def volume(store: Store) -> Volume:
    record, _ = await store.vms.get_or_create("vm", {}, 0)
    volume = Volume(store, record, VmOptions())
    files = VmFiles(volume)
    await files.write_file("/dir/old", b"old content")
    await files.write_file("/dir/other", os.urandom(200_000))
    await files.symlink("old", "/dir/link")
    return volume


GROW = """
CREATE TEMP TRIGGER grow AFTER UPDATE ON main.layer
BEGIN INSERT INTO chunk (hash, size, data) VALUES (randomblob(32), 1, zeroblob(1000000)); END
"""


async def fill_disk(store: Store, *, full: bool) -> None:
    """Let the state file grow no more, or again. Every change of files has to make it grow."""

    def limit(connection: apsw.Connection) -> None:
        rows(connection, f"PRAGMA max_page_count = {1 if full else 1 << 30}")  # not below what there is
        if full:
            connection.execute(GROW)
        else:
            connection.execute("DROP TRIGGER grow")

    await store.writer.commit(limit)


def tree(volume: Volume) -> dict[str, Any]:
    """Everything in the tree, times included."""
    fs = volume.filesystem
    found: dict[str, Any] = {"usage": fs.usage}
    todo = ["/"]
    while todo:
        path = todo.pop()
        found[path] = fs.stat(path, follow=False)._replace(atime=0)
        kind = found[path].type
        if kind is FileType.DIRECTORY:
            todo += [f"{path.rstrip('/')}/{name}" for name in fs.readdir(path)]
        elif kind is not FileType.CHARACTER:
            found[path] = (found[path], fs.readlink(path) if kind is FileType.SYMLINK else fs.read_file(path))
    return found


BIG = os.urandom(300_000)
CHANGES: dict[str, Callable[[VmFiles], Awaitable[Any]]] = {
    "a new file": lambda files: files.write_file("/new/er/file", BIG),
    "over a file": lambda files: files.write_file("/dir/old", BIG),
    "through a link": lambda files: files.write_file("/dir/link", BIG),
    "a piece of a file": lambda files: files.write_file("/dir/other", BIG, offset=100_000),
    "the first piece of a file": lambda files: files.write_file("/new/er/file", BIG, offset=100_000),
    "a deletion": lambda files: files.delete_file("/dir/other"),
    "a deleted tree": lambda files: files.delete_file("/dir", recursive=True),
    "a directory": lambda files: files.mkdir("/a/b/c", recursive=True),
    "a move over a file": lambda files: files.move("/dir/old", "/dir/other"),
    "a move of a directory": lambda files: files.move("/dir", "/dir2"),
    "a symlink": lambda files: files.symlink("x" * 3000, "/link"),
    "a mode": lambda files: files.chmod("/dir/old", 0o600),
    "a shorter file": lambda files: files.truncate("/dir/other", 100_000),
    "a longer file": lambda files: files.truncate("/dir/other", 900_000),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_a_change_that_cannot_be_stored_has_not_happened(
    store: Store, volume: Volume, change: Callable[[VmFiles], Awaitable[Any]]
) -> None:
    files, before = VmFiles(volume), tree(volume)
    await fill_disk(store, full=True)
    with pytest.raises(ApiError) as caught:
        await change(files)
    assert caught.value.code is ErrorCode.IO_ERROR
    assert tree(volume) == before
    await fill_disk(store, full=False)
    await volume.flush()
    assert tree(volume) == before
    record = store.vms.get("vm")
    assert record is not None
    assert tree(Volume(store, record, VmOptions())) == before
    await change(files)
    assert tree(Volume(store, record, VmOptions())) == tree(volume) != before


async def test_each_of_several_files_has_its_own_outcome_on_a_full_disk(store: Store, volume: Volume) -> None:
    before = tree(volume)
    await fill_disk(store, full=True)
    done = await VmFiles(volume).write_files([(f"/new/{n}", os.urandom(700_000)) for n in range(4)])
    assert [error.code for _, error in done if error is not None] == [ErrorCode.IO_ERROR] * 4
    assert tree(volume) == before
    await fill_disk(store, full=False)
    done = await VmFiles(volume).write_files([("/new/a", b"a"), ("/dir/old/b", b"b"), ("/new/c", b"c")])
    assert [error and error.code for _, error in done] == [None, ErrorCode.NOT_A_DIRECTORY, None]


async def test_what_a_guest_writes_meanwhile_is_not_lost(
    store: Store, volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit_changes = store.files.commit_changes

    def with_a_guest(vm: int, changes: Changes, then: Then | None = None) -> None:
        commit_changes(vm, changes, then)
        monkeypatch.undo()
        volume.filesystem.write_file("/dir/guest", b"from the guest")

    await fill_disk(store, full=True)
    monkeypatch.setattr(store.files, "commit_changes", with_a_guest)
    with pytest.raises(ApiError):
        await VmFiles(volume).write_file("/dir/mine", BIG)
    await fill_disk(store, full=False)
    await volume.flush()
    assert volume.filesystem.read_file("/dir/guest") == b"from the guest"
    assert volume.filesystem.read_file("/dir/mine") == BIG, "it is stored with what the guest has written"


async def test_a_flush_lets_others_run_even_when_there_is_nothing_to_save(store: Store) -> None:
    record, _ = await store.vms.get_or_create("vm", {}, 0)
    volume = Volume(store, record, VmOptions())
    await volume.flush()
    assert volume.filesystem.clean
    with trio.testing.assert_checkpoints():  # guests wait for it in a loop, on the event loop's thread
        await volume.flush()
