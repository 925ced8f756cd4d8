"""Lines of JSON-RPC in both directions. Nothing here does I/O."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from runtime.text import outline, read_anyway, whole

Id: TypeAlias = "int | float | str | None"
Message: TypeAlias = "dict[str, Any]"

MAX_LINE: Final = 31 * 1024 * 1024
"""Longest line of the editor, in bytes: what it says goes to the daemon in a line of ours, of which it takes 32 MiB."""

MAX_CALL: Final = 32 * 1024 * 1024
"""Longest line to the daemon: it hangs up at a longer one (`runtime.rpc.framing.MAX_LINE`). A number may take more digits there
than the editor has written."""

HEAD: Final = 500
"""Bytes kept of a longer one, in which its id may be."""

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
REQUEST_CANCELLED: Final = -32800
RESOURCE_NOT_FOUND: Final = -32002


class LineError(Exception):
    """A line that is no message; `code` is what JSON-RPC calls it, `id` what to answer under, if that can be known."""

    def __init__(self, code: int, message: str, id_: Id = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.id = id_


@dataclass(frozen=True, slots=True)
class TooLong:
    """A line that was too long to be kept."""

    head: bytes
    """How it begins."""


Line: TypeAlias = "bytes | TooLong"


class Lines:
    """Cuts a stream of bytes into lines."""

    def __init__(self, max_line: int | None = None) -> None:
        self._max_line = max_line
        self._buffer = bytearray()
        self._searched = 0
        self._skipping: bytes | None = None  # the head of the line that is too long

    def feed(self, data: bytes) -> list[Line]:
        """Take the next bytes; return the lines that they complete."""
        lines: list[Line] = []
        self._buffer += data
        start = 0
        while (end := self._buffer.find(b"\n", max(start, self._searched))) >= 0:
            if self._skipping is None and self._max_line is not None and end - start > self._max_line:
                self._skipping = bytes(self._buffer[start : start + HEAD])
            lines.append(bytes(self._buffer[start:end]) if self._skipping is None else TooLong(self._skipping))
            self._skipping = None
            start = self._searched = end + 1
        del self._buffer[:start]
        if self._max_line is not None and len(self._buffer) > self._max_line:
            self._skipping = self._skipping or bytes(self._buffer[:HEAD])
            self._buffer.clear()
        self._searched = len(self._buffer)
        return lines

    def rest(self) -> list[Line]:
        """Return the last line of a stream that has ended, if it had no newline."""
        return self.feed(b"\n") if self._buffer or self._skipping is not None else []


def decode(line: Line) -> Message | None:
    """Return the message in a line, None for an empty one. Raises LineError."""
    if isinstance(line, TooLong):
        raise LineError(INVALID_REQUEST, f"the line is longer than {MAX_LINE} bytes", _id_of(outline(line.head)))
    if not line.strip():
        return None
    try:
        message = json.loads(line, parse_constant=_not_json, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise LineError(PARSE_ERROR, f"Parse error: {error}", _id_of(_anyway(line))) from error
    if not isinstance(message, dict):
        raise LineError(INVALID_REQUEST, "Invalid request: one object a line is expected, and no batches")
    if "method" in message and not isinstance(message["method"], str):
        raise LineError(INVALID_REQUEST, "Invalid request: method is not a string", _id_of(message))
    if message.get("id") is not None and _id_of(message) is None:
        raise LineError(INVALID_REQUEST, "Invalid request: id is neither a number nor a string")
    return message


def _anyway(line: bytes) -> Any:
    """What can be known of a line that is no JSON, by the daemon's rules: nothing if it is none at all."""
    try:
        return read_anyway(line)
    except RecursionError:
        return outline(line)
    except ValueError:
        return None


def _id_of(message: Any) -> Id:
    id_ = message.get("id") if isinstance(message, dict) else None
    return id_ if isinstance(id_, int | float | str) and not isinstance(id_, bool) else None


def _not_json(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits} is out of range")
    return number


def encode(message: Message) -> bytes:
    """Return a message as a line. What UTF-8 cannot carry (half of a character) becomes U+FFFD."""
    text = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False, separators=(",", ":"))
    return whole(text).encode() + b"\n"
