"""Compilations that nobody waits for any more, and what a process leaves that ended in the middle of one."""

from __future__ import annotations

import fcntl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio
from trio.testing import wait_all_tasks_blocked

from runtime.engine import ArtefactCache, Engine, HostInterface
from tests.engine.wat import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WAIT = 30.0
CONTENT = command("(i32.const 0)")


class Held(ArtefactCache):
    """A cache in which a compilation goes on until `free` is set."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.entered = threading.Event()
        self.free = threading.Event()
        self.stored = 0

    @contextmanager
    def alone(self) -> Iterator[None]:
        with super().alone():
            self.entered.set()
            assert self.free.wait(WAIT)
            yield

    def store(self, name: str, artefact: bytes | bytearray) -> None:
        self.stored += name.endswith(".recipe")
        super().store(name, artefact)


def engine(cache: ArtefactCache) -> Engine:
    return Engine([HostInterface("test:host/calls")], cache)


async def test_who_gives_up_is_let_go_and_the_next_has_what_it_began(tmp_path: Path) -> None:
    cache = Held(tmp_path / "cache")
    host = engine(cache)
    told: list[int] = []
    with trio.fail_after(WAIT):
        async with trio.open_nursery() as first:
            first.start_soon(host.load_content, CONTENT, told.append)
            await trio.to_thread.run_sync(cache.entered.wait, WAIT)
            first.cancel_scope.cancel()
        assert not cache.free.is_set()
        async with trio.open_nursery() as second:
            second.start_soon(host.load_content, CONTENT, told.append)
            await wait_all_tasks_blocked()
            cache.free.set()
    assert cache.stored == 1
    assert told == [len(CONTENT)] * 2
    assert host.is_cached(CONTENT)


async def test_what_is_compiled_does_not_wait_for_what_is_being_compiled(tmp_path: Path) -> None:
    cache = Held(tmp_path / "cache")
    engine(ArtefactCache(cache.directory)).load_bytes(CONTENT)
    host = engine(cache)
    told: list[int] = []
    with trio.fail_after(WAIT):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(host.load_content, command("(i32.const 1)"))
            await trio.to_thread.run_sync(cache.entered.wait, WAIT)
            await host.load_content(CONTENT, told.append)
            cache.free.set()
    assert told == []


async def test_the_end_of_the_loop_waits_for_no_compiler(tmp_path: Path) -> None:
    cache = Held(tmp_path / "cache")
    host = engine(cache)

    async def end() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(host.load_content, CONTENT)
            await trio.to_thread.run_sync(cache.entered.wait, WAIT)
            nursery.cancel_scope.cancel()

    def run() -> bool:
        trio.run(end)
        return cache.free.is_set()

    with trio.fail_after(WAIT):
        assert not await trio.to_thread.run_sync(run)
    cache.free.set()


def test_what_a_killed_process_has_half_stored_is_removed_at_the_next_opening(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    engine(ArtefactCache(directory)).load_bytes(CONTENT)
    whole = {path.name for path in directory.iterdir()}
    left = [
        directory / f".{name}.0123456789abcdef" for name in whole if name.endswith((".cwasm", ".recipe", ".digest"))
    ]
    for path in left:
        path.write_bytes(b"half")
    with (directory / "lock").open() as other:  # another process may be about to rename them
        fcntl.flock(other, fcntl.LOCK_EX)
        ArtefactCache(directory)
        assert all(path.exists() for path in left)
    cache = ArtefactCache(directory)
    assert {path.name for path in directory.iterdir()} == whole
    assert engine(cache).is_cached(CONTENT)
