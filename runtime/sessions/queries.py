"""Queries about sessions that wake no VM: the list, one session, its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import trio

from runtime.acp.session_state import SessionState
from runtime.acp.usage import NOTHING_TOLD
from runtime.api.errors import ApiError, ErrorCode
from runtime.api.events import PERMISSION_REPLY
from runtime.sessions.asking.permissions import remembered_permissions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runtime.store.sessions import SessionRecord
    from runtime.store.store import Store

MAX_EVENTS: Final = 100_000
"""Events of one answer, whatever `limit` says; the store ends it at 64 MiB besides. For more, ask again with `after`."""


PAGE_SESSIONS: Final = 50
"""Sessions read from the store between two looks at the other tasks: some 2 ms."""

LIVE: Final = ("running", "idle")
"""The statuses of a session that has an agent in memory."""


async def session_events(
    store: Store,
    vm: str,
    session_id: str,
    *,
    after: int | None = None,
    before: int | None = None,
    limit: int | None = None,
    types: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Events: `[{sessionId, seq, createdAt, event}]`; `event` is the JSON as it is stored (`msgspec.Raw`).

    Raises `ApiError` VM_NOT_FOUND, SESSION_NOT_FOUND.
    """
    record = find(store, vm, session_id)
    limit = MAX_EVENTS if limit is None else min(limit, MAX_EVENTS)
    events = await store.transcript.history(record.row, after=after, before=before, limit=limit, types=types)
    return [
        {"sessionId": session_id, "seq": event.seq, "createdAt": event.created_at, "event": msgspec.Raw(event.body)}
        for event in events
    ]


async def persisted_sessions(store: Store, vm: str, live: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """`listPersistedSessions`, oldest first; `live` is `Sessions.statuses()` of an awake VM. Raises VM_NOT_FOUND."""
    row, after = _vm(store, vm), 0
    sessions: list[dict[str, Any]] = []
    while page := store.sessions.page(row, after, PAGE_SESSIONS):
        sessions += [describe(record, (live or {}).get(record.session_id)) for record in page]
        after = page[-1].row
        await trio.lowlevel.checkpoint()
    return sessions


def persisted_session(store: Store, vm: str, session_id: str, live: Mapping[str, str] | None = None) -> dict[str, Any]:
    """`getSession`. Raises `ApiError` VM_NOT_FOUND, SESSION_NOT_FOUND."""
    return describe(find(store, vm, session_id), (live or {}).get(session_id))


def persisted_details(store: Store, vm: str, session_id: str) -> dict[str, Any]:
    """`getSession` of a session that is not in memory. Raises `ApiError` VM_NOT_FOUND, SESSION_NOT_FOUND."""
    record = find(store, vm, session_id)
    return {
        **describe(record, None),
        "modes": record.modes,
        "configOptions": record.config_options or [],
        "pendingPermissions": [],
        "pendingElicitations": [],
        "memoryBytes": None,
    }


async def remembered(store: Store, vm: str, session_id: str) -> list[dict[str, str]]:
    """`rememberedPermissions` of a session that is not in memory. Raises `ApiError` VM_NOT_FOUND, SESSION_NOT_FOUND."""
    record, state, after = find(store, vm, session_id), SessionState(), None
    while events := await store.transcript.history(record.row, after=after, types=(PERMISSION_REPLY,)):
        for event in events:
            state = state.fold(event.type, msgspec.json.decode(event.body)["params"])
        after = events[-1].seq
    return remembered_permissions(state.remembered)


def describe(record: SessionRecord, status: str | None) -> dict[str, Any]:
    """A row of the list. `status` is given for a live session; else it is `closed` if the row says so, or `suspended`."""
    return {
        "sessionId": record.session_id,
        "agentType": record.agent_type,
        "status": status or ("closed" if record.status == "closed" else "suspended"),
        "capabilities": record.capabilities,
        "agentInfo": record.agent_info,
        "cwd": record.cwd,
        "title": record.title,
        "usage": record.usage or NOTHING_TOLD.to_json(),
        "lastSeq": record.last_seq,
        "createdAt": record.created_at,
        "updatedAt": record.updated_at,
    }


async def session_events_json(
    store: Store,
    vm: str,
    session_id: str,
    *,
    after: int | None = None,
    before: int | None = None,
    limit: int | None = None,
    types: Sequence[str] | None = None,
) -> list[msgspec.Raw]:
    """`getSessionEvents`: as `session_events`, as JSON text; one item holds many events, with commas between them."""
    record = find(store, vm, session_id)
    limit = MAX_EVENTS if limit is None else min(limit, MAX_EVENTS)
    pages = await store.transcript.history_json(
        record.row, record.session_id, after=after, before=before, limit=limit, types=types
    )
    return list(map(msgspec.Raw, pages))


def find(store: Store, vm: str, session_id: str) -> SessionRecord:
    """The session's row. Raises `ApiError` VM_NOT_FOUND, SESSION_NOT_FOUND."""
    record = store.sessions.get(_vm(store, vm), session_id)
    if record is None:
        raise ApiError(ErrorCode.SESSION_NOT_FOUND, f"there is no session {session_id}")
    return record


def _vm(store: Store, vm: str) -> int:
    record = store.vms.get(vm)
    if record is None:
        raise ApiError(ErrorCode.VM_NOT_FOUND, f"there is no VM {vm}")
    return record.row
