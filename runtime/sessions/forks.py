"""Forks of sessions: the events of a fork, its row, and whether its agent can know the conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from runtime.api.errors import ApiError, ErrorCode
from runtime.api.events import TURN_ENDED, TURN_INTERRUPTED, TURN_STARTED
from runtime.sessions.queries import find
from runtime.sessions.transcript.recovery import read_state, row_fields
from runtime.store.forks import SessionCopy

if TYPE_CHECKING:
    from runtime.store.sessions import SessionRecord
    from runtime.store.snapshots import SnapshotRecord
    from runtime.store.store import Store

_TURNS: Final = (TURN_STARTED, TURN_ENDED, TURN_INTERRUPTED)


@attrs.frozen
class ForkPlan:
    """The parts of a VM's fork."""

    copies: tuple[SessionCopy, ...]
    files: SnapshotRecord | None
    """The snapshot that its files are from; None: as they are now."""
    session_id: str | None = None
    """The session whose snapshot that is."""

    def files_at(self) -> dict[str, Any]:
        """`{filesAt: {sessionId, seq, createdAt}}`, or nothing for files as they are now."""
        if self.files is None:
            return {}
        at = {"sessionId": self.session_id, "seq": self.files.seq, "createdAt": self.files.created_at}
        return {"filesAt": at}


async def plan_fork(store: Store, vm: str, at: tuple[str, int] | None) -> ForkPlan:
    """A fork of the VM as it is, or with `at` (session id, seq) as it was right after that event.

    Raises `ApiError`: VM_NOT_FOUND, SESSION_NOT_FOUND, INVALID_ARGUMENT when there is no such event, or no snapshot of the
    files from before it.
    """
    if at is not None:
        return await _plan_at(store, find(store, vm, at[0]), at[1])
    record = store.vms.get(vm)
    if record is None:
        raise ApiError(ErrorCode.VM_NOT_FOUND, f"there is no VM {vm}", vm=vm)
    sessions = store.sessions.list(record.row)
    return ForkPlan(tuple([await _copy(store, each, each.last_seq) for each in sessions if each.last_seq >= 0]), None)


async def plan_session_fork(store: Store, vm: str, session_id: str, at: int | None) -> SessionCopy:
    """A fork of one session in its VM, up to event `at`: its agent has never heard of it.

    Raises `ApiError`: VM_NOT_FOUND, SESSION_NOT_FOUND, INVALID_ARGUMENT when there is no such event.
    """
    session = find(store, vm, session_id)
    _check_event(session, at)
    return await _copy(store, session, session.last_seq if at is None else at, known=False)


def snapshot_at(store: Store, session: SessionRecord, seq: int) -> SnapshotRecord:
    """The last snapshot of the files at an event of a session or before it.

    Raises `ApiError` INVALID_ARGUMENT when there is no such event, or no snapshot from before it.
    """
    _check_event(session, seq)
    snapshot = store.snapshots.at(session.row, seq)
    if snapshot is None:
        raise _no_snapshot(store, session, seq)
    return snapshot


async def estranged(store: Store, snapshot: SnapshotRecord) -> list[int]:
    """The sessions (row ids) of the VM whose agents would find another conversation in the files of the snapshot."""
    return [
        each.row
        for each in store.sessions.list(snapshot.vm)
        if not await _is_known(
            store, each, each.last_seq, snapshot, snapshot.seq if each.row == snapshot.session else None
        )
    ]


def describe_fork(record: SessionRecord) -> dict[str, Any]:
    """The result of createSession, for a session that has no agent yet."""
    return {
        "sessionId": record.session_id,
        "agentType": record.agent_type,
        "capabilities": record.capabilities,
        "agentInfo": record.agent_info,
        "modes": record.modes,
        "configOptions": record.config_options or [],
        "authMethods": [],
        "cwd": record.cwd,
        "createdAt": record.created_at,
    }


async def _plan_at(store: Store, session: SessionRecord, seq: int) -> ForkPlan:
    snapshot = snapshot_at(store, session, seq)
    (event,) = store.transcript.read(session.row, after=seq - 1, limit=1)
    copies = []
    for each in store.sessions.list(session.vm):
        if each.row == session.row:
            after, last = snapshot.seq, seq
        else:
            after, last = None, await store.transcript.last_seq_at(each.row, event.created_at)
        if last >= 0:
            known = await _is_known(store, each, last, snapshot, after)
            copies.append(await _copy(store, each, last, known=known))
    return ForkPlan(tuple(copies), snapshot, session.session_id)


async def _is_known(
    store: Store, session: SessionRecord, last: int, snapshot: SnapshotRecord, after: int | None
) -> bool:
    """Whether the agent's own files in the snapshot hold the conversation up to the event `last`.

    It is if no turn was going on, or came later: `after` is the snapshot's place in this very session, if it is its own.
    """
    since = None if after is None else after - 1  # it may stand at the start of a turn, or at an end
    turns = await store.transcript.history(session.row, after=since, before=last + 1, types=_TURNS)
    if after is not None:
        return all(turn.type != TURN_STARTED for turn in turns)
    open_turn = bool(turns) and turns[-1].type == TURN_STARTED
    return not open_turn and all(turn.created_at < snapshot.created_at for turn in turns)


async def _copy(store: Store, session: SessionRecord, last: int, *, known: bool = True) -> SessionCopy:
    state = await read_state(store, session.row, before=last + 1)
    # A turn that is open at `last` is marked as interrupted when the session is next opened.
    fields = row_fields(state)
    fields["status"] = "closed" if state.closed else "suspended"
    if not known:
        fields["agent_session_id"] = None
    return SessionCopy(session, last, fields)


def _check_event(session: SessionRecord, seq: int | None) -> None:
    if seq is not None and seq > session.last_seq:
        raise ApiError(
            ErrorCode.INVALID_ARGUMENT,
            f"session {session.session_id} has no event {seq}: the last one is {session.last_seq}",
            lastSeq=session.last_seq,
        )


def _no_snapshot(store: Store, session: SessionRecord, seq: int) -> ApiError:
    kept = [
        each.seq for each in store.snapshots.list(session.vm) if each.session == session.row and each.seq is not None
    ]
    first = min(kept, default=None)
    possible = "there are none yet" if first is None else f"the first that is kept is at {first}"
    return ApiError(
        ErrorCode.INVALID_ARGUMENT,
        f"the files as they were at event {seq} are not kept: snapshots are taken at the ends of turns, and {possible}",
        firstSeq=first,
    )
