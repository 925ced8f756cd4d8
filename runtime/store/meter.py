"""How far a long piece of work on a worker thread has come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    Report = Callable[[int, int], None]
    """Called on the trio thread with the bytes that are done and those that there are."""

INTERVAL: Final = 0.1
"""Seconds between two reports: what people see as moving."""


class Meter:
    """Counts bytes, and reports now and then."""

    def __init__(self, report: Report | None) -> None:
        self._report = report
        self._done = 0
        self._total = 0
        self._next = time.monotonic()

    def expect(self, connection: apsw.Connection, sql: str, *values: int) -> None:
        """Have the bytes that a query counts before us, too; nothing is counted for nobody.

        The query uses total(), which unlike sum() fails on no number that a file from elsewhere may hold.
        """
        if self._report is not None:
            self._total += int(next(connection.execute(sql, values))[0])

    def add(self, done: int) -> None:
        """So many more are done. The first and the last are always told, however fast it goes."""
        ends = self._done < self._total <= self._done + done
        self._done += done
        if self._report is not None and ((now := time.monotonic()) >= self._next or ends):
            self._next = now + INTERVAL
            trio.from_thread.run_sync(self._report, min(self._done, self._total), self._total)
