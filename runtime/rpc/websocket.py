"""JSON-RPC over WebSocket: one message a text frame, on the path /rpc (RFC 6455, by the `websockets` library's protocol core).

The library knows the protocol and does no I/O; what is here moves its bytes through trio. No extension is offered: compression
would let a small frame become a large message, and what is compressed beside a secret tells about it.
"""

from __future__ import annotations

import logging
from collections import deque
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import trio
from websockets.exceptions import PayloadTooBig
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import SEND_EOF, State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from runtime.api.defaults import SUBPROTOCOL
from runtime.api.limits import MAX_LINE
from runtime.budget import uncounted
from runtime.rpc.framing import MAX_SKIPS, RECEIVE_SIZE, LineTooLongError, receive_within

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runtime.rpc.gate import Gate


HANDSHAKE_SECONDS: Final = 10.0
"""From the connection to the end of the handshake: a loopback peer takes a millisecond, a slow link a second or two."""

CLOSE_SECONDS: Final = 1.0
"""For the close frame to leave, when the connection ends."""


# Above INFO: the library would note each connection, and at DEBUG the headers, of which one is the token.
_library_logger: Final = logging.getLogger("runtime.rpc.websocket.library")
_library_logger.setLevel(logging.WARNING)


class WebSocketTransport:
    """One peer after the handshake (`accept`)."""

    def __init__(self, stream: trio.abc.Stream, protocol: ServerProtocol) -> None:
        self._stream = stream
        self._protocol = protocol
        self._messages: deque[bytes] = deque()
        self._partial = bytearray()
        self._sending = trio.Lock()  # answers are sent by one task, pongs by the one that receives
        self._ended = False
        self._charge: Callable[[int], None] = uncounted
        self._held = 0  # bytes of messages that are not returned yet, as they came
        self._unfinished = False  # the first frames of a message were sent, and not its last
        self._torn = False  # a frame was cut off by a cancellation: nothing can follow it

    async def receive(self) -> bytes | None:
        """Return the next message, None once the peer has closed the connection or broken the protocol."""
        while not self._messages:
            if isinstance(self._protocol.parser_exc, PayloadTooBig):
                raise LineTooLongError
            if self._ended:
                return None
            data = await self._stream.receive_some(RECEIVE_SIZE)
            self._hold(len(data))
            self._take(data)
            if not isinstance(self._protocol.parser_exc, PayloadTooBig):  # the close frame comes after our answer
                await self._flush()
        message = self._messages.popleft()
        if (
            not self._messages
        ):  # the part of the next message that is here is shorter than one read, or is counted again
            self._hold(len(self._partial) - self._held)
        return message

    def count(self, charge: Callable[[int], None]) -> None:
        """Call `charge` with every change of the number of bytes held for messages that are not returned yet, about."""
        self._charge = charge

    def _hold(self, size: int) -> None:
        self._held += size
        self._charge(size)

    def _take(self, data: bytes | bytearray) -> None:
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if not isinstance(event, Frame):
                continue
            if event.opcode is Opcode.BINARY:
                self._protocol.fail(CloseCode.UNSUPPORTED_DATA, "messages are text")
                break
            if event.opcode in (Opcode.TEXT, Opcode.CONT):
                self._partial += event.data
                if event.fin:
                    self._messages.append(bytes(self._partial))
                    self._partial.clear()
        self._ended = self._protocol.state is not State.OPEN

    async def send(self, lines: Sequence[bytes]) -> None:
        """Write messages, each as a text frame without the newline; a message in parts becomes several frames."""
        frames: list[bytes] = []
        for line in lines:
            last = line.endswith(b"\n")
            opcode = Opcode.CONT if self._unfinished else Opcode.TEXT
            frames.append(Frame(opcode, line[:-1] if last else line, fin=last).serialize(mask=False))
            self._unfinished = not last
        await self._write(b"".join(frames))

    async def skip_line(self, patience: float) -> None:
        """Send the close frame, and read until the peer closes too: the end of its message cannot be seen from here."""
        with trio.move_on_after(patience):
            await self._flush()
        for _ in range(MAX_SKIPS):
            if not await receive_within(self._stream, patience):
                return

    @property
    def gone(self) -> bool:
        """WebSockets close both directions at once."""
        return True

    async def aclose(self) -> None:
        """Send the close frame, if that is still possible, and close."""
        try:
            with trio.move_on_after(CLOSE_SECONDS, shield=True):
                if self._protocol.state is State.OPEN:
                    self._protocol.send_close(CloseCode.GOING_AWAY)
                if not self._torn:
                    await self._flush()
        except trio.BrokenResourceError:
            pass
        finally:
            await self._stream.aclose()

    async def _flush(self) -> None:
        data = b"".join(part for part in self._protocol.data_to_send() if part is not SEND_EOF)
        if data:
            await self._write(data)

    async def _write(self, data: bytes) -> None:
        async with self._sending:
            self._torn = True
            await self._stream.send_all(data)
            self._torn = False


async def accept(
    stream: trio.abc.Stream, gate: Gate, headers: Mapping[str, str] = MappingProxyType({}), *, begun: bytes = b""
) -> WebSocketTransport | None:
    """Answer a peer's handshake, of which the bytes `begun` have come, with these headers if it may come in.

    Returns None, with the stream closed, if the peer is refused, slow or gone.
    """
    protocol = ServerProtocol(select_subprotocol=_choose, max_size=MAX_LINE, logger=_library_logger)
    try:
        with trio.fail_after(HANDSHAKE_SECONDS):
            while not (events := protocol.events_received()):
                data = begun or await stream.receive_some(RECEIVE_SIZE)
                begun = b""
                if data:
                    protocol.receive_data(data)
                else:
                    protocol.receive_eof()
                if protocol.handshake_exc is not None or not data:
                    await _answer(stream, protocol)
                    return None
            request = events[0]
            assert isinstance(request, Request)
            refusal = gate.refusal(request.path, request.headers)
            if refusal is None:
                response = protocol.accept(request)
                response.headers.update(headers)
            else:
                status, reason = refusal
                response = protocol.reject(status, reason + "\n")
                if status is HTTPStatus.UNAUTHORIZED:
                    response.headers["WWW-Authenticate"] = "Bearer"
            protocol.send_response(response)
            if protocol.state is not State.OPEN:
                await _answer(stream, protocol)
                return None
            transport = WebSocketTransport(stream, protocol)
            await stream.send_all(b"".join(protocol.data_to_send()))
            return transport
    except (trio.BrokenResourceError, trio.TooSlowError):
        await trio.aclose_forcefully(stream)
        return None
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise


async def _answer(stream: trio.abc.Stream, protocol: ServerProtocol) -> None:
    """Send the rest of the protocol's answer, and close."""
    await stream.send_all(b"".join(part for part in protocol.data_to_send() if part is not SEND_EOF))
    await stream.aclose()


def _choose(_protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Choose `torpor.v1` if the peer offers it. The other offer is the token, which is never sent back."""
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None
