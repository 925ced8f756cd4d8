"""The application errors of the session API, and their one mapping to JSON-RPC.

Code below the socket raises `ApiError`; `runtime.rpc` turns it into an error response. The codes are stable strings that
clients match on (api.md, "Errors"); the messages are prose and may change.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final


class ErrorCode(StrEnum):
    """`error.data.code` of an application error (JSON-RPC code -32000, but for `cancelled`: -32800)."""

    VM_NOT_FOUND = "vm_not_found"
    VM_CONFLICT = "vm_conflict"
    SESSION_NOT_FOUND = "session_not_found"
    SESSION_CLOSED = "session_closed"
    SESSION_CONFLICT = "session_conflict"
    PROMPT_IN_PROGRESS = "prompt_in_progress"
    AGENT_NOT_FOUND = "agent_not_found"
    AGENT_FAILED = "agent_failed"
    AGENT_ERROR = "agent_error"
    UNSUPPORTED_BY_AGENT = "unsupported_by_agent"
    OPTION_READ_ONLY = "option_read_only"
    PERMISSION_NOT_PENDING = "permission_not_pending"
    INVALID_PERMISSION_OPTION = "invalid_permission_option"
    NOT_FOUND = "not_found"
    EXISTS = "exists"
    NOT_A_DIRECTORY = "not_a_directory"
    IS_A_DIRECTORY = "is_a_directory"
    READ_ONLY = "read_only"
    QUOTA_EXCEEDED = "quota_exceeded"
    TOO_LARGE = "too_large"
    LIMIT_EXCEEDED = "limit_exceeded"
    SECRETS_REQUIRED = "secrets_required"
    STATE_NEWER = "state_newer"
    STATE_CORRUPT = "state_corrupt"
    BUSY = "busy"
    SHUTTING_DOWN = "shutting_down"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    INVALID_ARGUMENT = "invalid_argument"  # a value that the params' schema cannot refuse, such as a relative path
    DIRECTORY_NOT_EMPTY = "directory_not_empty"
    IO_ERROR = "io_error"
    RESOURCE_EXHAUSTED = "resource_exhausted"  # of the machine (`runtime.exhaustion`)


RETRYABLE: Final = frozenset(
    {
        ErrorCode.BUSY,
        ErrorCode.SHUTTING_DOWN,
        ErrorCode.TIMEOUT,
        ErrorCode.PROMPT_IN_PROGRESS,
        ErrorCode.RESOURCE_EXHAUSTED,
    }
)
APPLICATION_ERROR: Final = -32000
REQUEST_CANCELLED: Final = -32800


class ApiError(Exception):
    """An application error on its way to a client.

    `data` holds the members that go beside `code` and `retryable` in `error.data`, in the API's camelCase.
    """

    def __init__(self, code: ErrorCode, message: str, **data: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    @property
    def rpc_code(self) -> int:
        """The JSON-RPC error code that this error travels under."""
        return REQUEST_CANCELLED if self.code is ErrorCode.CANCELLED else APPLICATION_ERROR

    def to_data(self) -> dict[str, Any]:
        """`error.data`: always `code` and `retryable`, then what is particular to this error."""
        return {"code": self.code.value, "retryable": self.code in RETRYABLE, **self.data}


class FallingAsleepError(ApiError):
    """BUSY because the VM is on its way to sleep: once it is there, the same call wakes it and is served."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.BUSY, "the VM is going to sleep")
