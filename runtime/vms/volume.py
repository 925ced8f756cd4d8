"""A VM's filesystem and its way into the store: when what has been written becomes durable."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import trio

from wasi_fs import FileSystem, Limits

if TYPE_CHECKING:
    from runtime.store.store import Store
    from runtime.store.vms import VmRecord
    from runtime.vms.options import VmOptions

# What a crash may take from a guest that never syncs and whose turn never ends.
FLUSH_INTERVAL_SECONDS: Final = 1.0


class Volume:
    """The tree of one VM. Reading it needs no guest, and wakes none."""

    def __init__(self, store: Store, record: VmRecord, options: VmOptions) -> None:
        self._store = store
        self._row = record.row
        self._flushing = trio.Lock()
        self.filesystem = FileSystem(
            store.files.backend(record.layer),
            Limits(bytes=options.file_bytes, entries=options.files),
            time.time_ns,
        )

    async def flush(self) -> None:
        """Return when everything that was written before the call is durable.

        Not cancellable while a commit is under way, which is short; raises ApiError IO_ERROR when it failed, and then
        nothing is lost: the next flush tries again.
        """
        async with self._flushing:
            changes = self.filesystem.take_changes()
            if changes is None:
                return
            done = trio.Event()
            failure: list[Exception] = []

            def then(error: Exception | None) -> None:
                if error is not None:
                    failure.append(error)
                done.set()

            self._store.files.commit_changes(self._row, changes, then)
            with trio.CancelScope(shield=True):
                await done.wait()
            if failure:
                raise failure[0]

    async def flush_regularly(self) -> None:
        """Flush at short intervals, until cancelled."""
        while True:
            await trio.sleep(FLUSH_INTERVAL_SECONDS)
            await self.flush()
