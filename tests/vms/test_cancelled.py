"""Whoever asks something of a VM may go away at any moment: it is done as a whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runtime.store import open_store
from runtime.vms.catalogue import Catalogue
from runtime.vms.host import open_host
from tests.sessions.cancelling import attempts
from tests.settled import settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from runtime.vms.host import Host


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    no_engine: Any = None  # no guest runs here
    async with open_store(tmp_path / "state.db") as store, open_host(store, no_engine, Catalogue(tmp_path)) as host:
        await host.get_or_create("vm", {})
        vm = store.vms.get("vm")
        assert vm is not None
        session = await store.sessions.create(vm.row, "s", "echo", 0, options={}, env={"KEY": "k"})
        body = b'{"jsonrpc":"2.0","method":"x","params":{"sessionId":"s"}}'
        for seq in range(3):
            store.transcript.append(session.row, seq, seq, "x", body)
        await store.writer.barrier()
        await (await host.queries.files("vm")).write_file("/file", b"content")
        yield host


async def names(host: Host) -> list[str]:
    return [info["vm"] for info in await host.queries.list()]


async def sessions(host: Host, vm: str = "vm") -> list[str]:
    return [row["sessionId"] for row in await host.queries.persisted_sessions(vm)]


async def test_a_forked_session_is_there_only_if_its_id_is_told(host: Host) -> None:
    for attempt in attempts():
        await attempt.run(lambda: host.fork_session("vm", "s", 1, None))
        await settled()
        expected = ["s"] if attempt.cancelled else ["s", attempt.result["sessionId"]]
        assert await sessions(host) == expected


async def test_a_fork_of_a_vm_is_whole_or_not_there(host: Host) -> None:
    for attempt in attempts():
        await attempt.run(lambda: host.fork("vm", "fork"))
        await settled()
        assert await names(host) == (["vm"] if attempt.cancelled else ["vm", "fork"])
        if not attempt.cancelled:
            assert await sessions(host, "fork") == ["s"]
            assert await (await host.queries.files("fork")).read_file("/file") == b"content"
            await host.destroy("fork")
        await (await host.queries.files("vm")).write_file("/file", b"content")


async def test_a_new_vm_is_furnished_or_not_there(host: Host) -> None:
    for attempt in attempts():
        await attempt.run(lambda: host.get_or_create("new", {"labels": {"a": "b"}}))
        await settled()
        if attempt.cancelled:
            assert await names(host) == ["vm"]
        else:
            assert attempt.result["created"] is True
            assert "user" in await (await host.queries.files("new")).readdir("/home")
            await host.destroy("new")


async def test_sleep_and_wake(host: Host) -> None:
    for verb in ("vm", "sleep"):
        for attempt in attempts():
            await (host.sleep("vm", 0, force=False) if verb == "vm" else host.vm("vm"))
            operation = (lambda: host.vm("vm")) if verb == "vm" else (lambda: host.sleep("vm", 0, force=False))
            await attempt.run(operation)
            await settled()
            record = host.store.vms.get("vm")
            assert record is not None
            assert (await host.queries.get("vm"))["state"] == record.state
            if not attempt.cancelled:
                assert record.state == ("awake" if verb == "vm" else "asleep")
            vm = await host.vm("vm")
            assert not vm.life.falling_asleep
            assert await vm.files.read_file("/file") == b"content"


@pytest.mark.parametrize("awake", [True, False])
async def test_a_destroyed_vm_leaves_nothing(host: Host, awake: bool) -> None:
    heard: list[str] = []
    host.hub.attach("other", lambda notice: heard.append(notice.params["state"]))
    for attempt in attempts():
        await host.get_or_create("other", None)
        if awake:
            await host.vm("other")
        heard.clear()
        await attempt.run(lambda: host.destroy("other"))
        await settled()
        gone = await names(host) == ["vm"]
        assert ("destroyed" in heard) == gone
        assert gone or attempt.cancelled
        assert len(host._volumes) == len(await names(host))
        await host.get_or_create("other", None)
        assert await (await host.queries.files("other")).readdir("/home/user") == []
