"""Hosts of the runtime itself, through the gate of the one process that may reach them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from runtime.network import GateRequest, HttpError, HttpExchange, HttpGate, NetworkPolicy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.network import GateResponse


class Answer:
    status = 200
    headers = [("content-type", b"text/plain")]  # noqa: RUF012

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)

    async def receive(self) -> bytes:
        return self.parts.pop(0) if self.parts else b""


class Host:
    def __init__(self) -> None:
        self.requests: list[GateRequest] = []

    @asynccontextmanager
    async def answer(self, request: GateRequest) -> AsyncIterator[GateResponse]:
        self.requests.append(request)
        yield Answer(b"from ", b"inside")


def request(authority: str = "x.torpor.internal", scheme: str = "http", path: str = "/a?b") -> GateRequest:
    return GateRequest("GET", scheme, authority, path)


async def failure(gate: HttpGate, of: GateRequest) -> str:
    with pytest.raises(HttpError) as caught:
        async with gate.send(of):
            pass
    return caught.value.code


async def nowhere(host: str, port: int) -> list[str]:
    raise AssertionError(f"{host} went to DNS")


async def test_an_internal_host_answers_without_grant_and_without_notice() -> None:
    exchanges: list[HttpExchange] = []
    host = Host()
    gate = HttpGate(NetworkPolicy.parse([]), exchanges.append, resolver=nowhere)
    inside = gate.with_internal({"x.torpor.internal": host})
    for authority in ("x.torpor.internal", "X.Torpor.Internal:80"):
        inside.check(request(authority))
        async with inside.with_hosts(["example.com"]).send(request(authority)) as response:
            assert (response.status, await response.receive(), await response.receive()) == (200, b"from ", b"inside")
            assert await response.receive() == b""
    assert [each.path for each in host.requests] == ["/a?b", "/a?b"]
    assert exchanges == []


@pytest.mark.parametrize(
    "wrong",
    [request("y.torpor.internal"), request("x.torpor.internal:8080"), request(scheme="https")],
    ids=["host", "port", "scheme"],
)
async def test_nothing_else_in_the_domain_is_there(wrong: GateRequest) -> None:
    gate = HttpGate(NetworkPolicy.parse(["*"]), resolver=nowhere)
    assert await failure(gate.with_internal({"x.torpor.internal": Host()}), wrong) == "HTTP-request-denied"


async def test_others_do_not_reach_it_whatever_they_are_granted() -> None:
    gate = HttpGate(NetworkPolicy.parse(["*", "x.torpor.internal"]), resolver=nowhere)
    gate.with_internal({"x.torpor.internal": Host()})
    assert await failure(gate, request()) == "HTTP-request-denied"


async def test_an_internal_request_is_checked_like_any_other() -> None:
    gate = HttpGate(NetworkPolicy.parse([])).with_internal({"x.torpor.internal": Host()})
    assert await failure(gate, request(path="no slash")) == "HTTP-request-URI-invalid"
