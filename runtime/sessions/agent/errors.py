"""Errors of an agent, and the API's errors for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.api.errors import ApiError, ErrorCode
from runtime.jsonrpc import AUTH_REQUIRED

if TYPE_CHECKING:
    from runtime.acp.codec import ErrorObject
    from runtime.sessions.ports import ExitStatus
    from runtime.sessions.record import Record


MAX_WAYS: Final = 10
"""Ways to authenticate an agent that an error's text names: what a person can choose from. All are in its data."""

MAX_WAY: Final = 200
"""Characters of each: a line."""


class AgentError(Exception):
    """The agent answered a request with an error: it is alive, and said no."""

    def __init__(self, method: str, error: ErrorObject) -> None:
        super().__init__(f"{method}: {error.message} ({error.code})")
        self.method = method
        self.error = error

    def to_api(self) -> ApiError:
        """As AGENT_ERROR, with the agent's own error under `agentError`."""
        message = f"the agent refused {self.method}: {self.error.message}"
        return ApiError(ErrorCode.AGENT_ERROR, message, agentError=self.error.to_wire())


def wants_authentication(error: ErrorObject, methods: list[dict[str, Any]]) -> bool:
    """Whether an agent that offers these ways to authenticate it asks for one of them (ACP, "Authentication").

    Of an agent that offers none the code says nothing: JSON-RPC leaves it to servers, and many use it for anything.
    """
    return error.code == AUTH_REQUIRED and bool(methods)


def authentication_required(message: str, record: Record, error: ErrorObject | None = None) -> ApiError:
    """AUTHENTICATION_REQUIRED with what a client can do, what the agent says of itself, and its error, if there is one."""
    ways = "; ".join(map(_way, record.auth_methods[:MAX_WAYS]))
    about = {
        "authMethods": record.auth_methods,
        "capabilities": record.capabilities.raw,
        "agentInfo": record.agent_info,
    }
    theirs = {} if error is None else {"agentError": error.to_wire()}
    message = f"{message}; give authMethod the id of a way that the agent offers: {ways}"
    return ApiError(ErrorCode.AUTHENTICATION_REQUIRED, message, **about, **theirs)


def _way(method: dict[str, Any]) -> str:
    variables = method.get("vars") if method.get("type") == "env_var" else None
    names = (
        [str(each.get("name")) for each in variables if isinstance(each, dict)] if isinstance(variables, list) else []
    )
    way = f"{method['id']} ({method.get('name')})"
    return f"{way} with {', '.join(names)} in secrets"[:MAX_WAY] if names else way[:MAX_WAY]


class AgentGoneError(Exception):
    """The agent ended before it answered."""


def how_it_ended(status: ExitStatus | None) -> str:
    """The end of a sentence that says that an agent ended."""
    if status is None:
        return "it is not known how"
    return status.message or (status.reason if status.code is None else f"exit code {status.code}")


def agent_failed(
    phase: str, message: str, *, status: ExitStatus | None, stderr: str, error: ErrorObject | None = None
) -> ApiError:
    """AGENT_FAILED: `phase` is the step that failed, `exitCode` None for an agent that did not exit by itself."""
    data: dict[str, Any] = {"phase": phase, "exitCode": None if status is None else status.code, "stderr": stderr}
    if status is not None:
        data["reason"] = status.reason
    if error is not None:
        data["agentError"] = error.to_wire()
    return ApiError(ErrorCode.AGENT_FAILED, message, **data)
