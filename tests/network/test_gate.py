"""The gate against real servers on the loopback interface."""

from __future__ import annotations

import contextlib
import socket
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.network import GateRequest, HttpError, HttpGate, NetworkPolicy, Timeouts
from runtime.network.connections import MAX_HEADER_BYTES, MAX_HEADERS, MAX_REQUESTS
from tests.network.gate_bench import Parts, bench, certified, hello
from tests.patience import WAIT

if TYPE_CHECKING:
    from runtime.testing.loopback import Exchange


async def test_streams_a_body_up_in_chunks_and_with_a_length() -> None:
    async with bench(hello) as b:
        assert await b.fetch(method="POST", body=Parts(b"a" * 70_000, b"b")) == (200, b"hello " + b"a" * 70_000 + b"b")
        headers = [("content-length", b"3")]
        assert await b.fetch(method="POST", body=Parts(b"ab", b"c"), headers=headers) == (200, b"hello abc")
        assert await b.fetch(method="POST") == (200, b"hello ")
    assert [(exchange.bytes_out, exchange.bytes_in) for exchange in b.exchanges] == [(70_001, 70_007), (3, 9), (0, 6)]


async def test_each_piece_of_an_answer_comes_through_at_once() -> None:
    go_on = [trio.Event() for _ in range(3)]

    async def slow(exchange: Exchange) -> None:
        await exchange.start(200, [("content-type", "text/event-stream")])
        for event in go_on:
            await event.wait()
            await exchange.send(b"data: x\n\n")
        await exchange.finish()

    async with bench(slow) as b, b.gate.send(b.request()) as response:
        assert ("content-type", b"text/event-stream") in response.headers
        for event in go_on:
            event.set()
            assert await response.receive() == b"data: x\n\n"
        assert await response.receive() == b""
        assert await response.receive() == b""


@pytest.mark.parametrize(
    ("allow", "authority"),
    [
        ([], "127.0.0.1"),
        (["*"], "127.0.0.1"),
        (["*"], "localhost"),
        (["*"], "[::1]"),
        (["*"], "[::ffff:127.0.0.1]"),
        (["127.0.0.1:1"], "127.0.0.1"),
        (["api.example.com"], "other.example.com"),
    ],
)
async def test_a_host_that_is_not_granted_sees_nothing(allow: list[str], authority: str) -> None:
    async with bench(hello, allow) as b:
        target = f"{authority}:{b.server.port}"
        assert (await b.failure(authority=target)).code == "HTTP-request-denied"
        with pytest.raises(HttpError, match="denied"):
            b.gate.check(b.request(authority=target))
        await wait_all_tasks_blocked()
        assert b.server.connections == 0
        assert b.queries == []
    assert [exchange.error for exchange in b.exchanges] == ["HTTP-request-denied"] * 2


async def test_a_public_name_that_leads_to_a_closed_address_is_refused() -> None:
    async with bench(hello, ["*"]) as b:
        for answer in ("127.0.0.1", "::1", "169.254.169.254", "10.0.0.1", "::ffff:127.0.0.1"):
            b.answers["rebind.example.com"] = [answer]
            error = await b.failure(authority=f"rebind.example.com:{b.server.port}")
            assert error.code == "destination-IP-prohibited"
        assert b.server.connections == 0


async def test_numeric_names_are_judged_by_what_they_resolve_to() -> None:
    async with bench(hello, ["*"]) as b:
        for name in ("2130706433", "0x7f.1", "127.1"):
            error = await b.failure(authority=f"{name}:{b.server.port}")
            assert error.code == "destination-IP-prohibited"
        assert b.server.connections == 0


async def test_the_checked_address_is_the_one_that_is_dialled() -> None:
    async with bench(hello, ["api.test", "127.0.0.1"]) as b:
        assert await b.fetch(authority=f"api.test:{b.server.port}") == (200, b"hello ")
        assert b.queries == ["api.test"]


async def test_localhost_by_name() -> None:
    async with bench(hello, ["localhost"]) as b:
        assert await b.fetch(authority=f"localhost:{b.server.port}") == (200, b"hello ")


async def test_the_next_address_is_tried() -> None:
    async with bench(hello, ["localhost"]) as b:
        b.answers["localhost"] = ["127.0.0.9", "127.0.0.1"]
        assert await b.fetch(authority=f"localhost:{b.server.port}") == (200, b"hello ")


async def test_so_many_addresses_are_tried() -> None:
    async with bench(hello, ["localhost"]) as b:
        nobody = [f"127.0.0.{number}" for number in range(2, 10)]
        b.answers["localhost"] = [*nobody[1:], *nobody[1:], "127.0.0.1"]
        assert await b.fetch(authority=f"localhost:{b.server.port}") == (200, b"hello ")
        await b.gate.aclose()
        b.answers["localhost"] = [*nobody, "127.0.0.1"]
        assert (await b.failure(authority=f"localhost:{b.server.port}")).code == "connection-refused"


async def test_redirects_are_not_followed() -> None:
    async def redirect(exchange: Exchange) -> None:
        await exchange.respond(302, [("location", "http://127.0.0.1:1/")])

    async with bench(redirect) as b:
        assert await b.fetch() == (302, b"")


async def test_an_agents_own_hosts_add_to_the_policy_and_share_the_rest() -> None:
    async with bench(hello, ["127.0.0.1"]) as b:
        wider = b.gate.with_hosts(["api.test"])
        async with wider.send(b.request(authority=f"api.test:{b.server.port}")) as response:
            assert response.status == 200
        assert (await b.failure(authority="api.test")).code == "HTTP-request-denied"
        assert len(b.exchanges) == 2


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"scheme": "ftp"}, "HTTP-request-denied"),
        ({"method": "CONNECT"}, "HTTP-request-method-invalid"),
        ({"method": "GET /"}, "HTTP-request-method-invalid"),
        ({"authority": "user@127.0.0.1"}, "HTTP-request-URI-invalid"),
        ({"authority": ""}, "HTTP-request-URI-invalid"),
        ({"path": "/a b"}, "HTTP-request-URI-invalid"),
        ({"path": "/a\r\nx: y"}, "HTTP-request-URI-invalid"),
        ({"path": "no-slash"}, "HTTP-request-URI-invalid"),
        ({"path": "/" + "a" * 40_000}, "HTTP-request-URI-too-long"),
        ({"headers": [("x", b"y")] * (MAX_HEADERS + 1)}, "HTTP-request-header-section-size"),
        ({"headers": [("x", b"y" * MAX_HEADER_BYTES)]}, "HTTP-request-header-section-size"),
        ({"headers": [("x", b"a\r\nb: c")]}, "HTTP-protocol-error"),
    ],
)
async def test_requests_that_are_refused(members: dict[str, Any], code: str) -> None:
    async with bench(hello) as b:
        assert (await b.failure(**members)).code == code


async def test_failures_of_the_network() -> None:
    async def disconnect(exchange: Exchange) -> None:
        if exchange.target == "/half":
            await exchange.start(200, [("content-length", "10")])
            await exchange.send(b"12345")
        elif exchange.target == "/chunks":
            await exchange.start(200)
            await exchange.send(b"12345")
        elif exchange.target == "/garbage":
            await exchange.send_raw(b"this is no HTTP\r\n\r\n")
        elif exchange.target == "/huge":
            await exchange.send_raw(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000)
        elif exchange.target == "/many":
            await exchange.respond(200, [(f"x-{number}", "y") for number in range(MAX_HEADERS + 1)])

    async with bench(disconnect, ["127.0.0.1", "nowhere.test"]) as b:
        codes = {
            path: (await b.failure(path=path)).code for path in ("/", "/half", "/chunks", "/garbage", "/huge", "/many")
        }
        b.answers["nowhere.test"] = []
        assert (await b.failure(authority="nowhere.test")).code == "DNS-error"
    assert codes == {
        "/": "connection-terminated",
        "/half": "HTTP-response-incomplete",
        "/chunks": "HTTP-response-incomplete",
        "/garbage": "HTTP-protocol-error",
        "/huge": "HTTP-response-header-section-size",
        "/many": "HTTP-response-header-section-size",
    }
    assert [exchange.bytes_in for exchange in b.exchanges[:3]] == [0, 5, 5]


async def test_nobody_listens() -> None:
    async with bench(hello, ["127.0.0.1"]) as b:
        pass
    assert (await b.failure()).code == "connection-refused"


async def test_timeouts(autojump_clock: trio.testing.MockClock) -> None:
    async def silent(exchange: Exchange) -> None:
        if exchange.target == "/body":
            await exchange.start(200)
            await exchange.send(b"x")
        await trio.sleep_forever()

    timeouts = Timeouts(connect=1, first_byte=5, between_bytes=9)
    async with bench(silent) as b:
        began = trio.current_time()
        assert (await b.failure(timeouts=timeouts)).code == "connection-read-timeout"
        assert trio.current_time() - began == pytest.approx(5, abs=0.1)
        began = trio.current_time()
        assert (await b.failure(path="/body", timeouts=timeouts)).code == "connection-read-timeout"
        assert trio.current_time() - began == pytest.approx(9, abs=0.1)


async def test_dns_timeout(autojump_clock: trio.testing.MockClock) -> None:
    async def never(host: str, port: int) -> list[str]:
        await trio.sleep_forever()
        raise AssertionError

    gate = HttpGate(NetworkPolicy.parse(["*"]), resolver=never)
    with pytest.raises(HttpError, match="DNS-timeout"):
        async with gate.send(GateRequest("GET", "http", "slow.test", "/")):
            pass


async def test_cancelling_closes_the_connection() -> None:
    left = trio.Event()

    async def endless(exchange: Exchange) -> None:
        await exchange.start(200)
        await exchange.send(b"x" * 10)
        await exchange.client_gone()
        left.set()

    async with bench(endless) as b:
        for wait_for_more in (True, False):
            with trio.move_on_after(5) as scope:
                async with b.gate.send(b.request()) as response:
                    await response.receive()
                    scope.cancel()
                    if wait_for_more:
                        await response.receive()
                    else:
                        await trio.lowlevel.checkpoint()  # between two reads, as when the guest does not read on
            assert b.exchanges[-1].error == "cancelled"
            with trio.fail_after(WAIT):
                await left.wait()
            left = trio.Event()
        async with b.gate.send(b.request()) as response:
            await response.receive()
        with trio.fail_after(WAIT):
            await left.wait()


async def test_a_body_that_fails_breaks_the_request_off() -> None:
    seen: list[bytes] = []

    async def reader(exchange: Exchange) -> None:
        try:
            seen.append(await exchange.read_body())
        finally:
            seen.append(b"over")

    async with bench(reader) as b:
        error = await b.failure(method="POST", body=Parts(b"some", HttpError("HTTP-request-body-size", 4)))
        assert error.variant == ("HTTP-request-body-size", 4)
        await wait_all_tasks_blocked()
    assert seen == [b"over"]


async def test_too_many_requests_at_once() -> None:
    async def hold(exchange: Exchange) -> None:
        await exchange.start(200)
        await exchange.client_gone()

    async with bench(hold) as b, AsyncExitStack() as stack:
        for _ in range(MAX_REQUESTS):
            await stack.enter_async_context(b.gate.send(b.request()))
        assert (await b.failure()).code == "connection-limit-reached"


async def test_https_with_an_authority_of_its_own() -> None:
    allow = ["127.0.0.1", "api.test", "other.test"]
    async with bench(hello, allow, **certified("127.0.0.1", "api.test")) as b:
        port = b.server.port
        assert await b.fetch(scheme="https") == (200, b"hello ")
        assert await b.fetch(scheme="https", authority=f"api.test:{port}", method="POST", body=Parts(b"x")) == (
            200,
            b"hello x",
        )
        error = await b.failure(scheme="https", authority=f"other.test:{port}")
        assert error.code == "TLS-certificate-error"
        stranger = HttpGate(NetworkPolicy.parse(allow))
        with pytest.raises(HttpError, match="TLS-certificate-error"):
            async with stranger.send(b.request(scheme="https")):
                pass
    async with bench(hello) as b:
        assert (await b.failure(scheme="https")).code == "TLS-protocol-error"


async def test_what_is_refused_is_recorded_without_what_may_be_a_password() -> None:
    async with bench(hello) as b:
        await b.failure(authority="user:password@127.0.0.1", path="/a?key=1")
        await b.failure(authority="example.com", path="/b?key=1")
        await b.failure(path="/c#key=1")
    assert [(each.host, each.path, each.error) for each in b.exchanges] == [
        ("127.0.0.1", "/a", "HTTP-request-URI-invalid"),
        ("example.com", "/b", "HTTP-request-denied"),
        ("127.0.0.1", "/c", "HTTP-request-URI-invalid"),
    ]


async def test_a_request_that_is_cancelled_while_it_connects_is_recorded_as_such() -> None:
    with contextlib.ExitStack() as sockets:
        full = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        host = f"127.0.0.1:{full.getsockname()[1]}"
        for _ in range(2):  # who comes after these has to wait
            sockets.enter_context(filler := socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        async with bench(hello, [host]) as b, trio.open_nursery() as nursery:
            nursery.start_soon(partial(b.fetch, authority=host))
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
    assert [each.error for each in b.exchanges] == ["cancelled"]


async def test_localhost_is_never_a_public_address() -> None:
    async with bench(hello, ["localhost"]) as b:
        b.answers["localhost"] = ["93.184.216.34"]
        assert (await b.failure(authority=f"localhost:{b.server.port}")).code == "destination-IP-prohibited"
