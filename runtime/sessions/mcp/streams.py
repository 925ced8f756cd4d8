"""Queues of messages from a local MCP server that wait for the agent."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import trio

from runtime.budget import uncounted

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_UNREAD: Final = 16 * 1024 * 1024
"""Bytes that may lie unread in all streams of a server before it has to wait: one message of the largest size, `MAX_LINE`."""


class Backlog:
    """How many bytes lie unread in the streams of one server."""

    def __init__(self) -> None:
        self._size = 0
        self.hold: Callable[[int], None] = uncounted
        """Counts its bytes among those held for the agent."""
        self._shrunk = trio.lowlevel.ParkingLot()

    def add(self, size: int) -> None:
        """Count bytes in, or with a negative size out."""
        self._size += size
        self.hold(size)
        if size < 0:
            self._shrunk.unpark_all()

    async def room(self) -> None:
        """Wait while there is too much."""
        while self._size >= MAX_UNREAD:
            await self._shrunk.park()


class Stream:
    """Messages on their way to the agent: a queue that ends."""

    def __init__(self, backlog: Backlog) -> None:
        self.ended = False
        self._backlog = backlog
        self._messages: deque[bytes] = deque()
        self._changed = trio.lowlevel.ParkingLot()

    def put(self, message: bytes) -> None:
        """Add a message; one that comes after the end is dropped."""
        if not self.ended:
            self._messages.append(message)
            self._backlog.add(len(message))
            self._changed.unpark_all()

    def end(self) -> None:
        """No more messages; those that are there can still be read."""
        self.ended = True
        self._changed.unpark_all()

    def discard(self) -> None:
        """The agent reads no more."""
        self.end()
        self._backlog.add(-sum(len(message) for message in self._messages))
        self._messages.clear()

    async def get(self) -> bytes | None:
        """The next message, None at the end."""
        while not self._messages:
            if self.ended:
                return None
            await self._changed.park()
        message = self._messages.popleft()
        self._backlog.add(-len(message))
        return message
