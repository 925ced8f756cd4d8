"""HTTP: who is let in, how a connection begins and ends, and where the daemon listens. What is said on it: test_connection."""

from __future__ import annotations

import contextlib
import os
import socket
import stat

import pytest
import trio
from websockets.frames import Opcode

from runtime.api.endpoint import EndpointError
from runtime.api.local_token import read_local_token, token_path
from runtime.rpc import connection, server, websocket
from runtime.rpc.gate import Gate
from runtime.rpc.http_listener import TOKEN_NAME, AddressError, HttpOptions, http_options, open_http, token_left
from runtime.rpc.server import serve
from tests.patience import WAIT

TOKEN = "a-token-of-the-tests"
GIVEN = f"Bearer {TOKEN}"
ORIGIN = "https://app.example.com"

pytestmark = pytest.mark.parametrize("transport", ["http"], indirect=True)


async def answer(world, path="/rpc", **headers):
    """The status that a handshake is answered with."""
    async with world.handshake(path, **headers) as frames:
        with trio.fail_after(WAIT):
            return (await frames.event()).status_code


async def test_without_the_token_nobody_comes_in(world):
    async with world.handshake() as frames:
        response = await frames.event()
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert await frames.event() is None
    assert await answer(world, Authorization="Bearer wrong") == 401
    assert await answer(world, Authorization=f"Basic {TOKEN}") == 401
    assert await answer(world, Authorization=TOKEN) == 401
    assert await answer(world, Authorization=f"Bearer {TOKEN}x") == 401
    assert await answer(world, Authorization=f"Bearer {TOKEN[:-1]}") == 401
    assert await answer(world, Authorization="Bearer b\xfccher") == 401
    assert await answer(world, f"/rpc?token={TOKEN}") == 401
    assert await answer(world, Sec_WebSocket_Protocol="torpor.v1, bearer.wrong") == 401
    assert world.service.status()["connections"] == 0


async def test_the_token_in_a_header_or_as_a_subprotocol(world):
    assert await answer(world, Authorization=f"bearer  {TOKEN}") == 101
    async with world.handshake(Sec_WebSocket_Protocol=f"torpor.v1, bearer.{TOKEN}") as frames:
        response = await frames.event()
        assert (response.status_code, response.headers["Sec-WebSocket-Protocol"]) == (101, "torpor.v1")
    async with world.handshake(Authorization=GIVEN, Sec_WebSocket_Protocol=None) as frames:
        response = await frames.event()
        assert (response.status_code, "Sec-WebSocket-Protocol" in response.headers) == (101, False)


async def test_foreign_origins_are_refused(world):
    port = world.service.http.rpartition(":")[2]
    for origin in (
        "https://evil.example",
        "null",
        "http://localhost:1",
        f"{ORIGIN}.evil.example",
        "",
        f"http://x@{ORIGIN}",
    ):
        assert await answer(world, Authorization=GIVEN, Origin=origin) == 403, origin
    for origin in (ORIGIN, ORIGIN.upper(), f"http://127.0.0.1:{port}"):
        assert await answer(world, Authorization=GIVEN, Origin=origin) == 101, origin
    assert await answer(world, Origin="https://evil.example") == 403  # whatever else is missing


async def test_foreign_hosts_are_refused(world):
    for host in ("evil.example", "evil.example:6420", "localhost.evil.example", "10.0.0.1", "", "a@localhost", "[::2]"):
        assert await answer(world, Authorization=GIVEN, Host=host) == 403, host
    for host in ("localhost", "LOCALHOST:80", "127.0.0.1:6420", "[::1]:6420", "app.example.com"):
        assert await answer(world, Authorization=GIVEN, Host=host) == 101, host
    assert await answer(world, Authorization=GIVEN, Host="evil.example", Origin="http://evil.example") == 403
    assert await answer(world, Authorization=GIVEN, Host="localhost:80", Origin="http://localhost:80") == 101
    assert await answer(world, Authorization=GIVEN, Host=None) == 403


def test_a_public_daemon_may_be_called_by_any_address_but_by_no_name(transport):
    gate = Gate(TOKEN, public=True)
    assert gate._host(Many("10.0.0.1:6420")) == "10.0.0.1:6420"
    assert gate._host(Many("[fe80::1]")) == "[fe80::1]"
    assert gate._host(Many("evil.example")) is None
    assert gate._host(Many("localhost", "localhost")) is None
    assert TOKEN not in repr(gate)


class Many:
    """Headers that have these values under any name."""

    def __init__(self, *values):
        self.values = values

    def get_all(self, _name):
        return list(self.values)


async def test_other_paths_and_plain_requests(world):
    assert await answer(world, "/", Authorization=GIVEN) == 404
    assert await answer(world, "/rpc/x", Authorization=GIVEN) == 404
    assert await answer(world, "/rpc?x=1", Authorization=GIVEN) == 101
    assert await answer(world, Authorization=GIVEN, Upgrade=None) == 426
    for request, status in ((b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b" 404 "), (b"nonsense\r\n\r\n", b"")):
        async with await trio.open_tcp_stream("127.0.0.1", int(world.service.http.rpartition(":")[2])) as stream:
            await stream.send_all(request)
            assert status in (await stream.receive_some())


async def test_slow_handshakes_end_and_too_many_are_turned_away(world, monkeypatch):
    monkeypatch.setattr(websocket, "HANDSHAKE_SECONDS", WAIT)
    monkeypatch.setattr(server, "MAX_HANDSHAKES", 1)
    port = int(world.service.http.rpartition(":")[2])
    async with await trio.open_tcp_stream("127.0.0.1", port) as slow:
        await slow.send_all(b"GET /rpc HTTP/1.1\r\n")
        while not world.server._handshakes:
            await trio.lowlevel.checkpoint()
        async with await trio.open_tcp_stream("127.0.0.1", port) as another:
            assert await ended(another)
    while world.server._handshakes:
        await trio.lowlevel.checkpoint()
    monkeypatch.setattr(websocket, "HANDSHAKE_SECONDS", 0.05)
    async with await trio.open_tcp_stream("127.0.0.1", port) as slow:
        await slow.send_all(b"GET /rpc HTTP/1.1\r\n")
        assert await ended(slow)
    async with world.peer() as peer:
        assert await peer.call("hello")


async def ended(stream):
    with trio.fail_after(WAIT):
        try:
            return await stream.receive_some() == b""
        except trio.BrokenResourceError:
            return True


async def test_endless_headers_are_refused(world):
    async with await trio.open_tcp_stream("127.0.0.1", int(world.service.http.rpartition(":")[2])) as stream:
        with trio.fail_after(WAIT):
            await stream.send_all(b"GET /rpc HTTP/1.1\r\nX: " + b"x" * 100_000)
            assert await stream.receive_some() != b"HTTP/1.1 101"
            assert await ended(stream)


async def test_a_message_in_fragments_with_a_ping_between_them(world, peer):
    protocol = peer.wire.protocol
    protocol.send_text(b'{"jsonrpc":"2.0","id":1,', fin=False)
    protocol.send_ping(b"hello")
    protocol.send_continuation(b"", fin=False)
    protocol.send_continuation(b'"method":"vm.list"}', fin=True)
    await peer.wire.flush()
    pong = await peer.wire.event()
    assert (pong.opcode, pong.data) == (Opcode.PONG, b"hello")
    assert (await peer.receive())["result"] == []


async def test_fragments_count_together(world, peer, monkeypatch):
    monkeypatch.setattr(connection, "LINGER", WAIT)
    chunk = b"x" * 1_000_000
    protocol = peer.wire.protocol
    protocol.send_text(b'"', fin=False)
    for _ in range(34):
        protocol.send_continuation(chunk, fin=False)
    with trio.fail_after(WAIT):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_what_goes, peer.wire)
            assert (await peer.receive())["error"]["code"] == -32600
            assert (await peer.wire.event()).opcode is Opcode.CLOSE
            nursery.cancel_scope.cancel()


async def send_what_goes(wire):
    with contextlib.suppress(trio.BrokenResourceError):
        await wire.flush()


async def test_binary_messages_end_the_connection(peer):
    peer.wire.protocol.send_binary(b"{}")
    await peer.wire.flush()
    assert (await peer.wire.event()).opcode is Opcode.CLOSE
    assert peer.wire.protocol.close_rcvd.code == 1003


async def test_what_is_no_frame_ends_the_connection_and_no_other(world, peer):
    async with world.peer() as broken:
        await broken.stream.send_all(b"\xff" * 100)
        assert (await broken.wire.event()).opcode is Opcode.CLOSE
        assert broken.wire.protocol.close_rcvd.code == 1002
    assert await peer.call("vm.list") == []


async def test_a_peer_that_says_goodbye_is_answered(world):
    async with world.peer() as peer:
        peer.wire.protocol.send_close(1000)
        await peer.wire.flush()
        assert (await peer.wire.event()).opcode is Opcode.CLOSE
        assert await peer.wire.event() is None


async def test_peers_are_told_of_the_end_of_the_daemon(world, nursery, socket_path):
    async def run(task_status):
        async with trio.open_nursery() as inner:
            http = HttpOptions("127.0.0.1", 0, Gate(TOKEN))
            found = await inner.start(serve, world.host, socket_path.with_name("other"), http)
            task_status.started((found, inner.cancel_scope))

    found, scope = await nursery.start(run)
    async with type(world)(world.host, found, "http").peer() as peer:
        await peer.call("hello")
        scope.cancel()
        with trio.fail_after(WAIT):
            assert (await peer.wire.event()).opcode is Opcode.CLOSE
            assert peer.wire.protocol.close_rcvd.code == 1001


async def test_status_names_the_url(world, peer):
    assert (await peer.call("daemon.status"))["http"] == world.service.http


def options(tmp_path, address="127.0.0.1:0", token=None, *, public=False, origins=()):
    return http_options(address, token, tmp_path / TOKEN_NAME, public=public, origins=origins)


def test_only_addresses_of_this_machine_unless_told_otherwise(transport, tmp_path):
    assert options(tmp_path, "localhost:6420").port == 6420
    assert options(tmp_path, "[::1]:1").host == "::1"
    assert options(tmp_path, "127.8.8.8:1").host == "127.8.8.8"
    for address in ("0.0.0.0:1", "[::]:1", "192.168.0.1:1"):
        with pytest.raises(AddressError, match="--http-public"):
            options(tmp_path, address)
        assert options(tmp_path, address, public=True).gate.public
    for address in ("6420", ":6420", "localhost", "127.0.0.1:70000", "::1:6420", "http://localhost:1"):
        with pytest.raises(AddressError, match="HOST:PORT"):
            options(tmp_path, address)


def test_origins_are_checked(transport, tmp_path):
    assert options(tmp_path, origins=[ORIGIN.upper() + "/"]).gate.origins == {ORIGIN}
    for origin in ("app.example.com", "*", "https://x/path", "https://a@b"):
        with pytest.raises(AddressError, match="not an origin"):
            options(tmp_path, origins=[origin])


def test_the_token_is_made_once_and_private(transport, tmp_path):
    before = os.umask(0)
    try:
        token = options(tmp_path).gate.token
    finally:
        os.umask(before)
    path = tmp_path / "http-token"
    assert [each.name for each in tmp_path.iterdir()] == ["http-token"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(token) >= 40
    assert path.read_text() == token + "\n"
    assert options(tmp_path).gate.token == token


def test_a_token_of_ones_own(transport, tmp_path):
    path = tmp_path / "mine"
    with pytest.raises(EndpointError, match="cannot read"):
        options(tmp_path, token=path)
    path.touch(0o600)
    for text in ("", "short", "x" * 2000, "with a space in it", "two-lines-of-it-\nmore"):
        path.write_text(text)
        with pytest.raises(EndpointError, match="a token is one line"):
            options(tmp_path, token=path)
    path.write_text(TOKEN)
    assert options(tmp_path, token=path).gate.token == TOKEN
    path.chmod(0o640)
    with pytest.raises(EndpointError, match="open to other users"):
        options(tmp_path, token=path)
    assert not (tmp_path / "http-token").exists()


async def test_an_address_in_use_is_an_error(transport):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(EndpointError, match="in use"):
        await open_http(HttpOptions("127.0.0.1", taken.getsockname()[1], Gate(TOKEN)))


async def test_clients_on_this_machine_find_the_token(tmp_path, monkeypatch, transport, caplog):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    listeners = await open_http(options(tmp_path))
    port = listeners[0].socket.getsockname()[1]
    path = token_path(port)
    with token_left(listeners, TOKEN):
        assert path.read_text() == TOKEN + "\n"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert read_local_token(port) == TOKEN
    assert not path.exists()
    with token_left(listeners, TOKEN), token_left(listeners, "the next daemon's"):  # one that was killed left its own
        pass
    assert not path.exists()
    with token_left(listeners, TOKEN):
        path.unlink()
        path.write_text("the next daemon's")
    assert path.read_text() == "the next daemon's"
    path.parent.chmod(0o755)
    with token_left(listeners, TOKEN):
        assert "clients do not find the token" in caplog.text
    for listener in listeners:
        await listener.aclose()
    async with contextlib.AsyncExitStack() as stack:
        everywhere = await open_http(options(tmp_path, "0.0.0.0:0", public=True))
        for listener in everywhere:
            stack.push_async_callback(listener.aclose)
        with token_left(everywhere, TOKEN):
            assert not token_path(everywhere[0].socket.getsockname()[1]).exists()
