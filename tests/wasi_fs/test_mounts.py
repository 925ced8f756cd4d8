"""Host directories in the tree: what they share with it, and what keeps guests in them."""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.trees import refused
from tests.walking import insist
from wasi_fs import FileType, FsCode, FsError, Limits, Mount, OpenDirectory, Usage
from wasi_fs.mounts import scan
from wasi_fs.mounts import tree as mounted_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def descriptors() -> int:
    """Of files and directories: pipes and the like of what other tests have started may end at any time."""
    places = []
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - nothing to be opened by Path
        with suppress(FileNotFoundError):  # that of the listing itself
            places.append(os.readlink(f"/proc/self/fd/{number}"))  # noqa: PTH115 - as above
    return sum(place.startswith("/") and not place.startswith("/memfd:") for place in places)


def test_a_mount_is_part_of_the_tree(fs: Any, host: Path, world: Any) -> None:
    assert fs.readdir("/") == ["mnt"]
    assert fs.readdir("/mnt") == ["work"]
    assert fs.readdir("/mnt/work") == ["below", "file"]
    assert [entry.type for entry in fs.entries("/mnt/work")] == [FileType.DIRECTORY, FileType.REGULAR]
    assert fs.read_file("/mnt/work/file") == b"of the host"
    fs.write_file("/mnt/work/new/deep", b"content", parents=True)
    assert (host / "new/deep").read_bytes() == b"content"
    fs.write_file("/mnt/work/pieces", b"end", offset=3)
    fs.write_file("/mnt/work/pieces", b"the", offset=0)
    assert (host / "pieces").read_bytes() == b"theend"
    refused(FsCode.FILE_TOO_LARGE, fs.write_file, "/mnt/work/far", b"x", offset=fs.limits.file_size)
    assert not (host / "far").exists()
    (host / "later").write_bytes(b"seen at once")
    assert fs.read_file("/mnt/work/below/../later") == b"seen at once"
    fs.symlink("/mnt/work/below", "/link")
    fs.write_file("/link/through", b"x")
    assert (host / "below/through").read_bytes() == b"x"
    status, real = fs.stat("/mnt/work/file"), (host / "file").stat()
    assert (status.size, status.mode, status.mtime) == (real.st_size, real.st_mode & 0o7777, real.st_mtime_ns)
    world.save()
    assert not any(b"of the host" in chunk for chunks in world.backend.chunks.values() for chunk in chunks.values())


def test_what_is_in_a_mount_counts_in_no_quota(fs: Any, host: Path) -> None:
    before = fs.usage
    fs.limits = Limits(bytes=10, entries=before.entries)
    fs.write_file("/mnt/work/large", b"x" * 1000)
    fs.mkdir("/mnt/work/directory")
    assert fs.usage == before == Usage(0, 2)
    fs.limits = Limits(file_size=100)
    for change in (lambda: fs.write_file("/mnt/work/file", b"x" * 101), lambda: fs.truncate("/mnt/work/file", 101)):
        refused(FsCode.FILE_TOO_LARGE, change)
    assert (host / "file").read_bytes() == b"of the host"


def test_links_within_a_mount(fs: Any, host: Path) -> None:
    fs.symlink("below/../file", "/mnt/work/good")
    fs.symlink("../good", "/mnt/work/below/good")
    fs.symlink("..", "/mnt/work/below/up")
    assert fs.read_file("/mnt/work/below/good") == b"of the host"
    assert fs.read_file("/mnt/work/below/up/below/up/file") == b"of the host"
    fs.write_file("/mnt/beside", b"of the VM")
    assert fs.read_file("/mnt/work/below/up/../beside") == b"of the VM"  # the path leads out, not the link
    refused(FsCode.NOT_PERMITTED, fs.symlink, "/etc/passwd", "/mnt/work/bad")
    (host / "loop").symlink_to("loop")
    refused(FsCode.LOOP, fs.read_file, "/mnt/work/loop")
    refused(FsCode.LOOP, fs.open, "/mnt/work/good", follow=False)
    refused(FsCode.UNSUPPORTED, fs.chmod, "/mnt/work/good", 0o600, follow=False)
    fs.utimes("/mnt/work/good", 1, 2, follow=False)
    assert (host / "good").lstat().st_mtime_ns == 2
    assert (host / "file").stat().st_mtime_ns > 2


def test_the_edge_of_a_mount(fs: Any, host: Path) -> None:
    fs.write_file("/mine", b"of the VM")
    for change in (fs.rename, fs.link):
        refused(FsCode.CROSS_DEVICE, change, "/mine", "/mnt/work/mine")
        refused(FsCode.CROSS_DEVICE, change, "/mnt/work/file", "/yours")
    fs.mkdir("/empty")
    for change in (
        lambda: fs.rmdir("/mnt/work"),
        lambda: fs.rename("/mnt/work", "/mnt/other"),
        lambda: fs.rename("/empty", "/mnt/work"),
        lambda: fs.remove_tree("/mnt/work"),
        lambda: fs.remove_tree("/mnt"),
    ):
        refused(FsCode.BUSY, change)
    refused(FsCode.NOT_EMPTY, fs.rmdir, "/mnt/work/below/..")
    refused(FsCode.IS_DIRECTORY, fs.unlink, "/mnt/work")
    refused(FsCode.EXIST, fs.mkdir, "/mnt/work")
    fs.rename("/mnt", "/moved")  # a mount point goes along with what it is in
    assert fs.read_file("/moved/work/file") == b"of the host"
    assert fs.stat("/moved/work/..").ino == fs.stat("/moved").ino
    assert (host / "file").exists()


def test_two_mounts_of_one_directory_are_two_devices(world: Any, host: Path) -> None:
    fs = world.fs
    assert fs.set_mounts([Mount("/one", str(host)), Mount("/two", str(host), read_only=True)]) == []
    refused(FsCode.CROSS_DEVICE, fs.rename, "/one/file", "/two/file")
    refused(FsCode.CROSS_DEVICE, fs.link, "/two/file", "/one/hard")
    assert fs.stat("/one/file").ino == fs.stat("/two/file").ino
    fs.write_file("/one/file", b"new")
    assert fs.read_file("/two/file") == b"new"


def test_read_only(world: Any, host: Path) -> None:
    fs = world.fs
    assert fs.set_mounts([Mount("/ro", str(host), read_only=True)]) == []
    (host / "link").symlink_to("file")
    assert fs.read_file("/ro/link") == b"of the host"
    assert fs.stat("/ro/file").read_only
    before = {path: path.lstat() for path in sorted(host.rglob("*"))}
    for change in (
        lambda: fs.write_file("/ro/file", b"x"),
        lambda: fs.write_file("/ro/new", b"x"),
        lambda: fs.open("/ro/file", write=True),
        lambda: fs.open("/ro/file", truncate=True),
        lambda: fs.open("/ro/new", create=True),
        lambda: fs.truncate("/ro/file", 0),
        lambda: fs.chmod("/ro/file", 0o600),
        lambda: fs.chmod("/ro", 0o700),
        lambda: fs.utimes("/ro/file", 0, 0),
        lambda: fs.utimes("/ro/link", 0, 0, follow=False),
        lambda: fs.mkdir("/ro/new"),
        lambda: fs.mkdir("/ro/new/deep", parents=True),
        lambda: fs.symlink("file", "/ro/new"),
        lambda: fs.link("/ro/file", "/ro/new"),
        lambda: fs.rename("/ro/file", "/ro/new"),
        lambda: fs.unlink("/ro/file"),
        lambda: fs.rmdir("/ro/below"),
        lambda: fs.remove_tree("/ro/below"),
    ):
        refused(FsCode.READ_ONLY, change)
    after = {path: path.lstat() for path in sorted(host.rglob("*"))}
    assert [(path, s.st_mode, s.st_mtime_ns, s.st_ctime_ns, s.st_nlink) for path, s in before.items()] == [
        (path, s.st_mode, s.st_mtime_ns, s.st_ctime_ns, s.st_nlink) for path, s in after.items()
    ]


def test_a_mounted_directory_that_is_gone(fs: Any, host: Path) -> None:
    with fs.open("/mnt/work/file") as file:
        moved = host.rename(host.with_name("elsewhere"))
        for operation in (lambda: fs.readdir("/mnt/work"), lambda: fs.write_file("/mnt/work/x", b"")):
            refused(FsCode.NO_DEVICE, operation)
        assert fs.readdir("/mnt") == ["work"]
        host.symlink_to(moved)
        refused(FsCode.NO_DEVICE, fs.readdir, "/mnt/work")
        host.unlink()
        host.write_bytes(b"no directory")
        refused(FsCode.NO_DEVICE, fs.readdir, "/mnt/work")
        host.unlink()
        moved.rename(host)
        assert fs.readdir("/mnt/work") == ["below", "file"]
        assert file.read(0, 100) == b"of the host"


def test_a_mount_that_is_taken_away(fs: Any, host: Path, world: Any) -> None:
    fs.write_file("/mnt/beside", b"x")
    other = Mount("/other", str(host / "below"))
    file = fs.open("/mnt/work/file", write=True)
    directory = fs.open("/mnt/work/below", directory=True)
    kept = Mount("/mnt/work", str(host))
    assert fs.set_mounts([kept, other]) == []
    assert file.read(0, 2) == b"of"
    assert fs.set_mounts([other]) == []
    for operation in (
        lambda: file.read(0, 1),
        lambda: file.write(0, b"x"),
        lambda: file.append(b"x"),
        lambda: file.truncate(0),
        directory.entries,
        lambda: fs.stat("x", at=directory.node),
    ):
        refused(FsCode.IO, operation)
    file.close()
    directory.close()
    assert fs.readdir("/mnt/work") == []
    fs.write_file("/mnt/work/mine", b"of the VM")
    fs.write_file("/other/mine", b"of the host")
    assert fs.set_mounts([]) == []
    fs.remove_tree("/mnt")
    world.save()
    assert (host / "below/mine").read_bytes() == b"of the host"


def test_there_must_be_a_place(world: Any, host: Path) -> None:
    fs = world.fs
    fs.write_file("/file", b"x")
    fs.mkdir("/real")
    fs.symlink("/real", "/link")
    fs.mkdir("/sealed")
    fs.seal("/sealed")
    places = {"/file": FsCode.NOT_DIRECTORY, "/link": FsCode.NOT_DIRECTORY, "/link/x": FsCode.NOT_DIRECTORY}
    places |= {"/file/x": FsCode.NOT_DIRECTORY, "/sealed/x": FsCode.READ_ONLY}
    refusals = fs.set_mounts([Mount(path, str(host)) for path in places])
    assert {mount.path: error.code for mount, error in refusals} == places
    assert fs.readdir("/real") == []
    assert fs.set_mounts([Mount("/real", str(host))]) == []
    assert fs.readdir("/link") == ["below", "file"]


def test_content_and_handles(fs: Any, host: Path) -> None:
    with fs.open("/mnt/work/file", write=True) as file:
        fs.unlink("/mnt/work/file")
        file.write(3, b"the deep")
        assert file.append(b"!") == 11
        assert file.read(0, 100) == b"of the deep!"
        with file.duplicate() as again:
            file.truncate(2)
            assert again.stat().size == 2
            assert again.stat().nlink == 0
    refused(FsCode.BAD_DESCRIPTOR, file.read, 0, 1)
    with fs.open("/mnt/work/log", write=True, create=True) as one, fs.open("/mnt/work/log", write=True) as two:
        for file in (one, two, one):
            file.append(b"x" * 100_000)
        with (host / "log").open("ab") as another:
            another.write(b"y")
        assert one.append(b"z") == 300_001
    assert (host / "log").stat().st_size == 300_002
    with fs.open("/mnt/work/below", directory=True) as directory:
        fs.rmdir("/mnt/work/below")
        assert directory.entries() == []
        refused(FsCode.NO_ENTRY, fs.write_file, "x", b"", at=directory.node)


def test_listing(fs: Any, host: Path) -> None:
    for number in range(1000):
        (host / f"below/{number:04}").touch()
    os.close(os.open(os.fsencode(host / "below") + b"/not-utf8-\xff", os.O_CREAT | os.O_WRONLY))
    names = [f"{number:04}" for number in range(1000)]
    assert fs.readdir("/mnt/work/below") == names
    with fs.open("/mnt/work/below", directory=True) as directory:
        assert isinstance(directory, OpenDirectory)
        entries = iter(directory.entries())
        fs.unlink("/mnt/work/below/0001")
        assert [entry.name for entry in entries] == names
        paged: list[str] = []
        after: str | None = ""
        while after is not None:
            page, after = insist(partial(directory.page, after, 100))
            assert len(page) <= 100
            paged += [entry.name for entry in page]
        assert paged == [name for name in names if name != "0001"]
    refused(FsCode.ILLEGAL_BYTE_SEQUENCE, fs.stat, "/mnt/work/below/not-utf8-\udcff")
    refused(FsCode.NOT_EMPTY, fs.remove_tree, "/mnt/work/below")
    os.unlink(os.fsencode(host / "below") + b"/not-utf8-\xff")  # noqa: PTH108 - a name in bytes
    os.symlink(b"\xff", os.fsencode(host / "below/odd"))  # noqa: PTH211 - a target in bytes
    refused(FsCode.ILLEGAL_BYTE_SEQUENCE, fs.readlink, "/mnt/work/below/odd")
    refused(FsCode.ILLEGAL_BYTE_SEQUENCE, fs.stat, "/mnt/work/below/odd")
    fs.remove_tree("/mnt/work/below")
    assert not (host / "below").exists()


@pytest.mark.slow
def test_a_large_directory_is_read_piece_by_piece(fs: Any, host: Path) -> None:
    count = 3 * scan.STEP + 5
    for number in range(count):
        (host / f"below/{number:05}").touch()
    gc.collect()
    before = descriptors()
    with fs.open("/mnt/work/below", directory=True) as directory, fs.open("/mnt/work/below", directory=True) as other:
        for _ in range(3):
            refused(FsCode.WOULD_BLOCK, directory.stream)
        names = [entry.name for entry in directory.stream()]
        assert names == sorted(names)
        assert len(names) == count
        insist(partial(other.page, "", 10))
        (host / "below/00000").unlink()
        assert [entry.name for entry in insist(partial(directory.page, "", 2))[0]] == ["00001", "00002"]
        assert [entry.name for entry in insist(partial(other.page, "00000", 1))[0]] == ["00001"]
    with fs.open("/mnt/work/below", directory=True) as directory:
        refused(FsCode.WOULD_BLOCK, directory.page, "", 10)
    gc.collect()
    assert descriptors() == before


def test_a_large_subtree_is_removed_piece_by_piece(fs: Any, host: Path) -> None:
    count = 2 * scan.STEP
    for number in range(count):
        (host / f"below/{number:05}").touch()
    steps = fs.host_removal("/mnt/work/below")
    while count > 2 * scan.STEP - 10:
        next(steps)
        left = len(os.listdir(host / "below"))  # noqa: PTH208 - its names, not paths
        assert count - left <= 1
        count = left
    for _ in steps:
        pass
    assert not (host / "below").exists()
    fs.mkdir("/of-the-vm")
    assert fs.host_removal("/of-the-vm") is None
    for path in ("/mnt", "/mnt/work"):
        refused(FsCode.BUSY, fs.host_removal, path)
        refused(FsCode.BUSY, fs.check_removal, path)


def test_directories_are_listed_within_a_bound(fs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MAX_NAMES", 2)
    assert fs.readdir("/mnt/work") == ["below", "file"]
    fs.write_file("/mnt/work/third", b"")
    refused(FsCode.INSUFFICIENT_MEMORY, fs.readdir, "/mnt/work")


def test_remove_tree(fs: Any, host: Path) -> None:
    deep = "/mnt/work/below"
    with fs.open(deep, directory=True) as opened:
        directory = opened
        for _ in range(400):  # deeper than descriptors go round
            fs.mkdir("d", at=directory.node)
            fs.write_file("file", b"x", at=directory.node)
            below = fs.open("d", directory=True, at=directory.node)
            if directory is not opened:
                directory.close()
            directory = below
        directory.close()
    (host / "below/link").symlink_to("../../outside")
    fs.remove_tree(deep)
    assert not (host / "below").exists()
    assert (host.parent / "outside/secret").exists()
    fs.remove_tree("/mnt/work/file")
    assert fs.readdir("/mnt/work") == []


@pytest.mark.slow
def test_descriptors_are_given_back_and_bounded(
    fs: Any, host: Path, monkeypatch: pytest.MonkeyPatch, new_world: Callable[..., Any]
) -> None:
    fs.write_file("/mnt/work/below/x", b"x")
    (host / "trap").symlink_to("/etc")
    gc.collect()  # what other tests have caught refers to itself
    monkeypatch.setattr(mounted_tree.HostTree, "held_by_all", 0)  # guests of other tests ended with files open
    before = descriptors()
    for _ in range(50):
        fs.write_file("/mnt/work/below/x", b"y")
        fs.read_file("/mnt/work/below/x")
        fs.readdir("/mnt/work/below/..")
        fs.rename("/mnt/work/below/x", "/mnt/work/x")
        fs.rename("/mnt/work/x", "/mnt/work/below/x")
        for path in ("/mnt/work/trap/x", "/mnt/work/none", "/mnt/work/file/x", "/mnt/work/below/" + "n" * 300):
            with pytest.raises(FsError):
                fs.read_file(path)
    assert descriptors() == before
    monkeypatch.setattr(mounted_tree, "MAX_OPEN", 3)
    handles = [fs.open("/mnt/work/file"), fs.open("/mnt/work/below", directory=True), fs.open("/mnt/work/file")]
    handles.append(handles[0].duplicate())
    refused(FsCode.INSUFFICIENT_MEMORY, fs.open, "/mnt/work/file")
    refused(FsCode.INSUFFICIENT_MEMORY, fs.write_file, "/mnt/work/new", b"x")
    assert not (host / "new").exists()
    gc.collect()
    assert descriptors() == before + 3
    handles.pop().close()
    refused(FsCode.INSUFFICIENT_MEMORY, fs.open, "/mnt/work/file")
    gc.collect()
    for handle in handles:
        handle.close()
    assert descriptors() == before
    monkeypatch.setattr(mounted_tree, "MAX_OPEN_OF_ALL", 1)
    with fs.open("/mnt/work/file"):
        other = new_world().fs
        assert other.set_mounts([Mount("/host", str(host))]) == []
        refused(FsCode.INSUFFICIENT_MEMORY, other.open, "/host/file")
    other.open("/host/file").close()
    assert mounted_tree.HostTree.held_by_all == 0
