from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.store import SessionRecord, Store, VmRecord, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state" / "torpor.db"


@pytest.fixture
async def store(state: Path) -> AsyncIterator[Store]:
    async with open_store(state) as opened:
        yield opened


@pytest.fixture
async def vm(store: Store) -> VmRecord:
    record, _ = await store.vms.get_or_create("one", {"labels": {"a": "b"}}, 1000)
    return record


@pytest.fixture
async def session(store: Store, vm: VmRecord) -> SessionRecord:
    return await store.sessions.create(vm.row, "s1", "pi", 2000, options={}, env={})
