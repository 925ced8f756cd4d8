"""A gate that may reach a server on the loopback interface."""

from __future__ import annotations

import ssl
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trustme

from runtime.network import GateRequest, HttpError, HttpExchange, HttpGate, NetworkPolicy
from runtime.testing.loopback import Exchange, HttpServer, http_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.testing.loopback import Handler


class Bench:
    """A server, a gate that may reach it, and what the gate's observer was told."""

    def __init__(self, server: HttpServer, allow: list[str] | None = None, **options: Any) -> None:
        self.server = server
        self.exchanges: list[HttpExchange] = []
        self.queries: list[str] = []
        self.answers: dict[str, list[str]] = {}
        granted = [f"127.0.0.1:{server.port}"] if allow is None else allow
        self.gate = HttpGate(NetworkPolicy.parse(granted), self.exchanges.append, resolver=self.resolve, **options)

    async def resolve(self, host: str, port: int) -> list[str]:
        self.queries.append(host)
        return self.answers.get(host, ["127.0.0.1"])

    def request(self, **members: Any) -> GateRequest:
        settings = {"method": "GET", "scheme": "http", "authority": f"127.0.0.1:{self.server.port}", "path": "/"}
        return GateRequest(**{**settings, **members})

    async def fetch(self, **members: Any) -> tuple[int, bytes]:
        body = b""
        async with self.gate.send(self.request(**members)) as response:
            while part := await response.receive():
                body += part
        return response.status, body

    async def failure(self, **members: Any) -> HttpError:
        with pytest.raises(HttpError) as caught:
            await self.fetch(**members)
        return caught.value


@asynccontextmanager
async def bench(handler: Handler, allow: list[str] | None = None, **options: Any) -> AsyncIterator[Bench]:
    server_options = {"ssl_context": options.pop("server_context", None)}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(http_server(handler, **server_options))
        made = Bench(server, allow, **options)
        stack.push_async_callback(made.gate.aclose)
        yield made


async def hello(exchange: Exchange) -> None:
    await exchange.respond(200, [("content-type", "text/plain")], b"hello " + await exchange.read_body())


class Parts:
    """A request body in the given pieces."""

    def __init__(self, *parts: bytes | Exception) -> None:
        self.parts = list(parts)

    def __aiter__(self) -> Parts:
        return self

    async def __anext__(self) -> bytes:
        await trio.lowlevel.checkpoint()
        if not self.parts:
            raise StopAsyncIteration
        part = self.parts.pop(0)
        if isinstance(part, Exception):
            raise part
        return part


def serving_as(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """A server's, with a certificate of this authority for these names."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


def certified(*names: str) -> dict[str, ssl.SSLContext]:
    """Options of `bench` for a server with a certificate for these names, and a gate that trusts it."""
    authority = trustme.CA()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    return {"server_context": serving_as(authority, *names), "ssl_context": trusting}
