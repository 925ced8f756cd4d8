"""NDJSON frames of JSON-RPC 2.0: bytes from an agent in, classified messages out; and the encoders for the way back.

The peer is a guest, so nothing it writes may raise here, and nothing may make us keep more than one line of it. A line
that is no message becomes a `Malformed`, one that is too long a `TooLong`, and the stream goes on behind it.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import attrs
import msgspec

MAX_LINE: Final = 16 * 1024 * 1024
"""Longest line of an agent, in bytes: half of what the API allows in one line, so that every message that we accept
still fits into one notification to a client. It also bounds what decoding can cost: a line of nothing but empty arrays
takes about twenty times its length for a moment."""

HEAD: Final = 200
"""Bytes of a line that was refused which are kept for its record: enough to recognise a stray log line by."""

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
REQUEST_CANCELLED: Final = -32800

Id: TypeAlias = "int | str"
"""What we accept as a request's id. JSON-RPC also allows null and fractions, and discourages both."""


@attrs.frozen
class Request:
    """A message with a method and an id: the peer waits for an answer."""

    id: Id
    method: str
    params: Any


@attrs.frozen
class Notification:
    """A message with a method and without an id."""

    method: str
    params: Any


@attrs.frozen
class Response:
    """An answer. `id` is None where the peer could not tell which request it answers."""

    id: Id | None
    result: Any = None
    error: RpcError | None = None


@attrs.frozen
class RpcError:
    """The `error` member of an answer."""

    code: int
    message: str
    data: Any = None

    def to_wire(self) -> dict[str, Any]:
        """The error object; `data` is left out where there is none."""
        wire: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            wire["data"] = self.data
        return wire


@attrs.frozen
class Malformed:
    """A line that is no JSON (`code` -32700), or JSON that is no message (-32600), a batch included."""

    code: int
    reason: str
    size: int
    head: str


@attrs.frozen
class TooLong:
    """A line over `MAX_LINE`; its content was skipped as it came."""

    size: int
    head: str


Message: TypeAlias = "Request | Notification | Response"
Frame: TypeAlias = "Message | Malformed | TooLong"


class Decoder:
    """Cuts a byte stream into lines and those into frames. Empty lines are skipped, a final CR is tolerated."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._max_line = max_line
        self._buffer = bytearray()
        self._searched = 0
        self._skipped = 0  # bytes of an over-long line that are gone already; 0 when none is being skipped
        self._head = ""

    @property
    def buffered(self) -> int:
        """Bytes of an unfinished line that are held."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes, any cut, and return the frames that they complete, in order."""
        frames: list[Frame] = []
        self._buffer += data
        start = 0
        while (end := self._buffer.find(b"\n", max(start, self._searched))) >= 0:
            size = self._skipped + end - start
            if size > self._max_line:
                head = self._head if self._skipped else _head(bytes(self._buffer[start : start + HEAD]))
                frames.append(TooLong(size=size, head=head))
            elif line := bytes(self._buffer[start:end]).strip(b"\r\t "):
                frames.append(decode_line(line))
            self._skipped = 0
            start = end + 1
            self._searched = start
        if start:
            del self._buffer[:start]
        if self._skipped + len(self._buffer) > self._max_line:
            if not self._skipped:
                self._head = _head(bytes(self._buffer[:HEAD]))
            self._skipped += len(self._buffer)
            self._buffer.clear()
        self._searched = len(self._buffer)
        return frames


def decode_line(line: bytes) -> Frame:
    """Decode and classify one line without its newline."""
    try:
        value = msgspec.json.decode(line)
    except RecursionError:
        return _malformed(PARSE_ERROR, "nested too deeply", line)
    except (ValueError, UnicodeError) as error:
        return _malformed(PARSE_ERROR, str(error), line)
    if not isinstance(value, dict):
        kind = "a batch, which ACP does not have" if isinstance(value, list) else "not an object"
        return _malformed(INVALID_REQUEST, kind, line)
    if "id" in value and not _is_id(value["id"]) and ("method" in value or value["id"] is not None):
        return _malformed(INVALID_REQUEST, "id is neither an integer nor a string", line)
    if "method" in value:
        if not isinstance(value["method"], str):
            return _malformed(INVALID_REQUEST, "method is not a string", line)
        if "id" in value:
            return Request(value["id"], value["method"], value.get("params"))
        return Notification(value["method"], value.get("params"))
    if value.get("error") is not None:
        return Response(value.get("id"), error=_error_of(value["error"]))
    if "result" in value:
        return Response(value.get("id"), result=value["result"])
    return _malformed(INVALID_REQUEST, "neither a method nor an answer", line)


def encode_request(id_: Id, method: str, params: Any) -> bytes:
    """One request as a line."""
    return _line({"jsonrpc": "2.0", "id": id_, "method": method, "params": params})


def encode_notification(method: str, params: Any) -> bytes:
    """One notification as a line."""
    return _line({"jsonrpc": "2.0", "method": method, "params": params})


def encode_result(id_: Id, result: Any) -> bytes:
    """The answer to request `id_`."""
    return _line({"jsonrpc": "2.0", "id": id_, "result": result})


def encode_error(id_: Id | None, error: RpcError) -> bytes:
    """A refusal of request `id_`, or of a line whose id is unknown (None)."""
    return _line({"jsonrpc": "2.0", "id": id_, "error": error.to_wire()})


def _line(message: dict[str, Any]) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def _is_id(value: object) -> bool:
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def _error_of(error: object) -> RpcError:
    # Tolerant: an answer must end its request, however odd the error that it carries.
    if not isinstance(error, dict):
        return RpcError(INTERNAL_ERROR, str(error)[:HEAD])
    code, message = error.get("code"), error.get("message")
    return RpcError(
        code if isinstance(code, int) and not isinstance(code, bool) else INTERNAL_ERROR,
        message if isinstance(message, str) else "",
        error.get("data"),
    )


def _malformed(code: Literal[-32700, -32600], reason: str, line: bytes) -> Malformed:
    return Malformed(code=code, reason=reason, size=len(line), head=_head(line[:HEAD]))


def _head(data: bytes) -> str:
    return data[:HEAD].decode("utf-8", "replace")
