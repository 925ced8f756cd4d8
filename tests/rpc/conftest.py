"""A real server on a real Unix socket in the test's own process, and peers that speak to it as clients do."""

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

from runtime.rpc.server import Server, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


def load(path: Path) -> Any:
    """Import a helper that lies beside the tests, which are no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fake = load(Path(__file__).with_name("fake_host.py"))


class Peer:
    """One raw connection: lines out, messages in, whatever order they come in."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._buffer = bytearray()
        self._ids = itertools.count(1)
        self.notifications: list[dict[str, Any]] = []
        self.responses: dict[Any, dict[str, Any]] = {}

    async def send(self, line: bytes) -> None:
        await self.stream.send_all(line + b"\n")

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
        scanned = 0
        while (end := self._buffer.find(b"\n", scanned)) < 0:
            scanned = len(self._buffer)
            data = await self.stream.receive_some()
            if not data:
                return None
            self._buffer += data
        message: dict[str, Any] = json.loads(self._buffer[:end])
        del self._buffer[: end + 1]
        return message

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

    def __init__(self, host: Any, server: Server) -> None:
        self.host = host
        self.server = server

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[Peer]:
        async with await trio.open_unix_socket(str(self.server.path)) as stream:
            yield Peer(stream)

    async def session(self, vm: str = "v", session_id: str = "s") -> Any:
        """Make a session without a client; returns the VM's sessions."""
        await self.host.get_or_create(vm, None)
        sessions = self.host.vms[vm].sessions
        await sessions.create("echo", {"sessionId": session_id})
        return sessions


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """A path short enough for a Unix socket, which pytest's own are not always."""
    with tempfile.TemporaryDirectory(prefix="torpor-") as directory:
        yield Path(directory) / "t.sock"


@pytest.fixture
async def world(socket_path: Path, nursery: trio.Nursery) -> World:
    host = fake.FakeHost(nursery)
    return World(host, await nursery.start(serve, host, socket_path))


@pytest.fixture
async def peer(world: World) -> AsyncIterator[Peer]:
    async with world.peer() as connected:
        yield connected
