"""HTTP fields (headers and trailers) as wasi:http has them, and the rules on what a guest may put there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from runtime.engine import Resource, WitError
from runtime.network.connections import MAX_HEADER_BYTES, MAX_HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterable

FORBIDDEN: Final = frozenset({
    "connection",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
})  # fmt: skip
"""What wasmtime's wasi-http keeps for the host: the framing and routing of the message, and the connection's own fields."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110, 5.6.2: a token."""

_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
"""RFC 9110, 5.5: no control characters but the tab."""


class Fields(Resource):
    """A multimap from names, which are kept in lower case, to values; `mutable` says whether the guest may change it.

    Changes raise WitError with a `header-error`: invalid-syntax (also for what exceeds the caps of a header section,
    which could be sent nowhere), forbidden, immutable. Sizes are looked at first: what is too much is not read.
    """

    def __init__(self, entries: Iterable[tuple[str, bytes]] = (), *, mutable: bool = True) -> None:
        self._entries = list(entries)
        self._mutable = mutable
        self._size = _size(self._entries) if mutable else 0

    @classmethod
    def from_guest(cls, entries: list[tuple[str, bytes]]) -> Fields:
        """Return the fields that a guest lists."""
        check_count(len(entries))
        check_size(_size(entries))
        return cls([(checked_name(name), checked_value(value)) for name, value in entries])

    def frozen(self) -> Fields:
        """Return an immutable copy, for handing out the headers of a message."""
        return Fields(self._entries, mutable=False)

    def entries(self) -> list[tuple[str, bytes]]:
        """Return all fields in order."""
        return list(self._entries)

    def get(self, name: str) -> list[bytes]:
        """Return the values of a name in order, [] if there is none or the name cannot be one."""
        if len(name) > MAX_HEADER_BYTES:
            return []
        name = name.lower()
        return [value for key, value in self._entries if key == name]

    def set(self, name: str, values: list[bytes]) -> None:
        """Put these values in place of all that the name had."""
        name = self._changing(name)
        kept = [entry for entry in self._entries if entry[0] != name]
        check_count(len(kept) + len(values))
        added = [(name, value) for value in values]
        size = _size(kept) + _size(added)
        check_size(size)
        for value in values:
            checked_value(value)
        self._entries, self._size = [*kept, *added], size

    def append(self, name: str, value: bytes) -> None:
        """Add a value, after those that the name has."""
        name = self._changing(name)
        check_count(len(self._entries) + 1)
        size = self._size + len(name) + len(value)
        check_size(size)
        self._entries.append((name, checked_value(value)))
        self._size = size

    def delete(self, name: str) -> None:
        """Remove a name; it need not be there."""
        name = self._changing(name)
        self._entries = [entry for entry in self._entries if entry[0] != name]
        self._size = _size(self._entries)

    def _changing(self, name: str) -> str:
        if not self._mutable:
            raise WitError("immutable")
        return checked_name(name)


def check_count(count: int) -> None:
    """Refuse more fields than a message may have."""
    if count > MAX_HEADERS:
        raise WitError("invalid-syntax")


def check_size(size: int) -> None:
    """Refuse more bytes of names and values than a message may have."""
    if size > MAX_HEADER_BYTES:
        raise WitError("invalid-syntax")


def _size(entries: Iterable[tuple[str, bytes]]) -> int:
    return sum(len(name) + len(value) for name, value in entries)


def checked_name(name: str) -> str:
    """Return a field name in lower case; WitError if it is none, or is the host's to set."""
    check_size(len(name))
    if not _NAME.fullmatch(name):
        raise WitError("invalid-syntax")
    lower = name.lower()
    if lower in FORBIDDEN:
        raise WitError("forbidden")
    return lower


def checked_value(value: bytes) -> bytes:
    """Return a field value as it is; WitError if it holds control characters, a line end above all."""
    if not _VALUE.fullmatch(value):
        raise WitError("invalid-syntax")
    return value


def content_length(entries: Iterable[tuple[str, bytes]]) -> int | None:
    """Return the declared length of a body, None without one; ValueError if it is no single number."""
    values = {value.strip() for name, value in entries if name == "content-length"}
    if not values:
        return None
    if len(values) > 1:
        raise ValueError("several content-lengths")
    text = values.pop()
    if not re.fullmatch(rb"[0-9]{1,18}", text):
        raise ValueError("content-length is not a number")
    return int(text)
