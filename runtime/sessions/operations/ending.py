"""How sessions end, for now or for good: closed, destroyed, suspended with their VM. Run as tasks of the VM: see `manager`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import trio

from runtime.acp.messages import SESSION_CLOSE, SESSION_DELETE
from runtime.api.errors import ApiError, ErrorCode
from runtime.api.events import SESSION_CLOSED, SESSION_SUSPENDED
from runtime.sessions.agent.errors import AgentError, AgentGoneError

if TYPE_CHECKING:
    from runtime.sessions.session import Session

CLOSE_GRACE: Final = 2.0
"""Seconds for an agent to end its turn, and then to answer that its session is closed or deleted."""


async def close(session: Session) -> None:
    """Stop the agent, and say in the transcript that the session is closed. Ends a turn as cancelled."""
    session.closing = True
    try:
        await _end_turn(session, CLOSE_GRACE)
        _call_off(session)
        async with session.lock:
            await _say_goodbye(session, SESSION_CLOSE)
            session.settle_questions("closed")
            await session.stop_agent()
            session.crashes = 0
            if not session.state.closed:
                session.transcript.append(SESSION_CLOSED, {})
            await session.transcript.committed()
    finally:
        session.closing = False


async def destroy(session: Session) -> None:
    """Stop the agent, and delete the session with all its events; the caller forgets it."""
    session.closing = True
    await _end_turn(session, CLOSE_GRACE)
    _call_off(session)
    async with session.lock:
        await _say_goodbye(session, SESSION_DELETE)
        await session.stop_agent()
        session.transcript.fail(
            ApiError(ErrorCode.SESSION_NOT_FOUND, f"there is no session {session.record.session_id}")
        )
        await session.vm.store.sessions.delete(session.record.row_id)


async def suspend(session: Session, *, force: bool) -> None:
    """Stop the agent because its VM goes to sleep; a turn that is left gets no grace with `force`."""
    await _end_turn(session, 0 if force else CLOSE_GRACE)
    _call_off(session)
    async with session.lock:
        session.settle_questions("suspended")
        await session.stop_agent()
        if session.state.live and session.transcript.failed is None:
            session.transcript.append(SESSION_SUSPENDED, {"reason": "sleep"})
            with contextlib.suppress(ApiError):
                await session.transcript.committed()


async def _end_turn(session: Session, grace: float) -> None:
    turn = session.turn
    if turn is not None:
        turn.cancel(grace)
        await turn.done.wait()


def _call_off(session: Session) -> None:
    """If the session's agent is being started, let that be for nothing: an agent that hangs holds nobody up."""
    if session.starting is not None:
        session.starting.cancel()


async def _say_goodbye(session: Session, method: str) -> None:
    """Tell the agent, if it is there and wants to know: `session/close`, or `session/delete` for good."""
    attachment = session.attachment
    if attachment is not None and session.record.capabilities.session(method.removeprefix("session/")):
        with trio.move_on_after(CLOSE_GRACE), contextlib.suppress(AgentError, AgentGoneError):
            await attachment.agent.request(method, {"sessionId": attachment.agent_session_id})
