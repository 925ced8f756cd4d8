"""What is large takes long, and nobody waits for it: counted in checkpoints."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from runtime.api.errors import ApiError, ErrorCode
from runtime.store import open_store
from runtime.vms import exclusion, listings
from runtime.vms.batches import BREATHER_BYTES, FILE_OVERHEAD_BYTES
from runtime.vms.commands import Commands
from runtime.vms.exclusion import PREPARED, Exclusion
from runtime.vms.files import MAX_READ_BYTES, MAX_SCAN_BYTES, VmFiles
from runtime.vms.large import ATTEMPTS, PIECE, read_large
from runtime.vms.options import VmOptions
from runtime.vms.removal import AT_ONCE
from runtime.vms.results import MAX_ANSWER_BYTES, Budget
from runtime.vms.volume import Volume
from wasi_fs import CHUNK_SIZE, FileSystem, OpenFile, memory
from wasi_fs.memory import MAX_LOADS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path


MIB = 1024 * 1024


class Steps(trio.abc.Instrument):
    """How often the task has let others run."""

    def __init__(self) -> None:
        self.count = 0
        self.task = trio.lowlevel.current_task()

    def before_task_step(self, task: Any) -> None:
        self.count += task is self.task


@contextmanager
def steps() -> Iterator[Steps]:
    counted = Steps()
    trio.lowlevel.add_instrument(counted)
    yield counted
    trio.lowlevel.remove_instrument(counted)


@pytest.fixture
async def volume(tmp_path: Path) -> AsyncIterator[Volume]:
    async with open_store(tmp_path / "state.db") as store:
        record, _ = await store.vms.get_or_create("vm", {}, 0)
        volume = Volume(store, record, VmOptions())
        volume.prepare()
        await volume.flush()
        yield volume


async def test_a_large_file_is_read_piece_by_piece(volume: Volume) -> None:
    files, content = VmFiles(volume), os.urandom(5 * PIECE + 3)
    await files.write_file("/large", content)
    with steps() as counted:
        assert await files.read_file("/large") == content
    assert counted.count > 5
    assert await files.read_file("/large", PIECE - 1, 2 * PIECE + 2) == content[PIECE - 1 : 3 * PIECE + 1]
    ((_, found),) = await files.read_files(["/large"])
    assert found == content


async def test_a_large_file_is_written_piece_by_piece(volume: Volume) -> None:
    files, content = VmFiles(volume), os.urandom(5 * PIECE + 3)
    with steps() as counted:
        await files.write_file("/large", content)
    assert counted.count > 5
    assert await files.read_file("/large") == content
    expected = bytearray(content)
    for offset in (0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, 4 * PIECE + 17):
        more = os.urandom(2 * PIECE + 5)
        await files.write_file("/large", more, offset=offset)
        expected[offset : offset + len(more)] = more
        assert await files.read_file("/large") == expected
        volume.filesystem.write_file("/large", b"later", offset=offset)
        expected[offset : offset + 5] = b"later"
        assert await files.read_file("/large") == expected
    await files.write_file("/sparse", b"x", offset=10 * PIECE)
    before = volume.filesystem.usage.bytes
    await files.write_file("/sparse", content, offset=CHUNK_SIZE // 2)
    assert volume.filesystem.usage.bytes - before == len(content) + CHUNK_SIZE // 2
    assert (await files.read_file("/sparse"))[CHUNK_SIZE // 2 :][: len(content)] == content
    ((_, error),) = await files.write_files([("/again", content)])
    assert error is None
    assert await files.read_file("/again") == content


async def test_many_files_are_written_and_read_beside_everything_else(volume: Volume) -> None:
    """However much there is to be made, or to be got, to find them."""
    files = VmFiles(volume)
    for directory in ("/same", "/{}" + "/d" * 100):
        paths = [f"{directory.format(number)}/{number}" for number in range(50)]
        with steps() as counted:
            done = await files.write_files([(path, b"x") for path in paths])
        assert [error for _, error in done] == [None] * 50
        work = sum(path.count("/") - 1 for path in paths) if "d" in directory else 0
        assert counted.count >= work // (2 * MAX_LOADS)
    again = Volume(volume._store, (await volume._store.vms.get_or_create("vm", {}, 0))[0], VmOptions())
    with steps() as counted:
        found = await VmFiles(again).read_files(paths)
    assert [content for _, content in found] == [b"x"] * 50
    assert counted.count >= again.filesystem.loads // (2 * MAX_LOADS)
    assert again.filesystem.loads > 5000


async def test_files_that_cannot_be_written_are_refused_beside_everything_else(volume: Volume) -> None:
    files = VmFiles(volume)
    await files.write_file("/file", b"x")
    with steps() as counted:
        done = await files.write_files([(f"/file/{number}", b"x") for number in range(1000)])
    assert all(error is not None and error.code is ErrorCode.NOT_A_DIRECTORY for _, error in done)
    assert counted.count >= 1000 * FILE_OVERHEAD_BYTES // BREATHER_BYTES


async def test_memory_is_trimmed_beside_everything_else(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts among what is done for the files of a call."""
    monkeypatch.setattr(memory, "CACHED_INODES", 50)
    monkeypatch.setattr(listings, "LOADS_AT_ONCE", 100)
    paths = [f"/d/{number:03}" for number in range(500)]
    calls: list[Callable[[VmFiles], Awaitable[object]]] = [
        lambda files: files.write_files([(path, b"x") for path in paths]),
        lambda files: files.read_files(paths),
        lambda files: files.readdir_recursive("/d"),
    ]
    for call in calls:
        again = Volume(volume._store, (await volume._store.vms.get_or_create("vm", {}, 0))[0], VmOptions())
        before = again.filesystem.loads
        with steps() as counted:
            await call(VmFiles(again))
        loads = again.filesystem.loads - before
        assert loads > 1500
        assert counted.count >= loads // (2 * 100)


@pytest.mark.parametrize("writes", [1, ATTEMPTS + 1])
async def test_a_large_file_is_one_of_one_moment_unless_it_never_rests(
    volume: Volume, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fs = volume.filesystem
    fs.write_file("/large", b"0" * (3 * PIECE))
    read, left = OpenFile.read, [writes]

    def disturbed(self: OpenFile, offset: int, count: int) -> Any:
        data = read(self, offset, count)
        if offset == PIECE and left[0]:
            left[0] -= 1
            fs.write_file("/large", str(left[0]).encode() * (3 * PIECE), offset=0)
        return data

    monkeypatch.setattr(OpenFile, "read", disturbed)
    data = await read_large(fs, "/large", 0, 3 * PIECE)
    assert len(data) == 3 * PIECE
    assert (len(set(data)) == 1) == (writes == 1)
    assert left == [max(0, writes - ATTEMPTS)]


async def test_lines_of_a_file_that_is_too_large_for_one_answer(volume: Volume) -> None:
    files, lines = VmFiles(volume), 20 * MIB // 1024
    content = b"".join(b"%1023d\n" % number for number in range(lines))
    assert len(content) > MAX_READ_BYTES
    for offset in range(0, len(content), 8 * MIB):
        await files.write_file("/log", content[offset : offset + 8 * MIB], offset=offset)
    with steps() as counted:
        assert await files.read_lines("/log", lines - 1, None) == content[-2048:]
    assert counted.count >= len(content) // PIECE
    assert await files.read_lines("/log", 1, 1) == content[:1024]
    for limit in (None, MAX_READ_BYTES // 1024 + 1):
        with pytest.raises(ApiError, match="use a smaller limit") as caught:
            await files.read_lines("/log", 1, limit)
        assert caught.value.code is ErrorCode.TOO_LARGE
    assert len(await files.read_lines("/log", 1, MAX_READ_BYTES // 1024)) == MAX_READ_BYTES
    with pytest.raises(ApiError) as caught:
        await files.read_lines("/none", 1, 1)
    assert caught.value.code is ErrorCode.NOT_FOUND


async def test_lines_are_looked_for_in_so_much(volume: Volume) -> None:
    files = VmFiles(volume)
    await files.write_file("/sparse", b"first\n")
    await files.truncate("/sparse", MAX_SCAN_BYTES)
    assert await files.read_lines("/sparse", 1, 1) == b"first\n"
    await files.truncate("/sparse", MAX_SCAN_BYTES + 1)
    with pytest.raises(ApiError, match=str(MAX_SCAN_BYTES)) as caught:
        await files.read_lines("/sparse", 1, 1)
    assert caught.value.code is ErrorCode.TOO_LARGE


async def test_a_deep_tree_is_made_and_made_durable_piece_by_piece(
    volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    take = FileSystem.take_changes

    def counted_take(self: FileSystem, *, access_times: bool = False) -> Any:
        changes = take(self, access_times=access_times)
        if changes is not None:
            sizes.append(len(changes.inodes))
        return changes

    monkeypatch.setattr(FileSystem, "take_changes", counted_take)
    files, path = VmFiles(volume), "/home/user" + "/d" * 1000
    with steps() as counted:
        await files.mkdir(path, recursive=True)
    assert counted.count > 1000 // MAX_LOADS
    assert max(sizes) <= MAX_LOADS + 1
    assert sum(sizes) >= 1000
    await files.write_file(f"{path}{'/e' * 500}/file", b"x")
    assert await files.read_file(f"{path}{'/e' * 500}/file") == b"x"


async def test_a_deep_tree_is_removed_and_its_listings_closed_piece_by_piece(volume: Volume) -> None:
    fs, files = volume.filesystem, VmFiles(volume)
    at = fs.resolve("/home/user")
    for _ in range(4 * AT_ONCE):
        fs.mkdir("d", at=at)  # type: ignore[arg-type]
        at = fs.resolve("d", at=at)  # type: ignore[arg-type]
    before = fs.usage.entries
    with steps() as counted:
        await files.delete_file("/home/user/d", recursive=True)
    assert counted.count > 4 * AT_ONCE
    assert fs.usage.entries == before - 4 * AT_ONCE
    assert not any(node.opens for node in fs._tree.nodes.values() if node is not fs.root)


async def test_globs_leave_others_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exclusion, "MATCHES", 50)
    plain = Exclusion(["*.log", "node_modules", "a/b", "**/c/*"])
    await plain.prepare()
    with steps() as counted:
        for _ in range(10):
            assert await plain.covers("x.log", "a/x.log", 2)
            assert await plain.covers("b", "a/b", 2)
            assert not await plain.covers("b", "b/b", 2)
    assert counted.count >= 30 * (2 + 5 * 2) // 60
    assert await plain.covers("d", "/".join("abc" * 20) + "/d", 61)  # by a thread
    assert not await plain.covers("d", "/".join("ab" * 20) + "/d", 41)
    many = Exclusion([f"*{number}*{letter}" for number in range(100) for letter in "ab/c"])
    with steps() as counted:
        await many.prepare()
        assert await many.covers("x7xa", "x7xa", 1)
    assert counted.count >= 1
    assert not await Exclusion([]).covers("a", "a", 1)
    with pytest.raises(ApiError) as caught:
        Exclusion(["/".join("a" * (exclusion.MAX_PARTS + 1))])
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT


async def test_so_many_globs_are_prepared_and_more_are_matched_by_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    by_thread: list[str] = []

    async def run_sync(function: Any, name: str, path: str) -> Any:
        by_thread.append(path)
        return function(name, path)

    monkeypatch.setattr(trio.to_thread, "run_sync", run_sync)
    for count in (PREPARED, PREPARED + 1):
        globs = Exclusion([f"{number}*" for number in range(count)])
        await globs.prepare()
        assert await globs.covers("7x", str(count), 1)
    assert by_thread == [str(PREPARED + 1)]


async def test_so_many_entries_are_in_an_answer(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listings, "MAX_NAMES", 4)
    monkeypatch.setattr(listings, "MAX_ENTRIES", 3)
    files, fs = VmFiles(volume), volume.filesystem
    fs.mkdir("/d")
    for name in "abc":
        fs.write_file(f"/d/{name}", b"")
    assert len(await files.readdir("/d")) == len(await files.readdir_entries("/d")) == 3
    assert len(await files.readdir_recursive("/d")) == 3
    for name in "de":
        fs.write_file(f"/d/{name}", b"")
    assert len(await files.readdir_entries("/d", limit=3)) == 3
    for ask in (
        lambda: files.readdir("/d"),
        lambda: files.readdir_entries("/d"),
        lambda: files.readdir_entries("/d", limit=4),
        lambda: files.readdir_recursive("/d"),
    ):
        with pytest.raises(ApiError, match=r"one answer holds [34] entries") as caught:
            await ask()
        assert caught.value.code is ErrorCode.LIMIT_EXCEEDED


@pytest.mark.parametrize(
    ("running", "allowed", "kept"),
    [
        (1, 4 * MIB, 4 * MIB),
        (1, 100 * MIB, 8 * MIB),
        (8, 100 * MIB, 4 * MIB),
        (100, MIB, 335544),
        (1000, MIB, MIB // 16),
    ],
)
async def test_running_commands_share_what_is_kept_of_their_output(running: int, allowed: int, kept: int) -> None:
    unused: Any = None
    async with trio.open_nursery() as nursery:
        commands = Commands(
            nursery, unused, unused, life=unused, output_bytes=lambda: allowed, publish=unused, touch=unused
        )
        commands._running = dict.fromkeys(range(running))  # type: ignore[assignment]
        assert commands._limit() == kept


def test_names_count_as_much_as_they_take_in_an_answer() -> None:
    for name, size in (("x" * 250, 252), ("\x01" * 250, 1502), ('"' * 250, 502), ("\N{SNOWMAN}" * 80, 242)):
        budget = Budget(1_000_000, "")
        for _ in range(MAX_ANSWER_BYTES // (size + 10)):
            budget.take(name, 10)
        with pytest.raises(ApiError) as caught:
            budget.take(name, 10)
        assert caught.value.code is ErrorCode.TOO_LARGE
