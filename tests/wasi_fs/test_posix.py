"""POSIX behaviour by example; each test runs with its changes unsaved, saved, lost on the way and under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.trees import refused
from tests.walking import walk
from wasi_fs import FileType, FsCode, OpenDirectory, Usage

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_new_tree_has_a_root(world: Any) -> None:
    stat = world.fs.stat("/")
    assert (stat.ino, stat.type, stat.nlink, stat.size) == (1, FileType.DIRECTORY, 2, 0)
    assert world.fs.usage == Usage(0, 0)


def test_files_and_directories(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.mkdir("/a")
    fs.mkdir("/a/b", 0o700)
    settle()
    fs.write_file("/a/b/file", b"hello")
    settle()
    assert fs.read_file("/a/b/file") == b"hello"
    assert fs.stat("/a").nlink == 3
    assert fs.stat("/a/b").mode == 0o700
    assert fs.readdir("/a/b") == ["file"]
    fs.write_file("/a/b/file", b"bye")
    settle()
    assert fs.read_file("a/b/file") == b"bye"
    assert fs.usage == Usage(3, 3)
    refused(FsCode.NOT_EMPTY, fs.rmdir, "/a/b")
    refused(FsCode.IS_DIRECTORY, fs.unlink, "/a/b")
    refused(FsCode.IS_DIRECTORY, fs.read_file, "/a")
    refused(FsCode.NOT_DIRECTORY, fs.readdir, "/a/b/file")
    refused(FsCode.NOT_DIRECTORY, fs.rmdir, "/a/b/file")
    fs.unlink("/a/b/file")
    settle()
    fs.rmdir("/a/b")
    settle()
    assert fs.readdir("/a") == []
    assert fs.stat("/a").nlink == 2
    assert fs.usage == Usage(0, 1)


def test_the_root(world: Any) -> None:
    fs = world.fs
    fs.mkdir("/a")
    assert fs.stat("/../..").ino == fs.stat("/").ino
    assert fs.readdir("/a/../../../..") == ["a"]
    refused(FsCode.EXIST, fs.mkdir, "/")
    refused(FsCode.BUSY, fs.rmdir, "/")
    refused(FsCode.IS_DIRECTORY, fs.unlink, "/")
    refused(FsCode.BUSY, fs.rename, "/", "/a")
    refused(FsCode.BUSY, fs.rename, "/a", "/")
    refused(FsCode.BUSY, fs.remove_tree, "/")
    refused(FsCode.IS_DIRECTORY, fs.write_file, "/", b"")


def test_names(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    names = ["ä" * 127 + "x", "日本語", "\u0085", " ", "-rf *", "a\nb", "\U0001f600", "...", "e\u0301", "é"]
    for name in names:
        fs.write_file("/" + name, name.encode())
    settle()
    assert fs.readdir("/") == sorted(names, key=str.encode)
    assert all(fs.read_file(name) == name.encode() for name in names)
    refused(FsCode.NAME_TOO_LONG, fs.stat, "/" + "ä" * 128)
    refused(FsCode.NAME_TOO_LONG, fs.mkdir, "/" + "x" * 256)
    refused(FsCode.NAME_TOO_LONG, fs.stat, "/" + "x/" * 2048)
    refused(FsCode.NAME_TOO_LONG, fs.symlink, "x" * 4096, "/long")
    refused(FsCode.INVALID, fs.write_file, "/a\0b", b"")
    refused(FsCode.ILLEGAL_BYTE_SEQUENCE, fs.write_file, "/\ud800", b"")
    refused(FsCode.NO_ENTRY, fs.stat, "")
    assert fs.stat("/" + "./" * 2046).ino == 1


def test_hard_links(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.write_file("/a", b"one")
    fs.mkdir("/d")
    fs.link("/a", "/d/b")
    settle()
    fs.write_file("/d/b", b"two")
    settle()
    assert fs.read_file("/a") == b"two"
    assert fs.stat("/a").ino == fs.stat("/d/b").ino
    assert fs.stat("/a").nlink == 2
    assert fs.usage == Usage(3, 3)
    refused(FsCode.NOT_PERMITTED, fs.link, "/d", "/e")
    refused(FsCode.EXIST, fs.link, "/a", "/d/b")
    fs.rename("/a", "/d/b")
    assert fs.readdir("/") == ["a", "d"], "two names of one inode: nothing happens"
    fs.unlink("/a")
    settle()
    assert fs.stat("/d/b").nlink == 1
    assert fs.read_file("/d/b") == b"two"
    fs.symlink("d/b", "/s")
    fs.link("/s", "/hard")
    fs.link("/s", "/followed", follow=True)
    assert fs.readlink("/hard") == "d/b"
    assert fs.stat("/followed", follow=False).ino == fs.stat("/d/b").ino


def test_a_file_has_so_many_names(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wasi_fs.filesystem.MAX_LINKS", 3)
    fs = world.fs
    fs.write_file("/1", b"x")
    for name in ("/2", "/3"):
        fs.link("/1", name)
    for old in ("/1", "/3"):
        refused(FsCode.TOO_MANY_LINKS, fs.link, old, "/4")
    fs.unlink("/2")
    fs.link("/1", "/4")
    assert fs.stat("/4").nlink == 3


def test_rename(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    for path in ("/a/sub/deep", "/b/full", "/c"):
        fs.mkdir(path, parents=True)
    fs.write_file("/f", b"f")
    fs.write_file("/g", b"g")
    settle()
    refused(FsCode.INVALID, fs.rename, "/a", "/a/sub/deep/x")
    refused(FsCode.NOT_EMPTY, fs.rename, "/a/sub/deep", "/a")
    refused(FsCode.NOT_EMPTY, fs.rename, "/a", "/b")
    refused(FsCode.IS_DIRECTORY, fs.rename, "/f", "/c")
    refused(FsCode.NOT_DIRECTORY, fs.rename, "/c", "/f")
    refused(FsCode.NO_ENTRY, fs.rename, "/none", "/x")
    refused(FsCode.BUSY, fs.rename, "/c/.", "/x")
    fs.rename("/f", "/g")
    settle()
    assert fs.read_file("/g") == b"f"
    assert fs.usage == Usage(1, 7)
    fs.rename("/a", "/c")
    settle()
    assert fs.readdir("/") == ["b", "c", "g"]
    fs.rename("/c/sub", "/b/full/moved")
    settle()
    assert fs.stat("/b/full/moved/..").ino == fs.stat("/b/full").ino
    assert [fs.stat(path).nlink for path in ("/", "/b", "/b/full", "/c")] == [4, 3, 3, 2]
    assert fs.readdir("/b/full/moved") == ["deep"]


def test_paths_relative_to_a_directory_that_moves(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.mkdir("/a/b", parents=True)
    fs.mkdir("/c")
    with fs.open("/a/b") as directory:
        at = directory.node
        fs.write_file("x", b"1", at=at)
        fs.rename("/a/b", "/c/b")
        settle()
        assert fs.read_file("x", at=at) == b"1"
        assert fs.stat("..", at=at).ino == fs.stat("/c").ino
        fs.rename("x", "y", at=at, new_at=fs.root)
        settle()
        assert fs.read_file("/y") == b"1"
        assert fs.stat("/c", at=at).ino == fs.stat("..", at=at).ino


def test_unlinked_files_live_until_they_are_closed(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.write_file("/f", b"hello")
    settle()
    one, two = world.open("/f", write=True), world.open("/f")
    fs.unlink("/f")
    settle()
    assert one.stat().nlink == 0
    one.append(b" world")
    settle()
    fs.write_file("/f", b"another")
    settle()
    assert two.read(0, 100) == b"hello world"
    one.close()
    settle()
    assert two.read(6, 100) == b"world"
    assert fs.usage == Usage(18, 1)
    two.close()
    two.close()
    settle()
    assert fs.usage == Usage(7, 1)
    assert fs.read_file("/f") == b"another"
    refused(FsCode.BAD_DESCRIPTOR, two.read, 0, 1)


def test_removed_directories_stay_open_and_take_nothing_in(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.mkdir("/d")
    fs.write_file("/f", b"")
    with fs.open("/d") as directory:
        fs.rmdir("/d")
        settle()
        assert isinstance(directory, OpenDirectory)
        assert directory.entries() == []
        assert directory.stat().nlink == 0
        for operation in (fs.mkdir, fs.stat, lambda path, at: fs.write_file(path, b"", at=at)):
            refused(FsCode.NO_ENTRY, operation, "x", at=directory.node)
        refused(FsCode.NO_ENTRY, fs.rename, "/f", "x", new_at=directory.node)


def test_times(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs

    def times(path: str) -> tuple[int, int, int]:
        stat = fs.stat(path, follow=False)
        return stat.atime, stat.mtime, stat.ctime

    def changed(path: str, function: Callable[..., object], *arguments: Any, **options: Any) -> str:
        before = times(path)
        function(*arguments, **options)
        settle()
        after = times(path)
        return "".join(letter for letter, old, new in zip("amc", before, after, strict=True) if old != new)

    fs.mkdir("/d")
    assert changed("/d", fs.write_file, "/d/f", b"x") == "mc"
    assert len(set(times("/d/f")[1:])) == 1
    assert changed("/d/f", fs.read_file, "/d/f") == "a"
    assert changed("/d/f", fs.read_file, "/d/f") == "", "relatime"
    assert changed("/d/f", fs.write_file, "/d/f", b"y") == "mc"
    assert changed("/d/f", fs.read_file, "/d/f") == "a"
    assert changed("/d/f", fs.truncate, "/d/f", 0) == "mc"
    assert changed("/d/f", fs.chmod, "/d/f", 0o600) == "c"
    assert changed("/d", fs.chmod, "/d/f", 0o644) == ""
    assert changed("/d", fs.readdir, "/d") == "a"
    assert changed("/d/f", fs.link, "/d/f", "/g") == "c"
    assert changed("/d/f", fs.unlink, "/g") == "c"
    fs.symlink("f", "/d/s")
    assert changed("/d/s", fs.readlink, "/d/s") == "a"
    assert changed("/d/f", fs.utimes, "/d/f", 5, None) == "ac"
    assert times("/d/f")[0] == 5
    assert changed("/d/f", fs.utimes, "/d/f", None, -7) == "mc"
    assert changed("/d/f", fs.utimes, "/d/f", None, None) == ""
    assert changed("/d/s", fs.utimes, "/d/s", 1, 2, follow=False) == "amc"
    assert changed("/d", fs.unlink, "/d/s") == "mc"
    assert changed("/d", fs.mkdir, "/d/sub") == "mc"
    assert changed("/d", fs.rename, "/d/sub", "/sub") == "mc"
    refused(FsCode.INVALID, fs.utimes, "/d", 1 << 63, None)


def test_modes(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.write_file("/f", b"", mode=0o755)
    fs.symlink("f", "/s")
    settle()
    assert fs.stat("/s").mode == 0o755
    fs.chmod("/s", 0o4711)
    settle()
    assert fs.stat("/f").mode == 0o4711
    refused(FsCode.INVALID, fs.chmod, "/f", 0o10000)
    fs.write_file("/f", b"again", mode=0o600)
    assert fs.stat("/f").mode == 0o4711, "the mode is for new files"


def test_mkdir_with_parents(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.mkdir("/a/b/../c//d/", parents=True)
    settle()
    assert [path for path, _ in walk(fs, "/")] == ["a", "a/b", "a/c", "a/c/d"]
    fs.mkdir("/a/b", parents=True)
    fs.mkdir("/", parents=True)
    fs.write_file("/f", b"")
    fs.symlink("/a", "/s")
    fs.mkdir("/s/new", parents=True)
    assert fs.stat("/a/new").nlink == 2
    refused(FsCode.NOT_DIRECTORY, fs.mkdir, "/f/x", parents=True)
    refused(FsCode.EXIST, fs.mkdir, "/f", parents=True)
    fs.symlink("nowhere", "/dangling")
    refused(FsCode.EXIST, fs.mkdir, "/dangling/x", parents=True)
    refused(FsCode.NO_ENTRY, fs.mkdir, "", parents=True)
    fs.write_file("/n/e/w", b"x", parents=True)
    assert fs.read_file("/n/e/w") == b"x"


def test_walk_and_remove_tree(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.mkdir("/t/b/c", parents=True)
    fs.mkdir("/keep")
    fs.write_file("/t/b/c/f", b"12345")
    fs.link("/t/b/c/f", "/t/a")
    fs.link("/t/b/c/f", "/keep/f")
    fs.symlink("/keep", "/t/link")
    settle()
    assert [path for path, _ in walk(fs, "/t")] == ["a", "b", "link", "b/c", "b/c/f"]
    fs.remove_tree("/t")
    settle()
    assert [path for path, _ in walk(fs, "/")] == ["keep", "keep/f"]
    assert fs.stat("/keep/f").nlink == 1
    assert fs.usage == Usage(5, 2)
    refused(FsCode.NO_ENTRY, fs.remove_tree, "/t")
    refused(FsCode.NOT_DIRECTORY, fs.remove_tree, "/keep/f/")
    fs.remove_tree("/keep/f")
    assert fs.usage == Usage(0, 1)


@pytest.mark.slow
def test_deep_trees(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    at = fs.root
    for _ in range(3000):
        fs.mkdir("d", at=at)
        at = fs.resolve("d", at=at)
    settle()
    assert len(walk(fs, "/")) == 3000
    refused(FsCode.INVALID, fs.rename, "/d", "x", new_at=at)
    fs.remove_tree("/d")
    settle()
    assert fs.usage == Usage(0, 0)


def test_sealed_subtrees(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.write_file("/etc/torpor/sub/file", b"host", parents=True)
    fs.mkdir("/home")
    before = world.open("/etc/torpor/sub/file", write=True)
    fs.seal("/etc/torpor")
    settle()
    inside = "/etc/torpor/sub/file"
    assert fs.read_file(inside) == b"host"
    assert fs.stat(inside).read_only
    for function, *arguments in (
        (fs.write_file, inside, b""),
        (fs.write_file, "/etc/torpor/new", b""),
        (fs.unlink, inside),
        (fs.rmdir, "/etc/torpor/sub"),
        (fs.mkdir, "/etc/torpor/new"),
        (fs.symlink, "x", "/etc/torpor/new"),
        (fs.link, "/home", "/etc/torpor/new"),
        (fs.link, inside, "/etc/torpor/new"),
        (fs.rename, inside, "/etc/torpor/new"),
        (fs.truncate, inside, 0),
        (fs.chmod, inside, 0o777),
        (fs.utimes, inside, 1, 1),
        (fs.remove_tree, "/etc/torpor/sub"),
        (fs.remove_tree, "/etc"),
        (before.write, 0, b"x"),
        (before.truncate, 0),
    ):
        refused(FsCode.READ_ONLY, function, *arguments)
    refused(FsCode.READ_ONLY, fs.open, inside, write=True)
    refused(FsCode.CROSS_DEVICE, fs.rename, inside, "/home/file")
    refused(FsCode.CROSS_DEVICE, fs.rename, "/home", "/etc/torpor/home")
    refused(FsCode.CROSS_DEVICE, fs.link, inside, "/home/file")
    refused(FsCode.BUSY, fs.rename, "/etc/torpor", "/home/torpor")
    refused(FsCode.BUSY, fs.remove_tree, "/etc/torpor")
    refused(FsCode.EXIST, fs.mkdir, "/etc/torpor/sub")
    assert [path for path, _ in walk(fs, "/etc")] == ["torpor", "torpor/sub", "torpor/sub/file"]
    fs.seal("/etc/torpor", sealed=False)
    settle()
    fs.remove_tree("/etc")
    before.close()
    assert fs.readdir("/") == ["home"]


def test_a_reload_shows_the_same_tree(world: Any, see: Callable[..., Any]) -> None:
    fs = world.fs
    fs.mkdir("/d", 0o711)
    fs.write_file("/d/f", b"x" * 200_000, mode=0o640)
    fs.link("/d/f", "/g")
    fs.symlink("d/f", "/s")
    fs.truncate("/g", 150_000)
    fs.utimes("/d", 123, 456)
    fs.seal("/s")
    see(fs)
    expected = see(fs)
    world.save(access_times=True)
    world.reload()
    assert see(world.fs) == expected
    assert world.save(access_times=True) is None
