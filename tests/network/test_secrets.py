"""Placeholders that become secrets on their way out."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from runtime.network import Egress, HttpExchange, Placeholder
from runtime.network.egress import fits_header, secret_hosts
from tests.network.gate_bench import Parts, bench, certified

if TYPE_CHECKING:
    from runtime.testing.loopback import Exchange


AUTHORIZED: list[tuple[str, bytes]] = [("authorization", b"Bearer token-1"), ("x-other", b"token-1 token-1")]


async def show(exchange: Exchange) -> None:
    await exchange.respond(200, [], f"{exchange.target} {exchange.header('authorization')}".encode())


def egress(hosts: list[str], exchanges: list[HttpExchange] | None = None) -> Egress:
    observer = None if exchanges is None else exchanges.append
    return Egress((Placeholder("KEY", "token-1", "the secret", secret_hosts(hosts)),), observer)


async def test_a_placeholder_becomes_the_secret_in_headers_alone_and_the_record_says_so() -> None:
    async with bench(show) as b:
        seen: list[HttpExchange] = []
        plain, b.gate = b.gate, b.gate.with_egress(egress(["127.0.0.1"], seen)).with_hosts(["example.com"])
        assert await b.fetch(path="/token-1?token-1", headers=AUTHORIZED) == (
            200,
            b"/token-1?token-1 Bearer the secret",
        )
        assert await b.fetch(method="POST", body=Parts(b"token-1")) == (200, b"/ None")
        b.gate = plain
        assert await b.fetch(headers=AUTHORIZED) == (200, b"/ Bearer token-1")
    assert [exchange.secrets for exchange in seen] == [("KEY",), ()]
    assert seen == b.exchanges[:2]
    assert "the secret" not in repr((seen, egress(["127.0.0.1"])))


async def test_a_placeholder_becomes_the_secret_within_basic_authentication_alone() -> None:
    def encoded(text: str) -> bytes:
        return base64.b64encode(text.encode())

    async with bench(show) as b:
        b.gate = b.gate.with_egress(egress(["127.0.0.1"]))
        for value, sent in [
            (b"Basic " + encoded("user:token-1"), b"Basic " + encoded("user:the secret")),
            (b"basic  " + encoded("token-1:"), b"basic " + encoded("the secret:")),
            (b"Basic " + encoded("user:another"), b"Basic " + encoded("user:another")),
            (b"Basic token-1", b"Basic the secret"),
            (b"Basic !" + encoded("user:token-1"), b"Basic !" + encoded("user:token-1")),
            (b"Digest " + encoded("user:token-1"), b"Digest " + encoded("user:token-1")),
        ]:
            assert await b.fetch(headers=[("authorization", value)]) == (200, b"/ " + sent)
    assert [exchange.secrets for exchange in b.exchanges] == [("KEY",), ("KEY",), (), ("KEY",), (), ()]


async def test_a_secret_stays_when_the_host_or_the_way_is_not_its_own() -> None:
    async with bench(show, ["127.0.0.1", "api.example.com"]) as b:
        port = b.server.port
        for hosts in (["127.0.0.2"], [f"127.0.0.1:{port + 1}"], ["*.example.com"]):
            gate = b.gate
            b.gate = gate.with_egress(egress(hosts))
            assert await b.fetch(headers=AUTHORIZED) == (200, b"/ Bearer token-1")
            b.gate = gate
    placeholder = egress(["api.example.com", "*.sub.example.com", "localhost", "[::1]"]).placeholders[0]
    for scheme, host, expected in [
        ("https", "api.example.com", True),
        ("http", "api.example.com", False),
        ("https", "a.sub.example.com", True),
        ("https", "sub.example.com", False),
        ("https", "api.example.com.evil.org", False),
        ("http", "localhost", True),
        ("http", "::1", True),
        ("https", "127.0.0.1", False),
    ]:
        assert placeholder.is_for(scheme, host, 443) is expected, (scheme, host)


async def test_a_secret_travels_over_tls() -> None:
    async with bench(show, ["localhost"], **certified("localhost")) as b:
        b.gate = b.gate.with_egress(egress(["localhost"]))
        there = f"localhost:{b.server.port}"
        assert (await b.fetch(scheme="https", authority=there, headers=AUTHORIZED))[1] == b"/ Bearer the secret"


def test_a_secret_is_not_for_every_host() -> None:
    with pytest.raises(ValueError, match="every host"):
        secret_hosts(["*"])
    with pytest.raises(ValueError, match="not a host"):
        secret_hosts(["https://api.example.com"])
    assert fits_header("sk-ant 1~")
    for value in ("", "a\nb", "a\r", "ü", "\t"):
        assert not fits_header(value)
