"""The lines that wait to be written to one peer, in order, bounded in bytes.

Outgoing lines go through one `Outbox` per connection, emptied by one writer task, in the order in which they were put in: so
a turn's events stay before the turn's response. Two kinds of producers use it. Those that can wait (responses, replays) call
`send` and wait for room. Those that must not (live events) call `offer`, which returns False if there is no room.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import attrs
import trio

from runtime.budget import uncounted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime.rpc.transport import Transport

OUTBOX_BYTES: Final = 64 * 1024 * 1024
"""Bytes that may wait for one connection's peer: a burst of 100 events to each of 1,000 subscriptions, twice over."""
FLOW_BYTES: Final = 4 * 1024 * 1024
"""Bytes of one flow (one subscription) among them: some 10,000 events that a stuck peer costs at most."""
WRITE_BATCH: Final = 256 * 1024
"""Small lines are joined up to this size for one write: one system call for a burst of events."""


@attrs.define(eq=False)
class Flow:
    """The share of one subscription in an outbox: how many of its bytes wait there."""

    queued: int = 0


class Outbox:
    """The lines that wait to be written to one peer, in order, bounded in bytes.

    A line is admitted while the outbox is within its bound, or when nothing waits (a response may be larger than the
    bound). After `close`, lines are dropped in silence: the peer will never read them.
    """

    def __init__(self, limit: int = OUTBOX_BYTES, flow_limit: int = FLOW_BYTES) -> None:
        self.limit = limit
        self.flow_limit = flow_limit
        self.closed = False
        self.torn = False
        """Whether a line is being written, or is half written for ever."""
        self.charge: Callable[[int], None] = uncounted
        """Called with every change of the number of bytes that wait or are being written."""
        self._lines: deque[tuple[bytes, Flow | None]] = (
            deque()
        )  # or parts of lines, of which the last ends in a newline
        self._queued = 0
        self._filled = trio.Event()
        self._turn = trio.StrictFIFOLock()  # senders that wait for room get it in the order in which they came
        self._room = trio.Event()
        self._writing = False

    @property
    def idle(self) -> bool:
        """Whether the kernel has every line that was put in."""
        return not self._lines and not self._writing

    def offer(self, line: bytes, flow: Flow) -> bool:
        """Put `line` in without waiting. Returns False, without effect, if the outbox or the flow's share is full."""
        size = len(line)
        if self._is_full(flow, size) or not self._fits(size):
            return False
        self._put(line, flow)
        return True

    def force(self, line: bytes) -> None:
        """Put in a short line even if the outbox is full: the last message to a subscriber that lags, one for each."""
        self._put(line, None)

    async def send_parts(self, parts: Sequence[bytes]) -> None:
        """As `send`, for a line in parts."""
        size = sum(map(len, parts))
        async with self._turn:
            while not self.closed and not self._fits(size):
                await self._room.wait()
            for part in parts:
                self._put(part, None)

    async def send(self, line: bytes, flow: Flow | None = None) -> None:
        """Wait for room and put `line` in; no checkpoint when there is room. When cancelled, nothing was put in."""
        while flow is not None and self._is_full(flow, len(line)) and not self.closed:
            await self._room.wait()
        if not self._turn.locked() and self._fits(len(line)):
            self._put(line, flow)
            return
        async with self._turn:
            while not self.closed and not self._fits(len(line)):
                await self._room.wait()
            self._put(line, flow)

    async def write_to(self, transport: Transport) -> None:
        """Write the lines to `transport`, until cancelled or until the peer is gone (trio.BrokenResourceError)."""
        while True:
            while not self._lines:
                self._filled = trio.Event()
                await self._filled.wait()
            batch = self._take()
            self._writing = True
            try:
                self.torn = True
                await transport.send(batch)
                self.torn = False
            finally:
                self._writing = False
                self.charge(-sum(map(len, batch)))
            if self._lines:
                await trio.lowlevel.checkpoint()
            else:
                self._wake()

    async def drained(self) -> None:
        """Wait until nothing waits to be written, or the outbox is closed."""
        while not self.idle and not self.closed:
            await self._room.wait()

    def close(self) -> None:
        """Drop the lines that wait, and wake the tasks that wait for room. Idempotent."""
        self.closed = True
        self._lines.clear()
        self.charge(-self._queued)
        self._queued = 0
        self._wake()

    def _fits(self, size: int) -> bool:
        return not self._queued or self._queued + size <= self.limit

    def _is_full(self, flow: Flow, size: int) -> bool:
        return bool(flow.queued) and flow.queued + size > self.flow_limit

    def _put(self, line: bytes, flow: Flow | None) -> None:
        if self.closed:
            return
        self._lines.append((line, flow))
        self._queued += len(line)
        if flow is not None:
            flow.queued += len(line)
        self._filled.set()
        self.charge(len(line))

    def _take(self) -> list[bytes]:
        batch: list[bytes] = []
        size = 0
        while self._lines and (not batch or size + len(self._lines[0][0]) <= WRITE_BATCH):
            line, flow = self._lines.popleft()
            batch.append(line)
            size += len(line)
            if flow is not None:
                flow.queued -= len(line)
        self._queued -= size
        self._wake()
        return batch

    def _wake(self) -> None:
        self._room.set()
        self._room = trio.Event()
