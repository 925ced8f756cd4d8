"""Reading the state file: point queries at once on the trio thread, long ones on a worker thread.

A reader sees only committed data, as the rules of the transcript demand. Every result here is a whole list: a query that
is read halfway holds a snapshot of the file, which keeps the log from being checkpointed.

A file that cannot be read is an `ApiError` STATE_CORRUPT or IO_ERROR, from every method.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import apsw
import trio

from runtime.store.errors import as_api_error
from runtime.store.schema import open_readable
from runtime.store.sql import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

T = TypeVar("T")

LONG_READS: Final = 2
"""Long reads are made of few, large statements that run outside the interpreter lock, so more of them at a time help
only with more processors; and each connection has its own page cache."""

WALKS: Final = 1
"""Reads of as much as a VM has, its files or its events, which take seconds: the others never wait for them."""


class Reader:
    """The read-only connections of one store; to be used on the trio thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_readable(path)
        self._idle: list[apsw.Connection] = []
        self._limiter = trio.CapacityLimiter(LONG_READS)
        self._walks = trio.CapacityLimiter(WALKS)

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, at once; for queries that touch a few hundred rows at most."""
        try:
            return rows(self._connection, sql, parameters)
        except apsw.Error as error:
            raise as_api_error(error) from error

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        result = self.all(sql, parameters)
        return result[0] if result else None

    async def run(self, query: Callable[[apsw.Connection], T], *, walk: bool = False) -> T:
        """Run `query` on a worker thread with a connection of its own, as one snapshot of the file.

        Cancellation waits for `query` to end, so a query should read a bounded amount. Only a `walk` may read all of a VM.
        """
        async with self._walks if walk else self._limiter:
            try:
                connection = self._idle.pop() if self._idle else open_readable(self._path)
            except apsw.Error as error:
                raise as_api_error(error) from error
            try:
                return await trio.to_thread.run_sync(_in_snapshot, query, connection)
            except apsw.Error as error:
                raise as_api_error(error) from error
            finally:
                self._idle.append(connection)

    def close(self) -> None:
        """Close every connection; no `run` may be under way."""
        self._connection.close()
        while self._idle:
            self._idle.pop().close()


def _in_snapshot(query: Callable[[apsw.Connection], T], connection: apsw.Connection) -> T:
    connection.execute("BEGIN")
    try:
        return query(connection)
    finally:
        connection.execute("COMMIT")
