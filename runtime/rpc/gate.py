"""Access over HTTP: a peer is admitted or refused by its handshake's headers, before anything else is done with it.

A Unix socket is guarded by the kernel; a TCP port is open to every program of every user and to every web page that a
browser on this machine shows. So three things are asked for. The token: only who can read it may come in. The `Origin`,
which browsers send with each handshake and pages cannot forge: a page of somebody else's may not. And the `Host`, against
DNS rebinding: a page may make its own name point here, but then that name stands in `Host`.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import attrs

if TYPE_CHECKING:
    from websockets.datastructures import Headers

PATH: Final = "/rpc"
BEARER: Final = "bearer "
BEARER_SUBPROTOCOL: Final = "bearer."

_HOST: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")

Refusal = tuple[HTTPStatus, str]


@attrs.frozen
class Gate:
    """The rules of one daemon."""

    token: str = attrs.field(repr=False)
    """What clients have to show."""
    origins: frozenset[str] = frozenset()
    """Origins that are let in besides the daemon's own, such as `https://app.example.com`."""
    public: bool = False
    """Whether others than this machine may connect: then any address, but still no foreign name, may stand in `Host`."""
    path: str = PATH
    """Where it is served."""

    def refusal(self, path: str, headers: Headers, others: frozenset[str] = frozenset()) -> Refusal | None:
        """Return why a handshake, or a request for one of `others` besides, is refused, None for one that may go on."""
        foreign = self.foreign(headers)
        if foreign is not None:
            return foreign
        if path.partition("?")[0] not in {self.path, *others}:
            return HTTPStatus.NOT_FOUND, f"What is served here is at {self.path}."
        if not any(self._is_token(given) for given in _given_tokens(headers)):
            return HTTPStatus.UNAUTHORIZED, "A bearer token is required."
        return None

    def foreign(self, headers: Headers) -> Refusal | None:
        """Return why a request is refused for its `Host` or its `Origin`, None where both are ours."""
        host = self._host(headers)
        if host is None:
            return HTTPStatus.FORBIDDEN, "This Host is not served."
        if not self._origin_allowed(headers.get_all("Origin"), host):
            return HTTPStatus.FORBIDDEN, "This Origin is not allowed."
        return None

    def _host(self, headers: Headers) -> str | None:
        """Return the `Host` as it was given, in lower case, if there is one and it is one of ours."""
        hosts = headers.get_all("Host")
        given = hosts[0].lower() if len(hosts) == 1 else ""
        match = _HOST.fullmatch(given)
        if match is None:
            return None
        name = match["name"].strip("[]")
        if name == "localhost" or name in {urlsplit(origin).hostname for origin in self.origins}:
            return given
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return None
        return given if self.public or address.is_loopback else None

    def _origin_allowed(self, origins: list[str], host: str) -> bool:
        if not origins:
            return True  # no browser
        origin = origins[0].lower()
        return len(origins) == 1 and (origin in self.origins or origin in {f"http://{host}", f"https://{host}"})

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self.token.encode())


def _given_tokens(headers: Headers) -> list[str]:
    """Return what the peer shows: in `Authorization`, or as a subprotocol, for clients that cannot set headers."""
    credentials = [value for value in headers.get_all("Authorization") if value.lower().startswith(BEARER)]
    offered = [item.strip() for value in headers.get_all("Sec-WebSocket-Protocol") for item in value.split(",")]
    return [value[len(BEARER) :].strip() for value in credentials] + [
        item.removeprefix(BEARER_SUBPROTOCOL) for item in offered if item.startswith(BEARER_SUBPROTOCOL)
    ]
