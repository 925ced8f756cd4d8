"""Connections that go to checked addresses only.

httpcore asks its backend for a connection to a host name. This one resolves the name itself, once, checks the answers,
and dials an address, never the name: a second DNS answer, for another address, has no place to come in.
"""

from __future__ import annotations

import math
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from ipaddress import ip_address
from typing import Any, Final

import httpcore
import trio

from runtime.network.errors import HttpError
from runtime.network.policy import Address, NetworkPolicy, parse_address

Resolver = Callable[[str, int], Awaitable[list[str]]]

LOOKUPS: Final = 4
"""Of one VM at a time: an agent speaks to a few hosts, and each takes a thread for as long as no answer comes."""

MAX_ADDRESSES: Final = 8
"""Tried for one connection; more would only lengthen the wait for a host that is down."""

ATTEMPT_TIMEOUT: Final = 5.0
"""Seconds for an address while others are left: a broken IPv6 route must not eat it all."""


class SystemResolver:
    """The system's DNS, on threads of its own: each VM has one, and names that nobody answers for hold up that VM alone."""

    def __init__(self) -> None:
        self._threads = trio.CapacityLimiter(LOOKUPS)

    async def __call__(self, host: str, port: int) -> list[str]:
        """Return the addresses of a name in the system's order of preference; socket.gaierror if it has none."""
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        # Cancelled, it is left to itself, and keeps its place among the threads until it ends.
        found = await trio.to_thread.run_sync(look_up, limiter=self._threads, abandon_on_cancel=True)
        return [str(sockaddr[0]) for _, _, _, _, sockaddr in found]


class Wire(httpcore.AsyncNetworkStream):
    """A connection that tells httpcore's pool when it is not to be used for another request."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._spoiled = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's interface
        """See httpcore."""
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as above
        """See httpcore."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """See httpcore."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> Wire:
        """See httpcore."""
        return Wire(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """See httpcore: when there is something to read while nothing is asked, the connection is closed."""
        return (info == "is_readable" and self._spoiled) or self._stream.get_extra_info(info)

    def spoil(self) -> None:
        """Have it not be used again."""
        self._spoiled = True

    def has_more(self) -> bool:
        """Whether a record of TLS has come that nobody has read. One is read, then: the connection is to be spoilt."""
        tls = self._stream.get_extra_info("ssl_object")
        if tls is None:
            return False
        try:
            tls.read(1)
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            pass
        return True


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """httpcore's network under a policy. It raises HttpError where it refuses, and httpcore's errors otherwise."""

    def __init__(self, policy: NetworkPolicy, resolver: Resolver) -> None:
        self.policy = policy
        self._resolver = resolver
        self._trio = httpcore.TrioBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Wire:
        """Connect to the first address of the host that is allowed and answers, within `timeout` seconds in all."""
        deadline = trio.current_time() + (math.inf if timeout is None else timeout)
        with trio.move_on_at(deadline) as scope:
            addresses = await self._addresses(host, port)
        if scope.cancelled_caught:
            raise HttpError("DNS-timeout")
        for remaining in range(len(addresses) - 1, -1, -1):
            address = addresses[-1 - remaining]
            left = max(0.0, deadline - trio.current_time())
            try:
                seconds = min(left, ATTEMPT_TIMEOUT) if remaining else left
                return Wire(await self._trio.connect_tcp(str(address), port, seconds, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not remaining:
                    raise
        raise HttpError("DNS-error", (None, None), f"{host} has no address")

    async def _addresses(self, host: str, port: int) -> list[Address]:
        literal = parse_address(host)
        found = [literal] if literal is not None else [ip_address(text) for text in await self._resolver(host, port)]
        allowed = [address for address in found if self.policy.allows_address(host, port, address)]
        if found and not allowed:
            raise HttpError("destination-IP-prohibited", message=f"{host} resolves to closed addresses only")
        return list(dict.fromkeys(allowed))[:MAX_ADDRESSES]
