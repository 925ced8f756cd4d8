"""Lines of JSON-RPC in both directions. Nothing here does I/O."""

from __future__ import annotations

import json
from typing import Any, Final, TypeAlias

Id: TypeAlias = "int | str | None"
Message: TypeAlias = "dict[str, Any]"

MAX_LINE: Final = 31 * 1024 * 1024
"""Longest line of the editor, in bytes: what it says goes to the daemon in a line of ours, of which it takes 32 MiB."""

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
REQUEST_CANCELLED: Final = -32800
RESOURCE_NOT_FOUND: Final = -32002


class LineError(Exception):
    """A line that is no message; `code` is what JSON-RPC calls it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Lines:
    """Cuts a stream of bytes into lines."""

    def __init__(self, max_line: int | None = None) -> None:
        self._max_line = max_line
        self._buffer = bytearray()
        self._searched = 0
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes | None]:
        """Take the next bytes; return the lines that they complete, None for one that was too long to be kept."""
        lines: list[bytes | None] = []
        self._buffer += data
        start = 0
        while (end := self._buffer.find(b"\n", max(start, self._searched))) >= 0:
            too_long = self._skipping or (self._max_line is not None and end - start > self._max_line)
            lines.append(None if too_long else bytes(self._buffer[start:end]))
            self._skipping = False
            start = self._searched = end + 1
        del self._buffer[:start]
        if self._max_line is not None and len(self._buffer) > self._max_line:
            self._skipping = True
            self._buffer.clear()
        self._searched = len(self._buffer)
        return lines


def decode(line: bytes | None) -> Message | None:
    """Return the message in a line, None for an empty one. Raises LineError."""
    if line is None:
        raise LineError(INVALID_REQUEST, f"the line is longer than {MAX_LINE} bytes")
    try:
        message = json.loads(line) if line.strip() else None
    except (ValueError, RecursionError) as error:
        raise LineError(PARSE_ERROR, f"Parse error: {error}") from error
    if message is None:
        return None
    if not isinstance(message, dict):
        raise LineError(INVALID_REQUEST, "Invalid request: one object a line is expected, and no batches")
    method, id_ = message.get("method"), message.get("id")
    if "method" in message and not isinstance(method, str):
        raise LineError(INVALID_REQUEST, "Invalid request: method is not a string")
    if isinstance(id_, bool) or not (id_ is None or isinstance(id_, int | str)):
        raise LineError(INVALID_REQUEST, "Invalid request: id is neither an integer nor a string")
    return message


def encode(message: Message) -> bytes:
    """Return a message as a line. What UTF-8 cannot carry (half of a surrogate pair) becomes a question mark."""
    text = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace") + b"\n"
