"""JSON-RPC 2.0 messages as data: a line becomes a `Request`, or a `Refusal` with the reason; results and errors become lines.

No I/O. Whatever a peer sends ends as a value of this module, never as an exception that would end the connection. Codes
are JSON-RPC's own; application errors are those of `runtime.api.errors`.
"""

from __future__ import annotations

from json import JSONDecodeError
from typing import Any, Final, Literal

import attrs
import msgspec
from msgspec import UNSET, Raw, UnsetType

from runtime.api.errors import APPLICATION_ERROR, ApiError, ErrorCode
from runtime.exhaustion import exhausted
from runtime.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    REQUEST_CANCELLED,
)
from runtime.large_json import SMALL_BYTES, Shortened, TooManyItemsError, parts, shortened
from runtime.text import decoded, outline, read_anyway
from runtime.wire_json import encoded

PROTOCOL_CODES: Final = {
    PARSE_ERROR: "parse_error",
    INVALID_REQUEST: "invalid_request",
    METHOD_NOT_FOUND: "method_not_found",
    INVALID_PARAMS: "invalid_params",
    INTERNAL_ERROR: "internal_error",
    REQUEST_CANCELLED: ErrorCode.CANCELLED.value,
}
"""`error.data.code` of protocol faults: `error.data` always has `code` and `retryable` (api.md, "Errors")."""

_ID_BITS: Final = 63
"""Of an integer, so that every reader of an answer can hold it."""

_END_BYTES: Final = 1024
"""Of a line, as in `runtime.text.outline`: an envelope without its params."""

EMPTY_PARAMS: Final = Raw(b"{}")


class _Envelope(msgspec.Struct):
    jsonrpc: Literal["2.0"]
    method: str
    id: str | int | float | UnsetType | None = UNSET
    params: Raw = EMPTY_PARAMS


_envelopes: Final = msgspec.json.Decoder(_Envelope)


@attrs.frozen
class Request:
    """A request, or a notification when `id` is UNSET. `params` is not decoded yet."""

    id: str | int | float | UnsetType
    method: str
    params: Raw
    long: Shortened | None = None
    """Of a large line: the long strings that `params` has marks for."""


class ProtocolError(Exception):
    """A protocol fault (as opposed to an application error): answered with `code`, one of PROTOCOL_CODES, and `message`.

    `data` holds the members that go beside `code` and `retryable` in `error.data`.
    """

    def __init__(self, code: int, message: str, **data: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = {"code": PROTOCOL_CODES[code], "retryable": False, **data}


@attrs.frozen
class Refusal:
    """A line that is no request: the fault, and the id to answer under (None where it cannot be known)."""

    id: str | int | float | None
    error: ProtocolError


def parse_line(line: bytes) -> Request | Refusal:
    """Decode one line; a faulty one is returned as a `Refusal`. Halves of characters are U+FFFD (`runtime.text`)."""
    try:
        envelope = decoded(line, _envelopes.decode)
    except (ValueError, RecursionError) as error:
        return _refuse(line, error)
    return _request(envelope)


def _request(envelope: _Envelope) -> Request | Refusal:
    if envelope.id is None:
        return Refusal(None, ProtocolError(INVALID_REQUEST, "id must be a string or a number"))
    return Request(envelope.id, envelope.method, envelope.params)


def _fault(error: ValueError | RecursionError) -> ProtocolError:
    if isinstance(error, RecursionError):
        return ProtocolError(INVALID_REQUEST, "the message is nested too deeply")
    if isinstance(error, msgspec.ValidationError):
        return ProtocolError(INVALID_REQUEST, f"not a JSON-RPC 2.0 request: {error}")
    return ProtocolError(PARSE_ERROR, f"the line is not JSON: {error}")


async def parse_large_line(line: bytes | bytearray) -> Request | Refusal:
    """As `parse_line`, in small steps: for lines over `large_json.SMALL_BYTES`."""
    try:
        short = await shortened(line, _read_string)
    except TooManyItemsError as error:
        return Refusal(_id_in(outline(_ends(line))), ProtocolError(INVALID_REQUEST, str(error)))
    except ValueError as error:
        return Refusal(_id_in(outline(_ends(line))), ProtocolError(PARSE_ERROR, f"the line is not JSON: {error}"))
    if len(short.rest) <= SMALL_BYTES:
        message = parse_line(short.rest)
    else:
        try:
            message = _request(decoded(short.rest, _envelopes.decode))
        except (ValueError, RecursionError) as error:
            message = Refusal(_id_in(outline(_ends(line))), _fault(error))
    if isinstance(message, Refusal):
        return attrs.evolve(message, id=short.text(message.id))
    return attrs.evolve(message, id=short.text(message.id), long=short)


def is_notification(line: bytes) -> bool:
    """Say whether a line is a request that asks for no answer; of a large one nobody looks."""
    message = parse_line(line) if len(line) <= SMALL_BYTES else None
    return isinstance(message, Request) and message.id is UNSET


def _read_string(text: bytes) -> str:
    string: str = decoded(text, msgspec.json.decode)
    return string


def _ends(line: bytes | bytearray) -> bytes:
    """The parts of a line that can hold its id: the beginning and the end."""
    return bytes(line) if len(line) <= 2 * _END_BYTES else bytes(line[:_END_BYTES] + line[-_END_BYTES:])


def _refuse(line: bytes, error: ValueError | RecursionError) -> Refusal:
    """The fault of a line, with the line's id if that can be known: if its structure is that of JSON."""
    fault = _fault(error)
    try:
        message = read_anyway(line)
    except JSONDecodeError:
        return Refusal(None, ProtocolError(PARSE_ERROR, f"the line is not JSON: {error}"))
    except RecursionError:
        message = outline(line)
    if isinstance(message, list):
        fault = ProtocolError(INVALID_REQUEST, "batches are not served: send one request a line")
    return Refusal(_id_in(message), fault)


def _id_in(message: Any) -> str | int | float | None:
    request_id = message.get("id") if isinstance(message, dict) else None
    if isinstance(request_id, bool) or not isinstance(request_id, str | int | float):
        return None
    return None if isinstance(request_id, int) and request_id.bit_length() > _ID_BITS else request_id


async def response_parts(request_id: str | float, result: Any) -> list[bytes]:
    """As `response_line`, in small steps: the line in parts, for results that are not `large_json.is_small`."""
    head = encoded({"jsonrpc": "2.0", "id": request_id})[:-1] + b',"result":'
    return [head, *await parts(result), b"}\n"]


def response_line(request_id: str | float, result: Any) -> bytes:
    """Encode a response. Raises TypeError (and msgspec's errors) for a result that is not JSON: a fault of the handler."""
    return encoded({"jsonrpc": "2.0", "id": request_id, "result": result}) + b"\n"


def error_line(request_id: str | float | None, error: ProtocolError | ApiError) -> bytes:
    """Encode an error response; `id` is null where the request's is not known."""
    body: dict[str, Any]
    if isinstance(error, ApiError):
        code = REQUEST_CANCELLED if error.code is ErrorCode.CANCELLED else APPLICATION_ERROR
        body = {"code": code, "message": error.message, "data": error.to_data()}
    else:
        body = {"code": error.code, "message": error.message, "data": error.data}
    return encoded({"jsonrpc": "2.0", "id": request_id, "error": body}) + b"\n"


def notification_line(method: str, params: Any) -> bytes:
    """Encode a notification."""
    return encoded({"jsonrpc": "2.0", "method": method, "params": params}) + b"\n"


def cancelled_error() -> ProtocolError:
    """Return the answer to a request that its own client cancelled."""
    return ProtocolError(REQUEST_CANCELLED, "the request was cancelled")


def internal_error() -> ProtocolError:
    """Return the answer to a request whose handler failed unexpectedly, without details."""
    return ProtocolError(INTERNAL_ERROR, "internal error")


def sole_error(group: BaseExceptionGroup[BaseException]) -> ApiError | ProtocolError | None:
    """Return the first application error in a nursery's group, None if it holds any other error."""
    first: ApiError | ProtocolError | None = None
    for error in group.exceptions:
        leaf = sole_error(error) if isinstance(error, BaseExceptionGroup) else error
        if not isinstance(leaf, ApiError | ProtocolError):
            leaf = None if leaf is None else exhausted(leaf)
            if leaf is None:
                return None
        first = first or leaf
    return first
