"""Lines of JSON-RPC in both directions. Nothing here does I/O."""

from __future__ import annotations

import json
import math
from typing import Any, Final, TypeAlias

from runtime import jsonrpc
from runtime.jsonrpc import INVALID_REQUEST, PARSE_ERROR, Line, TooLong
from runtime.text import outline, read_anyway, whole

Id: TypeAlias = "int | float | str | None"
Message: TypeAlias = "dict[str, Any]"

MAX_LINE: Final = 31 * 1024 * 1024
"""Longest line of the editor, in bytes: what it says goes to the daemon in a line of ours, of which it takes 32 MiB
(`runtime.api.limits.MAX_LINE`)."""


class LineError(Exception):
    """A line that is no message; `code` is what JSON-RPC calls it, `id` what to answer under, if that can be known."""

    def __init__(self, code: int, message: str, id_: Id = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.id = id_


def decode(line: Line) -> Message:
    """Return the message in a line. Raises LineError."""
    if isinstance(line, TooLong):
        raise LineError(INVALID_REQUEST, f"the line is longer than {MAX_LINE} bytes", _id_of(outline(line.head)))
    text = jsonrpc.joined(line)
    try:
        message = json.loads(text, parse_constant=_not_json, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise LineError(PARSE_ERROR, f"Parse error: {error}", _id_of(_anyway(text))) from error
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
    return jsonrpc.encode(message, whole)
