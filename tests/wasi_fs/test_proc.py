"""/proc in a tree: what the host puts there, made when it is asked for, and kept nowhere."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tests.trees import MemoryBackend, refused
from wasi_fs import FileSystem, FileType, FsCode, FsError, Limits, Mount, OpenDirectory, OpenFile, Usage
from wasi_fs.base.nodes import is_base_number
from wasi_fs.device import is_device
from wasi_fs.proc import MadeFile, MadeLink
from wasi_fs.proc.nodes import FIRST_INO, LAST_INO

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from wasi_fs.proc.entries import Made


@attrs.define(eq=False)
class Folder:
    """A directory of the host's."""

    children: dict[str, Made]
    number: int = 9
    mode: int = 0o555
    closed: bool = False

    def open(self) -> None:
        if self.closed:
            raise FsError(FsCode.ACCESS)

    def entries(self) -> Iterable[tuple[str, int, FileType]]:
        return [
            (name, made.number, FileType.DIRECTORY if isinstance(made, Folder) else made.type)  # type: ignore[union-attr]
            for name, made in self.children.items()
        ]

    def find(self, name: str) -> Made | None:
        return self.children.get(name)


class Counter:
    """Content that is another each time."""

    def __init__(self) -> None:
        self.made = 0

    def read(self) -> bytes:
        self.made += 1
        return b"%d is how often" % self.made


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def below() -> Folder:
    return Folder({"deep": MadeFile(5, lambda: b"deep")}, number=4)


@pytest.fixture
def fs(counter: Counter, below: Folder) -> FileSystem:
    ticks = itertools.count(1)
    tree = FileSystem(MemoryBackend(), Limits(), lambda: next(ticks), bytes)
    tree.proc = Folder(
        {
            "count": MadeFile(1, counter.read),
            "steady": MadeFile(2, counter.read, steady=True),
            "link": MadeLink(3, lambda: "below/deep"),
            "below": below,
        }
    )
    return tree


def opened(fs: FileSystem, path: str, **options: Any) -> OpenFile:
    file = fs.open(path, **options)
    assert isinstance(file, OpenFile)
    return file


def test_it_is_there_and_costs_nothing(fs: FileSystem) -> None:
    assert fs.readdir("/proc") == ["below", "count", "link", "steady"]
    assert fs.read_file("/proc/link") == fs.read_file("/proc/below/deep") == b"deep"
    assert fs.read_file("/proc/below/deep", offset=2, length=1) == b"e"
    assert (fs.stat("/proc/count").size, fs.stat("/proc/count").mode) == (0, 0o444)
    assert (fs.readlink("/proc/link"), fs.real_path("/proc/link")) == ("below/deep", "/proc/below/deep")
    assert fs.path_of(fs.resolve("/proc/below/../below")) == "/proc/below"  # type: ignore[arg-type]
    assert [entry.ino for entry in fs.entries("/proc")] == [
        fs.stat(f"/proc/{name}", follow=False).ino for name in fs.readdir("/proc")
    ]
    assert fs.usage == Usage(0, 0)
    assert fs.identity("/proc/count") is None


def test_what_was_opened_is_of_one_moment(fs: FileSystem, counter: Counter) -> None:
    with opened(fs, "/proc/count") as file:
        assert (bytes(file.read(0, 2)), bytes(file.read(2, 2))) == (b"1 ", b"is")
        assert bytes(file.read(0, 1)) == b"2", "from the beginning: anew"
        assert bytes(file.read(100, 1)) == b""
    assert counter.made == 2
    with opened(fs, "/proc/steady") as file:
        assert [bytes(file.read(at, 1)) for at in (0, 0, 1)] == [b"4", b"5", b" "], "nothing is held of it"


def test_a_page_of_it(fs: FileSystem) -> None:
    with fs.open("/proc") as folder:
        assert isinstance(folder, OpenDirectory)
        found, until = folder.page("", 3)
        assert ([entry.name for entry in found], until) == (["below", "count", "link"], "link")
        assert [entry.name for entry in folder.page("link", 3)[0]] == ["steady"]


def test_what_the_host_closes_is_closed(fs: FileSystem, below: Folder) -> None:
    below.closed = True
    refused(FsCode.ACCESS, fs.open, "/proc/below")


def test_nothing_in_it_is_changed(fs: FileSystem) -> None:
    fs.write_file("/file", b"")
    fs.mkdir("/folder")
    for change in (
        lambda: fs.write_file("/proc/count", b""),
        lambda: fs.write_file("/proc/new", b""),
        lambda: fs.mkdir("/proc/new"),
        lambda: fs.mkdir("/proc/new/below", parents=True),
        lambda: fs.symlink("x", "/proc/new"),
        lambda: fs.unlink("/proc/link"),
        lambda: fs.rmdir("/proc/below"),
        lambda: fs.remove_tree("/proc/below"),
        lambda: fs.rename("/proc/count", "/proc/new"),
        lambda: fs.chmod("/proc/count", 0o777),
        lambda: fs.utimes("/proc", 1, 1),
        lambda: fs.truncate("/proc/count", 0),
        lambda: fs.link("/file", "/proc/new"),
        lambda: fs.open("/proc/count", write=True),
    ):
        refused(FsCode.READ_ONLY, change)
    for change in (lambda: fs.rmdir("/proc"), lambda: fs.remove_tree("/proc"), lambda: fs.rename("/folder", "/proc")):
        refused(FsCode.BUSY, change)
    for move in (("/proc/count", "/new"), ("/file", "/proc/new"), ("/proc/below", "/folder/below")):
        refused(FsCode.CROSS_DEVICE, fs.rename, *move)
    refused(FsCode.CROSS_DEVICE, fs.link, "/proc/count", "/new")
    refused(FsCode.EXIST, fs.mkdir, "/proc")


def test_what_a_vm_has_there_itself_takes_its_place(fs: FileSystem, tmp_path: Path) -> None:
    backend = MemoryBackend()
    old = FileSystem(backend, Limits(), lambda: 1)
    old.mkdir("/proc")
    changes = old.take_changes()
    assert changes is not None
    backend.apply(changes)
    changes.committed()
    tree = FileSystem(backend, Limits(), lambda: 1, bytes)
    tree.proc = fs.proc
    assert tree.readdir("/proc") == []
    tree.rmdir("/proc")
    assert tree.readdir("/proc") != []
    (tmp_path / "of the host").touch()
    assert fs.set_mounts([Mount("/proc", str(tmp_path))]) == []
    assert fs.readdir("/proc") == ["of the host"]


def test_a_tree_of_which_the_host_tells_nothing(fs: FileSystem) -> None:
    fs.proc = None
    assert fs.readdir("/proc") == []
    refused(FsCode.NO_ENTRY, fs.stat, "/proc/count")
    assert FileSystem(MemoryBackend(), Limits(), lambda: 1).readdir("/") == []


def test_its_numbers_are_nobody_elses() -> None:
    for ino in (FIRST_INO, LAST_INO):
        assert not is_base_number(ino)
        assert not is_device(ino)
    assert is_base_number(FIRST_INO - 1)
    assert is_device(LAST_INO + 1)
