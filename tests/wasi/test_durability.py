"""Which of a guest's writes survive, when it is told so, and what it is told when the disk fails."""

# ruff: noqa: S108 - /tmp is the VM's

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.api.errors import ApiError, ErrorCode
from runtime.vms.processes import Processes
from runtime.wasi.filesystem import streams as file_streams
from tests.patience import WAIT
from wasi_fs import Mount

if TYPE_CHECKING:
    from pathlib import Path

    import apsw

    from .conftest import Machine, OpenWorld, World

MIB = 1024 * 1024


@pytest.mark.guest("file_rw")
async def test_what_is_synced_survives(open_world: OpenWorld) -> None:
    """The program makes rw.txt, syncs, and then makes append.txt, which nothing has saved when the VM is gone."""
    async with open_world() as world:
        machine = await world.machine()
        assert "fsync: ok" in (await machine.run("file_rw")).lines
    async with open_world() as world:
        machine = await world.machine()
        assert await machine.files.readdir("/tmp") == ["rw.txt"]
        assert await machine.files.read_file("/tmp/rw.txt") == b"hello\0\0\0"


@pytest.mark.guest("sync_lines")
@pytest.mark.parametrize("how", [(), ("fdatasync",)], ids=["fsync", "fdatasync"])
async def test_each_line_that_is_said_to_be_synced_survives(open_world: OpenWorld, how: tuple[str, ...]) -> None:
    async with open_world() as world:
        machine = await world.machine()
        outcome = await machine.run("sync_lines", "/tmp/lines", *how, stdin=b"first\nsecond\n")
        assert outcome.lines == ["synced first", "synced second"]
    async with open_world() as world:
        machine = await world.machine()
        assert await machine.files.read_file("/tmp/lines") == b"second"


@pytest.mark.guest("sync_flags")
async def test_what_a_synchronous_descriptor_has_written_survives(open_world: OpenWorld) -> None:
    """The program syncs nothing itself; what it writes last, through an ordinary descriptor, is lost."""
    names = ["append", "dsync", "plain", "rsync", "sync"]
    async with open_world() as world:
        machine = await world.machine()
        lines = (await machine.run("sync_flags")).lines
        said = [line for line in lines if line.split(":")[0] in names]
        assert said == ["plain:", "sync: sync", "dsync: dsync", "rsync: sync rsync", "append: sync append"]
        assert lines.count("write: ok") == lines.count("read: ok") == lines.count("durable") == 5
        assert "unsynced" in machine.volume.filesystem.readdir("/tmp")
    async with open_world() as world:
        machine = await world.machine()
        assert await machine.files.readdir("/tmp") == names
        for name in names:
            assert await machine.files.read_file(f"/tmp/{name}") == b"durable"


@pytest.mark.guest("sync_flags")
async def test_a_synchronous_descriptor_of_a_host_directory(world: World, tmp_path: Path) -> None:
    host = tmp_path / "host"
    host.mkdir()
    machine = await world.machine(mounts=(Mount("/mnt", str(host)),))
    lines = (await machine.run("sync_flags", "/mnt")).lines
    assert lines.count("write: ok") == lines.count("read: ok") == lines.count("durable") == 5
    assert "rsync: sync rsync" in lines
    assert {path.name: path.read_text() for path in host.iterdir() if path.name != "unsynced"} == dict.fromkeys(
        ["append", "dsync", "plain", "rsync", "sync"], "durable"
    )
    (mount,) = machine.volume.filesystem._tree.mounts.values()
    assert mount.held == 0  # what the streams had open for their syncs is closed


@pytest.mark.guest("sync_flags")
async def test_a_full_disk_fails_a_synchronous_write(world: World) -> None:
    machine = await world.machine()
    await machine.volume.flush()
    await limit_disk(world, 1)
    machine.volume.filesystem.write_file("/large", os.urandom(MIB))
    outcome = await machine.run("sync_flags")
    assert [line for line in outcome.stdout.decode().splitlines() if line.startswith("write")] == [
        "write: ok",
        *["write: EIO"] * 4,
    ]


@pytest.mark.guest("file_rw", "links", "wait_file")
async def test_what_is_flushed_survives(open_world: OpenWorld) -> None:
    async with open_world() as world:
        machine = await world.machine()
        for name in ("file_rw", "links"):
            await machine.run(name)
        fs = machine.volume.filesystem
        before = {path: fs.stat(f"/tmp/{path}", follow=False) for path in fs.readdir("/tmp")}
        await machine.volume.flush()
    async with open_world() as world:
        machine = await world.machine()
        fs = machine.volume.filesystem
        after = {path: fs.stat(f"/tmp/{path}", follow=False) for path in fs.readdir("/tmp")}
        assert after == before
        assert (await machine.run("wait_file", "/tmp/ln.dir/inner")).lines == ['/tmp/ln.dir/inner = "inner"']


def hold_writer(world: World) -> threading.Event:
    """Stop the store's writer, as a slow disk does, until the event is set."""
    go_on = threading.Event()

    def wait(_connection: apsw.Connection) -> None:
        assert go_on.wait(WAIT)

    world.store.writer.submit(wait)
    return go_on


async def saving(machine: Machine) -> None:
    """Wait until a guest waits for the writer."""
    while not machine.volume.filesystem.saving:
        await trio.lowlevel.checkpoint()
    await wait_all_tasks_blocked()


@pytest.mark.guest("file_rw", "links")
async def test_fsync_waits_for_the_disk_and_holds_up_nobody_else(world: World) -> None:
    machine = await world.machine()
    go_on = hold_writer(world)
    syncing = await machine.spawn("file_rw")
    outcome: list[bytes] = []
    try:
        await saving(machine)
        other = await machine.run("links")
        assert other.lines
        assert len(machine.processes) == 1
    finally:
        go_on.set()
    while piece := await syncing.receive():
        outcome.append(piece)
    assert b"fsync: ok" in b"".join(outcome)


@pytest.mark.guest("file_rw")
async def test_killed_in_fsync(world: World) -> None:
    """A commit under way is not broken off: the process ends when it is through."""
    machine = await world.machine()
    go_on = hold_writer(world)
    try:
        process = await machine.spawn("file_rw")
        await saving(machine)
        process.kill()
        await wait_all_tasks_blocked()
    finally:
        go_on.set()
    assert (await process.wait()).reason == "killed"
    assert not machine.volume.filesystem.saving
    assert await machine.files.read_file("/tmp/rw.txt") == b"hello\0\0\0"


# Faults


async def limit_disk(world: World, pages: int) -> None:
    """SQLite then fails as on a full disk. 1 stands for the file's present size."""
    await world.store.writer.commit(
        lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()
    )


@pytest.mark.guest("file_rw")
async def test_a_full_disk_fails_fsync(world: World) -> None:
    machine = await world.machine()
    await machine.volume.flush()
    await limit_disk(world, 1)
    content = os.urandom(MIB)
    machine.volume.filesystem.write_file("/large", content)
    lines = (await machine.run("file_rw")).lines
    assert "fsync: EIO" in lines
    assert lines.count("fsync: EIO") == 1
    assert lines[-1] == "trailing slash on a file: ENOTDIR"  # and the guest goes on
    with pytest.raises(ApiError) as failed:
        await machine.files.write_file("/other", b"")
    assert failed.value.code is ErrorCode.IO_ERROR
    await limit_disk(world, 2**30)
    await machine.volume.flush()  # nothing was lost
    assert await (await world.machine()).files.read_file("/large") == content


@pytest.mark.guest("fill")
async def test_a_full_disk_stops_the_guest_that_writes_much(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too much is unsaved, writing waits for a save; its failure is the guest's to hear of, not to wait for."""
    monkeypatch.setattr(file_streams, "DIRTY_LIMIT", MIB)
    machine = await world.machine()
    await machine.volume.flush()
    await limit_disk(world, 1)
    machine.volume.filesystem.write_file("/large", os.urandom(MIB))
    outcome = await machine.run("fill", "/tmp", "4", "0")
    assert outcome.stdout.startswith(b"bytes: EIO\n")


@pytest.mark.guest("fill")
async def test_a_fault_of_the_host_in_saving_is_the_writers(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> None:
        await trio.lowlevel.checkpoint()
        raise RuntimeError("a secret of the host")

    monkeypatch.setattr(file_streams, "DIRTY_LIMIT", 1)
    machine = await world.machine()
    processes = Processes(attrs.evolve(machine.surroundings, sync_filesystem=broken), machine.nursery)
    machine = attrs.evolve(machine, processes=processes)
    assert (await machine.run("fill", "/tmp", "1", "0")).stdout.startswith(b"bytes: EIO\n")
    assert "a secret of the host" in caplog.text


@pytest.mark.guest("fill")
async def test_writing_much_saves_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_streams, "DIRTY_LIMIT", MIB)
    machine = await world.machine()
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, machine.volume.filesystem.unsaved_bytes)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        outcome = await machine.run("fill", "/tmp", "6", "0")
        nursery.cancel_scope.cancel()
    assert outcome.stdout.startswith(b"bytes: ok\n")
    assert MIB / 2 < most < 2 * MIB


@pytest.mark.guest("wait_file")
async def test_a_damaged_chunk_is_an_io_error(open_world: OpenWorld, caplog: pytest.LogCaptureFixture) -> None:
    content = b"precious " * 1000
    async with open_world() as world:
        machine = await world.machine()
        await machine.files.write_file("/tmp/damaged", content)
        await machine.files.write_file("/tmp/whole", b"whole")
        await world.store.writer.commit(
            lambda connection: connection.execute(
                "UPDATE chunk SET data = x'00112233' WHERE size = ?", (len(content),)
            ).fetchall()
        )
    async with open_world() as world:
        machine = await world.machine()
        assert (await machine.run("wait_file", "/tmp/damaged")).lines == ["/tmp/damaged = EIO"]
        assert (await machine.run("wait_file", "/tmp/whole")).lines == ['/tmp/whole = "whole"']
        with pytest.raises(ApiError) as failed:
            await machine.files.read_file("/tmp/damaged")
        assert failed.value.code is ErrorCode.IO_ERROR
    assert "cannot be read" in caplog.text
