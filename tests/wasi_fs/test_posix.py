"""POSIX behaviour by example; each test runs with its changes unsaved, saved, lost on the way and under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.walking import walk
from wasi_fs import CHUNK_SIZE, FileType, FsCode, FsError, Limits, OpenDirectory, Usage
from wasi_fs.checks import MAX_LEVELS
from wasi_fs.resolve import MAX_STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def refused(code: FsCode, function: Callable[..., object], *arguments: Any, **options: Any) -> None:
    with pytest.raises(FsError) as caught:
        function(*arguments, **options)
    assert caught.value.code is code


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


def test_files_are_written_piece_by_piece(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.write_file("/f", b"first", offset=0, mode=0o600)
    settle()
    fs.write_file("/f", b"second", offset=5)
    settle()
    assert fs.read_file("/f") == b"firstsecond"
    fs.write_file("/f", b"IRS", offset=1)
    settle()
    assert fs.read_file("/f") == b"fIRStsecond"
    assert fs.stat("/f").mode == 0o600
    fs.symlink("hole", "/link")
    fs.write_file("/link", b"end", offset=3 * CHUNK_SIZE + 2)
    settle()
    assert fs.read_file("/hole") == bytes(3 * CHUNK_SIZE + 2) + b"end"
    fs.write_file("/f", b"", offset=100)
    assert fs.stat("/f").size == 11
    refused(FsCode.IS_DIRECTORY, fs.write_file, "/", b"", offset=0)


def test_a_piece_that_has_no_room_leaves_nothing_behind(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.limits = Limits(bytes=100, entries=3, file_size=CHUNK_SIZE * 10)
    fs.write_file("/f", b"x" * 60)
    settle()
    refused(FsCode.INSUFFICIENT_SPACE, fs.write_file, "/f", b"y" * 41, offset=60)
    refused(FsCode.INSUFFICIENT_SPACE, fs.write_file, "/g", b"y" * 41, offset=CHUNK_SIZE)
    refused(
        FsCode.INSUFFICIENT_SPACE, fs.write_file, "/g", b"y", offset=CHUNK_SIZE + 40
    )  # a chunk has no hole at its start
    refused(FsCode.FILE_TOO_LARGE, fs.write_file, "/g", b"y", offset=CHUNK_SIZE * 10)
    settle()
    assert fs.readdir("/") == ["f"]
    assert fs.read_file("/f") == b"x" * 60
    fs.write_file("/f", b"y" * 41, offset=59)
    assert fs.usage == Usage(100, 1)


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


def test_symlinks(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.mkdir("/dir/sub", parents=True)
    fs.write_file("/dir/file", b"x")
    fs.symlink("/dir", "/dir/sub/absolute")
    fs.symlink("../file", "/dir/sub/relative")
    fs.symlink("../../../../dir/file", "/dir/above")
    fs.symlink("nowhere", "/dir/dangling")
    settle()
    assert fs.read_file("/dir/sub/absolute/sub/relative") == b"x"
    assert fs.read_file("/dir/above") == b"x"
    assert fs.readlink("/dir/sub/absolute") == "/dir"
    assert fs.stat("/dir/sub/absolute", follow=False).size == 4
    assert fs.stat("/dir/sub/absolute/", follow=False).type is FileType.DIRECTORY
    refused(FsCode.NO_ENTRY, fs.read_file, "/dir/dangling")
    refused(FsCode.LOOP, fs.open, "/dir/dangling", follow=False)
    refused(FsCode.INVALID, fs.readlink, "/dir/file")
    refused(FsCode.NO_ENTRY, fs.symlink, "", "/dir/empty")
    fs.write_file("/dir/dangling", b"made")
    settle()
    assert fs.read_file("/dir/nowhere") == b"made"
    fs.unlink("/dir/sub/absolute")
    settle()
    assert fs.readdir("/dir/sub") == ["relative"]
    targets = "../file" + "../../../../dir/file" + "nowhere"
    assert fs.usage.bytes == len("x" + "made" + targets)


def test_forty_symlinks_are_followed_and_no_more(world: Any) -> None:
    fs = world.fs
    fs.write_file("/0", b"end")
    for i in range(1, 42):
        fs.symlink(str(i - 1), f"/{i}")
    assert fs.read_file("/40") == b"end"
    refused(FsCode.LOOP, fs.read_file, "/41")
    refused(FsCode.LOOP, fs.write_file, "/41", b"")
    fs.symlink("self", "/self")
    refused(FsCode.LOOP, fs.stat, "/self")
    refused(FsCode.LOOP, fs.stat, "/self/x", follow=False)
    refused(FsCode.LOOP, fs.open, "/self", create=True)


@pytest.fixture
def climbs(world: Any, monkeypatch: Any) -> Iterator[list[int]]:
    """How often `..` was looked up: what grows with the targets of the symlinks below."""
    counted = [0]
    parent = world.fs._tree.parent

    def count(directory: Any) -> Any:
        counted[0] += 1
        return parent(directory)

    monkeypatch.setattr(world.fs._tree, "parent", count)
    return counted


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("operation", ["stat", "open", "create", "mkdir", "rename", "link"])
def test_what_a_chain_of_long_symlinks_costs_is_bounded(
    world: Any, climbs: list[int], operation: str, absolute: bool
) -> None:
    fs = world.fs
    fs.mkdir("/d")
    fs.mkdir("/end")
    for i in range(39):
        after = f"{i + 1}" if i < 38 else "end"
        fs.symlink(("/" if absolute else "") + "d/../" * 800 + after, f"/{i}")
    # the last component as well, and one on the way
    calls: dict[str, Callable[..., object]] = {
        "stat": lambda: fs.stat("/0"),
        "open": lambda: fs.open("/0/file"),
        "create": lambda: fs.write_file("/0/file", b"", parents=True),
        "mkdir": lambda: fs.mkdir("/0/x/y", parents=True),
        "rename": lambda: fs.rename("/d", "/0/d"),
        "link": lambda: fs.link("/0", "/l", follow=True),
    }
    refused(FsCode.NAME_TOO_LONG, calls[operation])
    assert climbs[0] <= MAX_STEPS
    assert fs.readdir("/end") == []


def test_symlinks_in_each_part_of_a_path_are_counted_together(world: Any, climbs: list[int]) -> None:
    fs = world.fs
    fs.mkdir("/d")
    fs.symlink("d/../" * 700, "/up")
    assert fs.stat("/up/up").ino == 1
    refused(FsCode.NAME_TOO_LONG, fs.mkdir, "/up/" * 39 + "x", parents=True)
    refused(FsCode.NAME_TOO_LONG, fs.stat, "/up/" * 39 + "x")
    fs.symlink("/up/up/d/last", "/d/last")
    refused(FsCode.NAME_TOO_LONG, fs.write_file, "/d/last", b"")
    assert climbs[0] <= 4 * MAX_STEPS


def test_ordinary_chains_of_symlinks_are_followed(world: Any) -> None:
    fs = world.fs
    place = "/node_modules/.pnpm/some-package@1.2.3_peer@4.5.6/node_modules/some-package"
    fs.mkdir(place, parents=True)
    for i in range(40):
        fs.symlink(f"..{place}" if i == 0 else f"../l/{i - 1}", f"/{i}")
    fs.mkdir("/l")
    for i in range(40):
        fs.rename(f"/{i}", f"/l/{i}")
    assert fs.stat("/l/39").ino == fs.stat(place).ino


def test_where_a_directory_is_moved_is_looked_at_no_further_than_needed(world: Any, climbs: list[int]) -> None:
    fs = world.fs
    at = fs.root
    for _ in range(MAX_LEVELS + 2):
        fs.mkdir("d", at=at)
        at = fs.resolve("d", at=at)
    fs.write_file("/file", b"")
    fs.mkdir("/leaf")
    fs.mkdir("/tree/below", parents=True)
    climbs[0] = 0
    fs.rename("/file", "file", new_at=at)  # neither can have anything below
    fs.rename("/leaf", "leaf", new_at=at)
    fs.rename("leaf", "/leaf", at=at)
    assert climbs[0] == 0
    refused(FsCode.NAME_TOO_LONG, fs.rename, "/tree", "tree", new_at=at)
    assert climbs[0] <= MAX_LEVELS
    assert fs.readdir("/") == ["d", "leaf", "tree"]
    refused(FsCode.INVALID, fs.rename, "/d/d", "/d/d/d/inside")
    refused(FsCode.INVALID, fs.rename, "/tree", "/tree/below/inside")
    refused(FsCode.INVALID, fs.rename, "/leaf", "/leaf/inside")
    refused(FsCode.NOT_EMPTY, fs.rename, "/tree/below", "/tree")


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


def test_open_flags(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.mkdir("/d")
    fs.write_file("/f", b"content")
    settle()
    refused(FsCode.EXIST, fs.open, "/f", create=True, exclusive=True)
    refused(FsCode.IS_DIRECTORY, fs.open, "/d", write=True)
    refused(FsCode.IS_DIRECTORY, fs.open, "/d", create=True)
    refused(FsCode.IS_DIRECTORY, fs.open, "/new/", create=True)
    refused(FsCode.NOT_DIRECTORY, fs.open, "/f", directory=True)
    refused(FsCode.NOT_DIRECTORY, fs.open, "/f/", read=True)
    refused(FsCode.INVALID, fs.open, "/x", create=True, directory=True)
    with world.open("/f", write=True, truncate=True) as file:
        settle()
        assert file.stat().size == 0
        assert fs.usage.bytes == 0
        file.write(2, b"x")
        settle()
        assert file.read(0, 10) == b"\0\0x"
    with world.open("/f") as file:
        refused(FsCode.BAD_DESCRIPTOR, file.write, 0, b"x")
        refused(FsCode.BAD_DESCRIPTOR, file.append, b"x")
    with world.open("/f", read=False, write=True) as file:
        refused(FsCode.BAD_DESCRIPTOR, file.read, 0, 1)
        refused(FsCode.INVALID, file.truncate, -1)


def test_holes(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    with world.open("/f", write=True, create=True) as file:
        file.write(10 * CHUNK_SIZE + 5, b"end")
        settle()
        assert file.stat().size == 10 * CHUNK_SIZE + 8
        assert fs.usage.bytes == 8, "holes are free, but for the head of a chunk"
        assert file.read(10 * CHUNK_SIZE - 2, 100) == bytes(7) + b"end"
        file.write(0, b"start")
        settle()
        file.truncate(3)
        settle()
        file.truncate(CHUNK_SIZE * 2)
        settle()
        assert file.read(0, 10) == b"sta" + bytes(7)
        assert fs.usage.bytes == 3
        file.write(CHUNK_SIZE - 1, b"ab")
        settle()
        assert fs.usage.bytes == CHUNK_SIZE + 1
        assert file.read(CHUNK_SIZE - 2, 4) == b"\0ab\0"
        file.truncate(CHUNK_SIZE)
        settle()
        file.truncate(1 << 39)
        settle()
        assert file.read((1 << 39) - 3, 10) == bytes(3)
        assert file.read(1 << 39, 1) == b""
        file.truncate(0)
        assert fs.usage.bytes == 0


def test_content_across_chunks(world: Any, settle: Callable[[], None]) -> None:
    content = bytearray(i * 7 % 251 for i in range(3 * CHUNK_SIZE + 100))
    world.fs.write_file("/f", bytes(content))
    settle()
    with world.open("/f", write=True) as file:
        for offset, data in ((CHUNK_SIZE - 3, b"across"), (2 * CHUNK_SIZE, b"k" * CHUNK_SIZE), (len(content), b"more")):
            file.write(offset, data)
            content[offset : offset + len(data)] = data
            settle()
            assert file.read(0, 1 << 20) == content
        for size in (3 * CHUNK_SIZE, 2 * CHUNK_SIZE + 1, CHUNK_SIZE + 7):
            file.truncate(size)
            del content[size:]
            settle()
            assert file.read(0, 1 << 20) == content
            assert world.fs.usage.bytes == size


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


def test_quotas(new_world: Callable[..., Any]) -> None:
    world = new_world(limits=Limits(bytes=100, entries=4, file_size=1000))
    fs = world.fs
    fs.write_file("/f", b"x" * 90)
    refused(FsCode.INSUFFICIENT_SPACE, fs.write_file, "/g", b"y" * 11)
    refused(FsCode.INSUFFICIENT_SPACE, fs.write_file, "/f", b"y" * 101)
    assert fs.read_file("/f") == b"x" * 90, "all or nothing"
    assert fs.readdir("/") == ["f"]
    fs.write_file("/f", b"z" * 100)
    with world.open("/f", write=True) as file:
        refused(FsCode.INSUFFICIENT_SPACE, file.append, b"1")
        file.write(0, b"over" * 25)
        file.truncate(500)
        refused(FsCode.INSUFFICIENT_SPACE, file.write, 499, b"1")
        refused(FsCode.FILE_TOO_LARGE, file.write, 999, b"12")
        refused(FsCode.FILE_TOO_LARGE, file.truncate, 1001)
        assert file.read(0, 100) == b"over" * 25
    refused(FsCode.FILE_TOO_LARGE, fs.write_file, "/f", b"x" * 1001)
    refused(FsCode.INSUFFICIENT_SPACE, fs.symlink, "f", "/s")
    fs.truncate("/f", 10)
    fs.symlink("f", "/s")
    fs.link("/f", "/g")
    fs.mkdir("/d")
    for operation in (fs.mkdir, lambda path: fs.link("/f", path), lambda path: fs.write_file(path, b"")):
        refused(FsCode.INSUFFICIENT_SPACE, operation, "/more")
    refused(FsCode.INSUFFICIENT_SPACE, fs.symlink, "f", "/more")
    assert fs.usage == Usage(11, 4)
    fs.rename("/d", "/e")
    fs.unlink("/g")
    fs.mkdir("/more")
    assert fs.usage == Usage(11, 4)
    world.save()
    world.reload()
    assert world.fs.usage == Usage(11, 4)


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
