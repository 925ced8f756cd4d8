"""What the params of an editor's requests are made of, by ACP's JSON schema, version 1.

Only what the schema insists on is looked at. Members that it marks `x-deserialize-default-on-error` may be anything, and
unknown ones are ignored, as the protocol asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import UnionType

Faults = Iterator[tuple[str, str]]
"""(JSON pointer, what is expected there)"""
Shape = Callable[[Any], Faults]

MAX_FAULTS: Final = 8
"""Told at once: enough for any honest mistake."""

MAX_VERSION: Final = 65535
"""ProtocolVersion is a uint16."""

_MISSING: Final = object()


def _is(kind: type | UnionType, name: str) -> Shape:
    def check(value: Any) -> Faults:
        if not isinstance(value, kind):
            yield "", f"{name} is expected"

    return check


def _list(item: Shape) -> Shape:
    def check(value: Any) -> Faults:
        if not isinstance(value, list):
            yield "", "a list is expected"
            return
        for index, each in enumerate(value):
            for pointer, message in item(each):
                yield f"/{index}{pointer}", message

    return check


def _object(**members: Shape) -> Shape:
    def check(value: Any) -> Faults:
        if not isinstance(value, dict):
            yield "", "an object is expected"
            return
        for name, shape in members.items():
            for pointer, message in shape(value.get(name, _MISSING)):
                yield f"/{name}{pointer}", message if name in value else "missing"

    return check


def _or_null(shape: Shape) -> Shape:
    return lambda value: iter(()) if value is None or value is _MISSING else shape(value)


def _by_type(otherwise: Shape, **shapes: Shape) -> Shape:
    """The shape of an object as its member `type` says."""

    def check(value: Any) -> Faults:
        kind = value.get("type") if isinstance(value, dict) else None
        return (shapes.get(kind, otherwise) if isinstance(kind, str) else otherwise)(value)

    return check


def _no_content(value: Any) -> Faults:
    yield ("/type" if isinstance(value, dict) else ""), "no content block of ACP"


def _version(value: Any) -> Faults:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_VERSION:
        yield "", f"an integer from 0 to {MAX_VERSION} is expected"


def _resource(value: Any) -> Faults:
    yield from _object(uri=_TEXT)(value)
    if isinstance(value, dict) and not any(isinstance(value.get(name), str) for name in ("text", "blob")):
        yield "", "the string text or blob is expected"


_TEXT: Final = _is(str, "a string")
_PAIRS: Final = _list(_object(name=_TEXT, value=_TEXT))
_REMOTE: Final = _object(name=_TEXT, url=_TEXT, headers=_PAIRS)
_SERVERS: Final = _list(
    _by_type(_object(name=_TEXT, command=_TEXT, args=_list(_TEXT), env=_PAIRS), http=_REMOTE, sse=_REMOTE)
)
_MEDIUM: Final = _object(data=_TEXT, mimeType=_TEXT)
_CONTENT: Final = _by_type(
    _no_content,
    text=_object(text=_TEXT),
    image=_MEDIUM,
    audio=_MEDIUM,
    resource_link=_object(name=_TEXT, uri=_TEXT),
    resource=_object(resource=_resource),
)
_PLACE: Final = {"cwd": _TEXT, "additionalDirectories": _or_null(_list(_TEXT))}
_SESSION: Final = {"sessionId": _TEXT}

SHAPES: Final[dict[str, Shape]] = {
    "initialize": _object(protocolVersion=_version),
    "authenticate": _object(methodId=_TEXT),
    "session/new": _object(**_PLACE, mcpServers=_SERVERS),
    "session/load": _object(**_SESSION, **_PLACE, mcpServers=_SERVERS),
    "session/resume": _object(**_SESSION, **_PLACE, mcpServers=_or_null(_SERVERS)),
    "session/fork": _object(**_SESSION, **_PLACE, mcpServers=_or_null(_SERVERS)),
    "session/list": _object(cwd=_or_null(_TEXT), cursor=_or_null(_TEXT)),
    "session/close": _object(**_SESSION),
    "session/delete": _object(**_SESSION),
    "session/prompt": _object(**_SESSION, prompt=_list(_CONTENT)),
    "session/set_mode": _object(**_SESSION, modeId=_TEXT),
    "session/set_config_option": _by_type(
        _object(**_SESSION, configId=_TEXT, value=_TEXT),
        boolean=_object(**_SESSION, configId=_TEXT, value=_is(bool | str, "a boolean or a string")),
    ),
}
"""Method -> the shape of its params."""


def faults(method: str, params: Any) -> list[tuple[str, str]]:
    """What is wrong with the params of a request; nothing for a method that is not ours."""
    shape = SHAPES.get(method)
    return [] if shape is None else list(islice(shape(params), MAX_FAULTS))
