"""The transcript: the append-only log of events of each session."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

import apsw
import msgspec
import trio

from runtime.store.sql import json_text, rows
from runtime.store.writer import Insert, Row
from runtime.wire_json import encoded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.store.reading import Reader
    from runtime.store.writer import Then, Write, Writer

_APPEND: Final = Insert("INSERT INTO event (session, seq, created_at, type, body)", "(?, ?, ?, ?, ?)")

READ_BYTES: Final = 64 * 1024 * 1024
"""What one `history` returns at most, in bodies: twice the longest line that a client may send, so that the longest
event fits, and a session of a million events does not fill the memory."""

PAGE_EVENTS: Final = 2048
"""How many events one statement of `history` collects: 1 MiB of ordinary ones, some 2 ms."""

PAGE_BYTES: Final = 16 * 1024 * 1024
"""How many bytes of bodies it collects, unless one event alone is larger."""

_LAST: Final = 2**63 - 1

T = TypeVar("T")
_Query: TypeAlias = tuple[str, list[Any]]
_ReadPage: TypeAlias = Callable[[apsw.Connection, _Query, Sequence[int]], tuple[int, T]]
# Of the events that a query finds, of these sizes: the last one's seq, and what is made of them.


class StoredEvent(NamedTuple):
    """One row of the table of events."""

    seq: int
    created_at: int
    """Epoch milliseconds."""
    type: str
    """What `types` filters by."""
    body: bytes
    """The event as JSON, just as it was appended."""


class Transcript:
    """Events of all sessions, by the session's row id (`SessionRecord.row`)."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    def append(
        self,
        session: int,
        seq: int,
        created_at: int,
        type: str,  # noqa: A002  # the column's name
        body: bytes,
        then: Then | None = None,
        also: Write | None = None,
    ) -> None:
        """Submit one event; `then` is called once it is committed (see `Writer.submit`), together with `also`.

        `seq` is 0 for a session's first event, and the last one's plus 1 for the next: the file refuses any other, so
        that once an append has failed, all that were submitted after it fail too. Start again from `last_seq` then.
        """
        row = Row(_APPEND, (session, seq, created_at, type, body))
        self._writer.submit(row if also is None else _both(row, also), then, size=len(body))

    def last_seq(self, session: int) -> int:
        """The seq of the last committed event, -1 when there is none."""
        row = self._reader.one("SELECT seq FROM event WHERE session = ? ORDER BY seq DESC LIMIT 1", (session,))
        return -1 if row is None else int(row[0])

    async def last_seq_at(self, session: int, moment: int) -> int:
        """The seq of the last event before the first that is younger than `moment` (epoch milliseconds), -1 if there is none.

        Looks at every event, on a worker thread.
        """
        sql = "SELECT min(seq) - 1 FROM event WHERE session = ? AND created_at > ?"
        ((seq,),) = await self._reader.run(lambda connection: rows(connection, sql, (session, moment)), walk=True)
        return self.last_seq(session) if seq is None else int(seq)

    def read(
        self,
        session: int,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        types: Iterable[str] | None = None,
    ) -> list[StoredEvent]:
        """The committed events with `after` < seq < `before`, by seq, `limit` at most, of `types` only if given.

        Reads on the trio thread: for a few hundred events; `history` is for more.
        """
        sql, parameters = _query("seq, created_at, type, body", session, after, before, limit, types)
        return list(map(StoredEvent._make, self._reader.all(sql, parameters)))

    async def history(
        self,
        session: int,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        types: Sequence[str] | None = None,
        max_bytes: int | None = None,
    ) -> list[StoredEvent]:
        """As `read`, on a worker thread, in one snapshot of the file: for any number of events.

        Ends early, before the bodies exceed `max_bytes` (None: `READ_BYTES`), but returns one event at least: for the rest,
        call again with `after`. Cancellation waits for the read to end.
        """
        pages = await self._pages(_events, session, after, before, limit, types, max_bytes)
        return [event for page in pages for event in page]

    async def history_json(
        self,
        session: int,
        session_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        types: Sequence[str] | None = None,
        max_bytes: int | None = None,
    ) -> list[bytes]:
        """As `history`, as JSON: pages of `{"sessionId", "seq", "createdAt", "event"}`, with commas between the events."""
        read = functools.partial(_json, encoded({"sessionId": session_id})[:-1].decode())
        return await self._pages(read, session, after, before, limit, types, max_bytes)

    async def _pages(
        self,
        read: _ReadPage[T],
        session: int,
        after: int | None,
        before: int | None,
        limit: int | None,
        types: Sequence[str] | None,
        max_bytes: int | None,
    ) -> list[T]:
        if limit is not None and limit <= 0:
            await trio.lowlevel.checkpoint()
            return []

        def query(connection: apsw.Connection) -> list[T]:
            pages: list[T] = []
            start, left = after, sys.maxsize if limit is None else limit
            budget = READ_BYTES if max_bytes is None else max_bytes
            while True:
                wanted = min(PAGE_EVENTS, left)
                sizes = _sizes(connection, _query("body", session, start, before, wanted, types))
                taken = _fitting(sizes, budget if pages else max(budget, sizes[0])) if sizes else []
                if not taken:
                    return pages
                events = _query("seq, created_at, type, body", session, start, before, len(taken), types)
                start, page = read(connection, events, taken)
                pages.append(page)
                left -= len(taken)
                if not left or (len(taken) == len(sizes) < wanted):
                    return pages
                budget -= sum(taken)

        return await self._reader.run(query)


def _both(first: Write, second: Write) -> Write:
    def write(connection: apsw.Connection) -> None:
        first(connection)
        second(connection)

    return write


def _query(
    columns: str,
    session: int,
    after: int | None,
    before: int | None,
    limit: int | None,
    types: Iterable[str] | None,
) -> _Query:
    parameters: list[Any] = [session, -1 if after is None else after, _LAST if before is None else before]
    only = ""
    if types is not None:
        only = "AND type IN (SELECT value FROM json_each(?))"
        parameters.append(json_text(list(types)))
    parameters.append(-1 if limit is None else max(0, limit))
    sql = f"SELECT {columns} FROM event WHERE session = ? AND seq > ? AND seq < ? {only} ORDER BY seq LIMIT ?"  # noqa: S608
    return sql, parameters


# Whole pages are put together inside SQLite, and come out in one step. A step a row would ask for the interpreter lock at
# every row, and wait a switch interval for it each time while the event loop is busy: for 500 rows 47 ms instead of 5.
# The aggregates see the rows in the order of the subquery, whose LIMIT keeps SQLite from dropping its ORDER BY; an ORDER
# BY of their own would sort once more.


def _sizes(connection: apsw.Connection, events: _Query) -> list[int]:
    sql, parameters = events
    ((text,),) = rows(connection, f"SELECT json_group_array(length(body)) FROM ({sql})", parameters)  # noqa: S608
    return msgspec.json.decode(text, type=list[int])


def _fitting(sizes: Sequence[int], budget: int) -> Sequence[int]:
    """The first of `sizes` that fit into the budget, and into a page unless the first alone does not."""
    total = 0
    for index, size in enumerate(sizes):
        total += size
        if total > budget or (total > PAGE_BYTES and index > 0):
            return sizes[:index]
    return sizes


def _events(connection: apsw.Connection, events: _Query, sizes: Sequence[int]) -> tuple[int, list[StoredEvent]]:
    sql, parameters = events
    sql = (
        f"SELECT json_group_array(json_array(seq, created_at, type)), CAST(group_concat(body, '') AS BLOB) FROM ({sql})"  # noqa: S608
    )
    ((text, bodies),) = rows(connection, sql, parameters)
    result, start = [], 0
    for head, size in zip(msgspec.json.decode(text, type=list[tuple[int, int, str]]), sizes, strict=True):
        result.append(StoredEvent(*head, bodies[start : start + size]))
        start += size
    return result[-1].seq, result


def _json(head: str, connection: apsw.Connection, events: _Query, _sizes: Sequence[int]) -> tuple[int, bytes]:
    sql, parameters = events
    row = """? || ',"seq":' || seq || ',"createdAt":' || created_at || ',"event":' || body || '}'"""
    sql = f"SELECT max(seq), CAST(group_concat({row}, ',') AS BLOB) FROM ({sql})"  # noqa: S608
    ((last, page),) = rows(connection, sql, [head, *parameters])
    return last, page
