"""The one writer of the state file: a thread with its own connection, and group commit.

Whatever waits when the thread comes round goes into one transaction, in the order of submission; that is what lets every
event be committed before anybody sees it, at a hundred thousand events a second. A group that fails is undone and its
members are tried one by one, so that a write is answered for its own faults only.

Why a plain thread, and not apsw's own trio support: there, cancelling the caller aborts the statement that is running,
while here a write that was submitted stays submitted; and this is no slower (one write waiting: 128 us a commit against
144 us; a hundred: 127,000 a second against 112,000).

Writes are few and large where it can be had: `Row`s for the same table that follow one another become one statement,
since between any two calls into SQLite the thread may lose the interpreter lock for a whole switch interval.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import apsw
import attrs
import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.durability import LogSyncer
from runtime.store.errors import as_api_error
from runtime.store.sql import rows

logger = logging.getLogger(__name__)

T = TypeVar("T")
Write = Callable[[apsw.Connection], object]
"""Changes the file inside the group's transaction, on the writer's thread. May run twice (see `Writer.submit`)."""
Then = Callable[[Exception | None], None]
"""Called on the trio thread once the write is committed (None) or has failed (why)."""

WAITING_BYTES: Final = 4 * 1024 * 1024
"""Above this `room` waits. Some 10,000 ordinary events, or a group of file content: enough that the writer never idles
for lack of work, and little, since writes have one order over all VMs. Behind another VM's flood a write waits 1 ms
(events of 200 bytes) to 45 ms (of 64 KiB) in the median, measured on two busy cores; with 16 MiB it was 180 to 350 ms,
at about the same writes a second. The worst, 0.2 to 0.4 s, are checkpoints, which wait for the disk."""

GROUP_WRITES: Final = 1000
"""A group ends at this many writes, or at `GROUP_BYTES`: its first member waits for the last, for about 10 ms of work."""

GROUP_BYTES: Final = 4 * 1024 * 1024
"""A group ends at this many bytes, or at `GROUP_WRITES`: the same about 10 ms of work."""

WRITE_OVERHEAD_BYTES: Final = 256
"""What a small write costs in memory while it waits, whatever it says of itself."""

ROWS_AT_ONCE: Final = 64
"""Of one statement: a longer one saves nothing, and 13 columns stay far below SQLite's 32,766 parameters."""

IDLE_SECONDS: Final = 0.5
"""Nothing to do for so long: checkpoint, so that its waits for the disk fall into a pause."""

WAL_PAGES: Final = 4096
"""Without a pause the log is checkpointed at 16 MiB all the same: reads slow down and recovery takes longer as it grows."""


@attrs.frozen(eq=False)
class Insert:
    """An INSERT of one row; `Row`s of one `Insert` that wait side by side go in together."""

    head: str
    """The statement up to VALUES: `INSERT INTO cron (vm, name)`."""
    row: str
    """One row of VALUES: `(?, ?)`."""
    tail: str = ""
    """What follows the rows: ` ON CONFLICT …`."""

    def insert(self, connection: apsw.Connection, values: Sequence[Sequence[Any]]) -> None:
        """Insert a row for each of `values`, in order, in as few statements as can be had."""
        start = 0
        while start < len(values):
            # Powers of two only: seven statements in all, which stay in the connection's statement cache.
            count = min(ROWS_AT_ONCE, 1 << ((len(values) - start).bit_length() - 1))
            parameters = list(itertools.chain.from_iterable(values[start : start + count]))
            connection.execute(f"{self.head} VALUES {', '.join([self.row] * count)}{self.tail}", parameters)
            start += count


@attrs.frozen(eq=False)
class Row:
    """A write that adds one row."""

    insert: Insert
    values: tuple[Any, ...]

    def __call__(self, connection: apsw.Connection) -> None:
        """Insert the row by itself."""
        self.insert.insert(connection, [self.values])


@attrs.define(eq=False)
class _Entry:
    write: Write
    then: Then | None
    size: int
    error: Exception | None = None


@attrs.define(eq=False)
class _Round(trio.abc.Instrument):
    """The writes of one round of the event loop, handed to the thread together, just before the loop waits.

    Handed over one by one, the thread took the first before the second was there, and committed a flood of events by fours.
    """

    queue: queue.SimpleQueue[_Entry | None]
    entries: list[_Entry] = attrs.field(factory=list)

    def hand_over(self) -> None:
        """Let the thread have them."""
        for entry in self.entries:
            self.queue.put(entry)
        self.entries.clear()

    def before_io_wait(self, timeout: float) -> None:  # noqa: ARG002 - trio's
        """See `trio.abc.Instrument`."""
        self.hand_over()


class Writer:
    """Owns `connection` (from `schema.open_writable`) from construction on; to be made and used on the trio thread.

    With `syncs` its log is synced within a second of each commit, which `Durability.PROCESS` promises. OSError when it
    cannot be opened.
    """

    def __init__(self, connection: apsw.Connection, *, syncs: bool = False) -> None:
        self._connection = connection
        self._syncer = LogSyncer(connection.filename_wal) if syncs else None
        self._token = trio.lowlevel.current_trio_token()
        # None asks the thread to end. SimpleQueue is written in C: a put and a get cost less than a microsecond.
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._round = _Round(self._queue)
        trio.lowlevel.add_instrument(self._round)
        self._waiting_bytes = 0
        self._waiting_for_room = trio.lowlevel.ParkingLot()
        self._closed = False
        self._wal_pages = 0
        self._checkpoint_at = WAL_PAGES
        connection.set_wal_hook(self._on_commit)
        # A daemon thread: should the event loop die, the process must be able to end. Commits are atomic all the same.
        self._thread = threading.Thread(target=self._run, name="torpor-store-writer", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """The size of all writes that were submitted and not yet answered."""
        return self._waiting_bytes

    def submit(self, write: Write, then: Then | None = None, *, size: int = 0) -> None:
        """Queue `write`; `then` is called after its commit. All writes are committed in the order of submission.

        Never waits: call `room` first where a flood is possible. `size` is the number of bytes that the write keeps in
        memory. `write` must have no effect outside the file: it runs a second time if its group failed. An exception that it
        raises undoes it, and is given to `then`; an `ApiError` is the normal way to refuse.

        Without `then`, a failure is logged. A submitted write cannot be taken back, not even by cancelling the
        submitter. Raises `ApiError` SHUTTING_DOWN after `aclose`.
        """
        if self._closed:
            raise ApiError(ErrorCode.SHUTTING_DOWN, "the state file is being closed")
        size += WRITE_OVERHEAD_BYTES
        self._waiting_bytes += size
        self._round.entries.append(_Entry(write, then, size))

    async def commit(self, write: Callable[[apsw.Connection], T], *, size: int = 0) -> T:
        """Submit `write`, wait until it is committed, and return its result or raise its exception.

        A cancelled wait leaves the write submitted: it will be committed.
        """
        outcome: list[T] = []
        failure: list[Exception] = []
        done = trio.Event()

        def run(connection: apsw.Connection) -> None:
            outcome[:] = [write(connection)]

        def then(error: Exception | None) -> None:
            if error is not None:
                failure.append(error)
            done.set()

        self.submit(run, then, size=size)
        await done.wait()
        if failure:
            raise failure[0]
        return outcome[0]

    async def barrier(self) -> None:
        """Wait until all that was submitted before is committed or has failed, and its `then`s have run."""
        await self.commit(lambda _: None)

    async def room(self) -> None:
        """Wait until fewer than `WAITING_BYTES` wait. A checkpoint, and cancellable without effect."""
        await trio.lowlevel.checkpoint()
        while self._waiting_bytes >= WAITING_BYTES:
            await self._waiting_for_room.park()

    async def aclose(self) -> None:
        """Commit all submitted writes, run their `then`s, checkpoint, and close the connection; shielded, idempotent."""
        with trio.CancelScope(shield=True):
            if not self._closed:
                self._closed = True
                trio.lowlevel.remove_instrument(self._round)
                self._round.hand_over()
                self._queue.put(None)
            await trio.to_thread.run_sync(self._thread.join)

    # On the trio thread again.

    def _deliver(self, group: Sequence[_Entry]) -> None:
        for entry in group:
            self._waiting_bytes -= entry.size
            if entry.then is None:
                if entry.error is not None:
                    logger.error("a write to the state file failed", exc_info=entry.error)
                continue
            try:
                entry.then(entry.error)
            except Exception:
                # The neighbours' answers must not be lost to it, nor may it end the event loop that runs us.
                logger.exception("the continuation of a committed write failed")
        if self._waiting_bytes < WAITING_BYTES:
            self._waiting_for_room.unpark_all()

    # On the writer's thread.

    def _run(self) -> None:
        try:
            while self._step():
                pass
        finally:
            if self._syncer is not None:
                self._syncer.close()
            # The last connection of a process checkpoints as it closes; ours may not be the last, and this one truncates.
            self._checkpoint("TRUNCATE")
            self._connection.close()

    def _step(self) -> bool:
        entry = self._next()
        group: list[_Entry] = []
        size = 0
        while entry is not None:
            group.append(entry)
            size += entry.size
            if size >= GROUP_BYTES or len(group) >= GROUP_WRITES:
                break
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                break
        if group:
            self._commit_group(group)
            if self._syncer is not None:
                self._syncer.committed()
            try:
                self._token.run_sync_soon(self._deliver, group)
            except trio.RunFinishedError:
                return False  # nobody is left to answer
        if self._wal_pages >= self._checkpoint_at:
            self._checkpoint("PASSIVE")
        return entry is not None

    def _next(self) -> _Entry | None:
        if self._wal_pages:
            try:
                return self._queue.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                self._checkpoint("PASSIVE")
        return self._queue.get()

    def _commit_group(self, group: Sequence[_Entry]) -> None:
        error = self._transaction(group)
        if error is None:
            return
        if len(group) == 1:
            group[0].error = error
            return
        for entry in group:
            entry.error = self._transaction([entry])

    def _transaction(self, group: Sequence[_Entry]) -> Exception | None:
        connection = self._connection
        try:
            if connection.in_transaction:  # the last one failed, and could not be rolled back then
                connection.execute("ROLLBACK")
            connection.execute("BEGIN IMMEDIATE")
            for insert, entries in itertools.groupby(group, _insert_of):
                if insert is None:
                    for entry in entries:
                        entry.write(connection)
                else:
                    insert.insert(connection, [entry.write.values for entry in entries if isinstance(entry.write, Row)])
            connection.execute("COMMIT")
        except Exception as error:  # every failure is reported to the submitter
            # A full or failing disk may have made SQLite roll back by itself.
            try:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            except apsw.Error:
                logger.exception("could not roll back")
            return as_api_error(error)
        return None

    def _on_commit(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _checkpoint(self, mode: str) -> None:
        """Move the log into the file, as far as readers allow; the rest is moved the next time."""
        left_over = 0
        try:
            ((_busy, pages, moved),) = rows(self._connection, f"PRAGMA wal_checkpoint({mode})")
            left_over = max(0, pages - moved)
        except apsw.Error:
            # The log still holds everything, so nothing is lost; a disk that fails will fail the next commit loudly.
            logger.exception("could not checkpoint the state file")
        # Whole, the log begins anew with the next commit. Else it goes on, and trying again at once would be in vain.
        self._checkpoint_at = WAL_PAGES + (self._wal_pages if left_over else 0)
        self._wal_pages = 0


def _insert_of(entry: _Entry) -> Insert | None:
    return entry.write.insert if isinstance(entry.write, Row) else None
