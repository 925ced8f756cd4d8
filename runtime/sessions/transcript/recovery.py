"""Reading sessions back: their state from the transcript, and the mark on a turn that a dying daemon left open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runtime.acp.session_state import STATE_TYPES, SessionState
from runtime.api.events import SESSION_SUSPENDED, TURN_INTERRUPTED
from runtime.clock import epoch_ms
from runtime.sessions.transcript.transcript import Transcript

if TYPE_CHECKING:
    from runtime.hub import Hub
    from runtime.store.sessions import SessionFields, SessionRecord
    from runtime.store.store import Store


async def open_transcript(store: Store, log: Transcript, row: int) -> None:
    """Open the transcript of an existing session; if a turn is open in it, end it with `_torpor/turn_interrupted`.

    To be called by whoever is the only writer of that session, and before anything is appended.
    """
    state = await read_state(store, row)
    # No agent outlives its daemon, and the log of one that was killed could not say so.
    state = state.fold(SESSION_SUSPENDED, {})
    size = await store.sessions.event_bytes(row)
    log.open(row, store.transcript.last_seq(row) + 1, state, size)
    if state.running:
        log.append(TURN_INTERRUPTED, {"turnId": state.turn_id})
        await log.committed()


async def read_state(store: Store, row: int, *, before: int | None = None) -> SessionState:
    """The state by the transcript of the session with that row id; with `before`, by the events below that seq."""
    state = SessionState()
    after: int | None = None
    types = tuple(sorted(STATE_TYPES))
    while events := await store.transcript.history(row, after=after, before=before, types=types):
        for event in events:
            state = state.fold(event.type, msgspec.json.decode(event.body)["params"])
        after = events[-1].seq
    return state


def row_fields(state: SessionState) -> SessionFields:
    """The columns of the session's row that follow from its transcript."""
    return {
        "status": state.status,
        "modes": state.modes,
        "config_options": list(state.config_options),
        "usage": state.usage.to_json(),
        "title": state.title,
    }


async def settle_imported(store: Store, hub: Hub, vm: str) -> None:
    """Make the sessions of an imported VM consistent: their turns are over, and their rows agree with their transcripts."""
    await mark_interrupted(store, hub, vm)
    record = store.vms.get(vm)
    for session in [] if record is None else store.sessions.list(record.row):
        state = (await read_state(store, session.row)).fold(SESSION_SUSPENDED, {})
        store.sessions.update(session.row, session.updated_at, **row_fields(state))
    await store.writer.barrier()


async def mark_interrupted(store: Store, hub: Hub, vm: str) -> None:
    """Mark the turns of a VM that a dead daemon left open, while nobody has its sessions open.

    Finds them by the status of their rows, which follows the transcript: costs nothing where there are none.
    """
    record = store.vms.get(vm)
    if record is None:
        return
    for session in store.sessions.running(record.row):
        await _mark(store, hub, vm, session)


async def _mark(store: Store, hub: Hub, vm: str, session: SessionRecord) -> None:
    log = Transcript(store, hub, vm, session.session_id)
    await open_transcript(store, log, session.row)
    store.sessions.update(session.row, epoch_ms(), status=log.state.status)
    await store.writer.barrier()
