"""kill -9 in a storm of commits: all that was acknowledged is there afterwards, and the file is whole."""

from __future__ import annotations

import random
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from runtime.store import open_store
from runtime.store.schema import open_writable
from tests.patience import WAIT

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 10

STORM = """
import itertools, os, sys, trio
from runtime.store import open_store
from wasi_fs.backend import Changes, ChunkWrite, FileType, InodeRecord, Usage

def inode(size):
    return InodeRecord(2, FileType.REGULAR, 0o644, 1, size, size, 0, 0, 0, 0, None, False)

async def main():
    async with open_store(sys.argv[1]) as store:
        vm, _ = await store.vms.get_or_create("vm", {}, 0)
        session = store.sessions.get(vm.row, "s") or await store.sessions.create(
            vm.row, "s", "pi", 0, options={}, env={}
        )
        def tell(word):
            # One write each, to a pipe: what was written before the kill can be read after it.
            return lambda error: os.write(1, f"{word}\\n".encode()) if error is None else os._exit(3)
        for seq in itertools.count(session.last_seq + 1):
            store.transcript.append(session.row, seq, seq, "t", b'{"n":%d}' % seq, tell(f"event {seq}"))
            if seq % 10 == 0:
                store.files.commit_changes(vm.row, Changes(
                    removed=[], inodes=[inode(seq)], dentries=[], truncated=[],
                    chunks=[ChunkWrite(2, 0, b"%d" % seq), ChunkWrite(2, 1, os.urandom(20000))],
                    usage=Usage(seq, 0), next_ino=3, committed=lambda: None, failed=lambda: None, refused=lambda: None,
                ), tell(f"file {seq}"))
            if seq % 500 == 0:
                store.snapshots.take(vm.row, seq)
            if seq % 50 == 0:
                await store.writer.room()
                if store.writer.waiting_bytes > 300_000:
                    await store.writer.barrier()

trio.run(main)
"""


def storm(state: Path, acknowledgements: int) -> list[list[str]]:
    """Let the storm rage until it has acknowledged so many writes, kill it, and return all that it acknowledged."""
    with subprocess.Popen([sys.executable, "-c", STORM, state], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(acknowledgements)]
        process.kill()
        lines += process.stdout.readlines()
        process.wait(WAIT)
    assert process.returncode == -9, "the storm ended by itself"
    return [line.decode().split() for line in lines]


@pytest.mark.slow
async def test_what_was_acknowledged_survives_kill_9(state: Path) -> None:
    chance = random.Random(9)  # noqa: S311
    event = file = -1
    for _ in range(KILLS):
        acknowledged = storm(state, chance.randrange(1, 2000))
        event = max([event, *(int(number) for kind, number in acknowledged if kind == "event")])
        file = max([file, *(int(number) for kind, number in acknowledged if kind == "file")])
        async with open_store(state) as store:
            vm = store.vms.get("vm")
            assert vm is not None
            session = store.sessions.get(vm.row, "s")
            assert session is not None
            events = await store.transcript.history(session.row)
            assert [found.seq for found in events] == list(range(len(events)))
            assert [found.body for found in events] == [b'{"n":%d}' % seq for seq in range(len(events))]
            assert session.last_seq >= event
            backend = store.files.backend(vm.layer)
            if file >= 0:
                inode, content = backend.load_inode(2), backend.load_chunk(2, 0)
                assert inode is not None
                assert inode.size >= file
                assert content == b"%d" % inode.size  # of the same change set, whichever was the last
        with closing(open_writable(state)) as connection:
            assert connection.pragma("integrity_check") == "ok"
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert event > KILLS
