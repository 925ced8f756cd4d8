"""Nothing is read before it is needed, and what was read takes bounded memory."""

from __future__ import annotations

import contextlib
import gc
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.walking import walk
from wasi_fs import CHUNK_SIZE, FsCode, FsError, content, memory, shared, tree
from wasi_fs.memory import CACHED_DENTRIES, MAX_LOADS

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def large(world: Any) -> Any:
    """10,000 files in a directory, saved, and a new life."""
    world.fs.mkdir("/many")
    for number in range(10_000):
        world.fs.write_file(f"/many/{number:05}", b"content")
    world.save()
    world.reload()
    return world


def queries(world: Any) -> dict[str, int]:
    found = dict(world.backend.queries)
    world.backend.queries.clear()
    return found


@pytest.mark.slow
def test_waking_reads_the_root_alone(large: Any) -> None:
    large.backend.queries.clear()
    large.reload()
    assert queries(large) == {"inode": 1}


@pytest.mark.slow
def test_a_lookup_is_a_point_query_and_then_none(large: Any) -> None:
    queries(large)
    large.fs.stat("/many/05000")
    assert queries(large) == {"lookup": 2, "inode": 2}
    large.fs.stat("/many/05000")
    assert queries(large) == {}
    for _ in range(2):
        with pytest.raises(Exception, match="no-entry"):
            large.fs.stat("/many/none")
    assert queries(large) == {"lookup": 1}


@pytest.mark.slow
def test_removal_needs_no_listing(large: Any) -> None:
    queries(large)
    large.fs.unlink("/many/00001")
    with pytest.raises(Exception, match="not-empty"):
        large.fs.rmdir("/many")
    large.fs.write_file("/many/new", b"x")
    assert "entries" not in queries(large)
    names = large.fs.readdir("/many")
    assert names[:2] == ["00000", "00002"]
    assert names[-1] == "new"
    assert len(names) == 10_000
    assert queries(large) == {"entries": 1}
    large.fs.readdir("/many")
    with pytest.raises(Exception, match="no-entry"):
        large.fs.stat("/many/none")
    assert queries(large) == {}, "a listed directory knows what is absent"


def test_reads_load_the_chunks_they_touch(world: Any) -> None:
    world.fs.write_file("/f", b"x" * (10 * CHUNK_SIZE))
    world.save()
    world.reload()
    with world.open("/f", write=True) as file:
        queries(world)
        file.read(3 * CHUNK_SIZE + 5, 10)
        file.read(3 * CHUNK_SIZE + 50, 10)
        assert queries(world) == {"chunk": 1}
        file.write(5 * CHUNK_SIZE, b"y" * CHUNK_SIZE)
        assert queries(world) == {}, "a chunk that is overwritten is not read"
        file.write(6 * CHUNK_SIZE, b"y")
        assert queries(world) == {"chunk": 1}
        file.truncate(2 * CHUNK_SIZE)
        assert queries(world) == {}
        file.truncate(CHUNK_SIZE + 1)
        assert queries(world) == {"chunk": 1}


def test_clean_chunks_are_bounded(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "CLEAN_CACHE_BYTES", 4 * CHUNK_SIZE)
    data = bytes(range(256)) * 256 * 10
    world.fs.write_file("/f", data)
    world.save()
    contents = world.fs._contents
    assert 2 * CHUNK_SIZE < contents._clean_bytes <= 4 * CHUNK_SIZE
    assert world.fs.read_file("/f") == data
    assert contents._clean_bytes <= 4 * CHUNK_SIZE
    world.fs.truncate("/f", 0)
    assert contents._clean_bytes == 0


def test_what_a_tree_has_no_room_for_is_in_the_cache_of_all(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "CLEAN_CACHE_BYTES", 4 * CHUNK_SIZE)
    monkeypatch.setattr(content, "_shared", cache := shared.SharedCache())
    data = b"".join(bytes([number]) * CHUNK_SIZE for number in range(10))
    world.fs.write_file("/f", data)
    world.save()
    queries(world)
    for _ in range(2):
        assert world.fs.read_file("/f") == data
    assert queries(world) == {}
    monkeypatch.setattr(shared, "SHARED_CACHE_BYTES", 2 * CHUNK_SIZE)
    assert world.fs.read_file("/f") == data
    assert cache.bytes <= 2 * CHUNK_SIZE
    assert queries(world)["chunk"] > 0


@pytest.mark.parametrize("few", [1, 100])
def test_what_was_cut_off_is_in_no_cache(world: Any, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(content, "CLEAN_CACHE_BYTES", 2 * CHUNK_SIZE)
    monkeypatch.setattr(content, "DISCARDED_ONE_BY_ONE", few)
    world.fs.write_file("/f", b"x" * 8 * CHUNK_SIZE)
    world.save()
    world.fs.read_file("/f")
    world.fs.truncate("/f", CHUNK_SIZE)
    world.fs.truncate("/f", 8 * CHUNK_SIZE)
    world.save()
    assert world.fs.read_file("/f") == b"x" * CHUNK_SIZE + bytes(7 * CHUNK_SIZE)


@pytest.mark.slow
def test_clean_inodes_are_bounded(large: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CACHED_INODES", 100)
    large.reload()
    fs, nodes = large.fs, large.fs._tree.nodes
    fs.chmod("/many/00007", 0o600)
    with fs.open("/many/00008") as pinned:
        for number in range(3000):
            fs.stat(f"/many/{number:05}")
            assert len(nodes) <= 120
        assert nodes[pinned.node.ino] is pinned.node
    assert fs.stat("/many/00007").mode == 0o600
    assert len(walk(fs, "/many")) == 10_000
    fs.stat("/")
    assert len(nodes) <= 120
    large.save()
    large.reload()
    assert large.fs.stat("/many/00007").mode == 0o600


@pytest.mark.slow
def test_what_is_pinned_may_exceed_the_bound(large: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CACHED_INODES", 100)
    large.reload()
    fs = large.fs
    for number in range(1000):
        fs.chmod(f"/many/{number:05}", 0o600)
    assert len(fs._tree.nodes) >= 1000
    large.save()
    fs._tree.crowded = True
    before = fs.loads
    fs.stat("/")
    assert fs.loads - before >= memory.LOOKS // memory.LOAD_LOOKS
    assert len(fs._tree.nodes) <= 100


@pytest.mark.slow
def test_what_was_only_read_is_neither_saved_nor_pinned_when_memory_is_full(
    large: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "CACHED_INODES", 100)
    monkeypatch.setattr(tree, "MAX_TOUCHED", 10)
    large.reload()
    for number in range(1000):
        large.fs.read_file(f"/many/{number:05}")
    assert large.fs.clean
    assert len(large.fs._tree.nodes) <= 120
    changes = large.save(access_times=True)
    assert len(changes.inodes) == 10


@pytest.mark.slow
def test_the_garbage_collector_has_nothing_to_do_with_what_is_in_memory(large: Any) -> None:
    """It holds everybody for as long as it looks at what it knows of."""
    fs = large.fs
    gc.collect()
    before = len(gc.get_objects())
    for number in range(5000):
        fs.stat(f"/many/{number:05}")
    fs.mkdir("/d")
    fs.write_file("/d/unsaved", b"x")
    assert len(fs._tree.nodes) > 5000
    assert len(gc.get_objects()) - before < 100


@pytest.mark.slow
def test_dentries_are_bounded(large: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CACHED_DENTRIES", 1000)
    large.reload()
    fs = large.fs
    fs.mkdir("/other")
    large.save()
    for number in range(2000):
        with pytest.raises(Exception, match="no-entry"):
            fs.stat(f"/many/none{number}")
        assert len(fs._tree.get(fs.stat("/many").ino).children) <= 1010


def patiently(world: Any, operation: Callable[[], Any]) -> tuple[Any, int]:
    """What an operation gives, and how often it had to be called. Each call loads so much and no more."""
    for calls in itertools.count(1):
        before = world.backend.queries.total()
        try:
            value = operation()
        except FsError as error:
            if error.code is not FsCode.WOULD_BLOCK:
                raise
        else:
            return value, calls
        assert world.backend.queries.total() - before <= MAX_LOADS
    raise AssertionError


def test_a_long_way_is_loaded_piece_by_piece(world: Any) -> None:
    path = "/d" * 500
    _, calls = patiently(world, lambda: world.fs.mkdir(path, parents=True))
    assert calls == 1 + 500 // MAX_LOADS
    world.save()
    for operation in (
        lambda fs: fs.stat(path),
        lambda fs: fs.open(path),
        lambda fs: fs.write_file(f"{path}/file", b"x", parents=True),
        lambda fs: fs.rename(f"{path}/file", f"{path}/other"),
        lambda fs: fs.unlink(f"{path}/other"),
        lambda fs: fs.mkdir(f"{path}/new/dir", parents=True),
        lambda fs: fs.symlink(path, "/link"),
        lambda fs: fs.readdir("/link/new"),
        lambda fs: fs.remove_tree("/d/d"),
    ):
        world.reload()
        _, calls = patiently(world, lambda operation=operation: operation(world.fs))
        assert calls > 1 or operation.__code__.co_names[0] == "symlink"
        world.save()
    assert world.fs.readdir("/d") == []


def test_a_long_way_up_is_loaded_piece_by_piece(world: Any) -> None:
    at = world.fs.root
    for _ in range(600):
        world.fs.mkdir("d", at=at)
        at = world.fs.resolve("d", at=at)
    world.fs.mkdir("/top/sub", parents=True)
    world.save()
    world.reload()
    deep = world.fs._tree.get(at.ino)
    _, calls = patiently(world, lambda: world.fs.rename("/top", "top", new_at=deep))
    assert calls > 2
    assert world.fs.readdir("/") == ["d"]


@pytest.mark.slow
def test_names_that_are_asked_for_in_vain_are_not_kept_for_ever(world: Any) -> None:
    """The root, and what a guest has open, never leave memory."""
    world.fs.write_file("/kept", b"kept")
    world.save()
    world.reload()
    fs = world.fs
    fs.write_file("/unsaved", b"unsaved")
    fs.unlink("/kept")
    for i in range(CACHED_DENTRIES + 100):
        with contextlib.suppress(FsError):
            fs.stat(f"/{i}")
    assert len(fs.root.children) < 1000
    assert fs.readdir("/") == ["unsaved"]
    world.save()
    world.reload()
    assert world.fs.readdir("/") == ["unsaved"]


def test_a_file_of_many_chunks_is_cut_off_piece_by_piece(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte in each of a million chunks costs a megabyte of the quota, and a million rows to look at."""
    monkeypatch.setattr(content, "MEASURED", 4)
    fs = world.fs
    with world.open("/f", write=True, create=True) as file:
        for index in range(21):
            file.write(2 * index * CHUNK_SIZE, b"x")
    world.save()
    size = 2 * CHUNK_SIZE
    kept = fs.usage
    for meanwhile, expected in ((None, 6), ("save", 6), ("write", 9)):
        queries(world)
        for attempt in range(1, expected):
            with pytest.raises(FsError) as caught:
                fs.truncate("/f", size)
            assert caught.value.code is FsCode.WOULD_BLOCK
            assert (fs.usage, fs.stat("/f").size) == (kept, 40 * CHUNK_SIZE + 1)
            if attempt == 3 and meanwhile == "save":
                fs.write_file("/other", b"")
                world.save()
                fs.unlink("/other")
            if attempt == 3 and meanwhile == "write":  # it begins anew
                fs.write_file("/f", b"y", offset=20 * CHUNK_SIZE)
        fs.truncate("/f", size)
        assert queries(world)["sizes"] == expected + (meanwhile == "write")  # which asks too
        assert fs.usage.bytes == 1
        world.save()
        with world.open("/f", write=True) as file:
            for index in range(1, 21):
                file.write(2 * index * CHUNK_SIZE, b"x")
        world.save()
        assert fs.usage == kept
    queries(world)
    fs.truncate("/f", 0)
    assert fs.usage.bytes == 0
    assert "sizes" not in queries(world)
