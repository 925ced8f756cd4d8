"""Requests on the wire: httpcore's pool over the checked backend, and an answer that streams.

What is here trusts its input; `runtime.network.gate` decides beforehand whether a request may be sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, Protocol

import attrs
import httpcore
import trio

from runtime.network.authorities import authorities
from runtime.network.backend import CheckedBackend, Resolver, Wire
from runtime.network.errors import HttpError, from_cause

if TYPE_CHECKING:
    import ssl

    from runtime.network.policy import NetworkPolicy

RawHeader = tuple[str, bytes]

MAX_REQUESTS: Final = 64
"""One VM's share of sockets. Agents run a handful of requests at once; a guest that runs hundreds is broken or hostile."""

MAX_IDLE_CONNECTIONS: Final = 8
"""Kept for reuse, for some different hosts; each costs a TLS session's memory."""

IDLE_SECONDS: Final = 30.0
"""Below the 60 s after which common servers and balancers hang up by themselves."""

MAX_HEADERS: Final = 256
"""Fields of one message; browsers and SDKs send about 30, hyper takes 100 unless told."""

MAX_HEADER_BYTES: Final = 64 * 1024
"""Of names and values together; nginx takes 32 KiB, Node 16 KiB."""

CONNECT_TIMEOUT: Final = 30.0
"""DNS, TCP and TLS, in seconds."""

READ_TIMEOUT: Final = 600.0
"""A language model thinks for minutes before its first byte, and may pause as long between two. Their own SDKs give up
after ten minutes; below that a deadline would only break working answers."""

WRITE_TIMEOUT: Final = 60.0
"""For a piece of a request body that the server does not take."""

SWITCHING_PROTOCOLS: Final = 101

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@attrs.frozen
class Timeouts:
    """How long a request may wait, in seconds, at each of its stages."""

    connect: float = CONNECT_TIMEOUT
    first_byte: float = READ_TIMEOUT
    between_bytes: float = READ_TIMEOUT


@attrs.frozen
class GateRequest:
    """A request of a guest.

    `authority` is `host[:port]`; `path` begins with a slash. `headers` come without host and framing, which the gate adds:
    a `body` of known length has its content-length among the headers, any other is sent in chunks; None is no body.
    """

    method: str
    scheme: str
    authority: str
    path: str
    headers: list[RawHeader] = attrs.field(factory=list)
    body: AsyncIterable[bytes] | None = None
    timeouts: Timeouts = attrs.field(factory=Timeouts)


@attrs.frozen
class HttpExchange:
    """What an observer learns when a request is over: no bodies, no headers and no query, where credentials are.

    `status` is None if no answer came; `error` is wasi:http's error code, None if all went well. Bytes are of bodies. What a
    refused request has for a method, scheme, host and path is the guest's own text, of any length.
    """

    method: str
    scheme: str
    host: str
    port: int
    path: str
    status: int | None
    error: str | None
    bytes_out: int
    bytes_in: int
    seconds: float
    """From the request's beginning to the end of its answer."""
    secrets: tuple[str, ...] = ()
    """The names of the secrets that were put in place of placeholders."""


Observer = Callable[[HttpExchange], None]


@attrs.define
class Record:
    """An HttpExchange while it is going on."""

    method: str
    scheme: str
    host: str
    port: int
    path: str
    started: float
    status: int | None = None
    error: str | None = None
    bytes_out: int = 0
    bytes_in: int = 0
    secrets: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: GateRequest) -> Record:
        """The record of a request that begins now. Until it has been checked its host is what the guest wrote."""
        host = request.authority.rpartition("@")[2]  # an authority with user information is refused, and not recorded
        path = request.path.partition("?")[0].partition("#")[0]
        return cls(request.method, request.scheme, host, 0, path, trio.current_time())

    def finished(self) -> HttpExchange:
        """Return what the observer learns."""
        return HttpExchange(
            self.method,
            self.scheme,
            self.host,
            self.port,
            self.path,
            self.status,
            self.error,
            self.bytes_out,
            self.bytes_in,
            trio.current_time() - self.started,
            self.secrets,
        )


class GateResponse(Protocol):
    """The answer to a request."""

    status: int
    headers: list[RawHeader]
    """In order, with names in lower case."""

    async def receive(self) -> bytes:
        """Return the next piece of the body as soon as there is one (up to 64 KiB), b"" at its end; HttpError."""


class WireResponse:
    """A `GateResponse` from the network."""

    def __init__(self, response: httpcore.Response, record: Record) -> None:
        self.status = response.status
        self.headers: list[RawHeader] = [(name.decode("ascii").lower(), value) for name, value in response.headers]
        self._parts = aiter(response.aiter_stream())
        self._record = record
        self._ended = False

    async def receive(self) -> bytes:
        """See GateResponse."""
        while not self._ended:
            try:
                part = await anext(self._parts)
            except StopAsyncIteration:
                self._ended = True
            except Exception as error:
                self._ended = True
                raise from_cause(error) from error
            else:
                self._record.bytes_in += len(part)
                if part:
                    return part
        return b""

    async def exhaust(self) -> None:
        """Run httpcore's generators to their end once the connection is closed, so that none is left to the collector."""
        while not self._ended:
            with suppress(HttpError):
                await self.receive()


class Connections:
    """What the gates of one VM share: the pool, the number of running requests, the observer.

    `policy` is the VM's: it says which closed addresses are open.
    """

    def __init__(
        self, policy: NetworkPolicy, observer: Observer | None, resolver: Resolver, ssl_context: ssl.SSLContext | None
    ) -> None:
        self._running = 0
        self._observer = observer
        self._ssl_context = ssl_context
        self._backend = CheckedBackend(policy, resolver)
        self._pool: httpcore.AsyncConnectionPool | None = None

    @property
    def policy(self) -> NetworkPolicy:
        """The VM's policy. A new one counts from the next request on."""
        return self._backend.policy

    @policy.setter
    def policy(self, policy: NetworkPolicy) -> None:
        self._backend.policy = policy

    def _pool_in_use(self) -> httpcore.AsyncConnectionPool:
        # Made on first use: most VMs never send a request, and loading the authorities takes 10 ms.
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=self._ssl_context or authorities(),
                max_connections=MAX_REQUESTS,
                max_keepalive_connections=MAX_IDLE_CONNECTIONS,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=self._backend,
            )
        return self._pool

    async def aclose(self) -> None:
        """Close every connection; the next request makes new ones."""
        if self._pool is not None:
            await self._pool.aclose()

    def observe(self, exchange: HttpExchange) -> None:
        """Report a request that is over."""
        if self._observer is not None:
            self._observer(exchange)

    @asynccontextmanager
    async def exchange(self, request: GateRequest, record: Record) -> AsyncIterator[GateResponse]:
        """Send a request that the gate has passed, and yield its answer; HttpError."""
        if self._running >= MAX_REQUESTS:
            raise HttpError("connection-limit-reached")
        self._running += 1
        try:
            async with self._response(request, record) as response:
                yield response
        finally:
            self._running -= 1

    @asynccontextmanager
    async def _response(self, request: GateRequest, record: Record) -> AsyncIterator[GateResponse]:
        timeouts = {
            "connect": request.timeouts.connect,
            "read": request.timeouts.first_byte,
            "write": WRITE_TIMEOUT,
            "pool": request.timeouts.connect,
        }
        try:
            raw = await self._pool_in_use().handle_async_request(_core_request(request, record, timeouts))
        except Exception as error:
            raise from_cause(error) from error
        timeouts["read"] = request.timeouts.between_bytes  # httpcore looks again when the body is first read
        response = WireResponse(raw, record)
        try:
            record.status = response.status
            if len(response.headers) > MAX_HEADERS or header_bytes(response.headers) > MAX_HEADER_BYTES:
                raise HttpError("HTTP-response-header-section-size", header_bytes(response.headers))
            if response.status == SWITCHING_PROTOCOLS:
                raise HttpError("HTTP-upgrade-failed")
            yield response
        finally:
            with trio.CancelScope(shield=True):
                _spoil_if_more_has_come(raw)
                await raw.aclose()
                await response.exhaust()


def _spoil_if_more_has_come(response: httpcore.Response) -> None:
    """Have the connection not be used again where bytes have come behind the answer.

    httpcore, or TLS, keeps them, and they would be read as the answer to the next request, which may be somebody else's.
    """
    wire = response.extensions["network_stream"]
    if not isinstance(wire, Wire):  # it has become another protocol's, and httpcore does not use it again
        return
    parser = response.stream._stream._connection._h11_state  # type: ignore[union-attr]  # noqa: SLF001 - nothing else tells
    if parser.trailing_data[0] or wire.has_more():
        wire.spoil()


def _core_request(request: GateRequest, record: Record, timeouts: dict[str, float]) -> httpcore.Request:
    default = DEFAULT_PORTS[record.scheme]
    name = f"[{record.host}]" if ":" in record.host else record.host
    authority = name if record.port == default else f"{name}:{record.port}"
    headers = [(b"host", authority.encode()), *((field.encode(), value) for field, value in request.headers)]
    framed = any(field.lower() == "content-length" for field, _ in request.headers)
    if not framed and request.body is not None:
        headers.append((b"transfer-encoding", b"chunked"))
    elif not framed and request.method in {"POST", "PUT", "PATCH"}:
        headers.append((b"content-length", b"0"))
    target = httpcore.URL(
        scheme=record.scheme.encode(), host=record.host.encode(), port=record.port, target=request.path.encode()
    )
    content = None if request.body is None else _CountedBody(request.body, record)
    return httpcore.Request(request.method, target, headers=headers, content=content, extensions={"timeout": timeouts})


class _CountedBody:
    """A request body on its way out, counted. A plain iterator: httpcore leaves generators to the garbage collector."""

    def __init__(self, parts: AsyncIterable[bytes], record: Record) -> None:
        self._parts = aiter(parts)
        self._record = record

    def __aiter__(self) -> _CountedBody:
        return self

    async def __anext__(self) -> bytes:
        part = await anext(self._parts)
        self._record.bytes_out += len(part)
        return part


def header_bytes(headers: list[RawHeader]) -> int:
    """Return the size of a header section, names and values, which MAX_HEADER_BYTES limits."""
    return sum(len(name) + len(value) for name, value in headers)
