"""A whole `wasi_fs.FileSystem` on the store: what it saves is what the next one finds."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from runtime.store.tree_check import check_tree
from tests.walking import walk
from wasi_fs.backend import CHUNK_SIZE
from wasi_fs.filesystem import FileSystem
from wasi_fs.handles import OpenFile
from wasi_fs.tree import Limits

if TYPE_CHECKING:
    import apsw

    from runtime.store import LayerFiles, Store, VmRecord

TICKS = itertools.count(1_700_000_000_000_000_000)


def filesystem(backend: LayerFiles) -> FileSystem:
    return FileSystem(backend, Limits(), lambda: next(TICKS))


async def save(store: Store, vm: VmRecord, files: FileSystem) -> None:
    changes = files.take_changes()
    assert changes is not None
    store.files.commit_changes(vm.row, changes)
    await store.writer.barrier()
    assert not files.saving


def everything(files: FileSystem) -> dict[str, object]:
    found: dict[str, object] = {}
    for path, stat in walk(files, "/"):
        content: object = None
        if stat.type.name == "REGULAR":
            content = files.read_file(path)
        elif stat.type.name == "SYMLINK":
            content = files.readlink(path)
        found[path] = (stat._replace(atime=0), content)  # which reading changes
    return found


async def test_a_tree_comes_back_as_it_was(store: Store, vm: VmRecord) -> None:
    files = filesystem(store.files.backend(vm.layer))
    files.write_file("/home/user/ü.txt", b"hello", parents=True)
    files.write_file("/big", bytes(range(256)) * 1024, mode=0o755)
    files.link("/big", "/home/big")
    files.symlink("../big", "/home/user/link")
    files.truncate("/home/user/ü.txt", 10 * CHUNK_SIZE)
    files.chmod("/home/user", 0o700)
    files.utimes("/big", -5, 7)
    before = everything(files)
    stats = walk(files, "/")
    await save(store, vm, files)
    again = filesystem(store.files.backend(vm.layer))
    assert walk(again, "/") == stats
    assert again.take_changes() is None
    assert everything(files) == before
    assert everything(again) == before
    assert again.usage == files.usage


async def test_changes_after_a_snapshot_hide_it_and_leave_it(store: Store, vm: VmRecord) -> None:
    backend = store.files.backend(vm.layer)
    files = filesystem(backend)
    files.write_file("/d/kept", b"k" * 3 * CHUNK_SIZE, parents=True)
    files.write_file("/d/gone", b"g")
    files.write_file("/d/cut", b"c" * 3 * CHUNK_SIZE)
    files.mkdir("/tree/deep", parents=True)
    await save(store, vm, files)
    past = everything(files)
    store.snapshots.take(vm.row, 1, files=backend)
    await store.writer.barrier()
    files.unlink("/d/gone")
    files.truncate("/d/cut", 10)
    files.truncate("/d/cut", 2 * CHUNK_SIZE)
    files.remove_tree("/tree")
    files.rename("/d/kept", "/moved")
    files.write_file("/d/gone", b"another")
    now = everything(files)
    await save(store, vm, files)
    assert everything(files) == now
    (snapshot,) = store.snapshots.list(vm.row)
    current = store.vms.get(vm.name)
    assert current is not None
    assert everything(filesystem(store.files.backend(current.layer))) == now
    assert everything(filesystem(store.files.backend(snapshot.layer))) == past


async def test_what_was_unlinked_while_open_is_removed_by_the_next_one(store: Store, vm: VmRecord) -> None:
    backend = store.files.backend(vm.layer)
    files = filesystem(backend)
    files.write_file("/open", b"x")
    handle = files.open("/open")
    files.unlink("/open")
    await save(store, vm, files)
    assert len(backend.orphans()) == 1
    again = filesystem(backend)
    await save(store, vm, again)
    assert backend.orphans() == []
    assert again.usage.bytes == 0
    handle.close()


async def test_equal_chunks_may_be_let_go_of_in_one_step(store: Store, vm: VmRecord) -> None:
    """Two places give up the same chunk, and then again: each is noted once, and nothing is refused."""
    files = filesystem(store.files.backend(vm.layer))
    for letter in (b"a", b"b", b"a", b"c"):
        for name in ("/one", "/two"):
            handle = files.open(name, write=True, create=True)
            assert isinstance(handle, OpenFile)
            handle.write(0, letter * 3 * CHUNK_SIZE)
            handle.close()
        await save(store, vm, files)
        kept = filesystem(store.files.backend(vm.layer))
        assert kept.read_file("/one") == kept.read_file("/two") == letter * 3 * CHUNK_SIZE


async def test_whether_rows_are_a_tree_is_told_in_linear_time(store: Store, vm: VmRecord) -> None:
    """However deep it is: counted in steps of SQLite's machine."""
    files = filesystem(store.files.backend(vm.layer))

    def steps(connection: apsw.Connection) -> int:
        counted = itertools.count()

        def count() -> bool:
            next(counted)
            return False

        connection.set_progress_handler(count, 100)
        try:
            check_tree(connection, vm.layer)
        finally:
            connection.set_progress_handler(None)
        return next(counted)

    found = []
    at = files.root
    for _ in range(2):
        for _ in range(1500):
            files.mkdir("d", at=at)
            files.write_file("f", b"", at=at)
            at = files.resolve("d", at=at)  # type: ignore[assignment]
        await save(store, vm, files)
        found.append(await store.reader.run(steps))
    assert found[1] < 2.5 * found[0]
