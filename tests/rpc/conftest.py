"""A real server in the test's own process, and peers that speak to it as clients do: over its Unix socket and over HTTP.

Tests that ask for `world` or `peer` run over both, unless they are about one and give `transport` themselves.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from runtime.api.sessions import SessionOptions
from runtime.rpc.gate import Gate
from runtime.rpc.http_listener import HttpOptions
from runtime.rpc.server import Server, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


TOKEN = "a-token-of-the-tests"
ORIGIN = "https://app.example.com"


def load(path: Path) -> Any:
    """Import a helper that lies beside the tests, which are no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fake = load(Path(__file__).with_name("fake_host.py"))


class Lines:
    """The wire of the Unix socket."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._buffer = bytearray()

    async def send(self, *lines: bytes) -> None:
        await self.stream.send_all(b"".join(line + b"\n" for line in lines))

    async def receive(self) -> bytes | None:
        scanned = 0
        while (end := self._buffer.find(b"\n", scanned)) < 0:
            scanned = len(self._buffer)
            data = await self.stream.receive_some()
            if not data:
                return None
            self._buffer += data
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line


class Frames:
    """The wire of a WebSocket."""

    def __init__(self, stream: trio.SocketStream, protocol: ClientProtocol) -> None:
        self.stream = stream
        self.protocol = protocol
        self.events: list[Any] = []
        self._sending = trio.Lock()  # who reads sends too: pongs, and the answer to a close frame

    async def send(self, *lines: bytes) -> None:
        for line in lines:
            self.protocol.send_text(line)
        await self.flush()

    async def flush(self) -> None:
        if data := b"".join(self.protocol.data_to_send()):
            async with self._sending:
                await self.stream.send_all(data)

    async def event(self) -> Any:
        """Return the next frame (or the answer to the handshake), None at the end of the connection."""
        while not self.events:
            try:
                data = await self.stream.receive_some()
            except trio.BrokenResourceError:
                return None
            if not data:
                return None
            self.protocol.receive_data(data)
            self.events += self.protocol.events_received()
            if self.protocol.handshake_exc is None:
                await self.flush()
        return self.events.pop(0)

    async def receive(self) -> bytes | None:
        parts: list[bytes] = []
        while (event := await self.event()) is not None and event.opcode is not Opcode.CLOSE:
            assert event.opcode is (Opcode.CONT if parts else Opcode.TEXT)
            parts.append(event.data)
            if event.fin:
                return b"".join(parts)
        return None


class Peer:
    """One raw connection: messages out, messages in, whatever order they come in."""

    def __init__(self, wire: Lines | Frames) -> None:
        self.wire = wire
        self.stream = wire.stream
        self.send = wire.send
        self._ids = itertools.count(1)
        self.notifications: list[dict[str, Any]] = []
        self.responses: dict[Any, dict[str, Any]] = {}

    async def start(self, method: str, /, **params: Any) -> int:
        """Send a request, and return its id."""
        number = next(self._ids)
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        await self.send(json.dumps(message).encode())
        return number

    async def notify(self, method: str, /, **params: Any) -> None:
        await self.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode())

    async def receive(self) -> dict[str, Any] | None:
        """Return the next message, None at the end."""
        message = await self.wire.receive()
        return None if message is None else json.loads(message)

    async def response(self, number: Any) -> dict[str, Any]:
        """Return the response of this id, keeping what comes before it."""
        while number not in self.responses:
            message = await self.receive()
            assert message is not None, "the connection was closed"
            if "method" in message:
                self.notifications.append(message)
            else:
                self.responses[message["id"]] = message
        return self.responses.pop(number)

    async def notification(self) -> dict[str, Any]:
        """Return the next notification."""
        while not self.notifications:
            message = await self.receive()
            assert message is not None, "the connection was closed"
            if "method" in message:
                self.notifications.append(message)
            else:
                self.responses[message["id"]] = message
        return self.notifications.pop(0)

    async def call(self, method: str, /, **params: Any) -> Any:
        response = await self.response(await self.start(method, **params))
        assert "error" not in response, response
        return response["result"]

    async def error(self, method: str, /, **params: Any) -> dict[str, Any]:
        response = await self.response(await self.start(method, **params))
        error: dict[str, Any] = response["error"]
        return error


class World:
    """A server, its host, and the means to connect."""

    def __init__(self, host: Any, server: Server, transport: str) -> None:
        self.host = host
        self.server = server
        self.service = server.service
        self.transport = transport

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[Peer]:
        if self.transport == "unix":
            async with await trio.open_unix_socket(str(self.service.path)) as stream:
                yield Peer(Lines(stream))
        else:
            async with self.handshake(Authorization=f"Bearer {TOKEN}") as frames:
                assert (await frames.event()).status_code == 101
                yield Peer(frames)

    @asynccontextmanager
    async def handshake(self, path: str = "/rpc", **headers: str | None) -> AsyncIterator[Frames]:
        """Begin a WebSocket with these headers ("_" for "-"; None: without it); the answer is the first event."""
        url = parse_uri(self.service.http.replace("http", "ws", 1) + path)
        protocol = ClientProtocol(url, max_size=None, subprotocols=[Subprotocol("torpor.v1")])
        request = protocol.connect()
        for name, value in headers.items():
            request.headers.pop(name.replace("_", "-"), None)
            if value is not None:
                request.headers[name.replace("_", "-")] = value
        protocol.send_request(request)
        async with await trio.open_tcp_stream(url.host, url.port) as stream:
            frames = Frames(stream, protocol)
            await frames.flush()
            yield frames

    async def session(self, vm: str = "v", session_id: str = "s") -> Any:
        """Make a session without a client; returns the VM's sessions."""
        await self.host.get_or_create(vm, None)
        sessions = self.host.vms[vm].sessions
        await sessions.create("echo", SessionOptions(session_id=session_id))
        return sessions


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """A path short enough for a Unix socket, which pytest's own are not always."""
    with tempfile.TemporaryDirectory(prefix="torpor-") as directory:
        yield Path(directory) / "t.sock"


@pytest.fixture(params=["unix", "http"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def world(socket_path: Path, transport: str, nursery: trio.Nursery) -> World:
    host = fake.FakeHost(nursery)
    http = HttpOptions("127.0.0.1", 0, Gate(TOKEN, frozenset({ORIGIN}))) if transport == "http" else None
    return World(host, await nursery.start(serve, host, socket_path, http), transport)


@pytest.fixture
async def peer(world: World) -> AsyncIterator[Peer]:
    async with world.peer() as connected:
        yield connected
