"""HTTP from guest programs through the gate to a server on the loopback interface, and the sockets that there are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.engine import Exit
from runtime.network import HttpGate
from runtime.testing.loopback import http_server
from runtime.wasi.http_bodies import RESPONSE_BUFFER
from tests.patience import WAIT
from tests.settled import settled

from .conftest import finish, read_until

if TYPE_CHECKING:
    from runtime.testing.loopback import Exchange, HttpServer

    from .conftest import Outcome, World


def grant(server: HttpServer) -> str:
    return f"127.0.0.1:{server.port}"


async def echo(exchange: Exchange) -> None:
    body = await exchange.read_body()
    framing = exchange.header("content-length") or exchange.header("transfer-encoding") or "none"
    await exchange.respond(
        200, [("content-type", f"{exchange.method} {exchange.target} {framing}")], body[-20:] + str(len(body)).encode()
    )


@pytest.mark.guest("http_get")
async def test_get(world: World) -> None:
    async with http_server(echo) as server:
        machine = await world.machine(allow=(grant(server),))
        assert (await machine.run("http_get", f"{server.url}/a/b?c=d")).lines == [
            "status 200",
            "content-type: GET /a/b?c=d none",
            "chunk 0",
            "end",
        ]
        assert (await machine.run("http_get", server.url)).lines[1] == "content-type: GET / none"
        assert server.connections == 1  # kept for the next guest
    (first, second) = machine.exchanges
    assert (first.error, second.error) == (None, None)


@pytest.mark.guest("http_get")
async def test_an_answer_is_read_as_it_comes(world: World) -> None:
    go_on = [trio.Event() for _ in range(3)]

    async def slowly(exchange: Exchange) -> None:
        await exchange.start(207, [("content-type", "text/event-stream")])
        for number, event in enumerate(go_on):
            await event.wait()
            await exchange.send(f"event {number}".encode())
        await exchange.finish()

    async with http_server(slowly) as server:
        machine = await world.machine(allow=(grant(server),))
        process = await machine.spawn("http_get", server.url)
        for number, event in enumerate(go_on):
            event.set()
            await read_until(process.receive, f"chunk event {number}\n".encode())
        assert (await finish(process)).exit == Exit("exit", 0)


@pytest.mark.guest("http_get")
async def test_a_guest_that_does_not_read_stops_the_server(world: World) -> None:
    """Nobody takes the guest's stdout, so it reads no further; what has been read is bounded on the way."""
    sent = 0
    total = 64 * 1024 * 1024
    piece = b"x" * 65536

    async def flood(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.start(200)
        while sent < total:
            await exchange.send(piece)
            sent += len(piece)

    async with http_server(flood) as server:
        machine = await world.machine(allow=(grant(server),))
        process = await machine.spawn("http_get", server.url)
        while sent <= RESPONSE_BUFFER:
            await wait_all_tasks_blocked()
        await settled()
        assert sent < total / 2  # the rest of what is sent is in the kernel's buffers
        process.kill()
        assert (await process.wait()).reason == "killed"
    assert machine.exchanges[0].error == "cancelled"


@pytest.mark.guest("http_post")
async def test_post(world: World) -> None:
    async with http_server(echo) as server:
        machine = await world.machine(allow=(grant(server),))
        lines = (await machine.run("http_post", f"{server.url}/p", "one", "", "two")).lines
    framing = lines.pop(4)
    assert lines == ["sent one", "sent ", "sent two", "status 200", "chunk onetwo6", "end"]
    # A guest that is quick has finished the body before the request leaves; then its length is known.
    assert framing in {"content-type: POST /p 6", "content-type: POST /p chunked"}


@pytest.mark.guest("http_post")
async def test_a_request_is_sent_while_it_is_written(world: World) -> None:
    """Larger than what is kept of it, so it can only arrive whole if the guest waits while some of it leaves."""
    pieces = [f"{number:04}" * 1000 for number in range(200)]
    async with http_server(echo) as server:
        machine = await world.machine(allow=(grant(server),))
        lines = (await machine.run("http_post", server.url, *pieces)).lines
    assert lines[:200] == [f"sent {piece}" for piece in pieces]
    assert lines[200:] == [
        "status 200",
        "content-type: POST / chunked",
        f"chunk {'0199' * 5}800000",
        "end",
    ]


@pytest.mark.guest("http_get", "http_post")
async def test_two_guests_at_once(world: World) -> None:
    both = trio.Event()
    waiting = 0

    async def meet(exchange: Exchange) -> None:
        nonlocal waiting
        body = await exchange.read_body()
        waiting += 1
        if waiting == 2:
            both.set()
        await both.wait()
        await exchange.respond(200, [], exchange.method.encode() + body)

    async with http_server(meet) as server:
        machine = await world.machine(allow=(grant(server),))
        outcomes: dict[str, Outcome] = {}

        async def run(name: str, *arguments: str) -> None:
            outcomes[name] = await machine.run(name, server.url, *arguments)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run, "http_get")
            nursery.start_soon(run, "http_post", "body")
    assert "chunk GET" in outcomes["http_get"].lines
    assert "chunk POSTbody" in outcomes["http_post"].lines


@pytest.mark.guest("http_post")
async def test_a_guest_that_breaks_the_rules_is_told_which(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The WIT text allows 4096 bytes in one blocking-write-and-flush. That is no failure of the host's to be logged."""
    async with http_server(echo) as server:
        machine = await world.machine(allow=(grant(server),))
        assert (await machine.run("http_post", server.url, "x" * 4096)).lines[-1] == "end"
        ended = (await machine.run("http_post", server.url, "x" * 4097)).exit
    assert ended == Exit(
        "trap",
        message="wasi:io/streams#[method]output-stream.blocking-write-and-flush: "
        "blocking-write-and-flush of 4097 bytes: 4096 are allowed",
    )
    assert caplog.text == ""


# Denied


@pytest.mark.guest("http_get", "http_post")
@pytest.mark.parametrize(
    ("allow", "host"),
    [
        ((), "127.0.0.1"),
        (("example.com", "*.example.com"), "127.0.0.1"),
        (("*",), "127.0.0.1"),
        (("*",), "localhost"),
        (("*",), "[::ffff:127.0.0.1]"),
        (("127.0.0.1:1",), "127.0.0.1"),
        (("127.0.0.1",), "localhost"),
    ],
)
async def test_denied_before_a_byte_leaves(world: World, allow: tuple[str, ...], host: str) -> None:
    async with http_server(echo) as server:
        machine = await world.machine(allow=allow)
        for name in ("http_get", "http_post"):
            url = f"http://{host}:{server.port}/"
            assert (await machine.run(name, url, "body")).lines == ["refused HTTP-request-denied"]
        await settled()
        assert server.connections == 0
    assert [exchange.error for exchange in machine.exchanges] == ["HTTP-request-denied"] * 2


@pytest.mark.guest("http_get")
async def test_a_grant_is_one_vms_own(world: World) -> None:
    async with http_server(echo) as server:
        await world.machine("granted", allow=(grant(server),))
        other = await world.machine("other")
        assert (await other.run("http_get", server.url)).lines == ["refused HTTP-request-denied"]
        assert server.connections == 0


class Dns:
    """Answers each query for a name with the next of its addresses, and for ever with the last."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.queries = 0

    async def __call__(self, host: str, port: int) -> list[str]:
        await trio.lowlevel.checkpoint()
        self.queries += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def once(exchange: Exchange) -> None:
    await exchange.respond(200, [("connection", "close"), ("content-type", "x")], b"")


@pytest.mark.guest("http_get")
@pytest.mark.parametrize(
    "answer",
    [["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["169.254.169.254", "10.0.0.1", "127.0.0.1"]],
    ids=lambda answer: answer[0],
)
async def test_a_granted_name_does_not_lead_inside(world: World, answer: list[str]) -> None:
    async with http_server(once) as server:
        dns = Dns(answer)
        machine = await world.machine(allow=("*", "rebind.example.com"), resolver=dns)
        url = f"http://rebind.example.com:{server.port}/"
        assert (await machine.run("http_get", url)).lines == ["error destination-IP-prohibited"]
        assert (server.connections, dns.queries) == (0, 1)
    (exchange,) = machine.exchanges
    assert (exchange.host, exchange.error) == ("rebind.example.com", "destination-IP-prohibited")


@pytest.mark.guest("http_get")
async def test_a_name_that_changes_its_address_is_checked_each_time(world: World) -> None:
    """The address is asked for once for a connection, and the one that was checked is the one that is dialled."""
    async with http_server(once) as server:
        dns = Dns(["127.0.0.1"], ["127.0.0.2"])
        machine = await world.machine(allow=("rebind.example.com", grant(server)), resolver=dns)
        url = f"http://rebind.example.com:{server.port}/"
        assert (await machine.run("http_get", url)).lines[0] == "status 200"
        assert dns.queries == 1
        assert (await machine.run("http_get", url)).lines == ["error destination-IP-prohibited"]
        assert (server.connections, dns.queries) == (1, 2)


@pytest.mark.guest("http_get")
@pytest.mark.parametrize(
    "target", ["http://127.0.0.2:{port}/", "http://169.254.169.254/latest/meta-data/", "http://[::1]/"]
)
async def test_a_redirect_leads_nowhere_else(world: World, target: str) -> None:
    """An answer that names another place is an answer: whoever goes there sends a request, which is checked."""

    async def redirect(exchange: Exchange) -> None:
        there = target.format(port=server.port)
        await exchange.respond(302, [("location", there), ("content-type", there)], b"")

    async with http_server(redirect) as server:
        machine = await world.machine(allow=(grant(server), "*"))
        status, location, *_ = (await machine.run("http_get", server.url)).lines
        assert status == "status 302"
        there = location.removeprefix("content-type: ")
        assert (await machine.run("http_get", there)).lines == ["refused HTTP-request-denied"]
        assert server.connections == 1
    assert [exchange.error for exchange in machine.exchanges] == [None, "HTTP-request-denied"]


@pytest.mark.guest("sockets")
async def test_sockets_are_denied(world: World) -> None:
    machine = await world.machine(allow=("*", "example.com", "127.0.0.1"))
    assert (await machine.run("sockets")).lines == ["tcp: access-denied", "udp: access-denied", "lookup: access-denied"]


# Failures


@pytest.mark.guest("http_get", "http_post")
async def test_nobody_listens(world: World) -> None:
    async with http_server(echo) as server:
        allow = (grant(server),)
        url = server.url
    machine = await world.machine(allow=allow)
    assert (await machine.run("http_get", url)).lines == ["error connection-refused"]
    assert (await machine.run("http_post", url, "body")).lines == ["sent body", "error connection-refused"]


@pytest.mark.guest("http_get")
@pytest.mark.parametrize(
    ("raw", "last"),
    [
        (b"", "error connection-terminated"),
        (b"no http\r\n\r\n", "error HTTP-protocol-error"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345", "broken off"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n", "broken off"),
    ],
)
async def test_broken_answers(world: World, raw: bytes, last: str) -> None:
    async def broken(exchange: Exchange) -> None:
        await exchange.send_raw(raw)

    async with http_server(broken) as server:
        machine = await world.machine(allow=(grant(server),))
        assert (await machine.run("http_get", server.url)).lines[-1] == last


@pytest.mark.guest("http_get", "http_post")
async def test_a_fault_of_the_host_is_one_requests(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> NoReturn:
        raise RuntimeError("a secret of the host")

    async with http_server(echo) as server:
        machine = await world.machine(allow=(grant(server),))
        with monkeypatch.context() as patch:
            patch.setattr(HttpGate, "send", broken)
            assert (await machine.run("http_get", server.url)).lines == ["error internal-error"]
            # Whether it could send its body before depends on when its turn ends.
            assert (await machine.run("http_post", server.url, "x")).lines[-1] == "error internal-error"
        assert (await machine.run("http_get", server.url)).lines[-1] == "end"
    assert "a secret of the host" in caplog.text


# Ends


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        pytest.param(stage, name, marks=pytest.mark.guest(name), id=stage)
        for stage, name in (
            ("before the answer", "http_get"),
            ("in the answer", "http_get"),
            ("in the request", "http_post"),
        )
    ],
)
async def test_a_killed_guests_connection_is_closed(world: World, stage: str, name: str) -> None:
    reached, left = trio.Event(), trio.Event()

    async def endless(exchange: Exchange) -> None:
        if stage == "in the answer":
            await exchange.start(200)
            await exchange.send(b"some")
        reached.set()
        await exchange.client_gone()
        left.set()

    async with http_server(endless) as server:
        machine = await world.machine(allow=(grant(server),))
        process = await machine.spawn(name, server.url, *["x" * 4000] * 1500)
        await reached.wait()
        if stage == "in the answer":
            await read_until(process.receive, b"chunk some\n")
        process.kill()
        assert (await process.wait()).reason == "killed"
        with trio.fail_after(WAIT):
            await left.wait()
    assert len(machine.processes) == 0
    assert machine.exchanges[0].error == "cancelled"


@pytest.mark.guest("http_get")
async def test_a_server_that_leaves_ends_no_guest_but_its_own_request(world: World) -> None:
    go_on = trio.Event()

    async def fickle(exchange: Exchange) -> None:
        await exchange.start(200, [("content-length", "100")])
        await exchange.send(exchange.target.encode())
        if exchange.target == "/leaves":
            return
        await go_on.wait()
        await exchange.send(b"." * (100 - len(exchange.target)))
        await exchange.finish()

    async with http_server(fickle) as server:
        machine = await world.machine(allow=(grant(server),))
        stays = await machine.spawn("http_get", f"{server.url}/stays")
        assert (await machine.run("http_get", f"{server.url}/leaves")).lines[-1] == "broken off"
        go_on.set()
        assert (await finish(stays)).lines[-1] == "end"
