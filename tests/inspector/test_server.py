"""Who is let in, and with what the page is sent."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing

from runtime.inspector import owner, server
from runtime.inspector.door import Door
from runtime.inspector.server import Inspector
from runtime.rpc.gate import Gate

FILES = {"/": ("text/html; charset=utf-8", b"<!doctype html>"), "/a.js": ("text/javascript; charset=utf-8", b"1")}


class Place:
    """A page at a port, its addresses, and plain requests to it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.addresses: list[str] = []

    async def get(self, path: str, *headers: str, host: str | None = None) -> tuple[int, dict[str, str], str]:
        lines = [f"GET {path} HTTP/1.1", f"Host: {host or f'127.0.0.1:{self.port}'}", *headers, "", ""]
        async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream:
            await stream.send_all("\r\n".join(lines).encode())
            answer = b"".join([data async for data in stream]).decode()
        head, _, body = answer.partition("\r\n\r\n")
        status, *fields = head.split("\r\n")
        return int(status.split()[1]), dict(field.split(": ", 1) for field in fields), body

    async def enter(self) -> str:
        """Come in with the newest address; the header with the cookie."""
        _, headers, _ = await self.get(self.addresses[-1].partition(str(self.port))[2])
        return f"Cookie: {headers['Set-Cookie'].partition(';')[0]}"


@asynccontextmanager
async def served(tmp_path):
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        place = Place(listeners[0].socket.getsockname()[1])
        door = Door(f"http://127.0.0.1:{place.port}", place.addresses.append)
        inspector = Inspector(tmp_path / "nobody", FILES, Gate(""), door)
        nursery.start_soon(partial(inspector.serve, listeners))
        yield place
        nursery.cancel_scope.cancel()


async def test_an_address_works_once_and_the_cookie_from_then_on(tmp_path):
    async with served(tmp_path) as place:
        status, _, body = await place.get("/")
        assert (status, "prints the next one" in body) == (401, True)
        first = place.addresses[-1].partition(str(place.port))[2]
        status, headers, body = await place.get(first)
        assert (status, body) == (200, "<!doctype html>")
        assert headers["Set-Cookie"].endswith("; Path=/; HttpOnly; SameSite=Strict")
        assert len(place.addresses) == 2
        assert (await place.get(first))[0] == 401
        cookie = f"Cookie: other=1; {headers['Set-Cookie'].partition(';')[0]}"
        assert (await place.get("/a.js", cookie))[2] == "1"
        assert (await place.get("/a.js"))[0] == 401
        assert (await place.get("/a.js", cookie + "x"))[0] == 401
        assert (await place.get("/b.js", cookie))[0] == 404


async def test_no_code_but_the_page_s_own_and_nobody_keeps_or_frames_it(tmp_path):
    async with served(tmp_path) as place:
        _, headers, _ = await place.get("/a.js", await place.enter())
        policy = headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(policy)
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")


@pytest.mark.parametrize(
    ("host", "header"),
    [
        ("evil.example", "Accept: */*"),
        (None, "Origin: http://evil.example"),
        (None, "Origin: null"),
        (None, "Origin: http://127.0.0.1:1"),
    ],
)
async def test_what_is_foreign_is_refused_with_the_cookie_too(tmp_path, host, header):
    async with served(tmp_path) as place:
        cookie = await place.enter()
        for path in ("/", "/rpc"):
            assert (await place.get(path, cookie, header, host=host))[0] == 403


async def test_the_socket_is_for_the_page_alone_and_waits_for_the_daemon(tmp_path):
    async with served(tmp_path) as place:
        cookie = await place.enter()
        handshake = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
        handshake.append("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
        origin = f"Origin: http://127.0.0.1:{place.port}"
        assert (await place.get("/rpc", *handshake, origin))[0] == 401
        assert (await place.get("/rpc", *handshake, cookie))[0] == 403
        status, _, body = await place.get("/rpc", *handshake, cookie, origin)
        assert (status, "no daemon answers" in body) == (503, True)


class OfOthers:
    """The kernel's list, with another user's number in each line."""

    def read_text(self, encoding: str) -> str:
        lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding).splitlines()]
        return "\n".join(" ".join([*line[:7], str(os.getuid() + 7), *line[8:]]) for line in lines)


async def test_programs_of_other_users_are_hung_up_on(tmp_path, monkeypatch):
    async with served(tmp_path) as place:
        assert (await place.get("/"))[0] == 401
        monkeypatch.setattr(owner, "_TABLE", OfOthers())
        async with await trio.open_tcp_stream("127.0.0.1", place.port) as stream:
            assert await stream.receive_some() == b""


async def test_one_who_resets_the_connection_at_once_ends_nothing(tmp_path):
    async with served(tmp_path) as place:
        # Blocking, so that it is over before the page's task runs.
        with socket.create_connection(("127.0.0.1", place.port)) as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await trio.testing.wait_all_tasks_blocked()
        assert (await place.get("/"))[0] == 401


async def test_so_many_connections_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 2)
    async with served(tmp_path) as place:
        held = [await trio.open_tcp_stream("127.0.0.1", place.port) for _ in range(2)]
        for stream in held:
            await stream.send_all(b"GET ")
        await trio.testing.wait_all_tasks_blocked()
        async with await trio.open_tcp_stream("127.0.0.1", place.port) as late:
            assert await late.receive_some() == b""
        for stream in held:
            await stream.aclose()
