"""Symbolic links: where they lead, and what it costs to follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.trees import refused
from wasi_fs import FileType, FsCode
from wasi_fs.checks import MAX_LEVELS
from wasi_fs.resolve import MAX_STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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
