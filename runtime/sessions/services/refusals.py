"""Why a request of an agent is not served, as the error that answers it."""

from __future__ import annotations

from typing import Any, Final

from runtime.acp.codec import ErrorObject
from runtime.acp.messages import MessageError
from runtime.api.errors import ApiError, ErrorCode
from runtime.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, RESOURCE_NOT_FOUND


class RefusedError(Exception):
    """A request is answered with an error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.error = ErrorObject(code, message, data)


REFUSALS: Final = (MessageError, RefusedError, ApiError)
"""What serving a request may raise."""


def error_of(refusal: MessageError | RefusedError | ApiError) -> ErrorObject:
    """The error that the agent gets."""
    match refusal:
        case RefusedError():
            return refusal.error
        case ApiError():
            code = RESOURCE_NOT_FOUND if refusal.code is ErrorCode.NOT_FOUND else INTERNAL_ERROR
            return ErrorObject(code, refusal.message, refusal.to_data())
        case MessageError():
            return ErrorObject(INVALID_PARAMS, f"Invalid params: {refusal}")
