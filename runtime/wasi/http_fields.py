"""HTTP fields (headers and trailers) as wasi:http has them, and the rules on what a guest may put there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from runtime.engine import Resource, WitError
from runtime.network.connections import MAX_HEADER_BYTES, MAX_HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterable

# What wasmtime's wasi-http keeps for the host: the framing and routing of the message, and the connection's own fields.
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
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2: a token
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, 5.5: no control characters but the tab


class Fields(Resource):
    """A multimap from names, which are kept in lower case, to values; `mutable` says whether the guest may change it.

    Changes raise WitError with a `header-error`: invalid-syntax (also for what exceeds the caps of a header section,
    which could be sent nowhere), forbidden, immutable.
    """

    def __init__(self, entries: Iterable[tuple[str, bytes]] = (), *, mutable: bool = True) -> None:
        self._entries = list(entries)
        self._mutable = mutable

    @classmethod
    def from_guest(cls, entries: list[tuple[str, bytes]]) -> Fields:
        """Return the fields that a guest lists."""
        fields = cls()
        fields.check_room(entries)
        fields._entries = [(checked_name(name), checked_value(value)) for name, value in entries]
        return fields

    def frozen(self) -> Fields:
        """Return an immutable copy, for handing out the headers of a message."""
        return Fields(self._entries, mutable=False)

    def entries(self) -> list[tuple[str, bytes]]:
        """Return all fields in order."""
        return list(self._entries)

    def get(self, name: str) -> list[bytes]:
        """Return the values of a name in order, [] if there is none or the name cannot be one."""
        name = name.lower()
        return [value for key, value in self._entries if key == name]

    def set(self, name: str, values: list[bytes]) -> None:
        """Put these values in place of all that the name had."""
        name = self._changing(name)
        kept = [entry for entry in self._entries if entry[0] != name]
        added = [(name, checked_value(value)) for value in values]
        self.check_room([*kept, *added])
        self._entries = [*kept, *added]

    def append(self, name: str, value: bytes) -> None:
        """Add a value, after those that the name has."""
        entry = (self._changing(name), checked_value(value))
        self.check_room([*self._entries, entry])
        self._entries.append(entry)

    def delete(self, name: str) -> None:
        """Remove a name; it need not be there."""
        name = self._changing(name)
        self._entries = [entry for entry in self._entries if entry[0] != name]

    @staticmethod
    def check_room(entries: list[tuple[str, bytes]]) -> None:
        """Refuse more fields, or more bytes of them, than a message may have."""
        if len(entries) > MAX_HEADERS or sum(len(name) + len(value) for name, value in entries) > MAX_HEADER_BYTES:
            raise WitError("invalid-syntax")

    def _changing(self, name: str) -> str:
        if not self._mutable:
            raise WitError("immutable")
        return checked_name(name)


def checked_name(name: str) -> str:
    """Return a field name in lower case; WitError if it is none, or is the host's to set."""
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
