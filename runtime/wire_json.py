"""JSON for the wire and the state file, whatever the strings in it are."""

from __future__ import annotations

from typing import Any

import msgspec

from runtime.text import whole


def encoded(value: Any) -> bytes:
    """Encode as msgspec does, with U+FFFD for halves of characters: names of the host's files may have some.

    Raises TypeError and msgspec's errors for what is not JSON.
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_whole(msgspec.to_builtins(value, builtin_types=(bytes,))))


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole(item) for item in value]
    return value
