"""A fork that the agent makes itself, of a session that is forked in its VM: ACP's `session/fork`, which is not yet stable.

Its agent then takes the conversation up from the agent's own files, by session/resume or session/load. Where the agent makes
none, or does not know it later, it gets the transcript to read, as after any restore by continuation.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import trio

from runtime.acp.messages import SESSION_CLOSE, SESSION_FORK, MessageError, SessionSetup, parse
from runtime.sessions.agent.errors import AgentError, AgentGoneError
from runtime.sessions.operations.launch import session_params

if TYPE_CHECKING:
    from runtime.sessions.session import Session

FORK_SECONDS: Final = 10.0
"""For an agent to copy a conversation of its own; prompts of the session wait as long."""


async def fork_at_agent(session: Session, last: int) -> str | None:
    """The agent's id of a new session of its own with the conversation up to the event `last`; None where it makes none.

    That is, where it has none of the conversation in memory, has gone beyond that event, or does not say that it can.
    """
    can = session.record.capabilities
    if not can.session("fork") or not (can.session("resume") or can.load):
        return None
    async with session.lock:  # no turn begins meanwhile
        attachment = session.attachment
        if attachment is None or session.turn is not None or session.transcript.last_seq != last:
            return None
        made: SessionSetup | None = None
        with trio.move_on_after(FORK_SECONDS), contextlib.suppress(AgentError, AgentGoneError, MessageError):
            params = {**session_params(session), "sessionId": attachment.agent_session_id}
            made = parse(await attachment.agent.request(SESSION_FORK, params), SessionSetup)
            if made.session_id is not None and can.session("close"):  # another process goes on with it
                await attachment.agent.request(SESSION_CLOSE, {"sessionId": made.session_id})
        return None if made is None else made.session_id
