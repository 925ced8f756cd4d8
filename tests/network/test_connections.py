"""Connections of the gate that are used again, and those that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from trio.testing import wait_all_tasks_blocked

from runtime.network import HttpExchange
from runtime.network.connections import MAX_IDLE_CONNECTIONS
from tests.network.gate_bench import bench, certified, hello

if TYPE_CHECKING:
    from runtime.testing.loopback import Exchange


async def test_fetches_and_keeps_the_connection() -> None:
    async with bench(hello) as b:
        assert await b.fetch() == (200, b"hello ")
        assert await b.fetch(path="/again?x=1", headers=[("accept", b"*/*")]) == (200, b"hello ")
        assert b.server.connections == 1
    first, again = b.exchanges
    assert first == HttpExchange("GET", "http", "127.0.0.1", b.server.port, "/", 200, None, 0, 6, first.seconds)
    assert again.path == "/again"
    assert 0 <= first.seconds < 60


async def test_a_connection_that_was_closed_while_idle_is_not_used_again() -> None:
    async def answer_once(exchange: Exchange) -> None:
        await exchange.respond(200, [], b"ok")
        await exchange.hang_up()

    async with bench(answer_once) as b:
        for _ in range(3):
            assert await b.fetch(method="POST") == (200, b"ok")
            await wait_all_tasks_blocked()
        assert b.server.connections == 3


FORGED = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged"


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
        ("GET", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("more", [FORGED, b"H"])
async def test_a_connection_on_which_more_has_come_than_the_answer_is_not_used_again(
    method: str, answer: bytes, more: bytes
) -> None:
    async def answer_twice(exchange: Exchange) -> None:
        await exchange.send_raw(answer + more)
        await exchange.client_gone()

    async with bench(answer_twice) as b:
        first = await b.fetch(method=method)
        assert b"forged" not in first[1]
        assert await b.fetch(method=method) == first
        assert b.server.connections == 2


async def test_nor_is_one_where_the_rest_is_in_a_record_of_tls() -> None:
    record = 16 * 1024
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 16000\r\nfill: "
    fill = b"x" * (record - len(head) - 4 - 16_000)

    async def answer_twice(exchange: Exchange) -> None:
        await exchange.send_raw(head + fill + b"\r\n\r\n" + b"y" * 16_000 + FORGED)
        await exchange.client_gone()

    async with bench(answer_twice, ["localhost"], **certified("localhost")) as b:
        for _ in range(2):
            assert await b.fetch(scheme="https", authority=f"localhost:{b.server.port}") == (200, b"y" * 16_000)
        assert b.server.connections == 2


async def test_a_connection_becomes_no_other_protocols() -> None:
    async def switch(exchange: Exchange) -> None:
        await exchange.send_raw(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")
        await exchange.client_gone()

    async with bench(switch) as b:
        error = await b.failure(headers=[("upgrade", b"x"), ("connection", b"upgrade")])
        assert error.code == "HTTP-upgrade-failed"


async def test_so_many_connections_are_kept_for_later() -> None:
    """Those of more hosts are closed when they are not used."""
    hosts = [f"{number}.test" for number in range(MAX_IDLE_CONNECTIONS + 1)]
    async with bench(hello, [*hosts, "127.0.0.1"]) as b:
        for _ in range(2):
            for host in hosts[1:]:
                assert await b.fetch(authority=f"{host}:{b.server.port}") == (200, b"hello ")
        assert b.server.connections == MAX_IDLE_CONNECTIONS == 8
        await b.fetch(authority=f"{hosts[0]}:{b.server.port}")
        for host in hosts[1:]:
            await b.fetch(authority=f"{host}:{b.server.port}")
        assert b.server.connections > MAX_IDLE_CONNECTIONS + 1
