"""What is overwritten, thinned out or destroyed leaves the state file, while the VM is in use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import trio

from runtime.store import open_store
from runtime.store.garbage import INTERVAL_SECONDS
from runtime.store.snapshots import KEPT_OF_SESSION, MAX_DEPTH
from runtime.vms.catalogue import Catalogue
from runtime.vms.host import open_host
from wasi_fs import CHUNK_SIZE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trio.testing import MockClock

    from runtime.store import Store
    from runtime.vms.files import VmFiles
    from runtime.vms.host import Host

VERSIONS = 1000


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    no_engine: Any = None  # nothing is woken here
    async with open_store(tmp_path / "state.db") as store, open_host(store, no_engine, Catalogue(tmp_path)) as host:
        await host.get_or_create("vm", {})
        yield host


@pytest.fixture
async def files(host: Host) -> VmFiles:
    return await host.queries.files("vm")


def count(store: Store, table: str) -> int:
    row = store.reader.one(f"SELECT count(*) FROM {table}")  # noqa: S608 - the tests' own words
    assert row is not None
    return int(row[0])


async def collected(store: Store) -> None:
    """Have the next collection over: the clock does not jump while the store is at it."""
    await trio.sleep(2 * INTERVAL_SECONDS)
    assert count(store, "loose_chunk") + count(store, "loose_layer") == 0


async def test_of_a_file_that_is_overwritten_one_version_is_kept(
    host: Host, files: VmFiles, autojump_clock: MockClock
) -> None:
    before = count(host.store, "chunk")
    for _ in range(VERSIONS):
        content = os.urandom(CHUNK_SIZE + 1)
        await files.write_file("/file", content)
    assert await files.read_file("/file") == content
    await collected(host.store)
    assert count(host.store, "chunk") == before + 2
    await files.delete_file("/file")
    await collected(host.store)
    assert count(host.store, "chunk") == before
    assert host.store.path.stat().st_size < 2 * VERSIONS * CHUNK_SIZE


async def test_what_snapshots_need_is_kept_and_goes_with_them(
    host: Host, files: VmFiles, autojump_clock: MockClock
) -> None:
    store = host.store
    vm = store.vms.get("vm")
    assert vm is not None
    session = await store.sessions.create(vm.row, "s", "echo", 0, options={}, env={})
    before = count(store, "chunk")
    contents = {}
    for seq in range(VERSIONS):
        contents[seq] = os.urandom(100)
        await files.write_file("/file", contents[seq])
        store.snapshots.take(vm.row, seq, files=host._volumes.of(vm).backend, session=session.row, seq=seq)
        store.transcript.append(session.row, seq, seq, "x", b"{}")
    await store.writer.barrier()
    await collected(store)
    kept = count(store, "chunk") - before
    assert KEPT_OF_SESSION <= kept <= KEPT_OF_SESSION + MAX_DEPTH
    first = VERSIONS - KEPT_OF_SESSION
    fork = await host.fork("vm", "fork", ("s", first))
    assert fork["filesAt"]["seq"] == first
    assert await (await host.queries.files("fork")).read_file("/file") == contents[first]
    await store.sessions.delete(session.row)
    await collected(store)
    await host.destroy("fork")
    await collected(store)
    assert count(store, "chunk") == before + 1, "nobody needs to tell the versions apart any more"
    assert await files.read_file("/file") == contents[VERSIONS - 1]
