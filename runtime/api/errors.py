"""The application errors of the session API, and their one mapping to JSON-RPC.

Code below the socket raises `ApiError`; `runtime.rpc` turns it into an error response. The codes are stable strings that
clients match on (api.md, "Errors"); the messages are prose and may change.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, Self


class ErrorCode(StrEnum):
    """`error.data.code` of an application error (JSON-RPC code -32000, but for `cancelled`: -32800), and what it means."""

    _value_: str
    meaning: str

    def __new__(cls, code: str, meaning: str) -> Self:
        """A code and what it means, for documents."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    VM_NOT_FOUND = "vm_not_found", "There is no VM of this name."
    VM_CONFLICT = "vm_conflict", "A VM of this name exists, with other options or where none may be."
    SESSION_NOT_FOUND = "session_not_found", "The VM has no session of this id."
    SESSION_CLOSED = "session_closed", "The session is closed; resumeSession opens it again."
    SESSION_CONFLICT = "session_conflict", "The id or the idempotency key is taken, by something else."
    PROMPT_IN_PROGRESS = "prompt_in_progress", "The session is in a turn; it takes one at a time."
    AGENT_NOT_FOUND = "agent_not_found", "There is no agent of this id, or its component is missing."
    AGENT_FAILED = (
        "agent_failed",
        "The agent's process failed; `phase`, `exitCode` and the last lines of `stderr` say how.",
    )
    AGENT_ERROR = "agent_error", "The agent answered with an error of its own, which is in `agentError`."
    UNSUPPORTED_BY_AGENT = "unsupported_by_agent", "The agent cannot do that; `capability` names what it lacks."
    OPTION_READ_ONLY = "option_read_only", "The agent does not let this option be set."
    PERMISSION_NOT_PENDING = (
        "permission_not_pending",
        "The permission request is over or was never made; `reason` says which.",
    )
    ELICITATION_NOT_PENDING = (
        "elicitation_not_pending",
        "The agent's question is over or was never asked; `reason` says which.",
    )
    INVALID_PERMISSION_OPTION = (
        "invalid_permission_option",
        "The agent offers no such answer; `options` has those that it offers.",
    )
    NOT_FOUND = "not_found", "The path, or what else was named, does not exist."
    EXISTS = "exists", "There is something at the path already."
    NOT_A_DIRECTORY = "not_a_directory", "Something on the way is no directory."
    IS_A_DIRECTORY = "is_a_directory", "A file is expected, and the path names a directory."
    READ_ONLY = "read_only", "That part of the filesystem cannot be written to."
    QUOTA_EXCEEDED = "quota_exceeded", "The VM's files would exceed its limits."
    TOO_LARGE = "too_large", "The answer or the value is larger than the API carries."
    LIMIT_EXCEEDED = "limit_exceeded", "It would be more than a limit lets through; `limit` names it."
    SECRETS_REQUIRED = (
        "secrets_required",
        "The agent cannot start without what `missing` names, by option; resumeSession takes it.",
    )
    AUTHENTICATION_REQUIRED = (
        "authentication_required",
        "The agent wants an account or a key; `authMethods` has the ways that it offers, as ACP describes them.",
    )
    STATE_NEWER = "state_newer", "The file is of a newer version of Torpor."
    STATE_CORRUPT = "state_corrupt", "The file is damaged, or is not what it claims to be."
    BUSY = "busy", "Not now: try again."
    SHUTTING_DOWN = "shutting_down", "The daemon is ending: try again when it is back."
    CANCELLED = "cancelled", "The client cancelled its request ($/cancel_request)."
    TIMEOUT = "timeout", "It took longer than it may."
    INVALID_ARGUMENT = (
        "invalid_argument",
        "A value has the right type and makes no sense, such as a path that is not absolute.",
    )
    DIRECTORY_NOT_EMPTY = "directory_not_empty", "The directory holds something; `recursive` removes that as well."
    IO_ERROR = (
        "io_error",
        "The daemon could not read or write a file of its own; `reason` says why where it is known.",
    )
    RESOURCE_EXHAUSTED = (
        "resource_exhausted",
        "The machine has no more of a `resource`: `descriptors`, `memory` or `processes`.",
    )


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
"""JSON-RPC's code of all of them but `CANCELLED`, which has the one of `$/cancel_request`."""


class ApiError(Exception):
    """An application error on its way to a client.

    `data` holds the members that go beside `code` and `retryable` in `error.data`, in the API's camelCase.
    """

    def __init__(self, code: ErrorCode, message: str, **data: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def to_data(self) -> dict[str, Any]:
        """`error.data`: always `code` and `retryable`, then what is particular to this error."""
        return {"code": self.code.value, "retryable": self.code in RETRYABLE, **self.data}


class FallingAsleepError(ApiError):
    """BUSY because the VM is on its way to sleep: once it is there, the same call wakes it and is served."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.BUSY, "the VM is going to sleep")
