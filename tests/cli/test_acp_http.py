"""`torpor acp --http` under the official client, and who is let in."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import acp
import pytest
import trio
import trio.testing
from acp.ws.client import create_websocket_stream
from websockets.exceptions import InvalidStatus

from runtime.cli import exits
from runtime.cli.acp import http
from runtime.rpc.gate import Gate
from runtime.rpc.http_listener import HttpOptions
from tests.cli.acp_editor import COMMAND, WAIT
from tests.cli.test_acp_clients import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.system.daemon import Daemon

URL: Final = re.compile(rb"serving ACP at (ws://127\.0\.0\.1:\d+/acp)")


class Served:
    """A `torpor acp --http` on a free port."""

    def __init__(self, daemon: Daemon, directory: Path) -> None:
        environment = {**os.environ, "TORPOR_SOCKET": str(daemon.socket), "TORPOR_STATE": str(directory / "state")}
        self.process = subprocess.Popen(
            [*COMMAND, "--http", "127.0.0.1:0", "--env", "WHO=remote", "echo"], stderr=subprocess.PIPE, env=environment
        )
        assert self.process.stderr is not None
        self.url = ""
        while not self.url:
            line = self.process.stderr.readline()
            assert line, "it has ended"
            if match := URL.search(line):
                self.url = match[1].decode()
        self.token = (directory / http.TOKEN_NAME).read_text().strip()

    def connect(self, token: str | None = None) -> Any:
        return create_websocket_stream(self.url, headers={"Authorization": f"Bearer {token or self.token}"})


@pytest.fixture
def served(daemon: Daemon, tmp_path: Path) -> Iterator[Served]:
    served = Served(daemon, tmp_path)
    yield served
    served.process.send_signal(signal.SIGTERM)
    assert served.process.stderr is not None
    with served.process.stderr:
        assert served.process.wait(WAIT) == exits.OK


async def converse(served: Served, name: str) -> str:
    client = Client()
    agent = acp.connect_to_agent(client, await served.connect())
    hello = await agent.initialize(protocol_version=acp.PROTOCOL_VERSION)
    assert hello.agent_info is not None
    assert hello.agent_info.name == "echo"
    session = (await agent.new_session(cwd=f"/home/me/{name}", mcp_servers=[])).session_id
    ended = await agent.prompt(session_id=session, prompt=[acp.text_block(f"say {name}; env WHO; permission Rm")])
    assert ended.stop_reason == "end_turn"
    await agent.close()
    return client.said()


def test_the_official_client_converses_from_elsewhere(served: Served) -> None:
    async def both() -> list[str]:
        return await asyncio.gather(converse(served, "one"), converse(served, "two"))

    said = asyncio.run(asyncio.wait_for(both(), WAIT))
    for name, text in zip(("one", "two"), said, strict=True):
        assert text.startswith(name)
        assert "remote" in text
        assert text.endswith("permission: allow-once")


def test_a_client_without_the_token_is_refused(served: Served) -> None:
    with pytest.raises(InvalidStatus) as refused:
        asyncio.run(served.connect("another-token-of-16"))
    assert refused.value.response.status_code == 401


def test_only_websockets_are_served(served: Served) -> None:
    async def get() -> str:
        url = urlsplit(served.url)
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        request = f"GET /acp HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {served.token}\r\n\r\n"
        writer.write(request.encode())
        line = await reader.readline()
        writer.close()
        return line.decode()

    assert " 426 " in asyncio.run(get())


def test_a_connection_has_a_name(served: Served) -> None:
    async def name() -> str:
        transport = await served.connect()
        found = str(transport._ws.response.headers[http.CONNECTION])
        await transport.close()
        return found

    assert len({asyncio.run(name()) for _ in range(2)}) == 2


def test_a_message_may_have_ends_of_lines(served: Served) -> None:
    async def ask() -> Any:
        transport = await served.connect()
        await transport._ws.send(json.dumps({"jsonrpc": "2.0", "id": 7, "method": "nonsense"}, indent=1))
        answer = await transport.receive()
        await transport.close()
        return answer

    answer = asyncio.run(ask())
    assert (answer["id"], answer["error"]["code"]) == (7, -32601)


async def test_so_many_clients_are_served_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_CLIENTS", 0)
    server = http.Server(HttpOptions("127.0.0.1", 0, Gate("a-token-of-the-tests", path=http.PATH)), ["none"])
    ours, theirs = trio.testing.memory_stream_pair()
    await server._client(ours)
    assert await theirs.receive_some() == b""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--http", "0.0.0.0:0"), "--http-public says that this is meant"),
        (("--http", "nonsense"), "not an address"),
        (("--http", "0.0.0.0:0", "--http-public", "--workspace"), "any directory of this machine"),
        (("--http-public",), "go with --http"),
    ],
)
def test_what_is_not_served(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    environment = {**os.environ, "TORPOR_STATE": str(tmp_path / "state"), "TORPOR_SOCKET": str(tmp_path / "none")}
    ended = subprocess.run(
        [*COMMAND, *arguments, "echo"], capture_output=True, env=environment, timeout=WAIT, check=False
    )
    assert ended.returncode == exits.USAGE
    assert said in ended.stderr.decode()
