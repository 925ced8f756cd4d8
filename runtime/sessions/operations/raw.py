"""`rawSend`: an ACP request of the client's own, past everything that sessions know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.acp.messages import (
    INITIALIZE,
    SESSION_CANCEL,
    SESSION_CLOSE,
    SESSION_LOAD,
    SESSION_NEW,
    SESSION_PROMPT,
    SESSION_RESUME,
)
from runtime.api.errors import ApiError, ErrorCode
from runtime.sessions.agent.errors import AgentError, AgentGoneError, agent_failed, how_it_ended

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.sessions.attachment import Attachment

OURS: Final = frozenset(
    {INITIALIZE, SESSION_NEW, SESSION_LOAD, SESSION_RESUME, SESSION_CLOSE, SESSION_PROMPT, SESSION_CANCEL}
)
"""Methods that are refused: they would change what the session's own methods answer for."""


def check_raw(method: str) -> None:
    """Raise `ApiError` INVALID_ARGUMENT for a method that is not for `rawSend`."""
    if method in OURS:
        raise ApiError(ErrorCode.INVALID_ARGUMENT, f"{method} is what the session's own methods are for")


async def send_raw(session_id: str, attachment: Attachment, method: str, params: Mapping[str, Any]) -> Any:
    """The agent's result, with `session_id` in place of the agent's own id. Raises `ApiError` AGENT_ERROR, AGENT_FAILED.

    A cancelled wait tells the agent so, which may have done some, all, or nothing of it.
    """
    agent = attachment.agent
    try:
        result = await agent.request(method, {**params, "sessionId": attachment.agent_session_id})
    except AgentError as error:
        raise error.to_api() from error
    except AgentGoneError as error:
        message = f"the agent ended before it answered {method}: {how_it_ended(agent.status)}"
        raise agent_failed(method, message, status=agent.status, stderr=agent.stderr_tail) from error
    if isinstance(result, dict) and result.get("sessionId") == attachment.agent_session_id:
        return {**result, "sessionId": session_id}
    return result
