"""What the host has put into a tree: the place of it is as sealed as what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.trees import refused
from wasi_fs import FsCode, Mount, Usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wasi_fs import FileSystem

PATH = "/etc/torpor/file"


def displacements(fs: FileSystem) -> list[tuple[Callable[..., Any], *tuple[Any, ...]]]:
    """Every way to have something else where /etc is."""
    fs.mkdir("/mine/torpor", parents=True)
    fs.mkdir("/empty")
    fs.write_file("/file", b"FAKE")
    fs.symlink("/", "/root")
    root, etc = fs.open("/"), fs.open("/etc")
    here, inside = {"at": root.node, "new_at": root.node}, {"at": etc.node}
    return [
        (fs.rename, "/etc", "/moved"),
        (fs.rename, "/root/etc", "/moved"),
        (fs.rename, "/empty/../etc", "/mine/moved"),
        (lambda: fs.rename("etc", "moved", **here),),
        (lambda: fs.rename("../etc", "/moved", **inside),),
        (fs.rename, "/mine", "/etc"),
        (fs.rename, "/empty", "/root/etc"),
        (fs.rename, "/file", "/etc"),
        (fs.rmdir, "/etc"),
        (fs.remove_tree, "/etc"),
        (fs.remove_tree, "/root/etc"),
    ]


@pytest.mark.parametrize("reloaded", [False, True])
def test_the_way_to_a_sealed_place_stays(world: Any, reloaded: bool) -> None:
    world.fs.install(PATH, b"host")
    if reloaded:
        world.save()
        world.reload()
    fs = world.fs
    fs.protect("/etc/torpor")
    for attempt in displacements(fs):
        refused(FsCode.READ_ONLY, *attempt)
    assert fs.read_file(PATH) == b"host"
    fs.write_file("/etc/hosts", b"own files are nobody's business")
    fs.rename("/etc/hosts", "/etc/hosts.old")
    fs.unlink("/etc/hosts.old")
    fs.rename("/mine/torpor", "/mine/etc")  # a name alone is nothing
    fs.rename("/mine/etc", "/mine/x")


def test_a_seal_keeps_its_way_until_it_is_lifted(world: Any) -> None:
    fs = world.fs
    fs.write_file(PATH, b"host", parents=True)
    fs.seal("/etc/torpor")
    refused(FsCode.READ_ONLY, fs.rename, "/etc", "/moved")
    fs.seal("/etc/torpor", sealed=False)
    fs.rename("/etc", "/moved")
    fs.symlink("/moved", "/etc")
    refused(FsCode.NOT_DIRECTORY, fs.seal, "/etc/torpor")
    refused(FsCode.NO_ENTRY, fs.seal, "/moved/none")


def test_what_is_not_there_yet_is_kept_free(world: Any, tmp_path: Path) -> None:
    fs = world.fs
    fs.protect("/etc/torpor")
    fs.mkdir("/mine")
    fs.write_file("/file", b"")
    for attempt in (
        (fs.symlink, "/mine", "/etc"),
        (fs.link, "/file", "/etc"),
        (fs.write_file, "/etc", b""),
        (fs.rename, "/mine", "/etc"),
    ):
        refused(FsCode.READ_ONLY, *attempt)
    fs.write_file("/etc/hosts", b"", parents=True)
    for attempt in (
        (fs.symlink, "/mine", "/etc/torpor"),
        (fs.mkdir, "/etc/torpor"),
        (fs.rename, "/mine", "/etc/torpor"),
        (fs.write_file, "/etc/torpor", b""),
    ):
        refused(FsCode.READ_ONLY, *attempt)
    refused(FsCode.READ_ONLY, fs.mkdir, "/etc/torpor", parents=True)
    places = ["/etc", "/etc/torpor"]
    assert [error.code for _, error in fs.set_mounts([Mount(place, str(tmp_path)) for place in places])] == [
        FsCode.READ_ONLY,
        FsCode.READ_ONLY,
    ]
    assert fs.install(PATH, b"host") == []
    assert fs.read_file(PATH) == b"host"


def planted_link(fs: FileSystem) -> None:
    fs.write_file("/mine/torpor/file", b"host", parents=True)
    fs.symlink("/mine", "/etc")


def planted_file(fs: FileSystem) -> None:
    fs.write_file("/etc", b"a file")


def planted_directory(fs: FileSystem) -> None:
    fs.write_file(PATH, b"host", parents=True)


def planted_link_to_a_file(fs: FileSystem) -> None:
    fs.write_file("/mine", b"host")
    fs.mkdir("/etc/torpor", parents=True)
    fs.symlink("/mine", PATH)
    fs.seal("/etc/torpor")


def planted_second_name(fs: FileSystem) -> None:
    fs.write_file(PATH, b"host", parents=True)
    fs.link(PATH, "/mine")
    fs.seal("/etc/torpor")


def planted_writable_file(fs: FileSystem) -> None:
    fs.mkdir("/etc/torpor", parents=True)
    fs.seal("/etc/torpor")
    fs.resolve("/etc/torpor").read_only = False
    fs.write_file(PATH, b"host")
    fs.resolve("/etc/torpor").read_only = True


@pytest.mark.parametrize(
    "plant",
    [
        planted_link,
        planted_file,
        planted_directory,
        planted_link_to_a_file,
        planted_second_name,
        planted_writable_file,
    ],
)
def test_what_is_in_the_place_is_put_aside_and_not_written_through(
    world: Any, settle: Callable[[], None], plant: Callable[[FileSystem], None]
) -> None:
    """As it may be in a tree from elsewhere, or of a time when the way was not kept."""
    fs = world.fs
    plant(fs)
    settle()
    fs.protect("/etc/torpor")
    (aside,) = fs.install(PATH, b"newer")
    assert aside.rpartition(".")[0] in {"/etc", "/etc/torpor"}
    assert fs.stat(aside, follow=False).type is not None
    settle()
    assert fs.read_file(PATH) == b"newer"
    assert all(fs.stat(path, follow=False).read_only for path in ("/etc/torpor", PATH))
    if plant in {planted_link_to_a_file, planted_second_name}:
        assert fs.read_file("/mine") == b"host"
    assert fs.install(PATH, b"newer") == []
    refused(FsCode.READ_ONLY, fs.rename, "/etc", "/moved")
    refused(FsCode.READ_ONLY, fs.write_file, PATH, b"FAKE")
    fs.rename(aside, "/etc/mine")


def test_installing_again_writes_only_what_is_new(world: Any) -> None:
    fs = world.fs
    fs.install(PATH, b"one")
    before = fs.usage
    assert before == Usage(3, 3)
    world.save()
    assert fs.install(PATH, b"one") == []
    assert world.save() is None
    ino = fs.stat(PATH).ino
    assert fs.install(PATH, b"two") == []
    assert (fs.stat(PATH).ino, fs.usage, fs.read_file(PATH)) == (ino, before, b"two")
