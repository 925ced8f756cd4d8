"""Asking for the end of a turn: by a client, by a deadline, by a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from runtime.acp.messages import SESSION_CANCEL
from runtime.acp.turn import Phase, Signal

if TYPE_CHECKING:
    from runtime.sessions.session import Session
    from runtime.sessions.turns.turn import Turn

CANCEL_GRACE: Final = 5.0
"""Seconds that an agent has to end a cancelled turn where nobody says otherwise (api.md, cancelPrompt)."""


def begin_cancel(session: Session, turn: Turn, grace: float) -> None:
    """Ask for the end of the turn; an agent that has not ended it within `grace` seconds is killed. Never waits.

    Of several calls the earliest end of a grace counts.
    """
    ends = trio.current_time() + grace
    was = turn.machine.phase
    turn.signal(Signal.CANCEL)
    if was is Phase.RESTORING:
        turn.restoring.cancel()
    elif was is Phase.PROMPTING:
        turn.expire_at(ends)
        if session.agent is not None:
            session.agent.notify(SESSION_CANCEL, {"sessionId": session.agent_session_id})
        session.asking.settle("cancelled")
    elif was is Phase.CANCELLING:
        turn.expire_at(min(ends, turn.deadline))
