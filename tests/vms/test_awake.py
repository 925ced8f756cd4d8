"""Asking for a VM only if it is awake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from runtime.api.errors import ApiError, ErrorCode
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
        assert (await host.get("vm"))["state"] == "asleep"
        begun = trio.Event()

        async def wake() -> None:
            begun.set()
            await host.vm("vm")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wake)
            await begun.wait()
            assert (await host.get("vm"))["state"] == "asleep", "it is on its way"
            found = await host.awake("vm")
            assert found is not None
        assert found is await host.vm("vm")
        with pytest.raises(ApiError) as caught:
            await host.awake("nobody")
        assert caught.value.code is ErrorCode.VM_NOT_FOUND
