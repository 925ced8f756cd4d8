"""Bringing a session back: a new agent process takes the conversation up again.

In order, as far as the agent advertises them: ACP `session/resume`, which sends no history; `session/load`, which replays
the history as updates, which are in our transcript already and are not recorded again; and `session/new` plus a
continuation: the transcript as Markdown in the VM and one line in front of the next prompt that says where it is.

Only an agent that does not know the session any more makes us go on to the next. That is an answer with

* the code -32002 (ACP: resource not found), whatever its text, or
* the code -32602 or -32603 and a text in `message` or `data` that says that a session is unknown, not found, or does not
  exist, which is what agents answer whose SDK had no code for it.

Anything else (authentication, a crash, a timeout) is reported: to start afresh would hide it and lose the conversation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
import trio

from runtime.acp.messages import SESSION_LOAD, SESSION_NEW, SESSION_RESUME, SessionSetup
from runtime.api.errors import ApiError, ErrorCode, FallingAsleepError
from runtime.api.events import SESSION_RESUMED
from runtime.clock import epoch_ms
from runtime.holding import Holding
from runtime.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, RESOURCE_NOT_FOUND
from runtime.sessions.agent.errors import AgentError, agent_failed
from runtime.sessions.operations import config
from runtime.sessions.operations.launch import ask, bring_up, call, check_alive, fail, refused, session_params
from runtime.sessions.session import MAX_RESTARTS
from runtime.sessions.turns.thread import render_thread

if TYPE_CHECKING:
    from runtime.acp.codec import ErrorObject
    from runtime.sessions.attachment import Attachment
    from runtime.sessions.session import Session

_METHODS: Final = {"resume": SESSION_RESUME, "load": SESSION_LOAD, "continuation": SESSION_NEW}

THREADS: Final = "/root/.torpor/threads"

_UNKNOWN: Final = re.compile(
    r"session\b.{0,200}?\b(not found|unknown|does not exist|doesn't exist|no longer exists)"
    r"|\b(unknown|no such|not find|nonexistent|non-existent) session",
    re.IGNORECASE | re.DOTALL,
)


def is_unknown_session(error: ErrorObject) -> bool:
    """Whether an agent's error says that it does not know the session: see the module's text."""
    if error.code == RESOURCE_NOT_FOUND:
        return True
    if error.code not in (INVALID_PARAMS, INTERNAL_ERROR):
        return False
    data = "" if error.data is None else msgspec.json.encode(error.data).decode()
    return bool(_UNKNOWN.search(error.message) or _UNKNOWN.search(data))


def continuation_line(path: str) -> str:
    """The text for an agent that starts without memory in the middle of a conversation."""
    return f"[This conversation began earlier. Its transcript so far is in {path}: read it before you answer.]\n\n"


async def ensure_agent(session: Session) -> Attachment:
    """The session's agent, brought back if there is none.

    Raises `ApiError`: see `bring_back`; SESSION_CLOSED or `FallingAsleepError` when the start was called off.
    """
    async with Holding(session.lock):
        if session.attachment is None:
            if session.crashes > MAX_RESTARTS:
                message = f"the agent crashed {session.crashes} times in a row; resumeSession tries again"
                raise agent_failed("restart", message, status=None, stderr="")
            await session.load_options()
            with trio.CancelScope() as session.starting:
                await bring_back(session)
            if session.starting.cancelled_caught:
                raise ApiError(ErrorCode.SESSION_CLOSED, "it was closed") if session.closing else FallingAsleepError
        if session.attachment is None:  # it ended at once
            raise agent_failed("restart", "the agent ended as soon as it was started", status=None, stderr="")
        return session.attachment


async def bring_back(session: Session) -> None:
    """Start an agent for a session that has none. The caller holds `session.lock`.

    Raises `ApiError`: AGENT_FAILED (with the method that failed as `phase`), AGENT_NOT_FOUND, SECRETS_REQUIRED and
    errors of the store and the filesystem. After any error, `Cancelled` included, no process is left.
    """
    before = session.state
    try:
        attachment = await bring_up(session, session.vm.agents.get(session.record.agent_type))
        tier, setup = await _restore(session, attachment)
        path: str | None = None
        if tier == "continuation" and before.turn_id is not None:  # else there is no conversation yet
            path = f"{THREADS}/{session.record.session_id}.md"
            text = await render_thread(session.vm.store, session.record.row_id, session.record.session_id)
            await session.vm.files.write_own_file(path, text)
        modes, options = await config.reapply(attachment, before, setup, native=tier != "continuation")
        await check_alive(session, attachment, _METHODS[tier])
    except BaseException:
        await session.stop_agent()
        raise
    session.vm.store.sessions.update(
        session.record.row_id,
        epoch_ms(),
        agent_session_id=session.record.agent_session_id,
        capabilities=session.record.capabilities.raw,
        agent_info=session.record.agent_info,
    )
    params: dict[str, Any] = {"tier": tier, "modes": modes, "configOptions": options}
    session.transcript.append(SESSION_RESUMED, {**params, "path": path} if path else params)
    await session.transcript.committed()


async def _restore(session: Session, attachment: Attachment) -> tuple[str, SessionSetup]:
    known = session.record.agent_session_id
    if known is not None:
        attachment.adopt(known)
        params = {**session_params(session), "sessionId": known}
        if session.record.capabilities.session("resume"):
            setup = await _try(session, attachment, SESSION_RESUME, params)
            if setup is not None:
                return "resume", setup
        if session.record.capabilities.load:
            attachment.replaying = True
            try:
                setup = await _try(session, attachment, SESSION_LOAD, params)
            finally:
                attachment.replaying = False
            if setup is not None:
                return "load", setup
    attachment.adopt(None)
    setup = await call(session, attachment, SESSION_NEW, session_params(session), SessionSetup)
    if setup.session_id is None:
        await fail(session, attachment, SESSION_NEW, "the agent's answer to session/new has no sessionId")
    attachment.adopt(setup.session_id)
    return "continuation", setup


async def _try(session: Session, attachment: Attachment, method: str, params: dict[str, Any]) -> SessionSetup | None:
    try:
        return await ask(session, attachment, method, params, SessionSetup)
    except AgentError as error:
        if is_unknown_session(error.error):
            return None
        await refused(session, attachment, method, error.error)
