"""Nothing is read before it is needed, and what was read takes bounded memory."""

from __future__ import annotations

from typing import Any

import pytest

from tests.walking import walk
from wasi_fs import CHUNK_SIZE, content, tree


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


def test_waking_reads_the_root_alone(large: Any) -> None:
    large.backend.queries.clear()
    large.reload()
    assert queries(large) == {"inode": 1}


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


def test_clean_inodes_are_bounded(large: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "CACHED_INODES", 100)
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


def test_what_is_pinned_may_exceed_the_bound(large: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "CACHED_INODES", 100)
    large.reload()
    fs = large.fs
    for number in range(1000):
        fs.chmod(f"/many/{number:05}", 0o600)
    assert len(fs._tree.nodes) >= 1000
    large.save()
    fs._tree.crowded = True
    fs.stat("/")
    assert len(fs._tree.nodes) <= 100


def test_dentries_are_bounded(large: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "CACHED_DENTRIES", 1000)
    large.reload()
    fs = large.fs
    fs.mkdir("/other")
    large.save()
    for number in range(2000):
        with pytest.raises(Exception, match="no-entry"):
            fs.stat(f"/many/none{number}")
        assert len(fs._tree.get(fs.stat("/many").ino).children) <= 1010
