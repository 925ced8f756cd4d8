"""How many VMs there are, how much their options take, and what clients can make the host remember of names."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest
import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.store import open_store
from runtime.store.exporting import export_vm
from runtime.vms.catalogue import Catalogue
from runtime.vms.host import open_host
from runtime.vms.options import MAX_OPTIONS_BYTES
from runtime.vms.queries import PAGE_VMS
from runtime.vms.volumes import MAX_IDLE_VOLUMES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from runtime.vms.host import Host


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    no_engine: Any = None  # nothing wakes
    async with open_store(tmp_path / "s.db") as store, open_host(store, no_engine, Catalogue(tmp_path)) as host:
        yield host


async def test_there_are_so_many_vms(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.store.vms.MAX_VMS", 2)
    await host.get_or_create("one", None)
    path = str(tmp_path / "one.torpor")
    await host.export("one", path)
    await host.get_or_create("two", None)
    for refused in (
        lambda: host.get_or_create("three", None),
        lambda: host.fork("one", "three"),
        lambda: host.import_(path, "three", trust=False),
    ):
        with pytest.raises(ApiError) as caught:
            await refused()
        assert (caught.value.code, caught.value.data["limit"]) == (ErrorCode.LIMIT_EXCEEDED, "vms")
        assert "vm.destroy" in caught.value.message
    assert (await host.get_or_create("two", None))["created"] is False
    await host.destroy("one")
    await host.get_or_create("three", None)


async def test_exports_of_one_vm_wait_for_each_other_and_those_of_others_do_not(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    holds, go_on = trio.Event(), trio.Event()

    async def held(_state: Path, _vm: int, path: Path, *rest: Any) -> int:
        begun.append(path.name)
        if path.name.startswith("one"):
            holds.set()
            await go_on.wait()
        return await export_vm(_state, _vm, path, *rest)

    monkeypatch.setattr("runtime.vms.host.export_vm", held)
    for name in ("one", "two"):
        await host.get_or_create(name, None)
    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(host.export, "one", str(tmp_path / f"one-{number}"))
        await holds.wait()
        await host.export("two", str(tmp_path / "two"))  # by then all have come as far as they can
        with trio.CancelScope() as gives_up:  # who waits for his turn can be cancelled, and has not begun
            gives_up.cancel()
            await host.export("one", str(tmp_path / "one-cancelled"))
        assert begun[1:] == ["two"]
        go_on.set()
    assert sorted(begun) == ["one-0", "one-1", "one-2", "two"]
    assert not (tmp_path / "one-cancelled").exists()


async def test_a_list_of_vms_has_all_of_them(host: Host) -> None:
    names = [f"vm-{number}" for number in range(PAGE_VMS + 1)]
    for name in names:
        await host.store.vms.get_or_create(name, {}, 0)
    assert [each["vm"] for each in await host.queries.list()] == names


async def test_options_are_of_a_size_that_a_list_can_have(host: Host) -> None:
    labels = {f"label-{number}": "x" * 1000 for number in range(60)}
    await host.get_or_create("one", {"labels": labels})
    more = {**labels, "one": "x" * 1000, **{f"more-{number}": "x" * 1000 for number in range(10)}}
    for refused in (
        lambda: host.get_or_create("two", {"labels": more}),
        lambda: host.configure("one", {"labels": more}),
    ):
        with pytest.raises(ApiError) as caught:
            await refused()
        assert (caught.value.code, caught.value.data["limit"]) == (ErrorCode.TOO_LARGE, MAX_OPTIONS_BYTES)
    assert (await host.queries.get("one"))["options"]["labels"] == labels


async def test_so_many_trees_of_sleeping_vms_are_kept(host: Host) -> None:
    for number in range(MAX_IDLE_VOLUMES + 2):
        await host.store.vms.get_or_create(f"vm-{number}", {}, 0)
        await (await host.queries.files(f"vm-{number}")).readdir("/")
    gc.collect()
    assert len(host._volumes) == MAX_IDLE_VOLUMES == 32


async def test_a_vm_has_so_many_snapshots(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.store.snapshots.MAX_NAMED", 2)
    await host.get_or_create("one", None)
    past = await host.past("one")
    await past.snapshot("a")
    await past.snapshot("b")
    with pytest.raises(ApiError) as caught:
        await past.snapshot("c")
    assert (caught.value.code, caught.value.data) == (ErrorCode.LIMIT_EXCEEDED, {"limit": "snapshots", "max": 2})
    assert "deleteSnapshot" in caught.value.message
    await past.delete("a")
    await past.snapshot("c")


async def test_a_diff_tells_so_many_changes(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.vms.history.MAX_CHANGES", 2)
    await host.get_or_create("one", None)
    past, files = await host.past("one"), await host.queries.files("one")
    await past.snapshot("a")
    await files.write_file("/home/user/1", b"")
    await files.write_file("/home/user/2", b"")
    assert len((await past.diff("a", None, "/"))["changes"]) == 2
    await files.write_file("/home/user/3", b"")
    with pytest.raises(ApiError) as caught:
        await past.diff("a", None, "/")
    assert (caught.value.code, caught.value.data) == (ErrorCode.LIMIT_EXCEEDED, {"limit": "changes", "max": 2})


async def test_names_of_vms_that_there_are_not_leave_nothing_behind(host: Host) -> None:
    for number in range(10):
        with pytest.raises(ApiError):
            await host.vm(f"nothing-{number}")
    gc.collect()
    assert len(host._awake._locks) == 0
