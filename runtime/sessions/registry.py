"""The sessions of a VM that are in memory: one object for each, as long as it is in use or has an agent or a turn."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import trio

from runtime.acp.messages import Capabilities
from runtime.holding import Holding
from runtime.sessions.queries import find
from runtime.sessions.record import Record
from runtime.sessions.session import Session
from runtime.sessions.transcript.recovery import open_transcript

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runtime.sessions.ports import VmServices
    from runtime.sessions.transcript.growth import Tally


class Registry:
    """The sessions of one awake VM that are in memory. Two objects for one session would write two transcripts."""

    def __init__(
        self, vm: VmServices, vm_row: int, nursery: trio.Nursery, secrets: dict[str, dict[str, str]], tally: Tally
    ) -> None:
        self.secrets = secrets
        """Session id to the secrets that were given by value; it outlives this object, see `open_sessions`."""
        self.tally = tally
        self._vm = vm
        self._vm_row = vm_row
        self._nursery = nursery
        self._sessions: dict[str, Session] = {}
        self._creating: dict[str, tuple[Session, trio.Event]] = {}

    def __len__(self) -> int:
        return len(self._sessions) + len(self._creating)

    @property
    def is_creating(self) -> bool:
        """Whether a session is being created."""
        return bool(self._creating)

    def sessions(self) -> list[Session]:
        """All sessions in memory."""
        return list(self._sessions.values())

    def get(self, session_id: str) -> Session | None:
        """The session, if it is in memory and has been read back."""
        session = self._sessions.get(session_id)
        return session if session is not None and session.record.row is not None else None

    def remember_secrets(self, session_id: str, values: dict[str, str]) -> None:
        """Keep secrets that were given by value, in memory."""
        self.secrets[session_id] = {**self.secrets.get(session_id, {}), **values}

    async def wait_created(self, session_id: str) -> None:
        """Wait while a session with that id is being created."""
        while session_id in self._creating:
            await self._creating[session_id][1].wait()

    async def wait_all_created(self) -> None:
        """Wait while any session is being created."""
        while self._creating:
            await next(iter(self._creating.values()))[1].wait()

    def call_off_creations(self) -> None:
        """Cancel the start of every session that is being created."""
        for session, _ in self._creating.values():
            if session.starting is not None:
                session.starting.cancel()

    @contextlib.asynccontextmanager
    async def creating(self, record: Record) -> AsyncGenerator[Session, None]:
        """Hold a session id while the block creates the session; if the block ends well, the session is in memory."""
        session = Session(self._vm, record, self._nursery, self.tally)
        session_id = record.session_id
        done = trio.Event()
        self._creating[session_id] = session, done
        try:
            yield session
            self._sessions[session_id] = session
        finally:
            del self._creating[session_id]
            done.set()

    @contextlib.asynccontextmanager
    async def use(self, session_id: str) -> AsyncGenerator[Session, None]:
        """The session, read back if need be, as long as the block runs. Raises `ApiError` SESSION_NOT_FOUND."""
        await self.wait_created(session_id)
        while (session := self._sessions.get(session_id)) is not None and _unusable(session):
            await session.stop_agent()
            self.forget(session)
        if session is None:
            stored = find(self._vm.store, self._vm.name, session_id)
            record = Record(
                self._vm_row,
                session_id,
                stored.agent_type,
                stored.cwd,
                stored.created_at,
                secrets=self.secrets.get(session_id, {}),
                capabilities=Capabilities.of(stored.capabilities),
                agent_info=stored.agent_info,
                agent_session_id=stored.agent_session_id,
            )
            session = Session(self._vm, record, self._nursery, self.tally)
            self._sessions[session_id] = session
        session.users += 1
        try:
            async with Holding(session.load_lock):
                if session.record.row is None:
                    with trio.CancelScope(shield=True):  # half opened, the next user would write over its events
                        row = find(self._vm.store, self._vm.name, session_id).row
                        await open_transcript(self._vm.store, session.transcript, row)
                        session.record.row = row
            if session.transcript.failed is not None:
                raise session.failed_error()
            yield session
        finally:
            self.release(session)

    def release(self, session: Session) -> None:
        """Count one user less (`Session.users`). After the last one, a dormant session leaves the memory."""
        session.users -= 1
        if session.dormant or (_unusable(session) and session.attachment is None):
            self.forget(session)

    def forget(self, session: Session) -> None:
        """Take the session out of memory; the next use reads it back."""
        if self._sessions.get(session.record.session_id) is session:
            del self._sessions[session.record.session_id]


def _unusable(session: Session) -> bool:
    """Whether its transcript has failed and no user is left: the next use reads the session from the file again."""
    return session.transcript.failed is not None and not session.users
