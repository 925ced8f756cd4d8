"""Bringing an agent up: process, `initialize`, and `session/new` for a session that is new."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import trio

from runtime.acp.messages import (
    AUTHENTICATE,
    INITIALIZE,
    MAX_RECORD_BYTES,
    PROTOCOL_VERSION,
    SESSION_NEW,
    Authenticated,
    Capabilities,
    InitializeResult,
    MessageError,
    SessionSetup,
    auth_methods_of,
    client_capabilities,
    config_options_of,
    is_small,
    modes_of,
    parse,
)
from runtime.acp.session_state import SessionState
from runtime.api.errors import ApiError, ErrorCode
from runtime.api.events import SESSION_STARTED
from runtime.clock import epoch_ms
from runtime.network import Egress
from runtime.sessions.agent.errors import (
    AgentError,
    AgentGoneError,
    agent_failed,
    authentication_required,
    how_it_ended,
    wants_authentication,
)
from runtime.sessions.mcp.local import LocalServers
from runtime.sessions.options import instructions
from runtime.sessions.options import mcp_servers as mcp
from runtime.sessions.options.redaction import NOTHING, Redactor
from runtime.sessions.options.secrets import resolve_secrets
from runtime.version import VERSION

if TYPE_CHECKING:
    from runtime.acp.codec import ErrorObject
    from runtime.sessions.attachment import Attachment
    from runtime.sessions.ports import AgentSpec
    from runtime.sessions.session import Session

logger = logging.getLogger(__name__)

START_TIMEOUT: Final = 60.0
"""Seconds for an agent to answer each request of its start: an interpreter that compiles its libraries takes a few, and
a person who waits gives up after about this."""

LOGIN_TIMEOUT: Final = 600.0
"""Seconds for an agent to authenticate itself: a person may have to log in somewhere, and to find the second factor."""

CLIENT_INFO: Final = {"name": "torpor", "title": "Torpor", "version": VERSION}

R = TypeVar("R")


async def start_new(session: Session, spec: AgentSpec) -> None:
    """Start the agent of a new session, and the session's row and transcript with it.

    Raises `ApiError`: AGENT_FAILED, UNSUPPORTED_BY_AGENT, and errors of the filesystem and the store.
    After any error, `Cancelled` included, neither a process nor the session is left.
    """
    await session.vm.files.mkdir(session.record.cwd, recursive=True)
    try:
        attachment = await bring_up(session, spec)
        setup = await call(session, attachment, SESSION_NEW, session_params(session), SessionSetup)
        if setup.session_id is None:
            await fail(session, attachment, SESSION_NEW, "the agent's answer to session/new has no sessionId")
        attachment.adopt(setup.session_id)
        with trio.CancelScope(shield=True):  # once submitted it cannot be taken back: wait for its outcome
            await _record(session, setup)
        await check_alive(session, attachment, SESSION_NEW)
        await trio.lowlevel.checkpoint_if_cancelled()
    except BaseException:
        session.transcript.fail(ApiError(ErrorCode.SESSION_NOT_FOUND, "the session was not created"))
        with trio.CancelScope(shield=True):
            await session.stop_agent()
            await _forget(session)
        raise


async def _forget(session: Session) -> None:
    if session.record.row is not None:
        try:
            await session.vm.store.sessions.delete(session.record.row)
        except ApiError as error:  # the disk is full: the first error is the one to report
            logger.warning(
                "session %s was not created, and stays in the file: %s", session.record.session_id, error.message
            )


async def _record(session: Session, setup: SessionSetup) -> None:
    options = session.record.known_options
    session.record.created_at = epoch_ms()
    record = await session.vm.store.sessions.create(
        session.record.vm_row,
        session.record.session_id,
        session.record.agent_type,
        session.record.created_at,
        options=options.stored(),
        env=options.sealed(),
        status="idle",
        cwd=session.record.cwd,
        agent_session_id=setup.session_id,
        capabilities=session.record.capabilities.raw,
        agent_info=session.record.agent_info,
        modes=modes_of(setup.modes),
        config_options=config_options_of(setup.config_options),
    )
    session.record.row = record.row
    session.transcript.open(record.row, 0, SessionState())
    session.transcript.append(
        SESSION_STARTED,
        {
            "agentType": session.record.agent_type,
            "cwd": session.record.cwd,
            "agentInfo": session.record.agent_info,
            "capabilities": session.record.capabilities.raw,
            "modes": modes_of(setup.modes),
            "configOptions": config_options_of(setup.config_options),
        },
    )
    await session.transcript.committed()


async def bring_up(session: Session, spec: AgentSpec) -> Attachment:
    """Start the process and shake hands. After an `ApiError` the caller ends the process, with `Session.stop_agent`."""
    options = session.record.known_options
    secrets = resolve_secrets(options.secrets, session.record.secrets)
    session.transcript.redactor = Redactor(secrets.values) if secrets.values else NOTHING
    egress = Egress(observer=session.network_log.observe, placeholders=secrets.placeholders)
    env = {
        **spec.env,
        instructions.VARIABLE: instructions.compose(
            options.kept.get("additionalInstructions"), skip_base=options.kept.get("skipOsInstructions", False)
        ),
        **options.env,
        **secrets.env,
    }
    argv = [spec.id, *spec.args]
    servers = LocalServers(
        session.transcript,
        partial(session.vm.spawn, cwd=session.record.cwd, attendant=True, egress=egress),
        options.mcp_servers,
    )
    process = await session.vm.spawn(
        argv,
        env,
        session.record.cwd,
        agent=spec.program,
        internal_hosts=servers.hosts,
        egress=egress,
    )
    attachment = session.attach(process, egress)
    params = {
        "protocolVersion": PROTOCOL_VERSION,
        "clientCapabilities": client_capabilities(options.elicitation),
        "clientInfo": CLIENT_INFO,
    }
    result = await call(session, attachment, INITIALIZE, params, InitializeResult)
    if result.protocol_version != PROTOCOL_VERSION:
        message = f"the agent speaks version {result.protocol_version} of ACP, we speak {PROTOCOL_VERSION}"
        await fail(session, attachment, INITIALIZE, message)
    if not (is_small(result.agent_capabilities) and is_small(result.agent_info)):
        await fail(
            session, attachment, INITIALIZE, f"what the agent says of itself takes more than {MAX_RECORD_BYTES} bytes"
        )
    session.record.capabilities = Capabilities.of(result.agent_capabilities)
    session.record.agent_info = result.agent_info if isinstance(result.agent_info, dict) else None
    session.record.auth_methods = auth_methods_of(result.auth_methods)
    if options.auth_method is not None and session.record.auth_methods:
        await authenticate(session, attachment, options.auth_method)
    mcp.check_supported(options.mcp_servers, session.record.capabilities)
    if mcp.are_served(session.record.capabilities):
        servers.start(attachment.agent)
    if options.additional_directories and not session.record.capabilities.session("additionalDirectories"):
        message = "the agent does not take additional directories"
        raise ApiError(ErrorCode.UNSUPPORTED_BY_AGENT, message, capability="sessionCapabilities.additionalDirectories")
    return attachment


def session_params(session: Session) -> dict[str, Any]:
    """The params that session/new, session/load and session/resume have in common."""
    options = session.record.known_options
    params: dict[str, Any] = {
        "cwd": session.record.cwd,
        "mcpServers": mcp.as_sent(options.mcp_servers, session.record.capabilities),
    }
    if options.additional_directories:
        params["additionalDirectories"] = options.additional_directories
    return params


async def authenticate(session: Session, attachment: Attachment, method_id: str) -> None:
    """Have the agent authenticate itself by one of the ways that it offers (ACP, "Authentication").

    Raises `ApiError` AUTHENTICATION_REQUIRED where it has no such way or says no, AGENT_FAILED where it does not answer.
    """
    methods = session.record.auth_methods
    if method_id not in [method["id"] for method in methods]:
        raise authentication_required(f"the agent offers no way {method_id} to authenticate it", session.record)
    try:
        await ask(session, attachment, AUTHENTICATE, {"methodId": method_id}, Authenticated, timeout=LOGIN_TIMEOUT)
    except AgentError as error:
        message = f"the agent was not authenticated by {method_id}: {error.error.message}"
        raise authentication_required(message, session.record, error.error) from error


async def call(session: Session, attachment: Attachment, method: str, params: dict[str, Any], record: type[R]) -> R:
    """One request of the start. Raises `ApiError` AGENT_FAILED with the method as its phase."""
    try:
        return await ask(session, attachment, method, params, record)
    except AgentError as error:
        await refused(session, attachment, method, error.error)


async def refused(session: Session, attachment: Attachment, method: str, error: ErrorObject) -> NoReturn:
    """End the agent, which has answered `method` with an error, and raise AUTHENTICATION_REQUIRED or AGENT_FAILED."""
    message = f"the agent refused {method}: {error.message}"
    if wants_authentication(error, session.record.auth_methods):
        await attachment.stop()
        raise authentication_required(message, session.record, error)
    await fail(session, attachment, method, message, error)


async def ask(
    session: Session,
    attachment: Attachment,
    method: str,
    params: dict[str, Any],
    record: type[R],
    timeout: float = START_TIMEOUT,  # noqa: ASYNC109 - one of the protocol's, told in the error
) -> R:
    """As `call`, but an error that the agent answers is raised as it is: `AgentError`."""
    try:
        with trio.fail_after(timeout):
            return parse(await attachment.agent.request(method, params), record)
    except AgentGoneError:
        await fail(
            session,
            attachment,
            method,
            f"the agent ended before it answered {method}: {how_it_ended(attachment.agent.status)}",
        )
    except trio.TooSlowError:
        await fail(session, attachment, method, f"the agent did not answer {method} within {timeout:.0f} s")
    except MessageError as error:
        await fail(session, attachment, method, f"the agent's answer to {method} is not what ACP says: {error}")


async def check_alive(session: Session, attachment: Attachment, phase: str) -> None:
    """Raise AGENT_FAILED if the agent has ended meanwhile: it must not be recorded as the session's agent."""
    if session.attachment is not attachment:
        await fail(session, attachment, phase, f"the agent ended right after {phase}")


async def fail(
    session: Session, attachment: Attachment, phase: str, message: str, error: ErrorObject | None = None
) -> NoReturn:
    """End the agent, so that its stderr is read to the end, and raise AGENT_FAILED with its last lines."""
    if session.transcript.failed is not None:
        raise session.failed_error()
    agent = attachment.agent
    status = agent.status
    await attachment.stop()
    raise agent_failed(phase, message, status=status, stderr=agent.stderr_tail, error=error)
