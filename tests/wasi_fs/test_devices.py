"""/dev: what every tree has, and no backend."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.trees import MemoryBackend, refused
from wasi_fs import FileSystem, FileType, FsCode, FsError, Limits, Mount, OpenDirectory, OpenFile, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEVICES = ["fd", "full", "null", "random", "stderr", "stdin", "stdout", "tty", "urandom", "zero"]


class Disk:
    """A tree with devices on a backend that checks what it keeps."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.backend = MemoryBackend()
        self._limits = limits or Limits()
        self._ticks: Iterator[int] = itertools.count(1)
        self.fs = self.reload()

    def reload(self) -> FileSystem:
        self.fs = FileSystem(self.backend, self._limits, lambda: next(self._ticks), lambda count: b"r" * count)
        return self.fs

    def save(self) -> None:
        changes = self.fs.take_changes(access_times=True)
        if changes is not None:
            self.backend.apply(changes)
            changes.committed()
            self.backend.check()


@pytest.fixture
def disk() -> Disk:
    return Disk()


def opened(fs: FileSystem, path: str, **options: Any) -> OpenFile:
    file = fs.open(path, **options)
    assert isinstance(file, OpenFile)
    return file


def test_they_are_there_and_cost_nothing(disk: Disk) -> None:
    fs = disk.fs
    assert fs.readdir("/") == ["dev", "proc"]
    assert fs.readdir("/dev") == DEVICES
    assert fs.readdir("/dev/fd") == ["0", "1", "2"]
    assert {entry.type for entry in fs.entries("/dev")} == {FileType.CHARACTER, FileType.DIRECTORY}
    for name in (*DEVICES, "fd/0"):
        assert fs.stat(f"/dev/{name}").type is (FileType.DIRECTORY if name == "fd" else FileType.CHARACTER)
    fs.write_file("/dev/null", b"x" * 100_000)
    fs.write_file("/dev/../dev/./null", b"x", offset=10)
    disk.save()
    assert fs.usage == Usage(0, 0)
    assert list(disk.backend.inodes) == [1]
    assert disk.backend.dentries == {}
    assert len({fs.stat(f"/dev/{name}").ino for name in DEVICES}) == len(DEVICES)


def test_a_tree_without_randomness_has_none(world: Any) -> None:
    assert world.fs.readdir("/") == []
    refused(FsCode.NO_ENTRY, world.fs.stat, "/dev/null")


def test_reading_and_writing(disk: Disk) -> None:
    fs = disk.fs
    for name, content in (("null", b""), ("zero", bytes(10)), ("full", bytes(10)), ("urandom", b"r" * 10)):
        with opened(fs, f"/dev/{name}", write=True) as file:
            assert file.read(5, 10) == content
            bound = {"null": 0, "urandom": 128 * 1024}.get(name, 1024 * 1024)
            assert len(file.read(1 << 60, 1 << 60)) == bound
            if name == "full":
                refused(FsCode.INSUFFICIENT_SPACE, file.write, 0, b"x")
                refused(FsCode.INSUFFICIENT_SPACE, file.append, b"x")
            else:
                file.write(1 << 60, b"x")
                file.append(b"x")
            refused(FsCode.INVALID, file.truncate, 0)
        assert fs.read_file(f"/dev/{name}", length=10) == content
    assert fs.read_file("/dev/null") == b""
    refused(FsCode.INVALID, fs.read_file, "/dev/zero")
    assert len(fs.read_file("/dev/zero", length=1 << 40)) == 1024 * 1024
    refused(FsCode.INVALID, fs.truncate, "/dev/null", 0)
    refused(FsCode.INSUFFICIENT_SPACE, fs.write_file, "/dev/full", b"x")
    assert fs.identity("/dev/null") is None


def test_opening(disk: Disk) -> None:
    fs = disk.fs
    for options in ({}, {"truncate": True}, {"create": True}, {"create": True, "truncate": True}):
        opened(fs, "/dev/null", write=True, **options).close()
    refused(FsCode.EXIST, fs.open, "/dev/null", write=True, create=True, exclusive=True)
    refused(FsCode.NOT_DIRECTORY, fs.open, "/dev/null", directory=True)
    refused(FsCode.NOT_DIRECTORY, fs.stat, "/dev/null/x")
    refused(FsCode.NO_ENTRY, fs.open, "/dev/fd/3")
    refused(FsCode.NO_SUCH_DEVICE, fs.open, "/dev/tty", write=True)
    refused(FsCode.ACCESS, fs.open, "/dev/stdin", write=True, read=False)
    refused(FsCode.ACCESS, fs.open, "/dev/fd/1")
    for name in ("stdin", "fd/0", "tty"):
        refused(FsCode.NO_SUCH_DEVICE, fs.read_file, f"/dev/{name}", length=1)
    refused(FsCode.NO_SUCH_DEVICE, fs.write_file, "/dev/stdout", b"x")


@pytest.mark.parametrize("own", [False, True], ids=["only devices", "the VM's own too"])
def test_their_names_stay(disk: Disk, own: bool) -> None:
    fs = disk.fs
    fs.write_file("/file", b"x")
    fs.mkdir("/empty")
    if own:
        fs.write_file("/dev/mine", b"x")
    of_the_directory = [
        (fs.rename, "/dev", "/x"),
        (fs.rmdir, "/dev"),
        (fs.remove_tree, "/dev"),
        (fs.rename, "/empty", "/dev"),
    ]
    for function, *arguments in (
        (fs.unlink, "/dev/null"),
        (fs.rmdir, "/dev/fd"),
        (fs.remove_tree, "/dev/null"),
        (fs.remove_tree, "/dev/fd"),
        *([] if own else of_the_directory),
    ):
        refused(FsCode.BUSY, function, *arguments)
    for function, *arguments in (
        (fs.rename, "/dev/null", "/dev/other"),
        (fs.rename, "/file", "/dev/null"),
        (fs.rename, "/dev/null", "/null"),
        (fs.link, "/dev/null", "/null"),
        (fs.link, "/dev/null", "/dev/other"),
    ):
        with pytest.raises(FsError) as error:
            function(*arguments)
        assert error.value.code in {FsCode.BUSY, FsCode.CROSS_DEVICE, FsCode.NOT_PERMITTED}
    refused(FsCode.EXIST, fs.mkdir, "/dev")
    refused(FsCode.NAME_TOO_LONG, fs.write_file, f"/dev/{'x' * 256}", b"")
    refused(FsCode.EXIST, fs.symlink, "x", "/dev/null")
    refused(FsCode.READ_ONLY, fs.write_file, "/dev/fd/x", b"")
    refused(FsCode.READ_ONLY, fs.chmod, "/dev/null", 0)
    fs.utimes("/dev/null", 1, 1)
    assert fs.readdir("/dev") == sorted([*DEVICES, *["mine"] * own])
    disk.save()


def test_what_a_vm_puts_there_is_kept_beside_them(disk: Disk) -> None:
    fs = disk.fs
    directory = fs.open("/dev")
    assert isinstance(directory, OpenDirectory)
    fs.mkdir("/dev/queues/x", parents=True)
    fs.write_file("mine", b"mine", at=directory.node)
    fs.symlink("mine", "/dev/link")
    for _ in range(2):
        assert fs.readdir("/dev") == sorted([*DEVICES, "link", "mine", "queues"])
        assert [entry.name for entry in directory.entries()] == fs.readdir("/dev")
        names, after = [], ""
        with fs.open("/dev") as handle:
            assert isinstance(handle, OpenDirectory)
            while after is not None:
                page, after = handle.page(after, 2)
                names += [entry.name for entry in page]
        assert names == fs.readdir("/dev")
        assert fs.readdir("/") == ["dev", "proc"]
        assert fs.read_file("/dev/link") == b"mine"
        assert fs.resolve("/dev/fd/..").ino == fs.resolve("/dev").ino
        assert fs.usage.entries == 5
        disk.save()
        fs = disk.reload()
        directory = fs.open("/dev")
        assert isinstance(directory, OpenDirectory)
    fs.rename("/dev", "/old")
    assert (fs.readdir("/old"), fs.readdir("/dev")) == (["link", "mine", "queues"], DEVICES)
    fs.remove_tree("/old")
    disk.save()
    assert fs.usage == Usage(0, 0)


def put_in_place(fs: FileSystem, name: str) -> None:
    """Make something /dev, as it may be in a tree of a time without devices."""
    fs._tree.move(fs.root, name, fs.root, "dev", fs.resolve(f"/{name}", follow=False), None)


def test_what_a_vm_has_already_hides_a_device(disk: Disk) -> None:
    fs = disk.fs
    fs.mkdir("/elsewhere")
    fs.write_file("/elsewhere/null", b"a file of old")
    put_in_place(fs, "elsewhere")
    assert fs.read_file("/dev/null") == b"a file of old"
    assert fs.readdir("/dev") == DEVICES
    assert fs.stat("/dev/zero").type is FileType.CHARACTER
    fs.unlink("/dev/null")
    assert fs.stat("/dev/null").type is FileType.CHARACTER
    fs.rmdir("/dev")
    assert fs.readdir("/dev") == DEVICES


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_vm_may_have_something_else_under_the_name(disk: Disk, kind: str) -> None:
    fs = disk.fs
    fs.mkdir("/place")
    fs.symlink("place", "/other") if kind == "link" else fs.write_file("/other", b"x")
    put_in_place(fs, "other")
    if kind == "link":
        fs.write_file("/dev/null", b"x")
        assert fs.readdir("/place") == ["null"]
    else:
        refused(FsCode.NOT_DIRECTORY, fs.stat, "/dev/null")
    assert fs.readdir("/") == ["dev", "place", "proc"]


def test_a_full_tree_gets_no_directory_either(disk: Disk) -> None:
    fs = Disk(Limits(entries=1)).fs
    for function, path in ((fs.mkdir, "/dev/x"), (lambda path: fs.symlink("x", path), "/dev/x")):
        refused(FsCode.INSUFFICIENT_SPACE, function, path)
    refused(FsCode.INSUFFICIENT_SPACE, fs.write_file, "/dev/x", b"")
    assert fs.usage == Usage(0, 0)
    fs = Disk(Limits(bytes=1)).fs
    refused(FsCode.INSUFFICIENT_SPACE, fs.write_file, "/dev/x", b"xx")
    assert fs.usage == Usage(0, 0)


@pytest.mark.parametrize("path", ["/dev", "/dev/data"])
def test_a_host_directory_may_be_mounted_there(disk: Disk, tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    assert disk.fs.set_mounts([Mount(path, str(tmp_path))]) == []
    assert disk.fs.read_file(f"{path}/file") == b"x"
    assert disk.fs.readdir("/dev") == (["file"] if path == "/dev" else sorted([*DEVICES, "data"]))
    refused(FsCode.BUSY, disk.fs.rename, path, "/x")
    disk.save()
    assert disk.fs.set_mounts([]) == []
    assert disk.fs.stat("/dev/null").type is FileType.CHARACTER
