"""The base system beneath a tree: what shows through, what becomes the VM's own, and what stays as it is."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import itertools
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from tests.trees import MemoryBackend
from wasi_fs import Base, FileSystem, FileType, FsCode, FsError, Limits, Mount, OpenDirectory, OpenFile, Usage
from wasi_fs.base import Digest
from wasi_fs.base.tree import COPIED_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Text:
    """Content that counts how often it is read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self.digest = Digest(hashlib.sha256(data).hexdigest())
        self.reads = 0

    def read(self, offset: int, count: int) -> bytes:
        self.reads += 1
        assert 0 <= offset <= offset + count <= self.size
        return self.data[offset : offset + count]


CORE = Text(b"core" * 1000)
LARGE = Text(bytes(COPIED_BYTES + 1))
USERS = Text(b"root:0\nuser:1000\n")


def a_base() -> Base:
    return Base(
        directories={"/var/tmp": 0o1777, "/usr/share": 0o755},  # noqa: S108 - the VM's
        files={
            "/usr/bin/ls": (CORE, 0o755),
            "/usr/bin/cat": (CORE, 0o755),
            "/usr/bin/large": (LARGE, 0o755),
            "/etc/passwd": (USERS, 0o644),
        },
        links={"/bin": "usr/bin", "/etc/mtab": "/proc/mounts", "/usr/share/up": "../bin"},
    )


class Disk:
    """A tree over a base, on a backend that checks what it keeps."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.backend = MemoryBackend()
        self.base = a_base()
        self._limits = limits or Limits()
        self._ticks: Iterator[int] = itertools.count(1)
        self.fs = self.reload()

    def reload(self) -> FileSystem:
        self.save()
        self.fs = FileSystem(self.backend, self._limits, lambda: next(self._ticks), bytes, self.base)
        return self.fs

    def save(self) -> None:
        changes = self.fs.take_changes(access_times=True) if hasattr(self, "fs") else None
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


def at(fs: FileSystem, path: str) -> OpenDirectory:
    directory = fs.open(path, directory=True)
    assert isinstance(directory, OpenDirectory)
    return directory


@contextlib.contextmanager
def refusing(code: FsCode) -> Iterator[None]:
    with pytest.raises(FsError) as caught:
        yield
    assert caught.value.code is code


def test_it_shows_through_and_costs_nothing(disk: Disk) -> None:
    fs = disk.fs
    assert fs.readdir("/") == ["bin", "dev", "etc", "proc", "usr", "var"]
    assert fs.readdir("/bin") == fs.readdir("/usr/bin") == ["cat", "large", "ls"]
    assert fs.readlink("/bin") == "usr/bin"
    assert fs.stat("/var/tmp").mode == 0o1777  # noqa: S108 - the VM's
    assert fs.stat("/bin/ls") == fs.stat("/usr/bin/cat")
    assert (fs.stat("/bin/ls").nlink, fs.stat("/bin/ls").size, fs.stat("/bin/ls").read_only) == (2, 4000, True)
    assert fs.read_file("/usr/share/up/../bin/ls") == CORE.data
    assert fs.read_file("/etc/passwd", offset=7, length=100) == b"user:1000\n"
    assert fs.stat("/etc/../usr/share/..").ino == fs.stat("/usr").ino
    assert fs.stat("/etc/..").ino == fs.stat("/").ino
    with refusing(FsCode.NO_ENTRY):
        fs.stat("/etc/mtab")  # an absolute link leads through the VM
    with refusing(FsCode.NO_ENTRY):
        fs.stat("/usr/bin/none")
    with refusing(FsCode.NOT_DIRECTORY):
        fs.stat("/etc/passwd/x")
    assert fs.usage == Usage(0, 0)
    disk.save()
    assert disk.backend.usage() == Usage(0, 0)


def test_a_tree_without_one_has_nothing_of_it(disk: Disk) -> None:
    disk.fs.base = Base()
    assert disk.fs.readdir("/") == ["dev", "proc"]
    with refusing(FsCode.NO_ENTRY):
        disk.fs.stat("/usr")
    disk.fs.base = disk.base
    assert disk.fs.stat("/usr").type is FileType.DIRECTORY


def test_inode_numbers_are_distinct_and_stay() -> None:
    def numbers(fs: FileSystem) -> dict[str, int]:
        paths = ("/usr", "/usr/bin", "/bin", "/etc", "/etc/passwd", "/usr/bin/ls", "/usr/bin/large")
        return {path: fs.stat(path, follow=False).ino for path in paths}

    first = numbers(Disk().fs)
    assert len(set(first.values())) == len(first)
    assert all(1 << 51 <= number < 1 << 53 for number in first.values())
    other = Disk()
    other.base.replace({}, {**_files(), "/a": (Text(b"new"), 0o644)}, {"/bin": "usr/bin"})
    assert numbers(other.fs) == first


def _files() -> dict[str, tuple[Text, int]]:
    return {
        "/usr/bin/ls": (CORE, 0o755),
        "/usr/bin/cat": (CORE, 0o755),
        "/usr/bin/large": (LARGE, 0o755),
        "/etc/passwd": (USERS, 0o644),
    }


def test_the_identity_is_the_contents_and_costs_no_reading() -> None:
    content = Text(b"program")
    one, other = (
        FileSystem(MemoryBackend(), Limits(), lambda: 1, bytes, Base(files={path: (content, 0o755)}))
        for path in ("/usr/bin/x", "/y")
    )
    assert one.identity("/usr/bin/x") == other.identity("/y") == content.digest
    assert isinstance(one.identity("/usr/bin/x"), Digest)
    assert opened(one, "/usr/bin/x").identity() == content.digest
    assert content.reads == 0


def test_what_the_vm_has_wins(disk: Disk) -> None:
    fs = disk.fs
    fs.write_file("/bin/ls", b"mine")
    fs.write_file("/usr/bin/tool", b"new")
    for _ in range(2):
        assert fs.read_file("/usr/bin/ls") == b"mine"
        assert fs.read_file("/usr/bin/cat") == CORE.data
        assert fs.readdir("/bin") == ["cat", "large", "ls", "tool"]
        assert fs.readdir("/usr") == ["bin", "share"]
        assert fs.usage == Usage(7, 4)  # /usr, /usr/bin and the two files
        fs = disk.reload()
    fs.unlink("/bin/ls")
    assert fs.read_file("/bin/ls") == CORE.data  # is uncovered
    fs.unlink("/bin/tool")
    fs.rmdir("/usr/bin")
    assert fs.readdir("/usr/bin") == ["cat", "large", "ls"]


def test_directories_of_the_vm_are_united_with_it_however_they_came_there(disk: Disk) -> None:
    fs = disk.fs
    fs.base = Base()
    fs.mkdir("/usr/bin", parents=True)
    fs.mkdir("/bin")
    fs.write_file("/bin/old", b"")
    fs.base = disk.base
    for _ in range(2):
        assert fs.readdir("/bin") == ["cat", "large", "ls", "old"]  # over the base's link
        assert fs.readdir("/usr/bin") == ["cat", "large", "ls"]
        assert fs.read_file("/bin/ls") == CORE.data
        fs = disk.reload()
    fs.rename("/usr", "/moved")
    assert fs.readdir("/moved/bin") == []
    with refusing(FsCode.NO_ENTRY):
        fs.stat("/moved/bin/ls")
    assert fs.read_file("/usr/bin/ls") == CORE.data
    fs.rename("/moved", "/usr/share/usr")
    fs.mkdir("/usr/share/bin")
    assert fs.readdir("/usr/share/bin") == fs.readdir("/usr/share/usr/bin") == []


def test_links_and_files_of_the_vm_cover_directories(disk: Disk) -> None:
    fs = disk.fs
    fs.base = Base()
    fs.mkdir("/elsewhere")
    fs.symlink("elsewhere", "/usr")
    fs.write_file("/etc", b"a file")
    fs.base = disk.base
    assert fs.readdir("/usr") == []
    assert fs.read_file("/etc") == b"a file"
    with refusing(FsCode.NO_ENTRY):
        fs.read_file("/bin/ls")
    with refusing(FsCode.NOT_DIRECTORY):
        fs.write_file("/etc/passwd", b"")


@pytest.mark.parametrize("path", ["/etc/passwd", "/usr/bin/ls"])
def test_a_file_that_is_changed_is_copied(disk: Disk, path: str) -> None:
    old = disk.fs.read_file(path)
    changes = [
        lambda fs: opened(fs, path, write=True).append(b"+"),
        lambda fs: opened(fs, path, write=True, create=True).append(b"+"),
        lambda fs: fs.write_file(path, b"+", offset=len(old)),
        lambda fs: fs.truncate(path, len(old) + 1),
    ]
    for change in changes:
        disk = Disk()
        before = disk.fs.stat(path)
        change(disk.fs)
        for _ in range(2):
            content, after = disk.fs.read_file(path), disk.fs.stat(path)
            assert (content[:-1], len(content)) == (old, len(old) + 1)
            assert (after.mode, after.nlink, after.ino != before.ino) == (before.mode, 1, True)
            disk.reload()
    disk.fs.unlink(path)
    assert disk.fs.stat(path).ino == before.ino


def test_attributes_that_are_changed_make_a_copy(disk: Disk) -> None:
    fs = disk.fs
    fs.chmod("/etc/passwd", 0o600)
    assert (fs.stat("/etc/passwd").mode, fs.read_file("/etc/passwd")) == (0o600, USERS.data)
    fs.utimes("/bin/ls", 5, 6)
    assert (fs.stat("/usr/bin/ls").mtime, fs.stat("/usr/bin/cat").mtime) == (6, 0)
    fs.chmod("/var", 0o700)
    fs.utimes("/usr/share", 7, 8)
    fs = disk.reload()
    assert (fs.stat("/var").mode, fs.stat("/usr/share").mtime) == (0o700, 8)
    assert fs.readdir("/var") == ["tmp"]
    for refuse in (lambda: fs.chmod("/bin", 0o700, follow=False), lambda: fs.utimes("/bin", 1, 1, follow=False)):
        with refusing(FsCode.READ_ONLY):
            refuse()


def test_what_is_emptied_or_replaced_is_not_copied(disk: Disk) -> None:
    fs = disk.fs
    reads = LARGE.reads
    for change in (lambda: opened(fs, "/bin/large", write=True), lambda: fs.chmod("/bin/large", 0o700)):
        with refusing(FsCode.READ_ONLY):
            change()
    with refusing(FsCode.READ_ONLY):
        fs.truncate("/bin/large", COPIED_BYTES)
    assert fs.usage == Usage(0, 0)
    opened(fs, "/bin/large", write=True, truncate=True).close()
    assert fs.read_file("/bin/large") == b""
    fs.unlink("/bin/large")
    fs.truncate("/bin/large", 0)
    fs.unlink("/bin/large")
    fs.write_file("/bin/large", b"mine")
    assert fs.read_file("/bin/large") == b"mine"
    assert LARGE.reads == reads


@pytest.mark.parametrize("limits", [Limits(bytes=USERS.size - 1), Limits(entries=1)])
def test_a_copy_that_has_no_room_changes_nothing(limits: Limits) -> None:
    fs = Disk(limits).fs
    with refusing(FsCode.INSUFFICIENT_SPACE):
        opened(fs, "/etc/passwd", write=True)
    with refusing(FsCode.INSUFFICIENT_SPACE):
        fs.chmod("/etc/passwd", 0o600)
    assert (fs.usage, fs.stat("/etc/passwd").mode) == (Usage(0, 0), 0o644)


def test_its_names_stay(disk: Disk) -> None:
    fs = disk.fs
    for _ in range(2):
        for change in (
            lambda: fs.unlink("/etc/passwd"),
            lambda: fs.unlink("/bin"),
            lambda: fs.rmdir("/usr/share"),
            lambda: fs.remove_tree("/var"),
            lambda: fs.rename("/etc/passwd", "/etc/other"),
            lambda: fs.rename("/etc/passwd", "/x"),
            lambda: fs.rename("/usr/share", "/x"),
        ):
            with refusing(FsCode.READ_ONLY):
                change()
        with refusing(FsCode.NO_ENTRY):
            fs.rename("/etc/none", "/x")
        with refusing(FsCode.NO_ENTRY):
            fs.unlink("/etc/none")
        with refusing(FsCode.EXIST):
            fs.mkdir("/bin")
        with refusing(FsCode.EXIST):
            fs.open("/etc/passwd", write=True, create=True, exclusive=True)
        with refusing(FsCode.CROSS_DEVICE):
            fs.link("/etc/passwd", "/x")
        fs.write_file("/etc/mine", b"")  # now /etc is the VM's, and the same holds


def test_something_can_be_moved_and_linked_to_its_names(disk: Disk) -> None:
    fs = disk.fs
    fs.write_file("/new", b"mine")
    fs.rename("/new", "/etc/passwd")
    assert fs.read_file("/etc/passwd") == b"mine"
    fs.link("/etc/passwd", "/usr/bin/linked")
    assert fs.read_file("/bin/linked") == b"mine"
    with refusing(FsCode.EXIST):
        fs.link("/etc/passwd", "/bin/ls")
    fs.mkdir("/folder")
    with refusing(FsCode.NOT_DIRECTORY):
        fs.rename("/folder", "/bin/ls")
    with refusing(FsCode.READ_ONLY):
        fs.rename("/folder", "/usr/share")
    with refusing(FsCode.READ_ONLY):
        fs.rename("/etc/passwd", "/var")
    with refusing(FsCode.INVALID):
        fs.rename("/usr", "/usr/share/x")
    fs.rename("/folder", "/var/folder")
    assert fs.readdir("/var") == ["folder", "tmp"]
    disk.reload()
    assert disk.fs.readdir("/var") == ["folder", "tmp"]


def test_a_handle_of_its_directory_leads_to_what_that_becomes(disk: Disk) -> None:
    fs = disk.fs
    with at(fs, "/usr/share") as share, at(fs, "/usr") as usr:
        fs.write_file("file", b"1", at=share.node)
        assert [entry.name for entry in share.entries()] == ["file", "up"]
        assert [entry.name for entry in share.page("", 1)[0]] == ["file"]
        assert [entry.name for entry in share.duplicate().stream()] == ["file", "up"]
        assert fs.read_file("file", at=share.node) == b"1"
        fs.rename("file", "other", at=share.node, new_at=usr.node)
        fs.unlink("other", at=usr.node)
        assert fs.stat("..", at=share.node).ino == fs.stat("/usr").ino
        fs.symlink("x", "link", at=share.node)
        fs.mkdir("below/deep", at=share.node, parents=True)
        fs.rmdir("/usr/share/below/deep")
        fs.rmdir("below", at=share.node)
        fs.unlink("link", at=share.node)
        fs.rmdir("/usr/share")
        assert [entry.name for entry in share.entries()] == ["up"]
        fs.rename("/usr", "/gone")
        assert [entry.name for entry in usr.entries()] == ["bin", "share"]
        fs.base = Base()
        fs.write_file("/usr", b"")
        with refusing(FsCode.NO_ENTRY):
            fs.write_file("file", b"", at=share.node)


def test_an_open_file_stays_what_it_was(disk: Disk) -> None:
    fs = disk.fs
    with opened(fs, "/etc/passwd") as file, file.duplicate() as again:
        fs.write_file("/etc/passwd", b"mine")
        disk.base.replace({}, {"/etc/passwd": (Text(b"upgraded"), 0o644)}, {})
        assert file.read(0, 100) == again.read(0, 100) == USERS.data
        assert file.read(1000, 1) == b""
        assert fs.read_file("/etc/passwd") == b"mine"
        with refusing(FsCode.BAD_DESCRIPTOR):
            file.write(0, b"x")
    fs.unlink("/etc/passwd")
    assert fs.read_file("/etc/passwd") == b"upgraded"
    assert fs.readdir("/") == ["dev", "etc", "proc"]


def test_a_base_that_is_replaced_lets_go_of_what_nobody_has_open(disk: Disk) -> None:
    held = []
    left: list[weakref.ref[Text]] = []
    for number in range(4):
        content = Text(b"%d" % number)
        left.append(weakref.ref(content))
        disk.base.replace({}, {"/usr/bin/tool": (content, 0o755)}, {})
        del content
        assert disk.fs.stat("/usr/bin/tool").size == 1
        if number == 1:
            held.append(opened(disk.fs, "/usr/bin/tool"))
    gc.collect()
    assert [each() is not None for each in left] == [False, True, False, True]
    assert held.pop().read(0, 10) == b"1"


def test_pages_of_its_directory_take_no_more_when_that_has_become_a_large_one(disk: Disk) -> None:
    fs = disk.fs
    with at(fs, "/usr/share") as before:
        names = {f"{number:03}" for number in range(300)}
        for name in names:
            fs.write_file(f"/usr/share/{name}", b"")
        disk.save()
        fs.resolve("/usr/share").listed = False  # type: ignore[attr-defined]  # as when memory was short
        disk.backend.queries.clear()
        found, until = [], ""
        while until is not None:
            page, until = before.page(until, 50)
            found += [entry.name for entry in page]
    assert found == sorted({*names, "up"})
    assert (disk.backend.queries["entries"], disk.backend.queries["page"]) == (0, 7)


def test_listings_in_pages_have_everything_once(disk: Disk) -> None:
    fs = disk.fs
    names = [f"{letter}{number:02}" for letter in "bdm" for number in range(40)]
    for name in (*names, "ls"):
        fs.write_file(f"/usr/bin/{name}", b"")
    expected = sorted({*names, "cat", "large", "ls"})
    for fs in (disk.fs, disk.reload()):
        fs.write_file("/usr/bin/cat", b"")
        found, after = [], ""
        with at(fs, "/bin") as directory:
            until: str | None = ""
            while until is not None:
                page, until = directory.page(after, 7)
                found += [entry.name for entry in page]
                after = until or ""
        assert found == expected
        assert fs.entries("/bin") == sorted(fs.entries("/bin"))
        fs.unlink("/usr/bin/cat")
        assert fs.readdir("/bin") == expected
        assert {entry.ino for entry in fs.entries("/bin") if fs.is_shown_only(entry)} == {
            fs.stat("/bin/cat").ino,
            fs.stat("/bin/large").ino,
        }


def test_hosts_directories_and_installed_files_lie_over_it(disk: Disk, tmp_path: Path) -> None:
    fs = disk.fs
    (tmp_path / "file").write_bytes(b"of the host")
    mounts = [Mount(path, str(tmp_path.resolve())) for path in ("/bin", "/usr/share", "/etc/passwd")]
    assert fs.set_mounts(mounts) == []
    for mount in mounts:
        assert fs.read_file(f"{mount.path}/file") == b"of the host"
        with refusing(FsCode.NO_ENTRY):
            fs.stat(f"{mount.path}/ls")
    assert fs.read_file("/usr/bin/ls") == CORE.data
    fs.set_mounts([])
    assert fs.readdir("/bin") == ["cat", "large", "ls"]
    assert fs.install("/etc/ours/file", b"x") == []
    assert fs.readdir("/etc") == ["mtab", "ours", "passwd"]
    with refusing(FsCode.NOT_PERMITTED):
        fs.seal("/var")


def test_a_base_is_one_thing_at_each_path() -> None:
    with pytest.raises(ValueError, match="/a twice"):
        Base(directories={"/a": 0o755}, links={"/a": "b"})
    with pytest.raises(ValueError, match="/a twice"):
        Base(files={"/a": (USERS, 0o644), "/a/b": (CORE, 0o644)})


def test_most_lookups_of_the_vm_do_not_ask_it(disk: Disk) -> None:
    fs = disk.fs
    fs.mkdir("/work/deep/er/still", parents=True)
    disk.save()
    before = fs.loads
    with pytest.raises(FsError):
        fs.stat("/work/deep/er/still/ls")
    assert fs.loads == before  # too far down for the base, which needs no look
