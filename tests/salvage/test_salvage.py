"""Damaged state files: what is left of them is exported, what is exported can be imported, and what is lost is told."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from runtime.api.events import LOST
from runtime.salvage.fileformat import INDEX_LEAF, TABLE_LEAF
from runtime.salvage.pages import Pages
from runtime.salvage.recover import Outcome, salvage
from runtime.store import Store, open_store
from runtime.store.durability import Durability
from runtime.store.importing import import_vm
from runtime.vms.portable import FileJudge
from wasi_fs import FileSystem, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE: Final = 4096
FILES: Final = 60
EVENTS: Final = 150


def content(vm: int, number: int) -> bytes:
    """So much that it neither fits into a page nor can be compressed."""
    return random.Random(vm * 1000 + number).randbytes(200 + number * number * 31)  # noqa: S311


def event(seq: int) -> bytes:
    return b'{"jsonrpc":"2.0","method":"_torpor/x","params":{"n":%d,"pad":"%s"}}' % (seq, b"p" * (seq * 37 % 3000))


async def fill(store: Store) -> None:
    for number in range(3):
        vm, _ = await store.vms.get_or_create(f"vm{number}", {"labels": {"n": str(number)}}, 1000)
        files = FileSystem(store.files.backend(vm.layer), Limits(), lambda: 5)
        for each in range(FILES):
            files.write_file(f"/d{each % 7}/e/f{each}", content(number, each), parents=True)
        files.symlink("d0/e/f0", "/link")
        changes = files.take_changes()
        assert changes is not None
        store.files.commit_changes(vm.row, changes)
        session = await store.sessions.create(vm.row, f"s{number}", "pi", 2000, options={}, env={"KEY": "sealed"})
        for seq in range(EVENTS):
            store.transcript.append(session.row, seq, 10 + seq, "_torpor/x", event(seq))
        store.snapshots.take(vm.row, 5)
        await store.writer.barrier()


async def made(directory: Path) -> Path:
    state = directory / "whole" / "state.db"
    async with open_store(state, durability=Durability.NONE) as store:
        await fill(store)
    return state


async def look_at(outcome: Outcome, directory: Path, *, changed: bool = False) -> tuple[int, int]:
    """Import everything; how many files and events are as they were. What is not is named."""
    files = events = 0
    async with open_store(directory / "again" / "state.db", durability=Durability.NONE) as store:
        for number, export in enumerate(outcome.exports):
            imported = await import_vm(store, Path(export.path), FileJudge(f"v{number}", trust=True), nothing)
            vm = store.vms.get(imported.name)
            assert vm is not None
            told = "\n".join(export.lost)
            found = contents(FileSystem(store.files.backend(vm.layer), Limits(), lambda: 5))
            for path, data in found.items():
                stem = path.rpartition("/")[2]
                was = [content(each, int(stem[1:])) for each in range(3)] if stem.startswith("f") else [data]
                if data in was:
                    files += stem.startswith("f")
                else:
                    assert f"{path}: " in told, (path, told)
                    assert len(data) == len(was[0])
            for session in store.sessions.list(vm.row):
                history = await store.transcript.history(session.row)
                assert [each.seq for each in history] == list(range(len(history)))
                for each in history:
                    if each.type == LOST:
                        assert "events of its transcript are lost" in told
                    elif each.body == event(each.seq):
                        events += 1
                    else:  # nothing tells of a letter that has become another one
                        assert changed
    return files, events


def contents(files: FileSystem) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    waiting = ["/"]
    while waiting:
        directory = waiting.pop()
        for name in files.readdir(directory):
            path = f"{directory.rstrip('/')}/{name}"
            kind = files.stat(path, follow=False).type
            if kind.name == "DIRECTORY" and path != "/dev":
                waiting.append(path)
            elif kind.name == "REGULAR":
                found[path] = files.read_file(path)
    return found


async def nothing(_: str) -> None:
    """Nothing to settle."""


def digest(path: Path) -> dict[str, bytes]:
    return {each.name: hashlib.sha256(each.read_bytes()).digest() for each in path.parent.iterdir()}


async def test_a_whole_file_is_exported_whole(tmp_path: Path) -> None:
    state = await made(tmp_path)
    before = digest(state)
    outcome = await salvage(state, tmp_path / "out")
    assert [each.vm for each in outcome.exports] == ["vm0", "vm1", "vm2"]
    assert [each.lost for each in outcome.exports] == [[], [], []]
    assert (outcome.unread, outcome.lost_pages, outcome.problems) == ({}, 0, [])
    assert await look_at(outcome, tmp_path) == (3 * FILES, 3 * EVENTS)
    assert digest(state) == before
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["vm0.torpor", "vm1.torpor", "vm2.torpor"]


async def test_what_is_in_the_log_counts(tmp_path: Path) -> None:
    state, copy = tmp_path / "whole" / "state.db", tmp_path / "copy" / "state.db"
    copy.parent.mkdir()
    async with open_store(state, durability=Durability.NONE) as store:
        await fill(store)
        await store.vms.get_or_create("last", {}, 1)
        for end in ("", "-wal"):
            shutil.copy(f"{state}{end}", f"{copy}{end}")
    log = copy.with_name("state.db-wal")
    os.truncate(log, log.stat().st_size - 100)  # and its last commit is not whole
    outcome = await salvage(copy, tmp_path / "out")
    files, events = await look_at(outcome, tmp_path)
    assert files == 3 * FILES
    assert events == 3 * EVENTS


def zeros(size: int) -> bytes:
    return bytes(size)


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # noqa: S311


@pytest.mark.parametrize("damage", [zeros, noise])
@pytest.mark.parametrize("seed", range(4))
async def test_pages_here_and_there(tmp_path: Path, damage: Callable[[int], bytes], seed: int) -> None:
    state = await made(tmp_path)
    chance = random.Random(seed)  # noqa: S311
    count = state.stat().st_size // PAGE
    spoilt = chance.sample(range(2 if seed < 2 else 0, count), 12)
    with state.open("r+b") as file:
        for page in spoilt:
            file.seek(page * PAGE)
            file.write(damage(PAGE))
    outcome = await salvage(state, tmp_path / "out")
    files, events = await look_at(outcome, tmp_path)
    assert files > FILES
    assert events > EVENTS


@pytest.mark.parametrize("pages", [1, 2, 3, 8, 20])
async def test_the_first_pages(tmp_path: Path, pages: int) -> None:
    """With them go the header, the schema and the roots; the pointer map tells the rest, unless it goes as well."""
    state = await made(tmp_path)
    with state.open("r+b") as file:
        file.write(bytes(pages * PAGE))
    outcome = await salvage(state, tmp_path / "out")
    files, events = await look_at(outcome, tmp_path)
    if pages == 1:
        assert (files, events) == (3 * FILES, 3 * EVENTS)
    else:
        assert outcome.problems or any(each.lost for each in outcome.exports) or outcome.lost_pages


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
async def test_a_file_that_was_cut(tmp_path: Path, part: float) -> None:
    state = await made(tmp_path)
    os.truncate(state, int(state.stat().st_size * part))
    outcome = await salvage(state, tmp_path / "out")
    files, events = await look_at(outcome, tmp_path)
    if part >= 0.5:
        assert files > 3 * FILES * part * 0.5
        assert events > 3 * EVENTS * part * 0.5


async def test_bytes_here_and_there(tmp_path: Path) -> None:
    state = await made(tmp_path)
    chance = random.Random(5)  # noqa: S311
    with state.open("r+b") as file:
        for _ in range(100):
            file.seek(chance.randrange(PAGE, state.stat().st_size))
            file.write(chance.randbytes(1))
    before = digest(state)
    outcome = await salvage(state, tmp_path / "out")
    files, _ = await look_at(outcome, tmp_path, changed=True)
    assert files > FILES
    assert digest(state) == before


@pytest.mark.parametrize("kind", [TABLE_LEAF, INDEX_LEAF])
async def test_every_page_that_lies(tmp_path: Path, kind: int) -> None:
    """Cells that point anywhere, lengths without an end: nothing hangs, and nothing is taken that is not there."""
    state = await made(tmp_path)
    with Pages(state) as pages:
        of_kind = [page for page in range(2, pages.count + 1) if pages.kind(page) == kind]
    with state.open("r+b") as file:
        for page in of_kind:
            file.seek((page - 1) * PAGE + 3)
            file.write(b"\xff\xff")  # so many cells
            file.seek((page - 1) * PAGE + PAGE // 2)
            file.write(b"\xff" * 64)
    outcome = await salvage(state, tmp_path / "out")
    await look_at(outcome, tmp_path)


@pytest.mark.parametrize("data", [b"", b"no database" * 1000, bytes(100_000), b"SQLite format 3\0" + b"\xff" * 5000])
async def test_what_is_no_state_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    outcome: Any = await salvage(tmp_path / "x", tmp_path / "out")
    assert outcome.exports == []
    assert outcome.problems
    assert (tmp_path / "x").read_bytes() == data
