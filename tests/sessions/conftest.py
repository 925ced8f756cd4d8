from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from runtime.store import open_store
from tests.sessions.fakes import FakeVm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def asleep(tmp_path: Path) -> AsyncIterator[FakeVm]:
    """A VM whose sessions are not open."""
    async with open_store(tmp_path / "state.sqlite") as store:
        await store.vms.get_or_create("vm", {}, 0)
        async with trio.open_nursery() as nursery:
            yield FakeVm(store, nursery)
            nursery.cancel_scope.cancel()


@pytest.fixture
async def vm(asleep: FakeVm) -> AsyncIterator[FakeVm]:
    """A VM that is awake."""
    async with asleep.awake():
        yield asleep
