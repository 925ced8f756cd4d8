"""Daemons that are not there, or are none, and what a program sees of them."""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import anyio
import pytest
from websockets.server import ServerProtocol

import torpor
from runtime.api import endpoint
from runtime.api.endpoint import HttpEndpoint
from runtime.client import client as client_module
from runtime.client import wires
from runtime.client.client import connect
from runtime.client.link import Link

names = (f"vm-failures-{number}" for number in itertools.count())


@pytest.mark.parametrize("line", [b"{", b"null", b"[]", b"5", b'"\xff"', b"[" * 9999])
def test_what_does_not_send_messages_is_no_daemon(run, line):
    class Odd:
        async def send(self, messages):
            pass

        async def receive(self):
            return [line]

        async def aclose(self):
            pass

    async def main():
        link = Link(Odd(), lambda _notification: None)
        await link.run()
        with pytest.raises(torpor.ConnectionLostError, match="is no daemon"):
            link.check()

    run(main)


def test_the_programs_errors_come_out_as_they_are(run, socket_path):
    async def main():
        with pytest.raises(ZeroDivisionError):
            async with connect(socket_path):
                raise ZeroDivisionError
        with pytest.raises(torpor.RpcError):
            async with connect(socket_path) as client, client.vm.get_or_create(next(names)).connect() as conn:
                await client.call("vm.get", vm="missing")
        assert conn is not None
        with anyio.move_on_after(0.01) as scope:
            async with connect(socket_path):
                await anyio.sleep_forever()
        assert scope.cancelled_caught

    run(main)


def test_the_token_of_a_daemon_on_this_machine_is_found(run, places, monkeypatch):
    monkeypatch.delenv("TORPOR_TOKEN", raising=False)

    async def main():
        async with connect(places["http"]) as client:
            assert client.welcome["protocol"] == 1

    run(main)


def test_nobody_there(run, places, monkeypatch):
    monkeypatch.delenv("TORPOR_TOKEN", raising=False)

    async def fails(error, match, place, **options):
        with pytest.raises(error, match=match):
            async with connect(place, **options):
                pytest.fail("connected")

    async def main():
        await fails(torpor.ConnectError, "there is no socket", "/nowhere/t.sock", autostart=False)
        await fails(torpor.ConnectError, "no daemon answers at http://localhost:1", "http://localhost:1", token="x")
        await fails(torpor.ConnectError, "HTTP 401: A bearer token", places["http"], token="wrong")
        await fails(torpor.EndpointError, "needs a token", "http://example.com")
        with socket.create_server(("127.0.0.1", 0)) as stranger:
            url = f"http://127.0.0.1:{stranger.getsockname()[1]}"
            await fails(torpor.ConnectError, "there is no token for it", url)
        for place in ("ftp://x", "http://", "http://a@b:1", "http://a:1/other", "http://a:99999", "https://a:1/other"):
            await fails(torpor.EndpointError, "not an endpoint", place, token="x")
        with pytest.raises(ValueError, match="patience"):
            async with connect(places["unix"], patience=-1):
                pass

    run(main)


def test_what_answers_http_and_is_no_daemon(run):
    async def main():
        async def serve(stream):
            async with stream:
                await stream.receive()
                await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, serve)
            port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - not Django's
            with pytest.raises(torpor.ConnectError, match="HTTP 200: hi"):
                async with connect(f"http://127.0.0.1:{port}", token="x"):
                    pass
            tasks.cancel_scope.cancel()

    run(main)


def test_a_daemon_that_never_answers(run, tmp_path, monkeypatch):
    monkeypatch.setattr(client_module, "CONNECT_SECONDS", 0.05)

    async def main():
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
            port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - not Django's
            with pytest.raises(torpor.ConnectError, match="in time"):
                async with connect(f"http://127.0.0.1:{port}", token="x"):
                    pass

    run(main)


def test_a_daemon_that_is_gone_for_good(run, tmp_path_factory):
    directory = tmp_path_factory.mktemp("d")
    script = Path(__file__).parents[2] / "rpc" / "fake_host.py"
    path = directory / "s"
    with subprocess.Popen([sys.executable, "-P", str(script), str(path)], stderr=subprocess.PIPE, text=True) as daemon:
        assert daemon.stderr is not None
        assert daemon.stderr.readline() == "ready\n"

        async def main():
            async with connect(path, patience=0) as client:
                agent = client.vm.get_or_create("v")
                await agent.create_session("echo", session_id="s")
                async with agent.connect("s") as conn:
                    daemon.kill()
                    with pytest.raises(torpor.ConnectionLostError):
                        await agent.send_prompt("s", "hang")
                    with pytest.raises(torpor.ConnectionLostError, match="not come back"):
                        await anext(conn)
                with pytest.raises(torpor.ConnectionLostError, match="not come back"):
                    await client.status()

        try:
            run(main)
        finally:
            daemon.kill()


def test_a_message_is_so_long_and_no_longer(run):
    async def main():
        async def serve(excess, stream):
            async with stream:
                protocol = ServerProtocol(subprotocols=["torpor.v1"])
                while not (requests := protocol.events_received()):
                    protocol.receive_data(await stream.receive())
                protocol.send_response(protocol.accept(requests[0]))
                await stream.send(b"".join(protocol.data_to_send()))
                # The head alone of an unmasked text frame with 64 bits of length (RFC 6455, section 5.2).
                await stream.send(b"\x81\x7f" + (endpoint.MAX_MESSAGE + excess).to_bytes(8, "big"))

        for excess, said in ((0, "the daemon has closed the connection$"), (1, "too big")):
            listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
            async with listener, anyio.create_task_group() as tasks:
                tasks.start_soon(listener.serve, partial(serve, excess))
                port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - not Django's
                wire = await wires.open_wire(HttpEndpoint("127.0.0.1", port, "token"))
                with pytest.raises(torpor.ConnectionLostError, match=said):
                    await wire.receive()
                await wire.aclose()
                tasks.cancel_scope.cancel()

    run(main)
