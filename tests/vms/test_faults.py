"""What cannot be stored fails alone: whichever step of the disk fails, and whatever has got into the tree."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from runtime.api.errors import ApiError, ErrorCode
from runtime.store import open_store
from runtime.store.durability import Durability
from runtime.store.sql import rows
from runtime.vms.files import VmFiles
from runtime.vms.options import VmOptions
from runtime.vms.volume import Volume
from tests.vms.test_volume import tree
from wasi_fs import Dentry, FileType, FsError, OpenFile
from wasi_fs.inode import File

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from runtime.store import Store


class Disk(apsw.VFS):
    """A disk that fails at one of its steps, and from then on until it is mended."""

    def __init__(self) -> None:
        super().__init__("failing-disk", "unix", makedefault=True)
        self.steps: tuple[str, ...] = ()
        self.error: type[apsw.Error] = apsw.IOError
        self.left = -1
        """Steps that go well yet; negative: all of them."""

    def xOpen(self, name: Any, flags: list[int]) -> DiskFile:  # noqa: N802 - SQLite's
        return DiskFile(self, name, flags)

    def step(self, name: str) -> None:
        if name in self.steps and self.left >= 0:
            self.left -= 1
            if self.left < 0:
                self.left = 0
                raise self.error("the disk fails")

    def fail(self, error: type[apsw.Error], *steps: str, after: int) -> None:
        self.error, self.steps, self.left = error, steps, after

    def mend(self) -> bool:
        """All goes well again. Whether something has failed."""
        failed, self.left = self.left == 0, -1
        return failed


class DiskFile(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        self._disk.step("write")
        super().xWrite(data, offset)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        self._disk.step("read")
        return super().xRead(amount, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.step("sync")
        super().xSync(flags)


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.unregister()


async def make_volume(store: Store) -> Volume:
    record, _ = await store.vms.get_or_create("vm", {}, 0)
    volume = Volume(store, record, VmOptions())
    files = VmFiles(volume)
    await files.write_file("/dir/old", b"old content" * 100)
    await files.write_file("/dir/other", os.urandom(5_000))
    await files.symlink("old", "/dir/link")
    return volume


def reopened(store: Store) -> dict[str, Any]:
    record = store.vms.get("vm")
    assert record is not None
    return tree(Volume(store, record, VmOptions()))


CHANGES: dict[str, Callable[[VmFiles], Awaitable[Any]]] = {
    "a new file": lambda files: files.write_file("/new/er/file", os.urandom(3_000)),
    "over a file": lambda files: files.write_file("/dir/old", os.urandom(3_000)),
    "a deleted tree": lambda files: files.delete_file("/dir", recursive=True),
    "a move over a file": lambda files: files.move("/dir/old", "/dir/other"),
    "a shorter file": lambda files: files.truncate("/dir/other", 1_000),
}
FAULTS = {
    "full": (apsw.FullError, "write"),
    "writing": (apsw.IOError, "write"),
    "syncing": (apsw.IOError, "sync"),
    "reading": (apsw.IOError, "read"),
    "all": (apsw.IOError, "write", "read", "sync"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_whichever_step_of_the_disk_fails(
    disk: Disk, tmp_path: Path, change: Callable[[VmFiles], Awaitable[Any]], fault: tuple[Any, ...]
) -> None:
    failures: list[ErrorCode] = []
    error, *steps = fault
    async with open_store(tmp_path / "state.db", durability=Durability.POWER) as store:
        volume = await make_volume(store)
        before = tree(volume)
        for after in itertools.count():
            disk.fail(error, *steps, after=after)
            try:
                await change(VmFiles(volume))
            except ApiError as refused:
                failures.append(refused.code)
                assert disk.mend()
            else:
                break
            as_before = tree(volume) == before
            await volume.flush()
            assert reopened(store) == tree(volume)
            if not as_before:  # it could not be told what was before: then it is kept, as a whole
                assert "read" in steps
                break
        disk.mend()
        assert set(failures) == {ErrorCode.IO_ERROR} or "read" in steps  # all may be in memory
        assert reopened(store) == tree(volume) != before
        assert rows(apsw.Connection(str(store.path)), "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_what_guests_have_written_is_kept_for_the_next_time(
    disk: Disk, tmp_path: Path, fault: tuple[Any, ...]
) -> None:
    error, *steps = fault
    async with open_store(tmp_path / "state.db", durability=Durability.POWER) as store:
        volume = await make_volume(store)
        fs = volume.filesystem
        for after in itertools.count():
            fs.write_file(f"/dir/{after}", os.urandom(2_000))
            fs.write_file("/dir/other", b"." * after)
            if after:
                fs.unlink(f"/dir/{after - 1}")
            written, unsaved = tree(volume), fs._tree.dirty_bytes
            disk.fail(error, *steps, after=after)
            try:
                await volume.flush()
            except ApiError:
                assert disk.mend()
                assert (tree(volume), fs._tree.dirty_bytes) == (written, unsaved)
            else:
                disk.mend()
                break
        assert reopened(store) == written
        assert (fs.unsaved_bytes, fs.clean) == (0, True)


def spoil_size(volume: Volume) -> None:
    node = volume.filesystem.resolve("/dir/old")
    node.size = 5.5  # type: ignore[assignment] # what a check has overlooked
    volume.filesystem._tree.mark(node)


def spoil_new(volume: Volume) -> None:
    volume.filesystem.write_file("/new/file", b"new", parents=True)
    volume.filesystem.resolve("/new/file").mtime = 1 << 63


def spoil_name(volume: Volume) -> None:
    directory = volume.filesystem.resolve("/dir")
    directory.children["\ud800"] = Dentry(99, FileType.REGULAR)  # type: ignore[attr-defined]
    directory.change("\ud800")  # type: ignore[attr-defined]
    volume.filesystem._tree.mark(directory)


def spoil_content(volume: Volume) -> None:
    node = volume.filesystem.resolve("/dir/old")
    assert isinstance(node, File)
    volume.filesystem.write_file("/dir/old", b"x")
    node.dirty[0] = ["not bytes"]  # type: ignore[assignment]


def spoil_root(volume: Volume) -> None:
    volume.filesystem.root.mode = None  # type: ignore[assignment]
    volume.filesystem._tree.mark(volume.filesystem.root)


SPOILED = [spoil_size, spoil_new, spoil_name, spoil_content, spoil_root]


@pytest.mark.parametrize("spoil", SPOILED)
async def test_a_value_that_no_store_can_keep_fails_alone(
    tmp_path: Path, spoil: Callable[[Volume], None], caplog: pytest.LogCaptureFixture
) -> None:
    async with open_store(tmp_path / "state.db") as store:
        volume = await make_volume(store)
        before = tree(volume)
        spoil(volume)
        with pytest.raises(ApiError) as caught:
            await volume.flush()
        assert caught.value.code is ErrorCode.IO_ERROR
        assert "none that can be stored" in caplog.text
        await volume.flush()
        assert tree(volume) == before
        assert volume.filesystem.unsaved_bytes == 0
        await VmFiles(volume).write_file("/dir/old", b"next")
        assert reopened(store) == tree(volume) != before


@pytest.mark.parametrize("spoil", SPOILED)
async def test_nor_does_it_spoil_the_change_that_it_travels_with(
    tmp_path: Path, spoil: Callable[[Volume], None]
) -> None:
    async with open_store(tmp_path / "state.db") as store:
        volume = await make_volume(store)
        before = tree(volume)
        with pytest.raises(ApiError):
            await volume.change(lambda: spoil(volume))
        assert tree(volume) == before
        await VmFiles(volume).write_file("/dir/old", b"next")
        assert reopened(store) == tree(volume) != before


async def test_what_is_open_when_all_is_given_up_can_be_used_and_closed(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db") as store:
        volume = await make_volume(store)
        fs, before = volume.filesystem, tree(volume)
        new = fs.open("/new", create=True, write=True)
        old = fs.open("/dir/old", write=True)
        unlinked = fs.open("/dir/other", write=True)
        assert isinstance(new, OpenFile)
        assert isinstance(old, OpenFile)
        new.write(0, b"new")
        old.truncate(1)
        fs.unlink("/dir/other")
        fs.mkdir("/directory")
        directory = fs.open("/directory")
        fs.write_file("/directory/file", b"inside")
        spoil_size(volume)
        with pytest.raises(ApiError):
            await volume.flush()
        assert tree(volume) == before
        new.write(0, b"goes on, without a name")
        old.write(0, b"with one")
        with pytest.raises(FsError):
            fs.mkdir("sub", at=directory.node)  # type: ignore[arg-type]
        await volume.flush()
        for handle in (new, old, unlinked, directory):
            handle.close()
        await volume.flush()
        assert reopened(store) == tree(volume)
        assert fs.usage == before["usage"]
        assert fs.read_file("/dir/old", length=8) == b"with one"


async def test_what_was_written_after_a_spoiled_change_set_was_taken_goes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(tmp_path / "state.db") as store:
        volume = await make_volume(store)
        fs, before = volume.filesystem, tree(volume)
        commit_changes = store.files.commit_changes

        def meanwhile(*arguments: Any) -> None:
            commit_changes(*arguments)
            fs.write_file("/new/later", b"later")
            fs.unlink("/dir/other")
            fs.write_file("/dir/old", b"later")

        fs.mkdir("/new")
        spoil_root(volume)
        monkeypatch.setattr(store.files, "commit_changes", meanwhile)
        with pytest.raises(ApiError):
            await volume.flush()
        monkeypatch.undo()
        assert tree(volume) == before
        assert (fs.unsaved_bytes, fs.clean) == (0, True)
        await VmFiles(volume).write_file("/new/again", b"next")
        assert reopened(store) == tree(volume)


async def test_a_tree_that_was_never_stored_begins_anew(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db") as store:
        record, _ = await store.vms.get_or_create("vm", {}, 0)
        volume = Volume(store, record, VmOptions())
        fs = volume.filesystem
        fs.write_file("/file", b"content")
        fs.resolve("/file").size = 5.5  # type: ignore[assignment]
        with pytest.raises(ApiError):
            await volume.flush()
        assert fs.readdir("/") == ["dev", "proc"]
        assert fs.usage == (0, 0)
        await VmFiles(volume).write_file("/file", b"next")
        assert reopened(store) == tree(volume)
        assert fs.read_file("/file") == b"next"
