"""Paths in a mount by which another program may open what a guest means, while no guest can change where they lead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.trees import refused
from wasi_fs import FileSystem, FsCode, Mount

if TYPE_CHECKING:
    from pathlib import Path


def direct(fs: Any, path: str, *, changing: bool = False) -> str | None:
    with fs.held_direct(path, changing=changing) as found:
        assert found is None or isinstance(found, str)
        return found


def test_a_link_is_followed_before(fs: Any, host: Path) -> None:
    (host / "below/deep").write_text("x")
    (host / "inside").symlink_to("below")
    assert direct(fs, "/mnt/work/file") == "/mnt/work/file"
    assert direct(fs, "/mnt/work/inside/deep") == "/mnt/work/below/deep"
    assert direct(fs, "/mnt/work/inside/new/er", changing=True) == "/mnt/work/below/new/er"


@pytest.mark.parametrize("changing", [False, True])
def test_what_no_other_program_may_open(fs: Any, host: Path, tmp_path: Path, changing: bool) -> None:
    (host / "out").symlink_to(tmp_path / "outside")
    (host / "up").symlink_to("../outside/secret")
    (host / "dangling").symlink_to("nothing")
    fs.write_file("/mnt/beside", b"of the VM")
    fs.symlink("/mnt/work", "/link")
    for path in (
        *("/mnt/work/out/secret", "/mnt/work/up", "/mnt/work/dangling", "/mnt/work/file/x", "/mnt/work/below"),
        *("/mnt/work", "/mnt/beside", "/link/file", "/mnt/work/below/../file", "/mnt/work//file", "/mnt/workshop"),
    ):
        assert direct(fs, path, changing=changing) is None, path


def test_a_read_only_mount_is_not_changed(world: Any, host: Path) -> None:
    assert world.fs.set_mounts([Mount("/ro", str(host), True)]) == []
    assert direct(world.fs, "/ro/file") == "/ro/file"
    assert direct(world.fs, "/ro/file", changing=True) is None


def test_meanwhile_no_guest_puts_a_link_there(fs: FileSystem, host: Path, new_world: Any) -> None:
    other = new_world().fs  # of another VM, which has a part of the directory
    assert other.set_mounts([Mount("/part", str(host / "below"))]) == []
    elsewhere = new_world().fs
    (host.parent / "below").mkdir()
    assert elsewhere.set_mounts([Mount("/else", str(host.parent / "below"))]) == []
    moves = [
        (other.symlink, ("x", "/part/new")),
        (fs.symlink, ("file", "/mnt/work/new")),
        (fs.rename, ("/mnt/work/below", "/mnt/work/moved")),
        (fs.link, ("/mnt/work/file", "/mnt/work/again")),
    ]
    with fs.held_direct("/mnt/work/file", changing=False), fs.held_direct("/mnt/work/file", changing=True):
        for move, paths in moves:
            refused(FsCode.WOULD_BLOCK, move, *paths)
        fs.write_file("/mnt/work/other", b"written")
        fs.unlink("/mnt/work/other")
        fs.symlink("file", "/of-the-vm")
        elsewhere.symlink("x", "/else/new")
    for move, paths in moves:
        move(*paths)  # type: ignore[operator]
    assert (host / "again").read_bytes() == b"of the host"
