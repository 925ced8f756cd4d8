"""Change sets: what they hold, and that no failure or crash loses more, or other, than what it may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from wasi_fs import CHUNK_SIZE, DIRTY_LIMIT, Changes, Dentry, DentryChange, FileType, FsCode, FsError, Usage, memory
from wasi_fs.kept import CHANGE_COST
from wasi_fs.tree import MAX_TOUCHED

if TYPE_CHECKING:
    from collections.abc import Callable


def take(world: Any) -> Changes:
    changes = world.fs.take_changes()
    assert changes is not None
    return changes  # type: ignore[no-any-return]


def test_a_new_tree_saves_its_root_and_then_nothing(world: Any) -> None:
    changes = take(world)
    assert [record.ino for record in changes.inodes] == [1]
    assert changes.next_ino == 2
    changes.committed()
    assert world.fs.take_changes() is None


def test_a_change_set_has_what_changed_and_nothing_else(world: Any) -> None:
    fs = world.fs
    fs.mkdir("/d")
    fs.write_file("/d/f", b"x" * (2 * CHUNK_SIZE + 1))
    world.save()
    with world.open("/d/f", write=True) as file:
        file.write(CHUNK_SIZE, b"y")
    fs.symlink("d", "/s")
    changes = take(world)
    assert {record.ino for record in changes.inodes} == {1, 3, 4}
    assert changes.dentries == [DentryChange(1, "s", Dentry(4, FileType.SYMLINK))]
    assert [(chunk.index, chunk.data[:2]) for chunk in changes.chunks] == [(1, b"yx")]
    assert changes.truncated == []
    assert changes.removed == []
    assert changes.usage == Usage(2 * CHUNK_SIZE + 2, 3)
    world.backend.apply(changes)
    changes.committed()
    fs.truncate("/d/f", CHUNK_SIZE + 10)
    fs.unlink("/s")
    changes = take(world)
    assert changes.truncated == [(3, 2)]
    assert [(chunk.index, len(chunk.data)) for chunk in changes.chunks] == [(1, 10)]
    assert changes.dentries == [DentryChange(1, "s", None)]
    assert changes.removed == [4]


def test_one_at_a_time(world: Any) -> None:
    changes = take(world)
    assert world.fs.saving
    with pytest.raises(RuntimeError):
        world.fs.take_changes()
    changes.committed()
    assert not world.fs.saving
    with pytest.raises(RuntimeError):
        changes.committed()


def test_writes_during_a_commit_belong_to_the_next(world: Any) -> None:
    fs = world.fs
    fs.write_file("/f", b"first")
    changes = take(world)
    with world.open("/f", write=True) as file:
        file.write(0, b"F")
    fs.write_file("/g", b"later")
    assert [bytes(chunk.data) for chunk in changes.chunks] == [b"first"]
    assert fs.read_file("/f") == b"First"
    world.backend.apply(changes)
    changes.committed()
    assert fs.read_file("/f") == b"First"
    world.save()
    world.reload()
    assert world.fs.read_file("/f") == b"First"
    assert world.fs.read_file("/g") == b"later"


def test_a_failed_commit_loses_nothing_and_revives_nothing(world: Any) -> None:
    fs = world.fs
    fs.write_file("/kept", b"a" * CHUNK_SIZE + b"b" * CHUNK_SIZE)
    fs.write_file("/cut", b"c" * CHUNK_SIZE + b"d" * CHUNK_SIZE)
    fs.write_file("/gone", b"e")
    changes = take(world)
    with world.open("/kept", write=True) as file:
        file.write(CHUNK_SIZE, b"B")
    fs.truncate("/cut", 1)
    fs.truncate("/cut", 2 * CHUNK_SIZE)
    fs.unlink("/gone")
    fs.rename("/kept", "/moved")
    changes.failed()
    world.save()
    world.reload()
    fs = world.fs
    assert fs.readdir("/") == ["cut", "moved"]
    assert fs.read_file("/moved") == b"a" * CHUNK_SIZE + b"B" + b"b" * (CHUNK_SIZE - 1)
    assert fs.read_file("/cut") == b"c" + bytes(2 * CHUNK_SIZE - 1)
    assert fs.usage == Usage(2 * CHUNK_SIZE + 1, 2)


def test_a_failed_removal_is_tried_again(world: Any) -> None:
    world.fs.write_file("/f", b"x")
    world.save()
    world.fs.unlink("/f")
    take(world).failed()
    assert world.save().removed == [2]


def test_what_was_cut_off_during_a_commit_does_not_come_back(world: Any) -> None:
    fs = world.fs
    fs.write_file("/f", b"x" * 2 * CHUNK_SIZE)
    changes = take(world)
    fs.truncate("/f", CHUNK_SIZE)
    world.backend.apply(changes)
    changes.committed()
    world.save()
    fs.truncate("/f", 2 * CHUNK_SIZE)
    assert fs.read_file("/f") == b"x" * CHUNK_SIZE + bytes(CHUNK_SIZE)


@pytest.mark.parametrize("shown", [False, True])
def test_holes_are_measured_through_a_commit(world: Any, shown: bool) -> None:
    """Chunks in the backend, under way and dirty, each partly cut off by what came later."""
    fs = world.fs
    with world.open("/f", write=True, create=True) as file:
        for index in (0, 2, 4, 6):
            file.write(index * CHUNK_SIZE, b"a" * 10)
        world.save()
        file.truncate(5 * CHUNK_SIZE)
        file.write(3 * CHUNK_SIZE, b"b" * 20)
        file.write(8 * CHUNK_SIZE, b"b" * 20)
        changes = take(world)
        if shown:
            world.backend.apply(changes)
        file.truncate(7 * CHUNK_SIZE)
        file.write(9 * CHUNK_SIZE, b"c" * 30)
        chunks = {0: 10, 2: 10, 3: 20, 4: 10, 9: 30}
        assert fs.usage.bytes == sum(chunks.values())
        for index in (9, 7, 5, 4, 3, 2, 1, 0):
            file.truncate(index * CHUNK_SIZE)
            assert fs.usage.bytes == sum(length for at, length in chunks.items() if at < index)
    if not shown:
        world.backend.apply(changes)
    changes.committed()
    world.save()


def test_a_listing_during_a_commit(world: Any) -> None:
    world.fs.mkdir("/d")
    world.fs.write_file("/d/a", b"")
    world.save()
    world.reload()
    fs = world.fs
    fs.write_file("/d/b", b"")
    fs.unlink("/d/a")
    take(world)
    fs.write_file("/d/c", b"")
    assert fs.readdir("/d") == ["b", "c"]


def test_what_is_under_way_stays_in_memory(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CACHED_INODES", 0)
    fs = world.fs
    fs.write_file("/f", b"x")
    take(world)
    fs._tree.trim()
    fs._tree.trim()
    assert fs.read_file("/f") == b"x"


def test_memory_is_accounted_for(world: Any) -> None:
    fs = world.fs

    def content() -> int:
        assert fs.unsaved_bytes - fs._tree.flight_bytes == fs.dirty_bytes
        return fs.dirty_bytes - CHANGE_COST * fs._journal.waiting

    world.save()
    assert fs.dirty_bytes == fs.unsaved_bytes == 0
    fs.write_file("/f", b"x" * 100_000)
    fs.write_file("/g", b"y" * 100_000)
    assert content() == 200_000
    changes = take(world)
    assert fs.dirty_bytes == 0
    assert fs.unsaved_bytes == 200_000
    fs.unlink("/g")
    changes.failed()
    assert content() == 100_000
    fs.truncate("/f", 10)
    assert content() < 5_000
    world.save()
    assert fs.unsaved_bytes == 0
    with world.open("/f", write=True) as file:
        fs.unlink("/f")
        file.append(b"z" * 50_000)
    assert content() < 5_000


def test_inodes_and_names_that_wait_are_counted(world: Any) -> None:
    """Each makes the taking of a change set longer, in which nobody else runs: guests wait beyond `DIRTY_LIMIT`."""
    fs = world.fs
    fs.mkdir("/d")
    world.save()
    half = DIRTY_LIMIT // CHANGE_COST // 2
    fs.write_file("/d/0", b"")
    world.save()
    for i in range(half):  # one file, one directory, many names
        fs.rename(f"/d/{i}", f"/d/{i + 1}")
    assert fs.unsaved_bytes >= DIRTY_LIMIT
    take(world).failed()
    assert fs.unsaved_bytes >= CHANGE_COST * half  # each name once
    world.save()
    assert fs.unsaved_bytes == 0
    for i in range(half):
        fs.write_file(f"/d/f{i}", b"")
    assert fs.unsaved_bytes >= DIRTY_LIMIT
    world.save()
    for i in range(half):
        fs.unlink(f"/d/f{i}")
    assert fs.unsaved_bytes >= DIRTY_LIMIT
    world.save()
    assert fs.unsaved_bytes == 0


def test_access_times_that_wait_are_bounded(world: Any) -> None:
    fs = world.fs
    for i in range(MAX_TOUCHED + 10):
        fs.write_file(f"/{i}", b"x")
    world.save()
    world.reload()
    for i in range(MAX_TOUCHED + 10):
        world.fs.read_file(f"/{i}")
    assert len(world.fs._tree.touched) == MAX_TOUCHED
    times = [world.fs.stat(f"/{i}").atime > world.fs.stat(f"/{i}").mtime for i in range(MAX_TOUCHED + 10)]
    assert times == [True] * MAX_TOUCHED + [False] * 10
    changes = world.save()  # so many are saved by themselves, without the end of the VM's life
    assert changes is not None
    assert len(changes.inodes) == MAX_TOUCHED
    world.fs.read_file(f"/{MAX_TOUCHED + 5}")
    assert world.save() is None
    assert world.save(access_times=True) is not None


def test_temporary_files_never_reach_the_backend(world: Any) -> None:
    fs = world.fs
    world.save()
    fs.write_file("/scrap", b"x" * 1000)
    fs.unlink("/scrap")
    changes = take(world)
    assert [record.ino for record in changes.inodes] == [1]
    assert changes.chunks == []
    assert changes.removed == []


def test_orphans_are_kept_while_open_and_removed_by_the_next_life(world: Any) -> None:
    fs = world.fs
    fs.write_file("/f", b"x" * 100_000)
    world.save()
    file = world.open("/f", write=True)
    fs.unlink("/f")
    file.append(b"more")
    world.save()
    assert [ino for ino, _ in world.backend.orphans()] == [2]
    assert world.backend.kept_usage == Usage(100_004, 0)
    world.reload()
    assert world.fs.usage == Usage(0, 0)
    changes = world.save()
    assert changes.removed == [2]
    assert world.backend.orphans() == []
    assert world.backend.chunks == {}


def test_closing_an_orphan_removes_it(world: Any) -> None:
    fs = world.fs
    fs.write_file("/f", b"x")
    with world.open("/f"):
        fs.unlink("/f")
        world.save()
    assert world.save().removed == [2]
    assert world.backend.kept_usage == Usage(0, 0)


def test_inode_numbers_are_never_used_twice(world: Any) -> None:
    world.fs.write_file("/f", b"")
    first = world.fs.stat("/f").ino
    world.fs.unlink("/f")
    world.save()
    world.reload()
    world.fs.write_file("/f", b"")
    assert world.fs.stat("/f").ino > first


def test_access_times_wait_for_company(world: Any) -> None:
    fs = world.fs
    fs.write_file("/f", b"x")
    world.save()
    fs.read_file("/f")
    accessed = fs.stat("/f").atime
    assert fs.take_changes() is None
    assert fs.dirty_bytes == 0
    changes = world.save(access_times=True)
    assert [record.ino for record in changes.inodes] == [2]
    fs.readdir("/")
    fs.chmod("/f", 0o600)
    assert {record.ino for record in take(world).inodes} == {1, 2}
    world.reload()
    assert world.fs.stat("/f").atime == accessed


def test_a_damaged_backend_is_an_io_error(world: Any) -> None:
    fs = world.fs
    fs.write_file("/f", b"x")
    fs.symlink("f", "/s")
    world.save()
    world.reload()
    del world.backend.inodes[2]
    with pytest.raises(FsError) as caught:
        world.fs.stat("/f")
    assert caught.value.code is FsCode.IO


def test_a_chunk_that_is_too_large_is_an_io_error(world: Any) -> None:
    world.fs.write_file("/f", bytes(64 * 1024 + 1))
    world.save()
    world.reload()
    chunks = world.backend.chunks[world.fs.stat("/f").ino]
    assert list(chunks) == [0, 1]
    chunks[0] += b"x"
    with pytest.raises(FsError) as caught:
        world.fs.read_file("/f")
    assert caught.value.code is FsCode.IO


def test_the_caller_sees_the_same_tree_whatever_is_saved(world: Any, see: Callable[..., Any]) -> None:
    fs = world.fs
    fs.mkdir("/d")
    for number in range(5):
        fs.write_file(f"/d/{number}", bytes([number]) * 70_000)
    see(fs)
    expected = see(fs)
    changes = take(world)
    assert see(fs) == expected, "under way, not in the backend"
    world.backend.apply(changes)
    assert see(fs) == expected, "under way, in the backend"
    changes.committed()
    assert see(fs) == expected
    world.reload()
    assert see(world.fs) == expected


UNDONE: dict[str, Callable[[Any], Any]] = {
    "a new file": lambda fs: fs.write_file("/new", b"x" * (CHUNK_SIZE + 1)),
    "new directories": lambda fs: fs.mkdir("/a/b/c", parents=True),
    "another content": lambda fs: fs.write_file("/d/f", b"y" * 10),
    "a cut": lambda fs: fs.truncate("/d/f", 5),
    "a hole": lambda fs: fs.truncate("/d/f", 5 * CHUNK_SIZE),
    "a mode": lambda fs: fs.chmod("/d", 0o700),
    "a link more": lambda fs: fs.link("/d/f", "/hard"),
    "a link less": lambda fs: fs.unlink("/d/g"),
    "an unlinked file": lambda fs: fs.unlink("/d/f"),
    "a removed tree": lambda fs: fs.remove_tree("/d"),
    "a move": lambda fs: fs.rename("/d", "/e"),
    "a move over a file": lambda fs: fs.rename("/d/f", "/d/h"),
}


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("change", UNDONE.values(), ids=UNDONE.keys())
def test_a_change_can_be_undone(
    world: Any, see: Callable[[Any], Any], change: Callable[[Any], Any], is_open: bool, listed: bool
) -> None:
    fs = world.fs
    fs.mkdir("/d")
    fs.write_file("/d/f", b"x" * (2 * CHUNK_SIZE + 1))
    fs.write_file("/d/h", b"h")
    fs.link("/d/h", "/d/g")
    world.save()
    see(fs)
    world.save(access_times=True)
    before, usage = see(fs), fs.usage
    if not listed:
        world.reload()
        fs = world.fs
    handle = world.open("/d/f") if is_open else None
    assert fs.clean
    change(fs)
    take(world)
    fs.undo_changes()
    assert (see(world.fs), fs.usage, fs.clean) == (before, usage, True)
    assert fs.take_changes() is None
    if handle is not None:
        assert handle.read(0, 10) == b"x" * 10
        handle.close()
        assert fs.clean
    change(fs)
    world.save()
    after = see(world.fs)
    assert after != before
    world.reload()
    assert see(world.fs) == after
