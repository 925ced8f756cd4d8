"""Asking for a VM only if it is awake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from runtime.api.errors import ApiError, ErrorCode, FallingAsleepError
from runtime.store import open_store
from runtime.vms.catalogue import Catalogue
from runtime.vms.host import open_host

if TYPE_CHECKING:
    from pathlib import Path


async def test_one_that_wakes_is_waited_for_and_one_that_sleeps_is_left_asleep(tmp_path: Path) -> None:
    no_engine: Any = None  # no guest runs here
    async with open_store(tmp_path / "state.db") as store, open_host(store, no_engine, Catalogue(tmp_path)) as host:
        await host.get_or_create("vm", {})
        assert await host.awake("vm") is None
        assert (await host.queries.get("vm"))["state"] == "asleep"
        begun = trio.Event()

        async def wake() -> None:
            begun.set()
            await host.vm("vm")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wake)
            await begun.wait()
            assert (await host.queries.get("vm"))["state"] == "asleep", "it is on its way"
            found = await host.awake("vm")
            assert found is not None
        assert found is await host.vm("vm")
        with pytest.raises(ApiError) as caught:
            await host.awake("nobody")
        assert caught.value.code is ErrorCode.VM_NOT_FOUND


async def test_what_a_vm_refuses_as_it_falls_asleep_is_asked_again_once_it_sleeps(tmp_path: Path) -> None:
    no_engine: Any = None
    async with open_store(tmp_path / "state.db") as store, open_host(store, no_engine, Catalogue(tmp_path)) as host:
        await host.get_or_create("vm", {})
        seen: list[Any] = []

        async def operation(vm: Any) -> str:
            seen.append(vm)
            if len(seen) == 1:
                await host.sleep("vm", 0, force=True)
                raise FallingAsleepError
            return "served"

        assert await host.use("vm", operation) == "served"
        assert len(seen) == 2
        assert seen[0] is not seen[1], "it was woken for it"


async def test_a_vm_that_sleeps_has_no_turn_to_cancel_and_is_not_woken(tmp_path: Path) -> None:
    no_engine: Any = None
    async with open_store(tmp_path / "state.db") as store, open_host(store, no_engine, Catalogue(tmp_path)) as host:
        await host.get_or_create("vm", {})
        row = store.vms.get("vm")
        assert row is not None
        await store.sessions.create(row.row, "s", "echo", 0, options={}, env={})
        assert await host.cancel("vm", "s", 0) == {"outcome": "no_active_prompt"}
        with pytest.raises(ApiError) as caught:
            await host.cancel("vm", "nobody", 0)
        assert caught.value.code is ErrorCode.SESSION_NOT_FOUND
        assert (await host.queries.get("vm"))["state"] == "asleep"
