"""Mounts whose host side is made to lead elsewhere: by links, by what is no file, by swaps in the right moment."""

from __future__ import annotations

import os
import socket
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.trees import refused
from wasi_fs import FileType, FsCode, FsError
from wasi_fs.mounts import tree as mounted_tree
from wasi_fs.resolve import HOST_STEPS, MAX_STEPS

if TYPE_CHECKING:
    from pathlib import Path


def test_the_kernel_is_asked_for_no_more_than_so_many_names_of_a_path(fs: Any, host: Path, monkeypatch: Any) -> None:
    looks = [0]
    adopt = mounted_tree.adopt

    def count(*arguments: Any, **options: Any) -> Any:
        looks[0] += 1
        return adopt(*arguments, **options)

    monkeypatch.setattr(mounted_tree, "adopt", count)
    (host / "up").symlink_to("below/.." + "/below/.." * 100)
    fs.mkdir("/mnt/other")
    for path in (
        "/mnt/work" + "/below/.." * 500,  # its own names
        "/mnt" + "/work/.." * 500,  # across the border
        "/mnt/work/up" + "/up" * 30,
        "/mnt/work" + "/new" * 1000,
    ):
        looks[0] = 0
        refused(FsCode.NAME_TOO_LONG, fs.mkdir, path, parents=True)
        assert looks[0] <= 2 * MAX_STEPS // HOST_STEPS
    assert fs.stat("/mnt/work" + "/below/.." * 50).type is FileType.DIRECTORY
    assert fs.stat("/mnt/other" + "/." * 2000).type is FileType.DIRECTORY  # those of the VM are not asked for


def test_dots_lead_to_the_directory_of_the_vm(fs: Any) -> None:
    fs.write_file("/mnt/beside", b"of the VM")
    assert fs.read_file("/mnt/work/below/../../beside") == b"of the VM"
    assert fs.read_file("/mnt/work/../beside") == b"of the VM"
    with fs.open("/mnt/work", directory=True) as work:
        assert fs.read_file("../beside", at=work.node) == b"of the VM"
        assert fs.stat("..", at=work.node).ino == fs.stat("/mnt").ino
    assert fs.stat("/mnt/work/../../../..").ino == fs.stat("/").ino


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "/mnt/beside", "../outside/secret", "below/../../outside/secret", ".."]
)
@pytest.mark.parametrize("via", ["{}", "also", "below/up"])
def test_a_link_of_the_host_leads_nowhere_else(fs: Any, host: Path, target: str, via: str) -> None:
    """Neither on the host nor in the VM, by no way of going through it."""
    fs.write_file("/mnt/beside", b"of the VM")
    (host / "trap").symlink_to(target)
    (host / "also").symlink_to("trap")
    (host / "below/up").symlink_to("../trap")
    path = "/mnt/work/" + via.format("trap")
    for operation in (
        lambda: fs.stat(path),
        lambda: fs.read_file(path),
        lambda: fs.write_file(path, b"x"),
        lambda: fs.open(path, write=True, create=True, truncate=True),
        lambda: fs.readdir(path),
        lambda: fs.chmod(path, 0o777),
        lambda: fs.utimes(path, 0, 0),
        lambda: fs.truncate(path, 0),
        lambda: fs.stat(path + "/secret"),
        lambda: fs.mkdir(path + "/made"),
        lambda: fs.mkdir(path + "/made/deep", parents=True),
        lambda: fs.rename("/mnt/work/file", path + "/file"),
        lambda: fs.link("/mnt/work/file", path + "/file"),
        lambda: fs.link(path, "/mnt/work/hard", follow=True),
        lambda: fs.remove_tree(path + "/secret"),
    ):
        refused(FsCode.NOT_PERMITTED, operation)
    assert fs.readlink("/mnt/work/trap") == target
    assert fs.stat("/mnt/work/trap", follow=False).type is FileType.SYMLINK
    assert sorted(each.name for each in host.parent.iterdir()) == ["host", "outside"]
    assert [each.name for each in (host.parent / "outside").iterdir()] == ["secret"]
    fs.unlink("/mnt/work/trap")


def test_what_is_no_file_is_seen_and_never_opened(fs: Any, host: Path) -> None:
    os.mkfifo(host / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(host / "socket"))
        for name in ("fifo", "socket"):
            path = f"/mnt/work/{name}"
            assert fs.stat(path).type is FileType.OTHER
            for operation in (
                lambda path=path: fs.open(path),
                lambda path=path: fs.open(path, write=True, create=True, truncate=True),
                lambda path=path: fs.read_file(path),
                lambda path=path: fs.write_file(path, b"x"),
                lambda path=path: fs.truncate(path, 0),
            ):
                refused(FsCode.UNSUPPORTED, operation)
    assert {entry.name: entry.type for entry in fs.entries("/mnt/work")}["fifo"] is FileType.OTHER
    fs.rename("/mnt/work/fifo", "/mnt/work/below/fifo")
    fs.remove_tree("/mnt/work/below")
    fs.unlink("/mnt/work/socket")
    assert sorted(os.listdir(host)) == ["file"]  # noqa: PTH208 - names are all that is asked


def test_no_program_is_planted_that_runs_with_the_daemons_rights(fs: Any, host: Path) -> None:
    for mode in (0o4755, 0o2755, 0o6777):
        refused(FsCode.NOT_PERMITTED, fs.chmod, "/mnt/work/file", mode)
        refused(FsCode.NOT_PERMITTED, fs.write_file, "/mnt/work/new", b"x", mode=mode)
        refused(FsCode.NOT_PERMITTED, fs.mkdir, "/mnt/work/new", mode)
    fs.chmod("/mnt/work/file", 0o1755)
    assert (host / "file").stat().st_mode & 0o7777 == 0o1755


def test_a_directory_that_becomes_a_link_is_not_followed(fs: Any, host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Swapped between any two steps of a walk, by a program of the host that is always the quicker one."""
    os.rename(host / "below", host / "real")  # noqa: PTH104 - as the swap below
    (host / "real/secret").write_bytes(b"of the mount")
    (host / "link").symlink_to("../outside")
    (host / "swapped").mkdir()
    (host / "swapped/secret").write_bytes(b"of the mount")
    lookup = mounted_tree.HostTree.lookup

    def swapping(self: Any, directory: Any, name: str) -> Any:
        if name == "swapped":
            before, swaps = (
                lookup(self, directory, name),
                ("swapped", "aside"),
            )
            for old, new in (swaps, ("link", "swapped")):
                os.rename(host / old, host / new)  # noqa: PTH104
            return before
        return lookup(self, directory, name)

    monkeypatch.setattr(mounted_tree.HostTree, "lookup", swapping)
    assert fs.read_file("/mnt/work/swapped/secret") == b"of the mount"
    monkeypatch.undo()
    refused(FsCode.NOT_PERMITTED, fs.read_file, "/mnt/work/swapped/secret")


@pytest.mark.slow
def test_a_program_of_the_host_that_swaps_without_end(fs: Any, host: Path) -> None:
    """A directory and a link that leads out, in each other's place: what is found is in the mount, or an error."""
    outside = host.parent / "outside"
    (host / "below/secret").write_bytes(b"of the mount")
    (host / "link").symlink_to(outside)
    swaps = [("below", "aside"), ("link", "below"), ("below", "link"), ("aside", "below")]
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            for old, new in swaps:
                os.rename(host / old, host / new)  # noqa: PTH104 - many

    swapping = threading.Thread(target=swap)
    swapping.start()
    seen: Counter[object] = Counter()
    try:
        for number in range(6000):
            try:
                if number % 3 == 0:
                    fs.write_file("/mnt/work/below/secret", b"of the mount")
                elif number % 3 == 1:
                    fs.rename("/mnt/work/below/secret", "/mnt/work/below/./secret")
                seen[fs.read_file("/mnt/work/below/../below/secret")] += 1
            except FsError as error:
                seen[error.code] += 1
    finally:
        ended.set()
        swapping.join()
    contents = {key for key in seen if isinstance(key, bytes)}
    assert contents <= {b"of the mount", b""}  # a write of ours begins with an empty file
    assert (outside / "secret").read_bytes() == b"secret"
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_a_file_that_becomes_another_is_the_one_that_was_looked_at(
    fs: Any, host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = mounted_tree.HostTree.hold

    def swapping(self: Any, node: Any, **rights: bool) -> None:
        (host / "file").unlink()
        (host / "file").symlink_to("../outside/secret")
        hold(self, node, **rights)

    monkeypatch.setattr(mounted_tree.HostTree, "hold", swapping)
    with fs.open("/mnt/work/file") as file:
        assert file.read(0, 100) == b"of the host"


def test_a_directory_that_leaves_the_mount_is_left_alone(fs: Any, host: Path) -> None:
    with fs.open("/mnt/work/below", directory=True) as below:
        (host / "below").rename(host.parent / "outside/below")
        for operation in (
            lambda: fs.stat("../secret", at=below.node),
            lambda: fs.stat("..", at=below.node),
            lambda: fs.write_file("new", b"x", at=below.node),
            lambda: fs.readdir(".", at=below.node),
        ):
            refused(FsCode.NO_ENTRY, operation)
        (host.parent / "outside/below").rename(host / "back")
        fs.write_file("new", b"x", at=below.node)
    assert (host / "back/new").read_bytes() == b"x"
