"""What a guest has to wait for: commits, room for changes, what is not in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from runtime.api.errors import ApiError, ErrorCode
from runtime.engine import Wait, WitError
from runtime.wasi import io
from runtime.wasi.filesystem import descriptor as descriptors
from runtime.wasi.filesystem import streams as file_streams
from runtime.wasi.filesystem import types
from runtime.wasi.streams import StreamFailed
from tests.wasi.filesystem.guest import FOLLOW, NONE, READ, WRITE, memory
from wasi_fs import FsCode, Mount
from wasi_fs.mounts import scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.wasi.filesystem.guest import Guest


async def test_sync_waits_for_a_commit_if_there_is_something_to_commit(guest: Guest) -> None:
    file = guest.open("f", "create", flags=WRITE)
    wait = guest.call("sync", file)
    assert isinstance(wait, Wait)
    await wait.function(*wait.arguments)
    assert guest.syncs == 1
    assert guest.call("sync-data", file) is None
    guest.call("write", file, b"x", 0)
    guest.failure = ApiError(ErrorCode.IO_ERROR, "disk full")
    wait = guest.call("sync-data", file)
    with pytest.raises(WitError) as caught:
        await wait.function(*wait.arguments)
    assert caught.value.value == "io"


SYNC = frozenset({"read", "write", "file-integrity-sync"})


@pytest.mark.parametrize(
    "more", [{"file-integrity-sync"}, {"data-integrity-sync"}, {"file-integrity-sync", "requested-write-sync"}]
)
async def test_a_synchronous_write_is_over_when_it_is_durable(
    guest: Guest, nursery: trio.Nursery, more: set[str]
) -> None:
    guest.start_soon = nursery.start_soon
    flags = {"read", "write", *more}
    file = guest.open("f", "create", flags=frozenset(flags))
    assert set(guest.call("get-flags", file)) == flags
    wait = guest.call("write", file, b"abc", 0)
    assert isinstance(wait, Wait)
    assert await wait.function(*wait.arguments) == 3
    assert (guest.syncs, guest.filesystem.clean) == (1, True)
    assert guest.call("write", file, b"", 0) == 0

    for number, name in enumerate(("write-via-stream", "append-via-stream"), 2):
        stream = guest.call(name, file, *([3] if name == "write-via-stream" else []))
        wait = io.blocking_write_and_flush(guest, stream, b"def")
        assert isinstance(wait, Wait)
        await wait.function(*wait.arguments)
        assert (guest.syncs, guest.filesystem.clean) == (number, True)
        stream.write(b"x")
        assert stream.check_write() == 0
        guest.failure = ApiError(ErrorCode.IO_ERROR, "disk full")
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(StreamFailed):
            stream.check_write()
        guest.failure = None
        stream.drop()
        guest.world.save()

    stream = guest.call("append-via-stream", file)
    stream.write(b"y")
    stream.drop()
    file.drop()
    await trio.testing.wait_all_tasks_blocked()  # what has nobody any more is saved all the same
    assert guest.filesystem.clean


async def test_synchronous_reads_wait_for_what_was_written_before(guest: Guest, nursery: trio.Nursery) -> None:
    guest.start_soon = nursery.start_soon
    plain = guest.open("f", "create", flags=WRITE)
    guest.call("write", plain, b"abc", 0)
    alone = guest.open("f", flags=frozenset({"read", "requested-write-sync"}))
    assert guest.call("read", alone, 3, 0) == (b"abc", True)
    assert set(guest.call("get-flags", alone)) == {"read", "requested-write-sync"}
    file = guest.open("f", flags=SYNC | {"requested-write-sync"})
    wait = guest.call("read", file, 3, 0)
    assert isinstance(wait, Wait)
    assert await wait.function(*wait.arguments) == (b"abc", True)
    assert (guest.syncs, guest.filesystem.clean) == (1, True)
    assert guest.call("read", file, 3, 0) == (b"abc", True)

    guest.call("write", plain, b"def", 0)
    stream = guest.call("read-via-stream", file, 0)
    wait = io.blocking_read(guest, stream, 10)
    assert isinstance(wait, Wait)
    assert await wait.function(*wait.arguments) == b"def"
    assert (guest.syncs, guest.filesystem.clean) == (2, True)
    guest.call("write", plain, b"ghi", 3)
    guest.failure = ApiError(ErrorCode.IO_ERROR, "disk full")
    assert stream.read(10) == b""
    assert not stream.is_ready()
    await trio.testing.wait_all_tasks_blocked()
    with pytest.raises(StreamFailed):
        stream.read(10)


async def test_writers_wait_while_too_much_is_unsaved(
    guest: Guest, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    guest.start_soon = nursery.start_soon
    monkeypatch.setattr(types, "DIRTY_LIMIT", 300_000)
    monkeypatch.setattr(file_streams, "DIRTY_LIMIT", 300_000)
    file = guest.open("f", "create", flags=WRITE)
    assert guest.call("write", file, b"x" * 300_000, 0) == 300_000
    linear, view = memory(b"y")
    wait = guest.call("write", file, view, 300_000)
    assert isinstance(wait, Wait)
    linear[:] = b"n"
    assert await wait.function(*wait.arguments) == 1
    assert guest.filesystem.read_file("/f", offset=300_000) == b"y"
    assert guest.syncs == 1

    stream = guest.call("append-via-stream", file)
    stream.write(b"z" * 300_000)
    linear, view = memory(b"end")
    wait = io.blocking_write_and_flush(guest, stream, view)
    assert isinstance(wait, Wait)
    linear[:] = b"new"
    await wait.function(*wait.arguments)
    assert guest.filesystem.read_file("/f", offset=600_001) == b"end"
    assert guest.syncs == 2
    assert guest.filesystem.stat("/f").size == 600_004

    stream.write(b"z" * 300_000)
    guest.failure = ApiError(ErrorCode.IO_ERROR, "disk full")
    assert stream.check_write() == 0
    await trio.testing.wait_all_tasks_blocked()
    assert stream.is_ready()
    with pytest.raises(StreamFailed) as caught:
        stream.check_write()
    assert caught.value.error.code is FsCode.IO


CHANGING: dict[str, Callable[[Guest, Any], Any]] = {
    "create": lambda guest, root: guest.call("open-at", root, FOLLOW, "d/new", frozenset({"create"}), WRITE),
    "create-directory-at": lambda guest, root: guest.call("create-directory-at", root, "d/new"),
    "remove-directory-at": lambda guest, root: guest.call("remove-directory-at", root, "empty"),
    "unlink-file-at": lambda guest, root: guest.call("unlink-file-at", root, "d/f"),
    "rename-at": lambda guest, root: guest.call("rename-at", root, "d/f", root, "d/new"),
    "link-at": lambda guest, root: guest.call("link-at", root, NONE, "d/f", root, "d/new"),
    "symlink-at": lambda guest, root: guest.call("symlink-at", root, "f", "d/new"),
    "set-size": lambda guest, _root: guest.call("set-size", guest.open("d/f", flags=WRITE), 1),
    "set-times": lambda guest, root: guest.call("set-times", root, ("now", None), ("now", None)),
    "set-times-at": lambda guest, root: guest.call("set-times-at", root, NONE, "d/f", ("now", None), ("now", None)),
}


@pytest.mark.parametrize("change", CHANGING.values(), ids=CHANGING)
async def test_who_changes_the_tree_waits_while_too_much_is_unsaved(
    guest: Guest, monkeypatch: pytest.MonkeyPatch, change: Callable[[Guest, Any], Any]
) -> None:
    """Else the next change set would be taken for ever, with nobody else running."""
    fs = guest.filesystem
    fs.write_file("/d/f", b"content", parents=True)
    fs.mkdir("/empty")
    guest.world.save()
    fs.mkdir("/unsaved")
    root = guest.root
    monkeypatch.setattr(descriptors, "DIRTY_LIMIT", fs.unsaved_bytes)
    wait = change(guest, root)
    assert isinstance(wait, Wait)
    assert guest.syncs == 0
    with trio.testing.assert_checkpoints():
        await wait.function(*wait.arguments)
    assert guest.syncs == 1
    assert fs.dirty_bytes > 0
    guest.call("stat-at", root, NONE, "d")  # who only looks never waits
    guest.failure = ApiError(ErrorCode.IO_ERROR, "full")
    fs.mkdir("/unsaved/again")
    monkeypatch.setattr(descriptors, "DIRTY_LIMIT", 1)
    wait = guest.call("create-directory-at", root, "more")
    with pytest.raises(WitError) as caught:
        await wait.function(*wait.arguments)
    assert caught.value.value == "io"


async def test_who_needs_what_is_not_in_memory_waits_for_it(guest: Guest) -> None:
    path = "d/" * 300
    for depth in (100, 200, 300):  # made in pieces, as whoever asks for so many does
        guest.filesystem.mkdir("/" + "d/" * depth, parents=True)
    guest.world.save()
    for call in (
        lambda root: guest.call("stat-at", root, FOLLOW, path),
        lambda root: guest.call("create-directory-at", root, f"{path}new"),
        lambda root: guest.call("open-at", root, FOLLOW, f"{path}new", NONE, READ),
    ):
        guest.world.reload()
        wait = call(guest.root)
        assert isinstance(wait, Wait)
        with trio.testing.assert_checkpoints():
            await wait.function(*wait.arguments)
        guest.world.save()
    assert guest.filesystem.readdir("/" + path) == ["new"]
    guest.world.reload()
    wait = guest.call("stat-at", guest.root, FOLLOW, f"{path}missing")
    with pytest.raises(WitError) as caught:
        await wait.function(*wait.arguments)
    assert caught.value.value == "no-entry"


async def test_a_large_directory_of_the_host_is_waited_for(guest: Guest, tmp_path: Path) -> None:
    count = 2 * scan.STEP + 5
    for number in range(count):
        (tmp_path / f"{number:05}").touch()
    host = str(tmp_path.resolve())  # noqa: ASYNC240 - a test
    assert guest.filesystem.set_mounts([Mount("/mnt", host)]) == []
    directory = guest.open("mnt", "directory")
    wait = guest.call("read-directory", directory)
    assert isinstance(wait, Wait)
    with trio.testing.assert_checkpoints():
        stream = await wait.function(*wait.arguments)
    names = []
    while (entry := guest.call("[method]directory-entry-stream.read-directory-entry", stream)) is not None:
        names.append(entry[1])
    assert names == [f"{number:05}" for number in range(count)]
    stream.drop()
    directory.drop()
