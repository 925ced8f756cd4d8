"""Locks that are mostly free."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trio


class Holding:
    """`async with Holding(lock)`: as `async with lock`, but no checkpoint where the lock is free.

    trio's own takes a round of the event loop for each, which is as much as the rest of a short request.
    """

    def __init__(self, lock: trio.Lock | trio.StrictFIFOLock) -> None:
        self._lock = lock

    async def __aenter__(self) -> None:
        if self._lock.locked():
            await self._lock.acquire()
        else:
            self._lock.acquire_nowait()

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()
