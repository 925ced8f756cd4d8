"""VMs, sessions and idempotency keys; what goes with what when it is deleted; one process at a time."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from runtime.api.errors import ApiError, ErrorCode
from runtime.store import IdempotencyRecord, SessionRecord, Store, VmRecord, open_store
from runtime.store.schema import open_readable
from tests.patience import WAIT

if TYPE_CHECKING:
    from pathlib import Path


def count(store: Store, table: str) -> int:
    with closing(open_readable(store.path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])  # noqa: S608


async def test_a_vm_is_made_once(store: Store) -> None:
    options = {"network": {"allow": ["*"]}, "labels": {"ü": "1"}}
    made, created = await store.vms.get_or_create("x", options, 1234)
    assert created
    assert made == VmRecord(made.row, "x", options, "asleep", 1234, 1234, made.layer)
    assert await store.vms.get_or_create("x", {}, 5678) == (made, False)
    assert store.vms.get("x") == made
    assert store.vms.get("y") is None


async def test_vms_change_and_are_listed_oldest_first(store: Store) -> None:
    rows = [(await store.vms.get_or_create(name, {}, 1))[0].row for name in ("c", "a", "b")]
    store.vms.set_state(rows[0], "awake", 2)
    store.vms.set_options(rows[1], {"idleTimeoutMs": 5}, 3)
    await store.writer.barrier()
    assert [(vm.name, vm.state, vm.options, vm.updated_at) for vm in store.vms.list()] == [
        ("c", "awake", {}, 2),
        ("a", "asleep", {"idleTimeoutMs": 5}, 3),
        ("b", "asleep", {}, 1),
    ]


async def test_row_ids_are_never_used_twice(store: Store, vm: VmRecord) -> None:
    await store.vms.delete(vm.row)
    again, created = await store.vms.get_or_create(vm.name, {}, 1)
    assert created
    assert again.row > vm.row
    assert again.layer > vm.layer


async def test_a_session_comes_back_as_it_was_made(store: Store, vm: VmRecord) -> None:
    made = await store.sessions.create(
        vm.row,
        "s",
        "pi",
        7,
        options={"mcpServers": []},
        env={},
        cwd="/work",
        capabilities={"loadSession": True},
        config_options=[],
    )
    assert made == SessionRecord(
        row=made.row,
        vm=vm.row,
        session_id="s",
        agent_type="pi",
        options={"mcpServers": []},
        env_names=(),
        agent_session_id=None,
        status="idle",
        capabilities={"loadSession": True},
        agent_info=None,
        modes=None,
        config_options=[],
        usage=None,
        cwd="/work",
        title=None,
        created_at=7,
        updated_at=7,
        last_seq=-1,
    )
    assert store.sessions.get(vm.row, "s") == made
    assert store.sessions.get(vm.row, "t") is None
    assert store.sessions.get(vm.row + 1, "s") is None


async def test_a_session_id_is_unique_in_its_vm_only(store: Store, session: SessionRecord) -> None:
    with pytest.raises(ApiError) as caught:
        await store.sessions.create(session.vm, "s1", "pi", 1, options={}, env={})
    assert caught.value.code is ErrorCode.SESSION_CONFLICT
    other, _ = await store.vms.get_or_create("other", {}, 1)
    assert (await store.sessions.create(other.row, "s1", "pi", 1, options={}, env={})).row != session.row
    with pytest.raises(ApiError) as caught:
        await store.sessions.create(99, "s1", "pi", 1, options={}, env={})
    assert caught.value.code is ErrorCode.VM_NOT_FOUND


async def test_a_session_changes_field_by_field(store: Store, session: SessionRecord) -> None:
    store.sessions.update(session.row, 9, status="running", modes={"currentModeId": "a"}, title="T")
    store.sessions.update(session.row, 10, modes=None, agent_session_id="theirs")
    await store.writer.barrier()
    changed = store.sessions.get(session.vm, "s1")
    assert changed is not None
    assert (changed.status, changed.modes, changed.title, changed.agent_session_id) == ("running", None, "T", "theirs")
    with pytest.raises(TypeError, match="a session has no colour"):
        store.sessions.update(session.row, 9, colour="red")  # type: ignore[call-arg]


async def test_the_transcript_shows_in_the_session(store: Store, session: SessionRecord) -> None:
    for seq in range(3):
        store.transcript.append(session.row, seq, 9000 + seq, "t", b"{}")
    await store.writer.barrier()
    (listed,) = store.sessions.list(session.vm)
    assert (listed.last_seq, listed.updated_at, listed.created_at) == (2, 9002, 2000)


async def test_sessions_are_listed_oldest_first(store: Store, vm: VmRecord) -> None:
    for name in ("c", "a", "b"):
        await store.sessions.create(vm.row, name, "pi", 1, options={}, env={})
    assert [record.session_id for record in store.sessions.list(vm.row)] == ["c", "a", "b"]


async def test_idempotency_keys(store: Store, session: SessionRecord) -> None:
    keys = store.idempotency
    assert keys.get(session.row, "k") is None
    keys.put(session.row, "k", b"hash")
    await store.writer.barrier()
    assert keys.get(session.row, "k") == IdempotencyRecord(b"hash", None)
    keys.put(session.row, "k", b"hash", {"text": "hi"})
    await store.writer.barrier()
    assert keys.get(session.row, "k") == IdempotencyRecord(b"hash", {"text": "hi"})


async def test_deletion_takes_all_that_belongs_to_it(store: Store, session: SessionRecord) -> None:
    for seq in range(10):
        store.transcript.append(session.row, seq, 0, "t", b"{}")
    store.idempotency.put(session.row, "k", b"h")
    kept = await store.sessions.create(session.vm, "s2", "pi", 1, options={}, env={})
    store.transcript.append(kept.row, 0, 0, "t", b"{}")
    await store.writer.barrier()
    await store.sessions.delete(session.row)
    assert [count(store, table) for table in ("session", "event", "idempotency")] == [1, 1, 0]
    await store.vms.delete(session.vm)
    await store.vms.delete(session.vm)
    assert [count(store, table) for table in ("vm", "session", "event", "layer")] == [0, 0, 0, 1]
    collected = await store.collect_garbage()
    assert collected.layers == 1
    assert count(store, "layer") == 0


async def test_a_state_is_open_once(state: Path, store: Store) -> None:
    with pytest.raises(ApiError) as caught:
        async with open_store(state):
            pass
    assert caught.value.code is ErrorCode.BUSY
    assert caught.value.data == {"pid": os.getpid()}


async def test_a_state_is_open_once_by_whatever_name(state: Path, store: Store) -> None:
    other = state.parent.parent / "link.db"
    other.symlink_to(state)
    with pytest.raises(ApiError) as caught:
        async with open_store(other):
            pass
    assert caught.value.code is ErrorCode.BUSY


@pytest.mark.slow
async def test_a_state_is_open_in_one_process(state: Path, store: Store) -> None:
    program = (
        "import sys, trio\n"
        "from runtime.store import open_store\n"
        "async def main():\n"
        "    async with open_store(sys.argv[1]): pass\n"
        "trio.run(main)\n"
    )
    result = subprocess.run([sys.executable, "-c", program, state], capture_output=True, text=True, timeout=WAIT)  # noqa: ASYNC221, PLW1510
    assert "another Torpor daemon" in result.stderr


async def test_everything_is_there_the_next_time(state: Path) -> None:
    async with open_store(state) as store:
        vm, _ = await store.vms.get_or_create("one", {}, 1)
        session = await store.sessions.create(vm.row, "s", "pi", 1, options={}, env={"KEY": "value"})
        store.transcript.append(session.row, 0, 1, "t", b"{}")  # nobody waits for it
    assert sorted(path.name for path in state.parent.iterdir()) == ["key", "torpor.db", "torpor.db.lock"]
    assert stat.S_IMODE(state.parent.stat().st_mode) == 0o700
    async with open_store(state) as store:
        assert store.vms.get("one") == vm
        found = store.sessions.get(vm.row, "s")
        assert found is not None
        assert found.last_seq == 0
        assert await store.sessions.env(found) == {"KEY": "value"}
