"""What a session adds to its VM's gate for the processes that it starts: placeholders for secrets, and an observer.

A placeholder is a token that stands for a secret in a guest's environment. The gate puts the secret in its place in the
values of request headers, also within basic authentication, and nowhere else: not in a path, a query or a body, where
servers log and echo what they get. It does so only in requests to the hosts that the secret names, and only where nobody on
the way can read it: over TLS, or to a loopback address. In any other request the token goes out as it is, and is worth
nothing.

Redirects need no rule of their own: the guest follows one with a new request, and that goes to another host or does not.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

import attrs

from runtime.network.policy import LOCALHOST, Grant, parse_address, parse_grant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runtime.network.connections import HttpExchange, RawHeader

_HEADER_TEXT: Final = re.compile(r"[\x20-\x7e]+")
"""RFC 9110, 5.5: what every server takes in a header's value."""


@attrs.frozen
class Placeholder:
    """A token, and the secret that takes its place."""

    name: str
    """The secret's name, for the record."""
    token: str
    value: str = attrs.field(repr=False)
    hosts: tuple[Grant, ...]

    def is_for(self, scheme: str, host: str, port: int) -> bool:
        """Whether a request to this host (in canonical form) may carry the secret."""
        private = scheme == "https" or host == LOCALHOST or _is_loopback(host)
        return private and any(grant.covers(host, port) for grant in self.hosts)


@attrs.frozen
class Egress:
    """See the module's text. Without anything in it a gate is what it was."""

    placeholders: tuple[Placeholder, ...] = ()
    observer: Callable[[HttpExchange], None] | None = None

    def filled_in(
        self, headers: list[RawHeader], scheme: str, host: str, port: int
    ) -> tuple[list[RawHeader], list[str]]:
        """The headers as they are sent to this host, and the names of the secrets that are in them."""
        used = []
        for placeholder in self.placeholders:
            token = placeholder.token.encode()
            if placeholder.is_for(scheme, host, port):
                secret = placeholder.value.encode()
                filled = [(name, _replaced(name, value, token, secret)) for name, value in headers]
                if filled != headers:
                    headers = filled
                    used.append(placeholder.name)
        return headers, used


def _replaced(name: str, value: bytes, token: bytes, secret: bytes) -> bytes:
    """A header's value with the secret in place of the token, also within basic authentication (RFC 7617)."""
    if token in value:
        return value.replace(token, secret)
    way, _, encoded = value.partition(b" ")
    if name.lower() != "authorization" or way.lower() != b"basic":
        return value
    try:
        pair = base64.b64decode(encoded.strip(b" "), validate=True)
    except binascii.Error:
        return value
    return way + b" " + base64.b64encode(pair.replace(token, secret)) if token in pair else value


def secret_hosts(entries: Iterable[str]) -> tuple[Grant, ...]:
    """Read the hosts of a secret: as in an allow list, but not every host (`*`). Raises ValueError."""
    grants = tuple(parse_grant(entry) for entry in entries)
    if any(grant.host == "*" for grant in grants):
        raise ValueError("a secret is for hosts that are named, and not for every host")
    return grants


def fits_header(value: str) -> bool:
    """Whether a secret can be sent in a header: visible ASCII and spaces, above all no line end."""
    return _HEADER_TEXT.fullmatch(value) is not None


def _is_loopback(host: str) -> bool:
    address = parse_address(host)
    return address is not None and address.is_loopback
