"""What forks need of the store: snapshots that are thinned out, and results that belong to the copied events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.store.forks import SessionCopy

if TYPE_CHECKING:
    import pytest

    from runtime.store import Store, VmRecord


async def test_of_a_session_the_last_snapshots_are_kept(
    store: Store, vm: VmRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.store.snapshots.KEPT_OF_SESSION", 3)
    first = await store.sessions.create(vm.row, "first", "pi", 1, options={}, env={})
    second = await store.sessions.create(vm.row, "second", "pi", 1, options={}, env={})
    store.snapshots.take(vm.row, 1, label="by hand")
    store.snapshots.take(vm.row, 1, session=second.row, seq=0)
    for seq in range(5):
        store.snapshots.take(vm.row, 1, session=first.row, seq=seq)
    await store.writer.barrier()
    assert [(each.session, each.seq) for each in store.snapshots.list(vm.row)] == [
        (None, None),
        (second.row, 0),
        *((first.row, seq) for seq in (2, 3, 4)),
    ]


async def test_results_come_along_as_far_as_events_do(store: Store, vm: VmRecord) -> None:
    session = await store.sessions.create(vm.row, "s", "pi", 1, options={}, env={"KEY": "value"})
    for seq in range(3):
        store.transcript.append(session.row, seq, 10 + seq, "t", b'{"n":%d}' % seq)
    store.idempotency.put(session.row, "early", b"1", {"seq": 1})
    store.idempotency.put(session.row, "late", b"2", {"seq": 2})
    store.idempotency.put(session.row, "open", b"3")
    await store.writer.barrier()
    made = await store.forks.fork_vm(vm, "fork", 99, [SessionCopy(session, 1, {"status": "suspended"})])
    (copied,) = store.sessions.list(made.row)
    assert (copied.session_id, copied.last_seq, copied.created_at) == ("s", 1, 1)
    assert await store.sessions.env(copied) == {"KEY": "value"}
    assert store.idempotency.get(copied.row, "early") == store.idempotency.get(session.row, "early")
    assert store.idempotency.get(copied.row, "late") is store.idempotency.get(copied.row, "open") is None
    assert await store.transcript.last_seq_at(session.row, 11) == 1
