"""Subscriptions as server-sent events (HTML's standard, "Server-sent events"): what is asked, and how a notification looks.

An event is named by its notification (`sessionEvent`), and its data is that one's params. On a stream of one session each
`sessionEvent` has its `seq` as id: a client that comes back with it in `Last-Event-ID` goes on behind it. No I/O.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec

from runtime.api.errors import ErrorCode
from runtime.api.events import SESSION_EVENT, SUBSCRIPTION_LAGGED
from runtime.jsonrpc import INVALID_PARAMS
from runtime.wire_json import encoded

if TYPE_CHECKING:
    from collections.abc import Iterable

LAST_EVENT_ID: Final = "Last-Event-ID"

_NUMBER: Final = re.compile("-?[0-9]{1,18}")

_STATUSES: Final = {
    ErrorCode.VM_NOT_FOUND.value: HTTPStatus.NOT_FOUND,
    ErrorCode.SESSION_NOT_FOUND.value: HTTPStatus.NOT_FOUND,
}


class _Message(msgspec.Struct):
    """A line of ours: a response, or a notification."""

    method: str | None = None
    params: msgspec.Raw = msgspec.Raw(b"{}")
    error: dict[str, Any] | None = None


class _Seq(msgspec.Struct):
    seq: int | None = None


_messages: Final = msgspec.json.Decoder(_Message)
_seqs: Final = msgspec.json.Decoder(_Seq)


def subscribe_line(query: Iterable[tuple[str, str]], last_event_id: str) -> bytes:
    """Return the request `subscribe` for the members of a query; what is wrong with them, its answer says.

    `vm` joins the parts of a name by `/`, `types` its items by commas; a `Last-Event-ID` is an `after` that counts more, "" is
    none.
    """
    params: dict[str, Any] = dict(query)
    if "/" in params.get("vm", ""):
        params["vm"] = params["vm"].split("/")
    if "types" in params:
        params["types"] = params["types"].split(",")
    if last_event_id and "sessionId" in params:
        params["after"] = last_event_id
    if _NUMBER.fullmatch(params.get("after", "")):
        params["after"] = int(params["after"])
    return encoded({"jsonrpc": "2.0", "id": 0, "method": "subscribe", "params": params})


def begins_stream(line: bytes) -> bool:
    """Say whether the answer to the request is that it is subscribed."""
    return _messages.decode(line).error is None


def refusal_status(line: bytes) -> HTTPStatus:
    """Return the status that fits the error in the answer to the request."""
    error = _messages.decode(line).error or {}
    if error.get("code") == INVALID_PARAMS:
        return HTTPStatus.BAD_REQUEST
    return _STATUSES.get(error.get("data", {}).get("code"), HTTPStatus.SERVICE_UNAVAILABLE)


def event(line: bytes) -> bytes:
    """Return a notification as an event."""
    message = _messages.decode(line)
    method = message.method or "error"  # a connection that is cut off is told why in an error of no request
    data = bytes(message.params) if message.method else encoded(message.error)
    seq = _seqs.decode(data).seq if method == SESSION_EVENT else None
    named = b"" if seq is None else b"id: %d\n" % seq
    return b"".join((named, b"event: ", method.encode(), b"\ndata: ", data, b"\n\n"))


def ends_stream(line: bytes) -> bool:
    """Say whether nothing follows: a subscriber that lags comes back, and goes on with what it has missed."""
    return _messages.decode(line).method in (None, SUBSCRIPTION_LAGGED)
