"""Errors of an agent, and the API's errors for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.api.errors import ApiError, ErrorCode

if TYPE_CHECKING:
    from runtime.acp.codec import ErrorObject
    from runtime.sessions.ports import ExitStatus


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
