"""The gate against real servers on the loopback interface."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trustme
from trio.testing import wait_all_tasks_blocked

from runtime.network import Egress, GateRequest, HttpError, HttpExchange, HttpGate, NetworkPolicy, Placeholder, Timeouts
from runtime.network.connections import MAX_HEADER_BYTES, MAX_HEADERS, MAX_IDLE_CONNECTIONS, MAX_REQUESTS
from runtime.network.egress import fits_header, secret_hosts
from runtime.testing.loopback import Exchange, HttpServer, http_server
from tests.patience import WAIT

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


async def test_fetches_and_keeps_the_connection() -> None:
    async with bench(hello) as b:
        assert await b.fetch() == (200, b"hello ")
        assert await b.fetch(path="/again?x=1", headers=[("accept", b"*/*")]) == (200, b"hello ")
        assert b.server.connections == 1
    first, again = b.exchanges
    assert first == HttpExchange("GET", "http", "127.0.0.1", b.server.port, "/", 200, None, 0, 6, first.seconds)
    assert again.path == "/again"
    assert 0 <= first.seconds < 60


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


async def test_a_connection_that_was_closed_while_idle_is_not_used_again() -> None:
    async def answer_once(exchange: Exchange) -> None:
        await exchange.respond(200, [], b"ok")
        await exchange.hang_up()

    async with bench(answer_once) as b:
        for _ in range(3):
            assert await b.fetch(method="POST") == (200, b"ok")
            await wait_all_tasks_blocked()
        assert b.server.connections == 3


def certified(*names: str) -> dict[str, ssl.SSLContext]:
    """Options of `bench` for a server with a certificate for these names, and a gate that trusts it."""
    authority = trustme.CA()
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(server_context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    return {"server_context": server_context, "ssl_context": trusting}


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


async def show(exchange: Exchange) -> None:
    await exchange.respond(200, [], f"{exchange.target} {exchange.header('authorization')}".encode())


def egress(hosts: list[str], exchanges: list[HttpExchange] | None = None) -> Egress:
    observer = None if exchanges is None else exchanges.append
    return Egress((Placeholder("KEY", "token-1", "the secret", secret_hosts(hosts)),), observer)


AUTHORIZED: list[tuple[str, bytes]] = [("authorization", b"Bearer token-1"), ("x-other", b"token-1 token-1")]


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
