"""The two promises about a commit's durability, and the thread that keeps the weaker one.

In SQLite's WAL mode a commit is an append to the log, and `PRAGMA synchronous` says when the disk is waited for
(https://www.sqlite.org/pragma.html#pragma_synchronous). FULL syncs the log in each commit, before any reader sees it: with
group commit that is one wait for all that came meanwhile, and the promise `power`. NORMAL syncs at checkpoints alone, which
under steady writes are minutes apart; there `LogSyncer` syncs the log meanwhile, beside the writer and not in its way.
"""

from __future__ import annotations

import enum
import logging
import os
import threading
from typing import Final

logger = logging.getLogger(__name__)

SYNC_SECONDS: Final = 0.5
"""From a commit to the beginning of the sync that covers it: with what the disk takes, a power cut costs a second at most."""


class Durability(enum.Enum):
    """How durable a commit is once it is answered."""

    POWER = "power"
    """Answered commits are on the disk: a power cut loses none of them."""
    PROCESS = "process"
    """The kernel has answered commits: the end of the process loses none of them, a power cut those of the last second."""
    NONE = "none"
    """The disk is never waited for, so that a power cut may damage the file: for tests."""

    @property
    def synchronous(self) -> str:
        """SQLite's word for it."""
        return {Durability.POWER: "FULL", Durability.PROCESS: "NORMAL", Durability.NONE: "OFF"}[self]


class LogSyncer:
    """Syncs a write-ahead log within `SYNC_SECONDS` of each commit, on a thread of its own.

    The log is only appended to; it begins anew once a checkpoint has synced all of it, and its new header too. So a sync at
    any moment makes durable what was committed before.

    It is the log that is opened here, never the state file: to close that would drop the locks that SQLite has on it for the
    whole process (https://www.sqlite.org/howtocorrupt.html, section 2.2). The log has none, and stays the same file as long
    as a connection is open.
    """

    def __init__(self, log: str) -> None:
        self._descriptor = os.open(log, os.O_RDONLY | os.O_CLOEXEC)
        self._committed = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="torpor-store-syncer", daemon=True)
        self._thread.start()

    def committed(self) -> None:
        """Something was committed: any thread, at once."""
        self._committed.set()

    def close(self) -> None:
        """End the thread; the checkpoint at the close of the file makes the last commits durable."""
        self._closing.set()
        self._committed.set()
        self._thread.join()
        os.close(self._descriptor)

    def _run(self) -> None:
        # `_closing` is looked at again after each `clear`, which may take back the `set` of `close`.
        while not self._closing.is_set():
            self._committed.wait()
            if self._closing.wait(SYNC_SECONDS):
                return
            self._committed.clear()  # first: a commit from here on may be too late for this sync
            try:
                os.fdatasync(self._descriptor)
            except OSError:
                logger.exception("could not sync the state file's log: a power cut may take more than a second")
