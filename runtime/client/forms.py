"""Values as programs have them, and as they travel: bytes, points in the past, mappings. The standard library alone."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")
Json = dict[str, Any]


def sent(content: str | bytes | None) -> str | Json | None:
    """Return text or bytes as they travel."""
    return {"base64": base64.b64encode(content).decode()} if isinstance(content, bytes) else content


def received(content: str | Json) -> str | bytes:
    """Return a content of the wire form as text or bytes."""
    return content if isinstance(content, str) else base64.b64decode(content["base64"])


def point(value: str | tuple[str, int] | Mapping[str, object] | None) -> str | Mapping[str, object] | None:
    """Return a snapshot's name, or an event (a session's id with its seq), as it travels."""
    return {"sessionId": value[0], "seq": value[1]} if isinstance(value, tuple) else value


def command_params(line: str | Iterable[str]) -> Json:
    """Return the params that say which command is meant: a line, or its words."""
    return {"command": line} if isinstance(line, str) else {"argv": list(line)}


def files_to_write(files: Mapping[str, str | bytes]) -> list[Json]:
    """Return files, by path, as they travel."""
    return [{"path": path, "content": sent(content)} for path, content in files.items()]


def listed(values: Iterable[T] | None) -> list[T] | None:
    """Return a list, which can be encoded."""
    return None if values is None else list(values)


def mapped(values: Mapping[str, T] | None) -> dict[str, T] | None:
    """Return a dict, which can be encoded."""
    return None if values is None else dict(values)


def some(options: Json) -> Json | None:
    """Return the options that were given, None when none was."""
    return {name: value for name, value in options.items() if value is not None} or None
