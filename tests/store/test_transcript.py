from __future__ import annotations

import json
from typing import TYPE_CHECKING

import apsw
import pytest

from runtime.store import SessionRecord, Store, StoredEvent
from runtime.store import transcript as module

if TYPE_CHECKING:
    from runtime.store import Transcript


def fill(transcript: Transcript, session: int, count: int, *, start: int = 0) -> list[StoredEvent]:
    events = [
        StoredEvent(seq, 5000 + seq, "odd" if seq % 2 else "even", b'{"n":%d,"t":"\xc3\xa9\\u0000"}' % seq)
        for seq in range(start, start + count)
    ]
    for event in events:
        transcript.append(session, *event)
    return events


async def both(store: Store, session: int, **filters: object) -> list[StoredEvent]:
    """What `read`, `history` and `history_json` agree on."""
    read = store.transcript.read(session, **filters)  # type: ignore[arg-type]
    assert await store.transcript.history(session, **filters) == read  # type: ignore[arg-type]
    assert await in_json(store, session, **filters) == as_json(read)
    return read


async def in_json(store: Store, session: int, **filters: object) -> object:
    pages = await store.transcript.history_json(session, 'the "s"', **filters)  # type: ignore[arg-type]
    return json.loads(b"[%s]" % b",".join(pages))


def as_json(events: list[StoredEvent]) -> object:
    return [
        {"sessionId": 'the "s"', "seq": event.seq, "createdAt": event.created_at, "event": json.loads(event.body)}
        for event in events
    ]


async def test_events_come_back_as_they_were_appended(store: Store, session: SessionRecord) -> None:
    assert store.transcript.last_seq(session.row) == -1
    assert await both(store, session.row) == []
    events = fill(store.transcript, session.row, 20)
    await store.writer.barrier()
    assert await both(store, session.row) == events
    assert store.transcript.last_seq(session.row) == 19


async def test_bounds_are_exclusive(store: Store, session: SessionRecord) -> None:
    events = fill(store.transcript, session.row, 10)
    await store.writer.barrier()
    assert await both(store, session.row, after=3) == events[4:]
    assert await both(store, session.row, before=3) == events[:3]
    assert await both(store, session.row, after=3, before=6) == events[4:6]
    assert await both(store, session.row, after=3, before=4) == []
    assert await both(store, session.row, after=-1, before=100) == events
    assert await both(store, session.row, after=9) == []


async def test_limits_and_types(store: Store, session: SessionRecord) -> None:
    events = fill(store.transcript, session.row, 10)
    await store.writer.barrier()
    assert await both(store, session.row, limit=3) == events[:3]
    assert await both(store, session.row, limit=0) == []
    assert await both(store, session.row, types=["odd"]) == events[1::2]
    assert await both(store, session.row, types=["odd"], limit=2, after=2) == [events[3], events[5]]
    assert await both(store, session.row, types=["odd", "even"]) == events
    assert await both(store, session.row, types=[]) == []


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 9])
async def test_history_over_several_pages(
    store: Store, session: SessionRecord, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(module, "PAGE_EVENTS", 4)
    monkeypatch.setattr(module, "PAGE_BYTES", 52)  # two events
    events = fill(store.transcript, session.row, count)
    await store.writer.barrier()
    assert await store.transcript.history(session.row) == events
    assert await store.transcript.history(session.row, limit=7) == events[:7]
    assert await store.transcript.history(session.row, types=["even"]) == events[::2]
    assert await in_json(store, session.row) == as_json(events)
    assert await in_json(store, session.row, limit=7) == as_json(events[:7])


async def test_history_ends_at_max_bytes_but_never_empty(store: Store, session: SessionRecord) -> None:
    events = [StoredEvent(seq, 0, "t", b"x" * 100) for seq in range(10)]
    events[3] = events[3]._replace(body=b"y" * 1000)
    for event in events:
        store.transcript.append(session.row, *event)
    await store.writer.barrier()
    history = store.transcript.history
    assert await history(session.row, max_bytes=250) == events[:2]
    assert await history(session.row, max_bytes=200) == events[:2]
    assert await history(session.row, max_bytes=300) == events[:3]
    assert await history(session.row, after=2, max_bytes=250) == events[3:4]
    assert await history(session.row, max_bytes=0) == events[:1]


async def test_an_event_that_leaves_a_gap_is_refused_and_so_are_its_successors(
    store: Store, session: SessionRecord
) -> None:
    answers: list[object] = []
    for seq in (0, 2, 3, 1, 1):
        store.transcript.append(session.row, seq, 0, "t", b"{}", answers.append)
    await store.writer.barrier()
    assert [type(answer) for answer in answers] == [
        type(None),
        apsw.ConstraintError,
        apsw.ConstraintError,
        type(None),
        apsw.ConstraintError,
    ]
    assert store.transcript.last_seq(session.row) == 1


async def test_an_event_of_no_session_is_refused(store: Store) -> None:
    answers: list[object] = []
    store.transcript.append(99, 0, 0, "t", b"{}", answers.append)
    await store.writer.barrier()
    assert isinstance(answers[0], apsw.ConstraintError)


@pytest.mark.slow
async def test_ten_thousand_events(store: Store, session: SessionRecord) -> None:
    events = fill(store.transcript, session.row, 10_000)
    await store.writer.barrier()
    assert await store.transcript.history(session.row) == events


async def test_history_ends_at_a_bound_for_those_who_give_none(
    store: Store, session: SessionRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_BYTES", 250)
    events = [StoredEvent(seq, 0, "t", b"x" * 100) for seq in range(5)]
    for event in events:
        store.transcript.append(session.row, *event)
    await store.writer.barrier()
    assert await store.transcript.history(session.row) == events[:2]
    assert await store.transcript.history(session.row, after=1) == events[2:4]
