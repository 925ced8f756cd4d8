"""The daemon's errors as an ACP client understands them.

The daemon's application errors all have the code -32000, which in ACP says "authentication required": an editor that
got one would ask its user to log in. What the agent itself has answered is passed on as it is.
"""

from __future__ import annotations

from typing import Any, Final

from runtime.jsonrpc import (
    AUTH_REQUIRED,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    REQUEST_CANCELLED,
    RESOURCE_NOT_FOUND,
)

CODES: Final[dict[str, int]] = {
    "vm_not_found": RESOURCE_NOT_FOUND,
    "session_not_found": RESOURCE_NOT_FOUND,
    "not_found": RESOURCE_NOT_FOUND,
    "agent_not_found": INVALID_PARAMS,
    "session_conflict": INVALID_PARAMS,
    "unsupported_by_agent": INVALID_PARAMS,
    "option_read_only": INVALID_PARAMS,
    "invalid_argument": INVALID_PARAMS,
    "vm_conflict": INVALID_PARAMS,
    "too_large": INVALID_PARAMS,
    "not_a_directory": INVALID_PARAMS,
    "read_only": INVALID_PARAMS,
    "authentication_required": AUTH_REQUIRED,
    "prompt_in_progress": INVALID_REQUEST,
    "session_closed": INVALID_REQUEST,
    "cancelled": REQUEST_CANCELLED,
}
"""`error.data.code` of the daemon -> the code for the editor; what is not here is our side's fault: -32603."""

PROTOCOL_CODES: Final = frozenset({INVALID_PARAMS, REQUEST_CANCELLED})
"""Codes of the daemon's own protocol that mean the same to the editor; others there would be mistakes of ours."""


class RefusedError(Exception):
    """A request that failed, in ACP's terms."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    @property
    def name(self) -> str | None:
        """The daemon's stable name of the error, None where it has none."""
        return self.data.get("code") if isinstance(self.data, dict) else None

    def to_wire(self) -> dict[str, Any]:
        """The error object; `data` is left out where there is none."""
        wire: dict[str, Any] = {"code": self.code, "message": self.message}
        return wire if self.data is None else {**wire, "data": self.data}


def from_daemon(error: dict[str, Any]) -> RefusedError:
    """Translate an error object of the daemon; `data` stays what it is."""
    code, message, data = error.get("code"), str(error.get("message", "")), error.get("data")
    name = data.get("code") if isinstance(data, dict) else None
    if code in PROTOCOL_CODES and isinstance(code, int):
        return RefusedError(code, message, data)
    if not isinstance(data, dict) or not isinstance(name, str):
        return RefusedError(INTERNAL_ERROR, message, data)
    theirs = data.get("agentError")
    if name == "agent_error" and isinstance(theirs, dict) and isinstance(theirs.get("code"), int):
        return AgentRefusedError(theirs["code"], str(theirs.get("message", "")), theirs.get("data"), data.get("seq"))
    stderr = data.get("stderr")
    if name == "agent_failed" and isinstance(stderr, str) and stderr.strip():
        message = f"{message}\n{stderr.strip()}"
    return RefusedError(CODES.get(name, INTERNAL_ERROR), message, data)


def from_editor(error: dict[str, Any]) -> RefusedError:
    """The editor's answer to a request of ours."""
    code = error.get("code")
    return RefusedError(
        code if isinstance(code, int) else INTERNAL_ERROR, str(error.get("message", "")), error.get("data")
    )


class AgentRefusedError(RefusedError):
    """The agent's own error; `seq` is the event that ended the turn, if it was a turn's."""

    def __init__(self, code: int, message: str, data: Any, seq: int | None) -> None:
        super().__init__(code, message, data)
        self.seq = seq


def last_seq(error: RefusedError) -> int | None:
    """The event with which the turn ended that failed so, None where there was none."""
    if isinstance(error, AgentRefusedError):
        return error.seq
    seq = error.data.get("seq") if isinstance(error.data, dict) else None
    return seq if isinstance(seq, int) else None
