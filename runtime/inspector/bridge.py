"""Messages from the page's WebSocket to the daemon's Unix socket, and back; nothing is looked at on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from runtime.rpc.framing import RECEIVE_SIZE, LineTooLongError

if TYPE_CHECKING:
    from runtime.rpc.websocket import WebSocketTransport


async def bridge(page: WebSocketTransport, daemon: trio.abc.Stream) -> None:
    """Carry messages until one of both ends; then both are closed."""
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_to_daemon, page, daemon, nursery.cancel_scope)
            nursery.start_soon(_to_page, daemon, page, nursery.cancel_scope)
    finally:
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(daemon)
            await page.aclose()


async def _to_daemon(page: WebSocketTransport, daemon: trio.abc.SendStream, scope: trio.CancelScope) -> None:
    try:
        while (message := await page.receive()) is not None:
            # In JSON a newline stands between values alone, as a space does; on the daemon's wire it ends a message.
            await daemon.send_all(message.replace(b"\n", b" ") + b"\n")
    except (trio.BrokenResourceError, LineTooLongError):
        pass
    scope.cancel()


async def _to_page(daemon: trio.abc.ReceiveStream, page: WebSocketTransport, scope: trio.CancelScope) -> None:
    try:
        while data := bytes(await daemon.receive_some(RECEIVE_SIZE)):
            await page.send([part for part in _split(data) if part])
    except trio.BrokenResourceError:
        pass
    scope.cancel()


def _split(data: bytes) -> list[bytes]:
    """Cut after each newline; `splitlines` would see others."""
    *lines, rest = data.split(b"\n")
    return [*(line + b"\n" for line in lines), rest]
