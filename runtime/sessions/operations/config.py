"""Modes and config options: one table of operations on a session, and their way back after a restart.

ACP has two mechanisms, `session/set_mode` for modes and `session/set_config_option` for everything else; an agent may offer
a mode as a config option of category `mode` instead. If the agent announces a change itself, that is what the transcript
says; if its answer is all there is, one `current_mode_update` or `config_option_update` of ours is recorded.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.acp.messages import SESSION_SET_CONFIG_OPTION, SESSION_SET_MODE, config_options_of, modes_of
from runtime.acp.session_state import CONFIG_OPTION_UPDATE, CURRENT_MODE_UPDATE
from runtime.api.errors import ApiError, ErrorCode
from runtime.sessions.agent.errors import AgentError, AgentGoneError, agent_failed, how_it_ended

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.acp.messages import SessionSetup
    from runtime.acp.session_state import SessionState
    from runtime.sessions.agent.process import Agent
    from runtime.sessions.attachment import Attachment
    from runtime.sessions.session import Session

logger = logging.getLogger(__name__)

CONFIG_TIMEOUT: Final = 60.0
"""Seconds for an agent to take a setting: it may ask its provider first."""

Option = dict[str, Any]


async def set_mode(session: Session, attachment: Attachment, mode_id: str) -> dict[str, Any]:
    """Switch to a mode. Raises `ApiError` UNSUPPORTED_BY_AGENT, OPTION_READ_ONLY, AGENT_ERROR, AGENT_FAILED."""
    if session.state.modes is None:
        option = _find(session.state.config_options, category="mode")
        if option is None:
            raise ApiError(ErrorCode.UNSUPPORTED_BY_AGENT, "the agent has no modes", capability="modes")
        return await set_option(session, attachment, option["id"], mode_id)
    updates = attachment.config_updates
    await _request(attachment.agent, SESSION_SET_MODE, {"sessionId": attachment.agent_session_id, "modeId": mode_id})
    if attachment.config_updates == updates:
        session.transcript.update({"sessionUpdate": CURRENT_MODE_UPDATE, "currentModeId": mode_id})
    return await _result(session)


async def set_category(session: Session, attachment: Attachment, category: str, value: Any) -> dict[str, Any]:
    """Set the option of a category, else the one whose id is the category's name. Raises as `set_option`."""
    option = _find(session.state.config_options, category=category)
    return await set_option(session, attachment, category if option is None else option["id"], value)


async def set_option(session: Session, attachment: Attachment, config_id: str, value: Any) -> dict[str, Any]:
    """Set a config option. Raises `ApiError` UNSUPPORTED_BY_AGENT, OPTION_READ_ONLY, AGENT_ERROR, AGENT_FAILED."""
    option = _find(session.state.config_options, id=config_id)
    if option is None:
        message = f"the agent has no config option {config_id}"
        raise ApiError(ErrorCode.UNSUPPORTED_BY_AGENT, message, capability=f"configOptions.{config_id}")
    if _is_read_only(option) and value != option.get("currentValue"):
        raise ApiError(ErrorCode.OPTION_READ_ONLY, f"the config option {config_id} is read-only")
    updates = attachment.config_updates
    answer = await _request(attachment.agent, SESSION_SET_CONFIG_OPTION, _params(attachment, config_id, value))
    if attachment.config_updates == updates:
        options = config_options_of(answer.get("configOptions") if isinstance(answer, dict) else None)
        options = options or _with_value(session.state.config_options, config_id, value)
        session.transcript.update({"sessionUpdate": CONFIG_OPTION_UPDATE, "configOptions": options})
    return await _result(session)


async def reapply(
    attachment: Attachment, before: SessionState, setup: SessionSetup, *, native: bool
) -> tuple[dict[str, Any] | None, list[Option]]:
    """Set mode and options of a restarted agent back to what they were `before`; returns what they are then.

    `setup` is what the agent has told about the session that it has taken up; a `native` resume may leave out what did
    not change. What the agent will not take any more stays as the agent has it: a model that is gone must not lock up a
    session.
    """
    told_modes, told_options = modes_of(setup.modes), config_options_of(setup.config_options)
    modes = told_modes or (before.modes if native else None)
    options = told_options or (list(before.config_options) if native else [])
    if modes is not None and before.modes is not None:
        wanted = before.modes["currentModeId"]
        if told_modes is None or told_modes["currentModeId"] != wanted:
            params = {"sessionId": attachment.agent_session_id, "modeId": wanted}
            if await _restore(attachment.agent, SESSION_SET_MODE, params) is not None:
                modes = {**modes, "currentModeId": wanted}
    for old in before.config_options:
        option = _find(options, id=old["id"])
        if option is None or "currentValue" not in old or _is_read_only(option):
            continue
        value = old["currentValue"]
        if told_options and option.get("currentValue") == value:
            continue
        answer = await _restore(attachment.agent, SESSION_SET_CONFIG_OPTION, _params(attachment, old["id"], value))
        if answer is not None:
            options = config_options_of(answer.get("configOptions")) or _with_value(options, old["id"], value)
    return modes, options


async def _restore(agent: Agent, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """The agent's answer, None where it did not take it."""
    try:
        answer = await _request(agent, method, params)
    except ApiError as error:
        if error.code is ErrorCode.AGENT_FAILED:
            raise
        logger.info("the restarted agent did not take %s again: %s", method, error.code.value)
        return None
    return answer if isinstance(answer, dict) else {}


async def _request(agent: Agent, method: str, params: dict[str, Any]) -> Any:
    try:
        with trio.fail_after(CONFIG_TIMEOUT):
            return await agent.request(method, params)
    except AgentError as error:
        raise error.to_api() from error
    except trio.TooSlowError as error:
        raise ApiError(ErrorCode.TIMEOUT, f"the agent did not answer {method} within {CONFIG_TIMEOUT:.0f} s") from error
    except AgentGoneError as error:
        message = f"the agent ended before it answered {method}: {how_it_ended(agent.status)}"
        raise agent_failed(method, message, status=agent.status, stderr=agent.stderr_tail) from error


def _with_value(options: Iterable[Option], config_id: str, value: Any) -> list[Option]:
    return [{**option, "currentValue": value} if option["id"] == config_id else option for option in options]


async def _result(session: Session) -> dict[str, Any]:
    await session.transcript.committed()
    return {"configOptions": list(session.state.config_options), "modes": session.state.modes}


def _params(attachment: Attachment, config_id: str, value: Any) -> dict[str, Any]:
    params = {"sessionId": attachment.agent_session_id, "configId": config_id, "value": value}
    return {**params, "type": "boolean"} if isinstance(value, bool) else params


def _is_read_only(option: Option) -> bool:
    """Whether there is nothing to choose. ACP's schema has no mark for it: a select with one value says it, and some agents
    add `readOnly`. What an agent refuses besides is its own error (AGENT_ERROR).
    """
    return option.get("readOnly") is True or len(_choices(option.get("options"))) == 1


def _choices(options: Any) -> list[Option]:
    """The values of a select, which may be in groups; none for any other option."""
    listed = [each for each in options if isinstance(each, dict)] if isinstance(options, list) else []
    grouped = [each["options"] if isinstance(each.get("options"), list) else [each] for each in listed]
    return [choice for group in grouped for choice in group]


def _find(options: Any, **members: str) -> Option | None:
    for option in options:
        if all(option.get(name) == value for name, value in members.items()):
            found: Option = option
            return found
    return None
