"""`torpor acp --http`: the same for clients elsewhere, each by a WebSocket (ACP's RFD "Streamable HTTP & WebSocket Transport").

A server may speak WebSocket alone, which every client that speaks ACP over HTTP knows; the other way needs HTTP/2. A message
is a text frame. Each connection has a `torpor acp` of its own, started like that of an editor on this machine, so that one
client's end is nothing to another.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import signal
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from runtime.cli import exits, output
from runtime.cli.acp.loop import EXIT_SECONDS
from runtime.rpc.framing import RECEIVE_SIZE, LineTooLongError
from runtime.rpc.http_listener import HttpOptions, http_url, open_http
from runtime.rpc.websocket import WebSocketTransport, accept

if TYPE_CHECKING:
    from collections.abc import Sequence

PATH: Final = "/acp"
TOKEN_NAME: Final = "acp-http-token"  # noqa: S105 - a file's name
CONNECTION: Final = "Acp-Connection-Id"

MAX_CLIENTS: Final = 64
"""Clients at once: each is a process of some 30 MB, and one person has a handful of editors."""

GRACE: Final = EXIT_SECONDS + 2.0
"""Seconds for a client's process to end after its stdin: what it takes itself, and to be heard."""

SKIP_SECONDS: Final = 1.0
"""For a client to stop sending a message that is too long."""


class Server:
    """Serves clients, each by a process of the command line `command`."""

    def __init__(self, options: HttpOptions, command: Sequence[str]) -> None:
        self._options = options
        self._command = command
        self._clients = 0

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT; return the exit code. Raises EndpointError."""
        listeners = await open_http(self._options)
        for listener in listeners:
            output.say(f"serving ACP at {http_url(listener).replace('http', 'ws', 1)}{PATH}")
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(trio.serve_listeners, self._client, listeners))
                async for _ in signals:
                    break
                nursery.cancel_scope.cancel()
        return exits.OK

    async def _client(self, stream: trio.SocketStream) -> None:
        if self._clients >= MAX_CLIENTS:
            output.say(f"a client was refused: {MAX_CLIENTS} are connected")
            await trio.aclose_forcefully(stream)
            return
        self._clients += 1
        try:
            transport = await accept(stream, self._options.gate, {CONNECTION: secrets.token_urlsafe()})
            if transport is not None:
                await self._serve(transport)
        except trio.BrokenResourceError:
            pass  # it has gone
        finally:
            self._clients -= 1

    async def _serve(self, transport: WebSocketTransport) -> None:
        async with contextlib.aclosing(transport):
            process = await trio.lowlevel.open_process(
                list(self._command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_to_client, process.stdout, transport, nursery.cancel_scope)
                    await _from_client(transport, process.stdin)
                    nursery.cancel_scope.cancel()
            finally:
                await _end(process)


async def _from_client(transport: WebSocketTransport, stdin: trio.abc.SendStream) -> None:
    with contextlib.suppress(trio.BrokenResourceError):  # one of the two has gone
        try:
            while (message := await transport.receive()) is not None:
                # The end of a line is white space in JSON, and there is none in its strings.
                await stdin.send_all(message.replace(b"\n", b" ") + b"\n")
        except LineTooLongError:
            await transport.skip_line(SKIP_SECONDS)


async def _to_client(stdout: trio.abc.ReceiveStream, transport: WebSocketTransport, scope: trio.CancelScope) -> None:
    with contextlib.suppress(trio.BrokenResourceError):
        while data := await stdout.receive_some(RECEIVE_SIZE):
            await transport.send([part for part in re.split(rb"(?<=\n)", data) if part])
    scope.cancel()  # the process has ended by itself, since the daemon has gone, or the client has


async def _end(process: trio.Process) -> None:
    """End a client's process: its turns are cancelled, and its sessions sleep."""
    with trio.CancelScope(shield=True):
        assert process.stdin is not None
        assert process.stdout is not None
        await process.stdin.aclose()
        with trio.move_on_after(GRACE):
            async for _ in process.stdout:
                pass
            await process.wait()
        process.kill()
        await process.wait()
        await process.stdout.aclose()
