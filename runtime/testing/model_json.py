"""JSON as models' servers write it: they cut text by UTF-16 units, too, and halves of characters travel as escapes."""

from __future__ import annotations

import json
from typing import Any

import msgspec


def encoded(value: Any) -> bytes:
    """Encode a body or the data of an event."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value), separators=(",", ":")).encode()
