"""The operating system is the oracle: the same operations on the tree and in a real directory have the same outcome."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from wasi_fs import FileType, FsCode, FsError, Mount, OpenDirectory, OpenFile

if TYPE_CHECKING:
    from collections.abc import Callable

ERRNO = {
    FsCode.BAD_DESCRIPTOR: errno.EBADF,
    FsCode.BUSY: errno.EBUSY,
    FsCode.EXIST: errno.EEXIST,
    FsCode.INVALID: errno.EINVAL,
    FsCode.IS_DIRECTORY: errno.EISDIR,
    FsCode.LOOP: errno.ELOOP,
    FsCode.NAME_TOO_LONG: errno.ENAMETOOLONG,
    FsCode.NO_ENTRY: errno.ENOENT,
    FsCode.NOT_DIRECTORY: errno.ENOTDIR,
    FsCode.NOT_EMPTY: errno.ENOTEMPTY,
    FsCode.NOT_PERMITTED: errno.EPERM,
}
TYPES = {stat.S_IFDIR: FileType.DIRECTORY, stat.S_IFREG: FileType.REGULAR, stat.S_IFLNK: FileType.SYMLINK}
FLAGS = {
    "write": os.O_RDWR,
    "create": os.O_CREAT,
    "exclusive": os.O_EXCL,
    "truncate": os.O_TRUNC,
    "directory": os.O_DIRECTORY,
    "nofollow": os.O_NOFOLLOW,
}

# Symlink targets have no `..`, and a path no `..` before a name: nothing leaves the directory of the test.
NAMES = st.sampled_from(["a", "b", "c", "d"])
TARGETS = st.lists(NAMES, min_size=1, max_size=3).map("/".join) | NAMES.map(lambda name: name + "/")
PATHS = st.one_of(
    NAMES,
    st.lists(NAMES, min_size=2, max_size=4).map("/".join),
    NAMES.map(lambda name: f"{name}/.."),
    st.tuples(NAMES, NAMES).map("/../".join),
    st.tuples(st.lists(NAMES, min_size=1, max_size=2).map("/".join), st.sampled_from(["/", "/.", "//", "/./"])).map(
        "".join
    ),
    st.sampled_from([".", "./a", "a//b", "x" * 255, "y" * 256, "é" * 127, "é" * 128, "a/" + "z" * 4096]),
)
SLOTS = st.integers(0, 2)
OFFSETS = st.sampled_from([0, 1, 5, 4096, 65_535, 65_536, 65_537, 150_000])
DATA = st.sampled_from([b"", b"x", b"hello", b"0123456789" * 30, b"k" * 65_536, b"m" * 131_073])
OPEN_FLAGS = st.one_of(
    st.just(frozenset({"create", "write"})),
    st.just(frozenset({"create", "exclusive"})),
    st.just(frozenset({"write", "truncate", "create"})),
    st.just(frozenset({"directory"})),
    # O_EXCL without O_CREAT is undefined, O_CREAT with O_DIRECTORY differs between kernels, so does O_TRUNC when reading.
    st.frozensets(st.sampled_from(["write", "create", "nofollow", "directory"])).filter(
        lambda flags: not {"create", "directory"} <= flags
    ),
)
OPERATIONS = st.one_of(
    st.tuples(st.just("mkdir"), PATHS),
    st.tuples(st.just("mkdir"), PATHS),
    st.tuples(st.just("create"), PATHS, DATA),
    st.tuples(st.just("create"), PATHS, DATA),
    st.tuples(st.just("symlink"), TARGETS, PATHS),
    st.tuples(st.just("rmdir"), PATHS),
    st.tuples(st.just("unlink"), PATHS),
    st.tuples(st.just("rename"), PATHS, PATHS),
    st.tuples(st.just("rename"), PATHS, PATHS),
    st.tuples(st.just("link"), PATHS, PATHS),
    st.tuples(st.just("readlink"), PATHS),
    st.tuples(st.just("stat"), PATHS, st.booleans()),
    st.tuples(st.just("listdir"), PATHS),
    st.tuples(st.just("chmod"), PATHS, st.integers(0, 0o777)),
    st.tuples(st.just("utimes"), PATHS, st.integers(0, 1 << 60), st.booleans()),
    st.tuples(st.just("open"), SLOTS, PATHS, OPEN_FLAGS),
    st.tuples(st.just("read"), SLOTS, OFFSETS),
    st.tuples(st.just("write"), SLOTS, OFFSETS, DATA),
    st.tuples(st.just("append"), SLOTS, DATA),
    st.tuples(st.just("resize"), SLOTS, OFFSETS),
    st.tuples(st.just("fstat"), SLOTS),
    st.tuples(st.just("close"), SLOTS),
    st.tuples(st.just("save"), st.sampled_from(["commit", "fail", "take"])),
    st.tuples(st.just("save"), st.sampled_from(["commit", "fail", "take"])),
    st.tuples(st.just("reload")),
)


def describe(kind: FileType, mode: int, nlink: int, size: int) -> tuple[object, ...]:
    return (kind, None if kind is FileType.SYMLINK else mode, nlink, None if kind is FileType.DIRECTORY else size)


class Real:
    """The operations by the operating system, relative to a directory."""

    def __init__(self, top: int) -> None:
        self.top = top
        self.slots: dict[int, int] = {}

    def mkdir(self, path: str) -> None:
        os.mkdir(path, 0o755, dir_fd=self.top)

    def create(self, path: str, data: bytes) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644, dir_fd=self.top)
        os.write(fd, data)
        os.close(fd)

    def symlink(self, target: str, path: str) -> None:
        os.symlink(target, path, dir_fd=self.top)

    def rmdir(self, path: str) -> None:
        os.rmdir(path, dir_fd=self.top)

    def unlink(self, path: str) -> None:
        os.unlink(path, dir_fd=self.top)

    def rename(self, old: str, new: str) -> None:
        os.rename(old, new, src_dir_fd=self.top, dst_dir_fd=self.top)

    def link(self, old: str, new: str) -> None:
        os.link(old, new, src_dir_fd=self.top, dst_dir_fd=self.top, follow_symlinks=False)

    def readlink(self, path: str) -> str:
        return os.readlink(path, dir_fd=self.top)

    def stat(self, path: str, follow: bool) -> tuple[object, ...]:
        return self._describe(os.stat(path, dir_fd=self.top, follow_symlinks=follow))

    def listdir(self, path: str) -> list[str]:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.top)
        try:
            return sorted(os.listdir(fd))  # noqa: PTH208 - Path knows no descriptors
        finally:
            os.close(fd)

    def chmod(self, path: str, mode: int) -> None:
        os.chmod(path, mode, dir_fd=self.top)

    def utimes(self, path: str, time: int, follow: bool) -> int:
        os.utime(path, ns=(time, time + 1), dir_fd=self.top, follow_symlinks=follow)
        return os.stat(path, dir_fd=self.top, follow_symlinks=follow).st_mtime_ns

    def open(self, slot: int, path: str, flags: frozenset[str]) -> None:
        self.close(slot)
        self.slots[slot] = os.open(path, sum(FLAGS[flag] for flag in flags), 0o644, dir_fd=self.top)

    def read(self, slot: int, offset: int) -> bytes | None:
        fd = self._file(slot)
        return None if fd is None else os.pread(fd, 200_000, offset)

    def write(self, slot: int, offset: int, data: bytes) -> None:
        if (fd := self._file(slot)) is not None:
            os.pwrite(fd, data, offset)

    def append(self, slot: int, data: bytes) -> None:
        if (fd := self._file(slot)) is not None:
            os.pwrite(fd, data, os.fstat(fd).st_size)

    def resize(self, slot: int, size: int) -> None:
        if (fd := self._file(slot)) is not None:
            os.ftruncate(fd, size)

    def fstat(self, slot: int) -> object:
        return self._describe(os.fstat(self.slots[slot])) if slot in self.slots else None

    def close(self, slot: int) -> None:
        if slot in self.slots:
            os.close(self.slots.pop(slot))

    def _file(self, slot: int) -> int | None:
        fd = self.slots.get(slot)
        return None if fd is None or stat.S_ISDIR(os.fstat(fd).st_mode) else fd

    def _describe(self, found: os.stat_result) -> tuple[object, ...]:
        kind = TYPES[stat.S_IFMT(found.st_mode)]
        return describe(kind, stat.S_IMODE(found.st_mode), found.st_nlink, found.st_size)


class Virtual:
    """The operations on the tree."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.slots: dict[int, OpenFile | OpenDirectory] = {}
        self.changes: Any = None

    @property
    def fs(self) -> Any:
        return self.world.fs

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return getattr(self.fs, name)  # type: ignore[no-any-return]

    def create(self, path: str, data: bytes) -> None:
        self.fs.write_file(path, data)

    def stat(self, path: str, follow: bool) -> tuple[object, ...]:
        return self._describe(self.fs.stat(path, follow=follow))

    def listdir(self, path: str) -> list[str]:
        return self.fs.readdir(path)

    def utimes(self, path: str, time: int, follow: bool) -> int:
        self.fs.utimes(path, time, time + 1, follow=follow)
        return self.fs.stat(path, follow=follow).mtime

    def open(self, slot: int, path: str, flags: frozenset[str]) -> None:
        self.close(slot)
        options = dict.fromkeys(flags - {"nofollow"}, True)
        self.slots[slot] = self.fs.open(path, follow="nofollow" not in flags, **options)

    def read(self, slot: int, offset: int) -> bytes | None:
        file = self._file(slot)
        return file.read(offset, 200_000) if file else None

    def write(self, slot: int, offset: int, data: bytes) -> None:
        if file := self._file(slot):
            file.write(offset, data)

    def append(self, slot: int, data: bytes) -> None:
        if file := self._file(slot):
            file.append(data)

    def resize(self, slot: int, size: int) -> None:
        if file := self._file(slot):
            file.truncate(size)

    def fstat(self, slot: int) -> object:
        return self._describe(self.slots[slot].stat()) if slot in self.slots else None

    def close(self, slot: int) -> None:
        if slot in self.slots:
            self.slots.pop(slot).close()

    def save(self, how: str) -> None:
        """`take` leaves the change set under way, until the next save."""
        if self.changes is None:
            self.changes = self.fs.take_changes()
        elif how == "take":
            return
        if self.changes is not None and how != "take":
            if how == "commit":
                self.world.backend.apply(self.changes)
                self.world.backend.check()
                self.changes.committed()
            else:
                self.changes.failed()
            self.changes = None

    def reload(self) -> None:
        """A restart after a clean end: everything is saved, and no handle survives."""
        self.save("commit")
        self.save("commit")
        self.world.reload()

    def _file(self, slot: int) -> OpenFile | None:
        file = self.slots.get(slot)
        return file if isinstance(file, OpenFile) else None

    def _describe(self, found: Any) -> tuple[object, ...]:
        return describe(found.type, found.mode, found.nlink, found.size)


class Mounted(Virtual):
    """The operations on a host directory that is mounted in the tree."""

    def __init__(self, world: Any, host: str) -> None:
        super().__init__(world)
        assert world.fs.set_mounts([Mount("/host", host)]) == []

    @property
    def fs(self) -> Any:
        return _Below(self.world.fs)


class _Below:
    def __init__(self, fs: Any) -> None:
        self._fs = fs

    def __getattr__(self, name: str) -> Callable[..., Any]:
        top = self._fs.resolve("/host")
        directories = {"at": top, "new_at": top} if name in {"rename", "link"} else {"at": top}
        return functools.partial(getattr(self._fs, name), **directories)


def outcome(side: object, name: str, arguments: tuple[Any, ...]) -> object:
    try:
        return getattr(side, name)(*arguments)
    except FsError as error:
        return errno.errorcode[ERRNO[error.code]]
    except OSError as error:
        return errno.errorcode[error.errno or 0]


def look(side: Real | Virtual, path: str = ".") -> dict[str, object]:
    """The whole tree, as both sides tell it."""
    seen: dict[str, object] = {path: side.stat(path, follow=False)}
    for name in side.listdir(path):
        below = f"{path}/{name}"
        kind = side.stat(below, follow=False)
        seen[below] = kind
        if kind[0] is FileType.DIRECTORY:
            seen.update(look(side, below))
        elif kind[0] is FileType.SYMLINK:
            seen[below + "@"] = side.readlink(below)
        else:
            side.open(9, below, frozenset())
            seen[below + "="] = side.read(9, 0)
            side.close(9)
    return seen


@pytest.fixture(scope="module")
def counts_links() -> bool:
    """Some filesystems (btrfs) do not count a directory's links."""
    with tempfile.TemporaryDirectory() as top:
        return Path(top).stat().st_nlink == 2


PRELUDE: list[tuple[Any, ...]] = [
    ("mkdir", "a"),
    ("mkdir", "a/b"),
    ("create", "a/c", b"hello"),
    ("symlink", "a", "d"),
    ("symlink", "d/c", "a/d"),
    ("open", 0, "a/c", frozenset({"write"})),
    ("save", "commit"),
]


@pytest.mark.slow
@given(
    operations=st.tuples(st.sampled_from([[], PRELUDE]), st.lists(OPERATIONS, max_size=40)).map(lambda x: x[0] + x[1])
)
@settings(
    max_examples=250,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(
    operations=[
        ("create", "a", b"x"),
        ("open", 0, "a", frozenset()),
        ("unlink", "a"),
        ("save", "commit"),
        ("read", 0, 0),
    ]
)
@example(operations=[("mkdir", "a"), ("open", 0, "a", frozenset()), ("rmdir", "a"), ("fstat", 0), ("save", "commit")])
def test_same_outcome(operations: list[tuple[Any, ...]], new_world: Callable[..., Any], counts_links: bool) -> None:
    if not counts_links:
        pytest.skip("the oracle's filesystem does not count the links of directories")
    virtual = Virtual(new_world())
    with tempfile.TemporaryDirectory() as path, contextlib.ExitStack() as stack:
        Path(path).chmod(0o755)
        top = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        stack.callback(os.close, top)
        real = Real(top)
        for step, (name, *arguments) in enumerate(operations):
            if name in {"save", "reload"}:
                if name == "reload":
                    for slot in range(3):
                        real.close(slot)
                        virtual.close(slot)
                getattr(virtual, name)(*arguments)
                continue
            here = outcome(virtual, name, tuple(arguments))
            there = outcome(real, name, tuple(arguments))
            if here == "ENAMETOOLONG" and name == "rename":  # which of two faults is told first
                assert isinstance(there, str)
                continue
            assert here == there, f"step {step}: {name}{tuple(arguments)}"
        assert look(virtual) == look(real)
        for slot in range(3):
            real.close(slot)
            virtual.close(slot)
        before = look(virtual)
        virtual.reload()
        assert look(virtual) == before


@pytest.mark.slow
@given(
    operations=st.tuples(st.sampled_from([[], PRELUDE]), st.lists(OPERATIONS, max_size=40)).map(lambda x: x[0] + x[1])
)
@settings(
    max_examples=250,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_same_outcome_on_a_mount(operations: list[tuple[Any, ...]], new_world: Callable[..., Any]) -> None:
    """And what the mount makes of its directory is what the operating system makes of another."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two, contextlib.ExitStack() as stack:
        tops = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in (one, two)]
        for top in tops:
            os.fchmod(top, 0o755)
            stack.callback(os.close, top)
        mounted, real = Mounted(new_world(), one), Real(tops[1])
        for step, (name, *arguments) in enumerate(operations):
            if name in {"save", "reload"}:
                continue
            here = outcome(mounted, name, tuple(arguments))
            there = outcome(real, name, tuple(arguments))
            if here == "ENAMETOOLONG" and name == "rename":  # which of two faults is told first
                assert isinstance(there, str)
                continue
            assert here == there, f"step {step}: {name}{tuple(arguments)}"
        assert look(mounted) == look(real) == look(Real(tops[0]))
        for slot in range(3):
            real.close(slot)
            mounted.close(slot)


@pytest.mark.slow
@given(
    operations=st.tuples(st.sampled_from([[], PRELUDE]), st.lists(OPERATIONS, max_size=40)).map(lambda x: x[0] + x[1])
)
@settings(
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_crash_leaves_the_last_commit(
    operations: list[tuple[Any, ...]], new_world: Callable[..., Any], see: Callable[..., Any]
) -> None:
    """To the last attribute, and whether or not a commit was under way."""
    world = new_world()
    virtual = Virtual(world)
    expected = committed = None
    for name, *arguments in operations:
        if name == "reload":
            continue
        if name == "save":
            if virtual.changes is None:
                see(world.fs)  # reading moves access times: the first look settles them
                expected = see(world.fs)
            (how,) = arguments
            virtual.save(how)
            if how == "commit" and virtual.changes is None and not world.fs.saving:
                committed = expected
        else:
            outcome(virtual, name, tuple(arguments))
    world.reload()
    if committed is not None:
        assert strip(see(world.fs)) == strip(committed)
    world.save()
    world.backend.check()
    assert world.backend.orphans() == []


def strip(seen: dict[str, Any]) -> dict[str, Any]:
    """Without access times, which alone make no commit."""
    return {path: (found._replace(atime=0), content) for path, (found, content) in seen.items()}
