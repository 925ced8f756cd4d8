"""The identity of a file's content: another for whatever has been written, the same for as long as nothing is."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from wasi_fs import CHUNK_SIZE, FsCode, FsError, Mount
from wasi_fs.mounts import content as host_content

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHANGES: dict[str, Callable[[Any], object]] = {
    "write": lambda file: file.write(3, b"x"),
    "append": lambda file: file.append(b"x"),
    "cut": lambda file: file.truncate(5),
    "extend": lambda file: file.truncate(1_000_000),
    "same size": lambda file: file.truncate(file.node.size),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_makes_another(world: Any, settle: Callable[[], None], change: Callable[[Any], object]) -> None:
    world.ticks = itertools.repeat(1)  # a clock that stands still
    world.fs.write_file("/f", b"content" * 20_000)
    settle()
    seen = {world.fs.identity("/f")}
    with world.open("/f", write=True) as file:
        for count in range(2, 5):
            settle()
            assert world.fs.identity("/f") == file.identity()
            change(file)
            seen.add(file.identity())
            assert len(seen) == count


def test_nothing_else_does(world: Any, settle: Callable[[], None]) -> None:
    world.fs.write_file("/f", b"content")
    identity = world.fs.identity("/f")
    settle()
    world.fs.chmod("/f", 0o600)
    world.fs.utimes("/f", 1, 2)
    world.fs.link("/f", "/other")
    world.fs.rename("/f", "/moved")
    settle()
    world.fs.symlink("moved", "/link")
    world.fs.read_file("/link")
    with world.open("/moved", write=True) as file:
        file.write(0, b"")
        with pytest.raises(FsError):
            file.write(world.limits.file_size, b"x")
    assert {world.fs.identity(path) for path in ("/other", "/moved", "/link")} == {identity}


def test_no_two_files_have_the_same(world: Any, new_world: Callable[..., Any]) -> None:
    other = new_world()
    identities = []
    for fs in (world.fs, other.fs):
        for path in ("/a", "/b"):
            fs.write_file(path, b"content")
            identities.append(fs.identity(path))
    world.save()
    world.reload()
    identities.append(world.fs.identity("/a"))
    assert len(set(identities)) == len(identities)
    with pytest.raises(FsError) as caught:
        world.fs.identity("/")
    assert caught.value.code is FsCode.IS_DIRECTORY


def test_what_is_undone_has_not_been_the_same(world: Any) -> None:
    world.fs.write_file("/f", b"before" * CHUNK_SIZE)
    world.save()
    before = world.fs.identity("/f")
    world.fs.write_file("/f", b"after", offset=0)
    after = world.fs.identity("/f")
    assert world.fs.take_changes() is not None
    world.fs.undo_changes()
    assert world.fs.read_file("/f", length=6) == b"before"
    assert world.fs.identity("/f") not in {before, after}


def test_files_of_the_host(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = tmp_path.resolve()
    (host / "f").write_bytes(b"content")
    (host / "g").write_bytes(b"content")
    world.fs.set_mounts([Mount("/mnt", str(host))])
    monkeypatch.setattr(host_content, "SETTLED_NS", 1 << 62)
    assert world.fs.identity("/mnt/f") is None
    monkeypatch.setattr(host_content, "SETTLED_NS", -1 << 62)
    identity = world.fs.identity("/mnt/f")
    assert identity not in {None, world.fs.identity("/mnt/g")}
    with world.open("/mnt/f") as file:
        assert file.identity() == world.fs.identity("/mnt/f") == identity
        (host / "f").write_bytes(b"more content")
        assert file.identity() == world.fs.identity("/mnt/f") != identity
        world.fs.set_mounts([])
        with pytest.raises(FsError):
            file.identity()
