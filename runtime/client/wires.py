"""The asynchronous client's wires: messages over a Unix socket (one a line) or over WebSocket (one a text frame)."""

from __future__ import annotations

import errno
import logging
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

import anyio
import anyio.abc

from runtime.api.defaults import SUBPROTOCOL
from runtime.api.endpoint import HTTP_PATH, MAX_MESSAGE, HttpEndpoint, UnixEndpoint, check_directory
from runtime.api.local_token import read_local_token, token_path
from runtime.client.errors import ConnectError, ConnectionLostError
from runtime.jsonrpc import Lines, TooLong, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from websockets.client import ClientProtocol

RECEIVE_SIZE: Final = 256 * 1024
"""Bytes asked of the socket at a time: what the daemon writes at a time."""

_library_logger: Final = logging.getLogger("runtime.client.wires.library")
_library_logger.setLevel(logging.WARNING)  # at DEBUG it would note the token


class Wire(Protocol):
    """Messages, encoded. One task may send and one receive; both raise ConnectionLostError."""

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send messages."""
        ...

    async def receive(self) -> Sequence[bytes]:
        """Return the messages that have come, at least one."""
        ...

    async def aclose(self) -> None:
        """Close it."""
        ...


class UnixWire:
    """NDJSON over a Unix socket."""

    def __init__(self, stream: anyio.abc.ByteStream) -> None:
        self._stream = stream
        self._lines = Lines(MAX_MESSAGE)
        self.aclose = stream.aclose

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send lines."""
        await _send(self._stream, b"".join([message + b"\n" for message in messages]))

    async def receive(self) -> Sequence[bytes]:
        """Return the complete lines that have come."""
        messages: list[bytes] = []
        while not messages:
            self._lines.push(await _receive(self._stream))
            for line in self._lines:
                if isinstance(line, TooLong):
                    raise ConnectionLostError(f"what answers is no daemon: it sends {line.size} bytes in one line")
                messages.append(joined(line))
        return messages


class WebSocketWire:
    """A WebSocket, after the handshake; the `websockets` library knows the protocol and does no I/O."""

    def __init__(self, stream: anyio.abc.ByteStream, protocol: ClientProtocol) -> None:
        self._stream = stream
        self._protocol = protocol
        self._partial = bytearray()
        self._sending = anyio.Lock()  # messages are sent by one task, pongs by the one that receives

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send text frames."""
        if self._protocol.close_expected():
            raise ConnectionLostError("the daemon has closed the connection")
        for message in messages:
            self._protocol.send_text(message)
        await self.flush()

    async def receive(self) -> list[bytes]:
        """Return the messages that have come; an overlong one ends the connection."""
        from websockets.frames import Frame, Opcode  # noqa: PLC0415 - loaded already

        while True:
            messages = []
            for event in self._protocol.events_received():
                if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.CONT):
                    self._partial += event.data
                    if event.fin:
                        messages.append(bytes(self._partial))
                        self._partial.clear()
            await self.flush()
            if messages:
                return messages
            if self._protocol.close_expected():
                close = self._protocol.close_rcvd or self._protocol.close_sent
                raise ConnectionLostError(f"the daemon has closed the connection ({close})")
            self._protocol.receive_data(await _receive(self._stream))

    async def flush(self) -> None:
        """Send the frames that the protocol has ready."""
        async with self._sending:
            data = b"".join(self._protocol.data_to_send())
            if data:
                await _send(self._stream, data)

    async def aclose(self) -> None:
        """Close the connection, with a goodbye if it leaves at once."""
        with suppress(Exception), anyio.move_on_after(0):
            self._protocol.send_close(1000)
            await self.flush()
        await self._stream.aclose()


async def open_wire(endpoint: UnixEndpoint | HttpEndpoint, tls: ssl.SSLContext | None = None) -> Wire:
    """Connect; `tls` says whom to trust where the endpoint is `secure`, by default whom the system trusts.

    Raises ConnectError, and EndpointError when the place is not to be trusted.
    """
    try:
        if isinstance(endpoint, UnixEndpoint):
            check_directory(endpoint.path)
            return UnixWire(await anyio.connect_unix(endpoint.path))
        stream = await _connect_tcp(endpoint, tls)
    except ssl.SSLError as error:
        why = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error.reason
        raise ConnectError(endpoint, f"its TLS is not to be trusted: {why}") from error
    except OSError as error:
        reason = "there is no socket" if error.errno == errno.ENOENT else (error.strerror or str(error))
        raise ConnectError(endpoint, reason) from error
    try:
        return await _shake_hands(stream, endpoint)
    except ConnectionLostError as error:
        await anyio.aclose_forcefully(stream)
        raise ConnectError(endpoint, str(error)) from error
    except BaseException:
        await anyio.aclose_forcefully(stream)
        raise


async def _connect_tcp(endpoint: HttpEndpoint, tls: ssl.SSLContext | None) -> anyio.abc.ByteStream:
    if not endpoint.secure:
        return await anyio.connect_tcp(endpoint.host, endpoint.port)
    context = tls or ssl.create_default_context()
    # A daemon that goes away says no goodbye of TLS; what a message is the WebSocket knows.
    return await anyio.connect_tcp(endpoint.host, endpoint.port, ssl_context=context, tls_standard_compatible=False)


async def _shake_hands(stream: anyio.abc.ByteStream, endpoint: HttpEndpoint) -> WebSocketWire:
    from websockets.client import ClientProtocol  # noqa: PLC0415 - most connections are Unix sockets
    from websockets.exceptions import InvalidStatus  # noqa: PLC0415
    from websockets.typing import Subprotocol  # noqa: PLC0415
    from websockets.uri import WebSocketURI  # noqa: PLC0415

    uri = WebSocketURI(secure=endpoint.secure, host=endpoint.host, port=endpoint.port, path=HTTP_PATH, query="")
    protocol = ClientProtocol(
        uri, subprotocols=[Subprotocol(SUBPROTOCOL)], max_size=MAX_MESSAGE, logger=_library_logger
    )
    request = protocol.connect()
    request.headers["Authorization"] = f"Bearer {_token(endpoint)}"
    protocol.send_request(request)
    wire = WebSocketWire(stream, protocol)
    await wire.flush()
    while not (events := protocol.events_received()) and protocol.handshake_exc is None:
        protocol.receive_data(await _receive(stream))
    failure = protocol.handshake_exc
    if isinstance(failure, InvalidStatus):
        said = bytes(failure.response.body or b"").decode(errors="replace").strip()
        raise ConnectError(endpoint, f"HTTP {failure.response.status_code}: {said}") from failure
    if failure is not None:
        raise ConnectError(endpoint, str(failure)) from failure
    protocol.events[:0] = events[1:]  # frames that came with the response
    return wire


def _token(endpoint: HttpEndpoint) -> str:
    """Return the token. One that was not given is looked for now that there is a connection: it goes to who listens."""
    token = endpoint.token or read_local_token(endpoint.port)
    if token is None:
        where = f"a daemon of yours writes it to {token_path(endpoint.port)} when it serves HTTP"
        raise ConnectError(endpoint, f"there is no token for it: {where}; else give `token` or $TORPOR_TOKEN")
    return token


async def _send(stream: anyio.abc.ByteStream, data: bytes) -> None:
    try:
        await stream.send(data)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
        raise ConnectionLostError("the connection broke") from error


async def _receive(stream: anyio.abc.ByteStream) -> bytes:
    try:
        return await stream.receive(RECEIVE_SIZE)
    except anyio.EndOfStream as error:
        raise ConnectionLostError("the daemon has closed the connection") from error
    except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
        raise ConnectionLostError("the connection broke") from error
