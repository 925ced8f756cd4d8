"""HTTP for C programs: <torpor/http.h> of agents/sdk/c, against a server on the loopback interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from runtime.testing.loopback import http_server

from .conftest import finish, read_until

if TYPE_CHECKING:
    from runtime.testing.loopback import Exchange, HttpServer

    from .conftest import World

pytestmark = pytest.mark.guest("libc_http")


def grant(server: HttpServer) -> str:
    return f"127.0.0.1:{server.port}"


async def echo(exchange: Exchange) -> None:
    body = await exchange.read_body()
    await exchange.respond(
        201, [("content-type", f"{exchange.method} {exchange.target} {exchange.header('x-given')}")], body
    )


async def test_a_request_with_a_header_and_a_body_in_pieces(world: World) -> None:
    pieces = ["one", "x" * 100_000, "", "y" * 300_000]  # more than the host takes without sending
    async with http_server(echo) as server:
        machine = await world.machine(allow=(grant(server),))
        outcome = await machine.run("libc_http", "POST", f"{server.url}/p?q=1#no", "0", "X-Given", "here", *pieces)
    assert outcome.lines == ["status 201, 1 headers, type POST /p?q=1 here", "".join(pieces), "400003 bytes", "done"]


async def test_what_is_not_ascii_in_a_path_is_encoded(world: World) -> None:
    async with http_server(echo) as server:
        machine = await world.machine(allow=(grant(server),))
        (status, *_) = (await machine.run("libc_http", "GET", f"http://u:p@127.0.0.1:{server.port}/ü")).lines
        (query, *_) = (await machine.run("libc_http", "PURGE", f"{server.url}?a")).lines
    assert status == "status 201, 1 headers, type GET /%C3%BC None"
    assert query == "status 201, 1 headers, type PURGE /?a None"


async def test_the_body_ends_with_an_answer_that_does_not_wait_for_it(world: World) -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.respond(413, [], b"no")

    async with http_server(refuse) as server:
        machine = await world.machine(allow=(grant(server),))
        arguments = ("PUT", server.url, "0", "content-length", str(100 * 100_000), *["z" * 100_000] * 100)
        assert (await machine.run("libc_http", *arguments)).lines[0] == "status 413, 1 headers, type (null)"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("GET", "ftp://x/"), "39 no http or https URL: ftp://x/"),
        (("GET", "http://"), "39 no http or https URL: http://"),
        (("G T", "http://a/"), "18 this method is not allowed: G T"),
        (("GET", "http://a b/"), "19 the URL is not good: a b"),
        (("GET", "http://a/\x7f"), "19 the URL is not good: a"),
        (("GET", "http://a/", "0", "Host", "b"), "40 a header that must not be sent: Host"),
        (("GET", "http://a/", "0", "X", "b\nc: d"), "40 a header that must not be sent: X"),
        (("POST", "http://a/", "0", "Content-Length", "1 2", ""), "40 a header that must not be sent: content-length"),
        (("GET", "http://a.example/"), "15 the VM's network.allow does not name this host: a.example"),
    ],
)
async def test_what_is_not_sent(world: World, arguments: tuple[str, ...], said: str) -> None:
    machine = await world.machine()
    outcome = await machine.run("libc_http", *arguments)
    assert outcome.lines == [f"error {said}"]


async def test_a_connection_that_is_refused_and_one_that_breaks_off(world: World) -> None:
    async def short(exchange: Exchange) -> None:
        await exchange.start(200, [("content-length", "10")])
        await exchange.send(b"12345")

    async with http_server(short) as server:
        machine = await world.machine(allow=(grant(server),))
        assert (await machine.run("libc_http", "GET", server.url)).lines[1:] == [
            "12345",
            "5 bytes",
            f"error 25 the answer is incomplete: {grant(server)}",
        ]
    assert (await machine.run("libc_http", "GET", server.url)).lines == [f"error 6 connection refused: {grant(server)}"]


async def test_a_body_of_another_size_than_was_told(world: World) -> None:
    async with http_server(echo) as server:
        machine = await world.machine(allow=(grant(server),))
        more = await machine.run("libc_http", "PUT", server.url, "0", "content-length", "3", "four")
        less = await machine.run("libc_http", "PUT", server.url, "0", "content-length", "5", "four")
    said = f"error 17 the body has another size than content-length says: {grant(server)}"
    assert (more.lines, less.lines) == ([said], [said])


async def test_a_deadline_and_a_kill_end_a_wait(world: World) -> None:
    asked = trio.Event()

    async def silent(exchange: Exchange) -> None:
        asked.set()
        await trio.sleep_forever()

    async with http_server(silent) as server:
        machine = await world.machine(allow=(grant(server),))
        outcome = await machine.run("libc_http", "GET", server.url, "1")
        assert outcome.lines == [f"error 41 the time was up: {grant(server)}"]
        asked = trio.Event()
        process = await machine.spawn("libc_http", "GET", server.url)
        await asked.wait()
        process.kill()
        assert (await finish(process)).exit.reason == "killed"
    assert [each.error for each in machine.exchanges] == ["cancelled", "cancelled"]


async def test_a_handled_signal_interrupts_the_wait_and_not_the_request(world: World) -> None:
    handled = trio.Event()

    async def late(exchange: Exchange) -> None:
        await handled.wait()
        await exchange.respond(200, [], b"late")

    async with http_server(late) as server:
        machine = await world.machine(allow=(grant(server),))
        process = await machine.spawn("libc_http", "GET", server.url, "-1")
        await read_until(process.receive, b"a signal was handled\n")
        handled.set()
        assert (await finish(process)).lines == ["status 200, 1 headers, type (null)", "late", "4 bytes", "done"]
    assert [each.error for each in machine.exchanges] == [None]
