"""The store: one SQLite file with the files and transcripts of all VMs, opened by one process at a time."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from runtime.newfile import sweep
from runtime.store.changes import FileTrees
from runtime.store.durability import Durability
from runtime.store.forks import Forks
from runtime.store.garbage import Collected, collect_garbage, collect_regularly
from runtime.store.idempotency import Idempotency
from runtime.store.lock import state_lock
from runtime.store.reading import Reader
from runtime.store.rotation import KeyRotation
from runtime.store.schema import open_writable
from runtime.store.sealing import Sealer
from runtime.store.sessions import Sessions
from runtime.store.snapshots import Snapshots
from runtime.store.transcript import Transcript
from runtime.store.vms import Vms
from runtime.store.writer import Writer

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator


class Store:
    """The repositories of one open state file; to be used on the trio thread. `open_store` makes it.

    Reads see committed data. A write that is not async is submitted, and reports through `then`; an async one has committed
    when it returns. All go through `writer`, in one order.
    """

    def __init__(self, path: Path, writer: Writer, reader: Reader, sealer: Sealer, rotation: KeyRotation) -> None:
        self.path = path
        self.writer = writer
        self.reader = reader
        self.vms = Vms(writer, reader)
        self.sessions = Sessions(writer, reader, sealer, rotation)
        self.transcript = Transcript(writer, reader)
        self.idempotency = Idempotency(writer, reader)
        self.files = FileTrees(writer, reader)
        self.snapshots = Snapshots(writer, reader)
        self.forks = Forks(writer, reader, self.sessions, sealer)

    async def collect_garbage(self) -> Collected:
        """Remove the rows that destroyed VMs and overwritten files left behind (see `runtime.store.garbage`)."""
        return await collect_garbage(self.writer)

    async def collect_regularly(self) -> None:
        """Collect garbage at intervals, if there is any, until cancelled."""
        await collect_regularly(self.writer, self.reader)


@contextlib.asynccontextmanager
async def open_store(
    path: str | os.PathLike[str],
    *,
    key_path: str | os.PathLike[str] | None = None,
    durability: Durability = Durability.PROCESS,
) -> AsyncGenerator[Store, None]:
    """Open the state file `path`. At the end of the block, commit everything that was submitted and close it.

    The file and its directory are made if need be (0600, 0700). The key that seals `env` is in `key_path`, by default
    the file `key` beside the state file.

    Raises `ApiError`: BUSY when another process has the file open, STATE_NEWER, STATE_CORRUPT, IO_ERROR.
    """
    path = Path(path).absolute()  # noqa: ASYNC240  # asks for the working directory, no more
    key_path = path.with_name("key") if key_path is None else Path(key_path)
    # One file, one lock, by whatever links it is named; SQLite, too, has its log beside the file itself.
    real = path.resolve()
    rotation = KeyRotation(key_path, real)
    with state_lock(real):
        sweep(real.parent)
        # On this thread: it takes some 2 ms, and nothing else can run before it.
        writer = Writer(open_writable(path, durability), syncs=durability is Durability.PROCESS)
        try:
            reader = Reader(path)
            try:
                rotation.settle(reader)
                yield Store(path, writer, reader, Sealer(key_path), rotation)
            finally:
                # The writer's connection is closed last: that is what moves the whole log into the file.
                try:
                    with trio.CancelScope(shield=True):
                        await writer.barrier()
                finally:
                    reader.close()
        finally:
            await writer.aclose()
