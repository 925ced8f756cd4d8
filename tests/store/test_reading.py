"""Who waits for whom to read the state file."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import trio
from trio.testing import wait_all_tasks_blocked

from runtime.store import open_store
from runtime.store.reading import LONG_READS
from tests.patience import WAIT

if TYPE_CHECKING:
    from pathlib import Path

    import apsw


async def test_a_transcript_is_read_while_others_walk_through_trees(tmp_path: Path) -> None:
    """However many `diff`s and imports of one VM there are: they wait for one another."""
    go_on = threading.Event()
    begun = trio.Semaphore(0)
    token = trio.lowlevel.current_trio_token()

    def walk(_connection: apsw.Connection) -> None:
        token.run_sync_soon(begun.release)
        go_on.wait()

    async with open_store(tmp_path / "state.db") as store:
        record, _ = await store.vms.get_or_create("vm", {}, 0)
        try:
            with trio.fail_after(WAIT):
                async with trio.open_nursery() as nursery:
                    for _ in range(10):
                        nursery.start_soon(lambda: store.reader.run(walk, walk=True))
                    await begun.acquire()
                    assert await store.reader.run(lambda db: db.execute("SELECT id FROM vm").fetchall()) == [
                        (record.row,)
                    ]
                    assert begun.value == 0
                    go_on.set()
        finally:
            go_on.set()


async def test_so_many_long_reads_are_under_way(tmp_path: Path) -> None:
    go_on = threading.Event()
    begun = trio.Semaphore(0)
    token = trio.lowlevel.current_trio_token()

    def read(_connection: apsw.Connection) -> None:
        token.run_sync_soon(begun.release)
        go_on.wait()

    async with open_store(tmp_path / "state.db") as store:
        try:
            with trio.fail_after(WAIT):
                async with trio.open_nursery() as nursery:
                    for _ in range(10):
                        nursery.start_soon(store.reader.run, read)
                    for _ in range(LONG_READS):
                        await begun.acquire()
                    assert store.reader.all("SELECT 1") == [(1,)]
                    await wait_all_tasks_blocked()
                    assert begun.value == 0
                    go_on.set()
        finally:
            go_on.set()
