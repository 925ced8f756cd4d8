"""wasi:filesystem, as the engine calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
import trio.testing

from runtime.api.errors import ApiError, ErrorCode
from runtime.engine import Wait, WitError
from runtime.wasi import io
from runtime.wasi.filesystem import descriptor as descriptors
from runtime.wasi.filesystem import preopens, types
from runtime.wasi.filesystem import streams as file_streams
from runtime.wasi.streams import MAX_TRANSFER, IoError, StreamClosed, StreamFailed
from tests.walking import insist
from wasi_fs import CHUNK_SIZE, FsCode, FsError, Limits, Mount
from wasi_fs.handles import PAGE_ENTRIES
from wasi_fs.mounts import scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLLOW = frozenset({"symlink-follow"})
NONE: frozenset[str] = frozenset()
READ = frozenset({"read"})
WRITE = frozenset({"write"})
FUNCTIONS = (
    "read-via-stream write-via-stream append-via-stream advise sync-data get-flags get-type set-size set-times read write "
    "read-directory sync create-directory-at stat stat-at set-times-at link-at open-at readlink-at remove-directory-at "
    "rename-at symlink-at unlink-file-at is-same-object metadata-hash metadata-hash-at"
)


@attrs.define(eq=False)
class Guest:
    """A guest's state, and its calls by their WIT names."""

    world: Any
    start_soon: Callable[..., Any] | None = None
    syncs: int = 0
    open_files: int = 0
    failure: Exception | None = None

    @property
    def filesystem(self) -> Any:
        return self.world.fs

    async def sync_filesystem(self) -> None:
        await trio.lowlevel.checkpoint()
        if self.failure:
            raise self.failure
        self.syncs += 1
        self.world.save()

    def call(self, name: str, *arguments: Any) -> Any:
        full = name if name in types.types.functions else f"[method]descriptor.{name}"
        return types.types.functions[full](self, *arguments)

    def refused(self, code: str, name: str, *arguments: Any) -> None:
        with pytest.raises(WitError) as caught:
            self.call(name, *arguments)
        assert caught.value.value == code

    @property
    def root(self) -> Any:
        ((descriptor, name),) = preopens.preopens.functions["get-directories"](self)
        assert name == "/"
        return descriptor

    def open(self, path: str, *open_flags: str, flags: frozenset[str] = READ) -> Any:
        return self.call("open-at", self.root, FOLLOW, path, frozenset(open_flags), flags)


@pytest.fixture
def guest(world: Any) -> Guest:
    return Guest(world)


def test_every_function_of_the_wit_is_there() -> None:
    expected = {f"[method]descriptor.{name}" for name in FUNCTIONS.split()}
    expected |= {"filesystem-error-code", "[method]directory-entry-stream.read-directory-entry"}
    assert set(types.types.functions) == expected
    assert set(preopens.preopens.functions) == {"get-directories"}


def test_files(guest: Guest) -> None:
    file = guest.open("f", "create", "exclusive", flags=READ | WRITE)
    guest.refused("exist", "open-at", guest.root, FOLLOW, "f", frozenset({"create", "exclusive"}), READ)
    assert guest.call("write", file, b"hello", 2) == 5
    assert guest.call("read", file, 100, 0) == (b"\0\0hello", True)
    assert guest.call("read", file, 3, 0) == (b"\0\0h", False)
    assert guest.call("read", file, 3, 7) == (b"", True)
    guest.call("set-size", file, 3)
    assert guest.call("read", file, 100, 0) == (b"\0\0h", True)
    assert guest.call("get-type", file) == "regular-file"
    assert set(guest.call("get-flags", file)) == {"read", "write"}
    assert guest.call("advise", file, 0, 0, "sequential") is None
    file.drop()
    again = guest.open("f", "truncate", flags=WRITE)
    assert guest.call("stat", again).size == 0
    again.drop()


def test_what_a_descriptor_is_open_for_is_enforced(guest: Guest) -> None:
    guest.filesystem.write_file("/f", b"x")
    reader, writer, root = guest.open("f"), guest.open("f", flags=WRITE), guest.root
    assert set(guest.call("get-flags", reader)) == {"read"}
    assert set(guest.call("get-flags", writer)) == {"write"}
    assert set(guest.call("get-flags", root)) == {"read", "mutate-directory"}
    guest.refused("bad-descriptor", "write", reader, b"x", 0)
    guest.refused("bad-descriptor", "write-via-stream", reader, 0)
    guest.refused("bad-descriptor", "append-via-stream", reader)
    guest.refused("invalid", "set-size", reader, 0)
    guest.refused("bad-descriptor", "read", writer, 1, 0)
    guest.refused("bad-descriptor", "read-via-stream", writer, 0)
    for name, *arguments in (("read", 1, 0), ("write", b"", 0), ("set-size", 0), ("read-via-stream", 0)):
        guest.refused("is-directory", name, root, *arguments)
    guest.refused("not-directory", "stat-at", reader, FOLLOW, "x")
    guest.refused("not-directory", "read-directory", reader)
    guest.refused("is-directory", "open-at", root, FOLLOW, ".", NONE, WRITE)
    assert guest.call("get-flags", guest.open("f", flags=NONE)) == ("read",)


def test_stat_and_times(guest: Guest) -> None:
    fs = guest.filesystem
    fs.write_file("/f", b"12345")
    fs.symlink("f", "/s")
    kind, links, size, _, modified, changed = guest.call("stat-at", guest.root, FOLLOW, "s")
    assert (kind, links, size) == ("regular-file", 1, 5)
    assert modified == changed == divmod(fs.stat("/f").mtime, 10**9)
    assert guest.call("stat-at", guest.root, NONE, "s").type == "symbolic-link"
    guest.call("set-times-at", guest.root, FOLLOW, "s", ("timestamp", (5, 7)), ("no-change", None))
    assert guest.call("stat-at", guest.root, NONE, "f").accessed == (5, 7)
    file = guest.open("f")
    guest.call("set-times", file, ("now", None), ("timestamp", (0, 1)))
    assert guest.call("stat", file).modified == (0, 1)
    assert guest.call("stat", file).accessed[0] >= 1_700_000_000
    guest.refused("invalid", "set-times", file, ("timestamp", (0, 10**9)), ("now", None))
    guest.refused("invalid", "set-times", file, ("timestamp", (1 << 63, 0)), ("now", None))
    fs.utimes("/f", -1, -1)
    assert guest.call("stat", file).modified == (0, 0)
    hashed = guest.call("metadata-hash", file)
    assert hashed == guest.call("metadata-hash-at", guest.root, FOLLOW, "s")
    assert hashed != guest.call("metadata-hash-at", guest.root, NONE, "s")
    assert guest.call("is-same-object", file, guest.open("s"))
    assert not guest.call("is-same-object", file, guest.root)


def test_directories_and_links(guest: Guest) -> None:
    root = guest.root
    guest.call("create-directory-at", root, "d")
    directory = guest.open("d", "directory")
    guest.call("symlink-at", directory, "../f", "s")
    guest.call("open-at", directory, FOLLOW, "s", frozenset({"create"}), WRITE).drop()
    guest.call("link-at", root, NONE, "f", directory, "hard")
    assert guest.call("readlink-at", directory, "s") == "../f"
    assert list_directory(guest, directory) == [("regular-file", "hard"), ("symbolic-link", "s")]
    guest.call("rename-at", directory, "hard", root, "moved")
    guest.call("unlink-file-at", directory, "s")
    guest.call("remove-directory-at", root, "d")
    assert list_directory(guest, root) == [("regular-file", "f"), ("regular-file", "moved")]
    assert list_directory(guest, directory) == []
    guest.refused("no-entry", "create-directory-at", directory, "x")
    guest.refused("no-entry", "unlink-file-at", root, "none")
    guest.refused("loop", "open-at", root, NONE, add_symlink(guest, "loop", "loop"), NONE, READ)


def add_symlink(guest: Guest, target: str, path: str) -> str:
    guest.call("symlink-at", guest.root, target, path)
    return path


def list_directory(guest: Guest, descriptor: Any) -> list[tuple[str, str]]:
    stream = guest.call("read-directory", descriptor)
    found = []
    while (entry := guest.call("[method]directory-entry-stream.read-directory-entry", stream)) is not None:
        found.append(entry)
    return found


@pytest.mark.parametrize("known", [True, False], ids=["in memory", "stored"])
def test_a_large_directory_is_looked_through_page_by_page(guest: Guest, known: bool) -> None:
    world, names = guest.world, [f"{number:05}" for number in range(2 * PAGE_ENTRIES + 10)]
    for name in names:
        world.fs.write_file(f"/d/{name}", b"", parents=True)
    world.save()
    if not known:
        world.reload()
    queries = world.backend.queries
    directory = guest.open("d", "directory")
    queries.clear()
    stream = guest.call("read-directory", directory)
    directory.drop()
    assert (queries["page"], queries["entries"]) == (1, 0)

    def read(count: int) -> list[str]:
        entries = [guest.call("[method]directory-entry-stream.read-directory-entry", stream) for _ in range(count)]
        return [entry[1] for entry in entries if entry is not None]

    assert read(10) == names[:10]
    assert (queries["page"], queries["entries"]) == (1, 0)
    for name in names[5:15] + names[-5:]:  # rm -r removes what it has read while it reads on
        world.fs.unlink(f"/d/{name}")
    world.fs.write_file("/d/99999", b"")
    world.save()
    assert read(PAGE_ENTRIES - 10) == names[10:PAGE_ENTRIES]
    assert read(2 * PAGE_ENTRIES) == [*names[PAGE_ENTRIES:-5], "99999"]
    assert read(1) == []
    assert (queries["page"], queries["entries"]) == (3, 0)
    stream.drop()
    insist(lambda: world.fs.remove_tree("/d"))
    world.save()
    world.backend.check()


def test_a_page_that_cannot_be_read_is_an_error_of_the_guest(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(PAGE_ENTRIES + 1):
        guest.filesystem.write_file(f"/{number}", b"")
    guest.world.save()
    stream = guest.call("read-directory", guest.root)

    def broken(*_: object) -> None:
        raise FsError(FsCode.IO, "broken")

    monkeypatch.setattr(guest.world.backend, "entries_after", broken)
    for _ in range(PAGE_ENTRIES):
        assert guest.call("[method]directory-entry-stream.read-directory-entry", stream) is not None
    guest.refused("io", "[method]directory-entry-stream.read-directory-entry", stream)


def test_input_streams(guest: Guest) -> None:
    guest.filesystem.write_file("/f", b"x" * (MAX_TRANSFER + 10))
    file = guest.open("f")
    stream = guest.call("read-via-stream", file, 5)
    file.drop()
    assert stream.is_ready()
    assert len(stream.read(1 << 40)) == MAX_TRANSFER
    assert stream.read(3) == b"xxx"
    assert stream.read(0) == b""
    assert stream.read(3) == b"xx"
    with pytest.raises(StreamClosed):
        stream.read(1)
    stream.drop()
    with pytest.raises(StreamFailed) as caught:
        stream.read(1)
    assert guest.call("filesystem-error-code", caught.value.error) == "bad-descriptor"
    assert guest.call("filesystem-error-code", IoError("of a socket")) is None


def test_output_streams(guest: Guest) -> None:
    file = guest.open("f", "create", flags=WRITE)
    at, one, two = (
        guest.call("write-via-stream", file, 2),
        guest.call("append-via-stream", file),
        guest.call("append-via-stream", file),
    )
    for stream, data in ((at, b"ab"), (one, b"1"), (two, b"2"), (one, b"3"), (at, b"c")):
        assert stream.check_write() == MAX_TRANSFER
        stream.write(data)
    assert guest.filesystem.read_file("/f") == b"\0\0abc23"
    guest.filesystem.limits = Limits(bytes=10)
    with pytest.raises(StreamFailed) as caught:
        one.write(b"12345")
    assert guest.call("filesystem-error-code", caught.value.error) == "insufficient-space"
    guest.refused("insufficient-space", "write", file, b"12345", 7)


def memory(content: bytes) -> tuple[bytearray, memoryview]:
    """Some of a guest's memory, and the view of it that a host function gets."""
    linear = bytearray(content)
    return linear, memoryview(linear).toreadonly()


def test_a_files_read_and_write_take_what_was_asked_for(guest: Guest) -> None:
    content = bytes(range(256)) * (MAX_TRANSFER // 256)
    file = guest.open("f", "create", flags=READ | WRITE)
    assert guest.call("write", file, content, 3) == MAX_TRANSFER
    assert guest.call("read", file, MAX_TRANSFER, 3) == (content, True)
    assert guest.call("write", file, memory(content + b"more")[1], 0) == MAX_TRANSFER
    assert guest.call("stat", file).size == MAX_TRANSFER + 3
    assert guest.call("read", file, MAX_TRANSFER + 1, 0) == (content, False)
    stream = guest.call("append-via-stream", file)
    assert stream.check_write() == MAX_TRANSFER
    io.write(guest, stream, memory(content)[1])
    stream = guest.call("read-via-stream", file, MAX_TRANSFER + 3)
    assert io.blocking_read(guest, stream, 2 * MAX_TRANSFER) == content


@pytest.mark.parametrize("path", ["f", "mnt/f"])
def test_what_is_written_is_what_memory_held_then(guest: Guest, tmp_path: Path, path: str) -> None:
    guest.filesystem.set_mounts([Mount("/mnt", str(tmp_path.resolve()))])
    file = guest.open(path, "create", flags=READ | WRITE)
    parts = [b"a" * 10, b"b" * CHUNK_SIZE, b"c" * (3 * CHUNK_SIZE), b"d" * 4096]
    stream = guest.call("append-via-stream", file)
    at = 0
    for number, part in enumerate(parts):
        linear, view = memory(part)
        if number % 2:
            assert guest.call("write", file, view, at) == len(part)
        elif number:
            io.write(guest, stream, view)
        else:
            assert io.blocking_write_and_flush(guest, stream, view) is None
        linear[:] = bytes(len(part))
        at += len(part)
    assert guest.filesystem.read_file(f"/{path}") == b"".join(parts)


def test_views_are_asked_for() -> None:
    assert types.types.views == {"[method]descriptor.write"}
    assert io.streams.views == {f"[method]output-stream.{name}" for name in ("write", "blocking-write-and-flush")}


READS = [(0, 5), (3, 10), (0, CHUNK_SIZE), (CHUNK_SIZE - 5, 10), (0, 3 * CHUNK_SIZE), (2 * CHUNK_SIZE, CHUNK_SIZE)]


def test_what_was_read_stays_as_it_was(guest: Guest, settle: Callable[[], None]) -> None:
    """A guest may be suspended with it, while another writes to the file, or a change set fails."""
    file = guest.open("f", "create", flags=READ | WRITE)
    before, seen = b"", []
    for letter in (b"a", b"b", b"c"):
        guest.call("write", file, letter * (2 * CHUNK_SIZE + 100), 0)
        before = letter * (2 * CHUNK_SIZE + 100)
        for _ in range(3):
            for offset, count in READS:
                data, _ = guest.call("read", file, count, offset)
                seen.append((data, before[offset : offset + count]))
            settle()
    guest.call("set-size", file, 1)
    guest.call("write", file, b"z" * (3 * CHUNK_SIZE), 0)
    settle()
    for data, expected in seen:
        assert data == expected


def test_a_read_within_a_stored_chunk_is_no_copy(guest: Guest) -> None:
    guest.filesystem.write_file("/f", b"x" * CHUNK_SIZE)
    guest.world.save()
    guest.world.reload()
    file = guest.open("f")
    stored = guest.world.backend.chunks[file.handle.node.ino][0]
    assert guest.call("read", file, CHUNK_SIZE, 0)[0] is stored
    part, _ = guest.call("read", file, 100, 50)
    assert isinstance(part, memoryview)
    assert part.obj is stored


async def test_sync_waits_for_a_commit_if_there_is_something_to_commit(guest: Guest) -> None:
    file = guest.open("f", "create", flags=WRITE)
    wait = guest.call("sync", file)
    assert isinstance(wait, Wait)
    await wait.function(*wait.arguments)
    assert guest.syncs == 1
    assert guest.call("sync-data", file) is None
    guest.call("write", file, b"x", 0)
    guest.failure = ApiError(ErrorCode.IO_ERROR, "disk full")
    wait = guest.call("sync-data", file)
    with pytest.raises(WitError) as caught:
        await wait.function(*wait.arguments)
    assert caught.value.value == "io"


SYNC = frozenset({"read", "write", "file-integrity-sync"})


@pytest.mark.parametrize(
    "more", [{"file-integrity-sync"}, {"data-integrity-sync"}, {"file-integrity-sync", "requested-write-sync"}]
)
async def test_a_synchronous_write_is_over_when_it_is_durable(
    guest: Guest, nursery: trio.Nursery, more: set[str]
) -> None:
    guest.start_soon = nursery.start_soon
    flags = {"read", "write", *more}
    file = guest.open("f", "create", flags=frozenset(flags))
    assert set(guest.call("get-flags", file)) == flags
    wait = guest.call("write", file, b"abc", 0)
    assert isinstance(wait, Wait)
    assert await wait.function(*wait.arguments) == 3
    assert (guest.syncs, guest.filesystem.clean) == (1, True)
    assert guest.call("write", file, b"", 0) == 0

    for number, name in enumerate(("write-via-stream", "append-via-stream"), 2):
        stream = guest.call(name, file, *([3] if name == "write-via-stream" else []))
        wait = io.blocking_write_and_flush(guest, stream, b"def")
        assert isinstance(wait, Wait)
        await wait.function(*wait.arguments)
        assert (guest.syncs, guest.filesystem.clean) == (number, True)
        stream.write(b"x")
        assert stream.check_write() == 0
        guest.failure = ApiError(ErrorCode.IO_ERROR, "disk full")
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(StreamFailed):
            stream.check_write()
        guest.failure = None
        stream.drop()
        guest.world.save()

    stream = guest.call("append-via-stream", file)
    stream.write(b"y")
    stream.drop()
    file.drop()
    await trio.testing.wait_all_tasks_blocked()  # what has nobody any more is saved all the same
    assert guest.filesystem.clean


async def test_synchronous_reads_wait_for_what_was_written_before(guest: Guest, nursery: trio.Nursery) -> None:
    guest.start_soon = nursery.start_soon
    plain = guest.open("f", "create", flags=WRITE)
    guest.call("write", plain, b"abc", 0)
    alone = guest.open("f", flags=frozenset({"read", "requested-write-sync"}))
    assert guest.call("read", alone, 3, 0) == (b"abc", True)
    assert set(guest.call("get-flags", alone)) == {"read", "requested-write-sync"}
    file = guest.open("f", flags=SYNC | {"requested-write-sync"})
    wait = guest.call("read", file, 3, 0)
    assert isinstance(wait, Wait)
    assert await wait.function(*wait.arguments) == (b"abc", True)
    assert (guest.syncs, guest.filesystem.clean) == (1, True)
    assert guest.call("read", file, 3, 0) == (b"abc", True)

    guest.call("write", plain, b"def", 0)
    stream = guest.call("read-via-stream", file, 0)
    wait = io.blocking_read(guest, stream, 10)
    assert isinstance(wait, Wait)
    assert await wait.function(*wait.arguments) == b"def"
    assert (guest.syncs, guest.filesystem.clean) == (2, True)
    guest.call("write", plain, b"ghi", 3)
    guest.failure = ApiError(ErrorCode.IO_ERROR, "disk full")
    assert stream.read(10) == b""
    assert not stream.is_ready()
    await trio.testing.wait_all_tasks_blocked()
    with pytest.raises(StreamFailed):
        stream.read(10)


async def test_writers_wait_while_too_much_is_unsaved(
    guest: Guest, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    guest.start_soon = nursery.start_soon
    monkeypatch.setattr(types, "DIRTY_LIMIT", 300_000)
    monkeypatch.setattr(file_streams, "DIRTY_LIMIT", 300_000)
    file = guest.open("f", "create", flags=WRITE)
    assert guest.call("write", file, b"x" * 300_000, 0) == 300_000
    linear, view = memory(b"y")
    wait = guest.call("write", file, view, 300_000)
    assert isinstance(wait, Wait)
    linear[:] = b"n"
    assert await wait.function(*wait.arguments) == 1
    assert guest.filesystem.read_file("/f", offset=300_000) == b"y"
    assert guest.syncs == 1

    stream = guest.call("append-via-stream", file)
    stream.write(b"z" * 300_000)
    linear, view = memory(b"end")
    wait = io.blocking_write_and_flush(guest, stream, view)
    assert isinstance(wait, Wait)
    linear[:] = b"new"
    await wait.function(*wait.arguments)
    assert guest.filesystem.read_file("/f", offset=600_001) == b"end"
    assert guest.syncs == 2
    assert guest.filesystem.stat("/f").size == 600_004

    stream.write(b"z" * 300_000)
    guest.failure = ApiError(ErrorCode.IO_ERROR, "disk full")
    assert stream.check_write() == 0
    await trio.testing.wait_all_tasks_blocked()
    assert stream.is_ready()
    with pytest.raises(StreamFailed) as caught:
        stream.check_write()
    assert caught.value.error.code is FsCode.IO


def test_dropping_a_descriptor_lets_go_of_an_unlinked_file(guest: Guest) -> None:
    file = guest.open("f", "create", flags=WRITE)
    guest.call("write", file, b"x" * 1000, 0)
    stream = guest.call("append-via-stream", file)
    guest.call("unlink-file-at", guest.root, "f")
    file.drop()
    assert guest.filesystem.usage.bytes == 1000
    stream.drop()
    assert guest.filesystem.usage.bytes == 0


def test_a_guest_has_so_many_files_open_and_no_more(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(types, "MAX_OPEN_FILES", 3)
    held = [guest.open(f"/file{number}", "create", flags=WRITE) for number in range(3)]
    guest.refused("insufficient-memory", "open-at", guest.root, FOLLOW, "/one-more", frozenset({"create"}), WRITE)
    guest.refused("no-entry", "stat-at", guest.root, FOLLOW, "/one-more")
    held.pop().drop()
    with pytest.raises(WitError):
        guest.open("/no-such-file")  # what fails is not counted
    guest.open("/one-more", "create", flags=WRITE)
    guest.refused("insufficient-memory", "open-at", guest.root, FOLLOW, "/file0", NONE, READ)


CHANGING: dict[str, Callable[[Guest, Any], Any]] = {
    "create": lambda guest, root: guest.call("open-at", root, FOLLOW, "d/new", frozenset({"create"}), WRITE),
    "create-directory-at": lambda guest, root: guest.call("create-directory-at", root, "d/new"),
    "remove-directory-at": lambda guest, root: guest.call("remove-directory-at", root, "empty"),
    "unlink-file-at": lambda guest, root: guest.call("unlink-file-at", root, "d/f"),
    "rename-at": lambda guest, root: guest.call("rename-at", root, "d/f", root, "d/new"),
    "link-at": lambda guest, root: guest.call("link-at", root, NONE, "d/f", root, "d/new"),
    "symlink-at": lambda guest, root: guest.call("symlink-at", root, "f", "d/new"),
    "set-size": lambda guest, _root: guest.call("set-size", guest.open("d/f", flags=WRITE), 1),
    "set-times": lambda guest, root: guest.call("set-times", root, ("now", None), ("now", None)),
    "set-times-at": lambda guest, root: guest.call("set-times-at", root, NONE, "d/f", ("now", None), ("now", None)),
}


@pytest.mark.parametrize("change", CHANGING.values(), ids=CHANGING)
async def test_who_changes_the_tree_waits_while_too_much_is_unsaved(
    guest: Guest, monkeypatch: pytest.MonkeyPatch, change: Callable[[Guest, Any], Any]
) -> None:
    """Else the next change set would be taken for ever, with nobody else running."""
    fs = guest.filesystem
    fs.write_file("/d/f", b"content", parents=True)
    fs.mkdir("/empty")
    guest.world.save()
    fs.mkdir("/unsaved")
    root = guest.root
    monkeypatch.setattr(descriptors, "DIRTY_LIMIT", fs.unsaved_bytes)
    wait = change(guest, root)
    assert isinstance(wait, Wait)
    assert guest.syncs == 0
    with trio.testing.assert_checkpoints():
        await wait.function(*wait.arguments)
    assert guest.syncs == 1
    assert fs.dirty_bytes > 0
    guest.call("stat-at", root, NONE, "d")  # who only looks never waits
    guest.failure = ApiError(ErrorCode.IO_ERROR, "full")
    fs.mkdir("/unsaved/again")
    monkeypatch.setattr(descriptors, "DIRTY_LIMIT", 1)
    wait = guest.call("create-directory-at", root, "more")
    with pytest.raises(WitError) as caught:
        await wait.function(*wait.arguments)
    assert caught.value.value == "io"


async def test_who_needs_what_is_not_in_memory_waits_for_it(guest: Guest) -> None:
    path = "d/" * 300
    for depth in (100, 200, 300):  # made in pieces, as whoever asks for so many does
        guest.filesystem.mkdir("/" + "d/" * depth, parents=True)
    guest.world.save()
    for call in (
        lambda root: guest.call("stat-at", root, FOLLOW, path),
        lambda root: guest.call("create-directory-at", root, f"{path}new"),
        lambda root: guest.call("open-at", root, FOLLOW, f"{path}new", NONE, READ),
    ):
        guest.world.reload()
        wait = call(guest.root)
        assert isinstance(wait, Wait)
        with trio.testing.assert_checkpoints():
            await wait.function(*wait.arguments)
        guest.world.save()
    assert guest.filesystem.readdir("/" + path) == ["new"]
    guest.world.reload()
    wait = guest.call("stat-at", guest.root, FOLLOW, f"{path}missing")
    with pytest.raises(WitError) as caught:
        await wait.function(*wait.arguments)
    assert caught.value.value == "no-entry"


async def test_a_large_directory_of_the_host_is_waited_for(guest: Guest, tmp_path: Path) -> None:
    count = 2 * scan.STEP + 5
    for number in range(count):
        (tmp_path / f"{number:05}").touch()
    host = str(tmp_path.resolve())  # noqa: ASYNC240 - a test
    assert guest.filesystem.set_mounts([Mount("/mnt", host)]) == []
    directory = guest.open("mnt", "directory")
    wait = guest.call("read-directory", directory)
    assert isinstance(wait, Wait)
    with trio.testing.assert_checkpoints():
        stream = await wait.function(*wait.arguments)
    names = []
    while (entry := guest.call("[method]directory-entry-stream.read-directory-entry", stream)) is not None:
        names.append(entry[1])
    assert names == [f"{number:05}" for number in range(count)]
    stream.drop()
    directory.drop()
