"""The gate: what a guest may send, decided before anything leaves, and then sent under observation.

`HttpGate.check` refuses synchronously, so that a guest hears of a refusal before a byte, or a DNS query, has left.
`HttpGate.send` does the rest. Redirects are answers like any other: whoever follows one sends a new request, which is
checked anew. Leaving the `send` block, or being cancelled in it, closes the connection unless the answer was read to its
end; then it is kept for the next request.

The client library sends a request's whole body before it looks for the answer, and drops the trailers of answers.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import attrs
import trio

from runtime.network.backend import Resolver, SystemResolver
from runtime.network.connections import (
    DEFAULT_PORTS,
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    Connections,
    GateRequest,
    GateResponse,
    Observer,
    Record,
    header_bytes,
)
from runtime.network.egress import Egress
from runtime.network.errors import HttpError, denied
from runtime.network.internal import PORT, SCHEME, InternalHost, is_internal
from runtime.network.policy import NetworkPolicy, canonical_host, split_authority

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

MAX_URI: Final = 32 * 1024
"""RFC 9110, 4.1 asks for at least 8000 octets."""

_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")
"""RFC 9110, 5.6.2: a token."""

_PATH = re.compile(r"[\x21-\x22\x24-\x7e]*")
"""Visible ASCII without a fragment; the server judges the rest."""


class HttpGate:
    """HTTP for the guests of one VM, under its policy. `observer` is called once for each request, also a refused one.

    `resolver` and `ssl_context` replace the system's DNS and the authorities in tests.
    """

    def __init__(
        self,
        policy: NetworkPolicy,
        observer: Observer | None = None,
        *,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        connections: Connections | None = None,
        internal: Mapping[str, InternalHost] | None = None,
        egress: Egress | None = None,
        added: NetworkPolicy | None = None,
    ) -> None:
        self._connections = connections or Connections(policy, observer, resolver or SystemResolver(), ssl_context)
        self._internal = internal or {}
        self._egress = egress or Egress()
        self._added = added or NetworkPolicy()

    def change_policy(self, policy: NetworkPolicy) -> None:
        """Let another policy be the VM's from the next request on, for this gate and all that were made from it."""
        self._connections.policy = policy

    def with_hosts(self, hosts: tuple[str, ...] | list[str]) -> HttpGate:
        """Return a gate for an agent that brings its own public hosts (ValueError for others).

        It shares this one's connections, caps and observer. That is safe because the two differ in the destination
        check only: which closed addresses are open is the VM's own list in both.
        """
        return self._derived(added=self._added.with_public(hosts))

    def with_internal(self, hosts: Mapping[str, InternalHost]) -> HttpGate:
        """Return a gate like this one for a process that reaches these hosts of the runtime (`runtime.network.internal`).

        Requests to them are not the network's: the policy does not apply and the observer does not hear of them.
        """
        return self._derived(internal=hosts)

    def with_egress(self, egress: Egress) -> HttpGate:
        """Return a gate like this one for a process of a session, with its secrets and its observer beside the VM's."""
        return self._derived(egress=egress)

    def _derived(
        self,
        *,
        internal: Mapping[str, InternalHost] | None = None,
        egress: Egress | None = None,
        added: NetworkPolicy | None = None,
    ) -> HttpGate:
        return HttpGate(
            self._connections.policy,
            connections=self._connections,
            internal=self._internal if internal is None else internal,
            egress=self._egress if egress is None else egress,
            added=self._added if added is None else added,
        )

    async def aclose(self) -> None:
        """Close every connection, as when the VM goes to sleep; the gate opens new ones when it is used again."""
        await self._connections.aclose()

    def check(self, request: GateRequest) -> None:
        """Refuse what may not be sent: HttpError with the code that the guest is told. Sends nothing."""
        record = Record.of(request)
        try:
            self._check(request, record)
        except HttpError as error:
            record.error = error.code
            self._observe(record)
            raise

    @asynccontextmanager
    async def send(self, request: GateRequest) -> AsyncIterator[GateResponse]:
        """Send a request and yield its answer as soon as its headers are there; HttpError if none comes."""
        record = Record.of(request)
        try:
            self._check(request, record)
            host = self._internal.get(record.host)
            async with self._exchange(request, record) if host is None else host.answer(request) as response:
                yield response
        except HttpError as error:
            record.error = error.code
            raise
        except (trio.Cancelled, BaseExceptionGroup):  # a group: of the attempts to connect
            record.error = "cancelled"
            raise
        finally:
            if record.host not in self._internal:
                self._observe(record)

    def _exchange(self, request: GateRequest, record: Record) -> AbstractAsyncContextManager[GateResponse]:
        headers, used = self._egress.filled_in(request.headers, record.scheme, record.host, record.port)
        if used:
            record.secrets = tuple(used)
            request = attrs.evolve(request, headers=headers)
        return self._connections.exchange(request, record)

    def _observe(self, record: Record) -> None:
        exchange = record.finished()
        self._connections.observe(exchange)
        if self._egress.observer is not None:
            self._egress.observer(exchange)

    def _check(self, request: GateRequest, record: Record) -> None:
        if request.scheme not in DEFAULT_PORTS:
            raise denied("neither http nor https")
        # CONNECT would turn the connection into a tunnel, on which nothing can be checked any more.
        if not _METHOD.fullmatch(request.method) or request.method.upper() == "CONNECT":
            raise HttpError("HTTP-request-method-invalid")
        try:
            host, port = split_authority(request.authority)
            record.host = canonical_host(host)
        except ValueError as error:
            raise HttpError("HTTP-request-URI-invalid", message=str(error)) from None
        record.port = DEFAULT_PORTS[request.scheme] if port is None else port
        if len(request.path) > MAX_URI:
            raise HttpError("HTTP-request-URI-too-long")
        if not request.path.startswith(("/", "*")) or not _PATH.fullmatch(request.path):
            raise HttpError("HTTP-request-URI-invalid")
        if len(request.headers) > MAX_HEADERS or header_bytes(request.headers) > MAX_HEADER_BYTES:
            raise HttpError("HTTP-request-header-section-size", header_bytes(request.headers))
        if is_internal(record.host):
            if record.host not in self._internal or (request.scheme, record.port) != (SCHEME, PORT):
                raise denied(f"{record.host}:{record.port} is not a host of the runtime that this process may reach")
        elif not any(
            policy.allows_destination(record.host, record.port) for policy in (self._connections.policy, self._added)
        ):
            raise denied(f"{record.host}:{record.port} is not granted")
