"""NDJSON frames of JSON-RPC 2.0: bytes from an agent in, classified messages out; and the encoders for the way back.

The peer is a guest, so nothing it writes may raise here, and nothing may make us keep more than one line of it. A line
that is not whole as text is taken for what it means (`runtime.text`). One that is no message becomes a `Malformed`, one that
is too long a `TooLong`, both with what can be known of them, and the stream goes on behind it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import msgspec

from runtime import jsonrpc
from runtime.jsonrpc import INTERNAL_ERROR, INVALID_REQUEST, PARSE_ERROR, Line, Lines, Long
from runtime.large_json import SMALL_BYTES, TooManyItemsError, one, shortened
from runtime.text import beginning, outline, read_anyway, whole
from runtime.wire_json import encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LINE: Final = 16 * 1024 * 1024
"""Longest line of an agent, in bytes: half of what the API allows in one line, so that every message that we accept
still fits into one notification to a client. Lines over 64 KiB have a bound on their members besides
(`runtime.large_json.MAX_ITEMS`)."""

HEAD: Final = 200
"""Bytes of a line that was refused which are kept for its record: enough to recognise a stray log line by."""

MAX_TORN: Final = 64 * 1024
"""Bytes of the longest line that is looked at for half a character at the end of a chunk: deltas of models have a few words,
and what is that long was not cut by a model's server."""

_END_BYTES: Final = 1024
"""Of a line, as in `runtime.text.outline`: what tells whom it was meant for."""

_MENDED_BYTES: Final = 256 * 1024
"""Of a large line, without its long strings, that are read anyway if they are no JSON: 5 ms."""


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
    torn_text: str | bytes | None = None
    """The text as it came of a chunk that has halves of characters in it, bytes if it is not UTF-8; `params` has U+FFFD for
    them."""


@attrs.frozen
class Response:
    """An answer. `id` is None where the peer could not tell which request it answers."""

    id: Id | None
    result: Any = None
    error: ErrorObject | None = None


@attrs.frozen
class ErrorObject:
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
    request: Id | None = None
    """The id of the request that it was meant to be, where that is known."""
    answers: tuple[Id | None, ...] = ()
    """The ids of the requests of ours that it was meant to answer; None for an answer that does not tell which."""


@attrs.frozen
class TooLong:
    """A line over `MAX_LINE`; its content was skipped as it came."""

    size: int
    head: str
    request: Id | None = None
    """As in `Malformed`."""
    answers: tuple[Id | None, ...] = ()


@attrs.frozen
class Large:
    """A line that takes a while to decode."""

    pieces: list[bytes]

    async def frame(self) -> Frame:
        """What it is, in small steps."""
        return await decode_large_line(await one(self.pieces))


Message: TypeAlias = "Request | Notification | Response"
Frame: TypeAlias = "Message | Malformed | TooLong"


class Decoder:
    """Cuts a byte stream into lines and those into frames."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._lines = Lines(max_line)

    @property
    def buffered(self) -> int:
        """Bytes of an unfinished line that are held."""
        return self._lines.held

    def feed(self, data: bytes) -> list[Frame | Large]:
        """Take the next bytes, any cut, and return the frames that they complete, in order."""
        self._lines.push(data)
        return [_frame(line) for line in self._lines]

    def finish(self) -> list[Frame | Large]:
        """Return the last line, if it is a message without its newline; one that was cut off (Malformed) is nothing."""
        return [frame for frame in self.feed(b"\n") if not isinstance(frame, Malformed | TooLong)]


def _frame(line: Line) -> Frame | Large:
    if isinstance(line, jsonrpc.TooLong):
        return too_long(line)
    return Large(line.pieces) if isinstance(line, Long) else decode_line(line)


def too_long(line: jsonrpc.TooLong) -> TooLong:
    """What can be known of a line that was too long."""
    return TooLong(line.size, _head(line.head), **_meant(outline(line.head)))


def decode_line(line: bytes) -> Frame:
    """Decode and classify one line without its newline."""
    try:
        value = msgspec.json.decode(line)
    except (ValueError, RecursionError) as error:
        return _decode_anyway(line, error)
    return _classified(value, line)


async def decode_large_line(line: bytes) -> Frame:
    """As `decode_line`, in small steps: for lines over `large_json.SMALL_BYTES`."""
    try:
        short = await shortened(line, _read_string)
        try:
            value = msgspec.json.decode(short.rest)
        except ValueError:
            if len(short.rest) > _MENDED_BYTES:
                raise
            value = read_anyway(short.rest)
        return _classified(await short.filled(value), line)
    except TooManyItemsError as error:
        code, reason = INVALID_REQUEST, str(error)
    except ValueError as error:
        code, reason = PARSE_ERROR, str(error)
    except RecursionError:
        code, reason = PARSE_ERROR, "nested too deeply"
    return Malformed(code, reason, len(line), _head(line), **_meant(outline(line[:_END_BYTES] + line[-_END_BYTES:])))


async def read_line(line: bytes) -> Frame:
    """As `decode_line`, in small steps where the line is large."""
    return decode_line(line) if len(line) <= SMALL_BYTES else await decode_large_line(line)


def _read_string(text: bytes) -> str:
    try:
        string: str = msgspec.json.decode(text)
    except ValueError:
        string = read_anyway(text)
    return string


def whole_line(line: bytes) -> bytes:
    """The line as JSON that every reader takes, for callers that pass a decoded line on; the line itself if it is no JSON."""
    try:
        msgspec.json.decode(line)
    except RecursionError:
        return line
    except ValueError:
        try:
            return encoded(read_anyway(line))
        except (ValueError, RecursionError):
            return line
    return line


def _decode_anyway(line: bytes, error: Exception) -> Frame:
    reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
    try:
        frame = _classified(read_anyway(line), line)
    except (ValueError, RecursionError):
        return Malformed(PARSE_ERROR, reason, len(line), _head(line), **_meant(outline(line)))
    if isinstance(frame, Notification) and len(line) <= MAX_TORN:
        return attrs.evolve(frame, torn_text=_torn_text(line))
    return frame


def _classified(value: Any, line: bytes) -> Frame:
    if isinstance(value, list):
        meant = [_meant(each) for each in value if isinstance(each, dict)]
        answers = tuple(id_ for each in meant for id_ in each.get("answers", ()))
        return Malformed(INVALID_REQUEST, "a batch, which ACP does not have", len(line), _head(line), answers=answers)
    if not isinstance(value, dict):
        return Malformed(INVALID_REQUEST, "not an object", len(line), _head(line))
    id_ = _id(value.get("id"))
    reason = "id is neither an integer nor a string"
    if "method" in value:
        if not isinstance(value["method"], str):
            reason = "method is not a string"
        elif "id" not in value:
            return Notification(value["method"], value.get("params"))
        elif id_ is not None:
            return Request(id_, value["method"], value.get("params"))
    elif not _is_answer(value):
        reason = "neither a method nor an answer"
    elif id_ is not None or value.get("id") is None:
        failed = value.get("error") is not None
        return Response(id_, error=_error_of(value["error"])) if failed else Response(id_, result=value.get("result"))
    return Malformed(INVALID_REQUEST, reason, len(line), _head(line), **_meant(value))


def encode_request(id_: Id, method: str, params: Sequence[bytes]) -> list[bytes]:
    """One request as a line, in parts; `params` is JSON, in parts as well."""
    head = encoded({"jsonrpc": "2.0", "id": id_, "method": method})[:-1]
    return [head + b',"params":', *params, b"}\n"]


def encode_notification(method: str, params: Any) -> bytes:
    """One notification as a line."""
    return _line({"jsonrpc": "2.0", "method": method, "params": params})


def encode_result(id_: Id, result: Any) -> bytes:
    """The answer to request `id_`."""
    return _line({"jsonrpc": "2.0", "id": id_, "result": result})


def encode_error(id_: Id | None, error: ErrorObject) -> bytes:
    """A refusal of request `id_`, or of a line whose id is unknown (None)."""
    return _line({"jsonrpc": "2.0", "id": id_, "error": error.to_wire()})


def _line(message: dict[str, Any]) -> bytes:
    return encoded(message) + b"\n"


def _id(value: object) -> Id | None:
    """An id as we take it, None for what is none. JSON has one kind of number: 3.0 is 3."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (int, str)) and not isinstance(value, bool) else None


def _is_answer(members: dict[str, Any]) -> bool:
    """Whether a message without a method is an answer: JSON.stringify leaves out a result that is undefined."""
    return members.get("error") is not None or "result" in members or ("jsonrpc" in members and "id" in members)


def _meant(members: dict[str, Any]) -> dict[str, Any]:
    """What a message of these members was meant for, which is not taken: `request` and `answers` of its frame."""
    id_ = _id(members.get("id"))
    if "method" in members:
        return {"request": id_}
    return {"answers": (id_,)} if "jsonrpc" in members and _is_answer(members) else {}


def _torn_text(line: bytes) -> str | bytes | None:
    """The text of a chunk with halves of characters, as it came: bytes if they are not UTF-8; None if it is none."""
    try:
        try:
            text = _chunk_text(line.decode("utf-8", "surrogatepass"))
        except UnicodeDecodeError:
            return _chunk_text(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    except (ValueError, RecursionError, LookupError, TypeError):
        return None
    return text if text != whole(text) else None


def _chunk_text(line: str) -> str:
    text = json.loads(line, strict=False)["params"]["update"]["content"]["text"]
    if not isinstance(text, str):
        raise TypeError
    return text


def _error_of(error: object) -> ErrorObject:
    # Tolerant: an answer must end its request, however odd the error that it carries.
    if not isinstance(error, dict):
        return ErrorObject(INTERNAL_ERROR, str(error)[:HEAD])
    code, message = error.get("code"), error.get("message")
    return ErrorObject(
        code if isinstance(code, int) and not isinstance(code, bool) else INTERNAL_ERROR,
        message if isinstance(message, str) else "",
        error.get("data"),
    )


def _head(line: bytes) -> str:
    return beginning(line, HEAD)
