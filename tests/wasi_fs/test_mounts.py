"""Host directories in the tree: what they share with it, and what keeps guests in them."""

from __future__ import annotations

import gc
import os
import socket
import threading
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.walking import insist
from wasi_fs import FileType, FsCode, FsError, Limits, Mount, OpenDirectory, Usage
from wasi_fs.mounts import scan
from wasi_fs.mounts import tree as mounted_tree
from wasi_fs.resolve import HOST_STEPS, MAX_STEPS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def refused(code: FsCode, function: Callable[..., object], *arguments: Any, **options: Any) -> None:
    with pytest.raises(FsError) as caught:
        function(*arguments, **options)
    assert caught.value.code is code, caught.value


def descriptors() -> int:
    """Of files and directories: pipes and the like of what other tests have started may end at any time."""
    places = []
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - nothing to be opened by Path
        with suppress(FileNotFoundError):  # that of the listing itself
            places.append(os.readlink(f"/proc/self/fd/{number}"))  # noqa: PTH115 - as above
    return sum(place.startswith("/") and not place.startswith("/memfd:") for place in places)


@pytest.fixture
def host(tmp_path: Path) -> Path:
    directory = tmp_path.resolve() / "host"
    directory.mkdir()
    (directory / "file").write_bytes(b"of the host")
    (directory / "below").mkdir()
    outside = tmp_path.resolve() / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    return directory


@pytest.fixture
def fs(world: Any, host: Path) -> Any:
    assert world.fs.set_mounts([Mount("/mnt/work", str(host))]) == []
    return world.fs


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
