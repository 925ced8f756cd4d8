"""Files as wasi:io streams. A stream has a handle of its own, so it outlives the descriptor that it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.wasi.filesystem.sync import failure_of, is_clean, save, save_tree
from runtime.wasi.streams import MAX_TRANSFER, Data, InputStream, IoError, OutputStream, StreamClosed, StreamFailed
from wasi_fs.content import DIRTY_LIMIT
from wasi_fs.errors import FsError

if TYPE_CHECKING:
    from runtime.wasi.state import WasiState
    from wasi_fs.handles import OpenFile


def _failed(error: FsError) -> StreamFailed:
    return StreamFailed(IoError(str(error), error.code))


class FileInput(InputStream):
    """A file's content from an offset on; it ends where the file ends at that moment."""

    def __init__(self, file: OpenFile, offset: int) -> None:
        super().__init__()
        self._file = file
        self._offset = offset

    def read(self, count: int) -> Data:
        """See InputStream."""
        try:
            data = self._file.read(self._offset, min(count, MAX_TRANSFER))
        except FsError as error:
            raise _failed(error) from None
        if not data and count:
            raise StreamClosed
        self._offset += len(data)
        return data

    def is_ready(self) -> bool:
        """Always: files do not wait."""
        return True

    def drop(self) -> None:
        """See Resource."""
        self._file.close()


class SyncedInput(FileInput):
    """A file's content, where what was written before a read must be durable first (`requested-write-sync`)."""

    def __init__(self, file: OpenFile, offset: int, state: WasiState) -> None:
        super().__init__(file, offset)
        self._state = state
        self._saving = False
        self._saved = False
        self._failure: FsError | None = None

    def read(self, count: int) -> Data:
        """See InputStream: nothing, until what was written before is saved."""
        if self._failure is not None:
            error, self._failure = self._failure, None
            raise _failed(error)
        if self._saving:
            return b""
        if not (self._saved or is_clean(self._state, self._file)):
            self._saving = True
            self._state.start_soon(self._save, self._file.duplicate())
            return b""
        self._saved = False
        return super().read(count)

    def is_ready(self) -> bool:
        """See Source."""
        return not self._saving

    async def _save(self, file: OpenFile) -> None:
        with file:  # one of its own: the guest may drop the stream meanwhile
            self._failure = await failure_of(save(self._state, file))
        self._saving, self._saved = False, True
        self.notify()


class FileOutput(OutputStream):
    """Writes to a file, from an offset on or (offset None) each time at its end.

    Has no room while too much of the VM's tree is unsaved, and then has it saved; and with `synced` not before what was
    written is saved.
    """

    def __init__(self, file: OpenFile, offset: int | None, state: WasiState, *, synced: bool = False) -> None:
        super().__init__()
        self._file = file
        self._offset = offset
        self._state = state
        self._synced = synced
        self._saving = False
        self._failure: FsError | None = None

    def check_write(self) -> int:
        """See OutputStream."""
        if self._failure is not None:
            error, self._failure = self._failure, None
            raise _failed(error)
        if self._synced and self._saving:
            return 0
        if self._state.filesystem.unsaved_bytes < DIRTY_LIMIT:
            return MAX_TRANSFER
        self._start_saving()
        return 0

    def is_ready(self) -> bool:
        """See OutputStream; a failure stays there until a call reports it."""
        return self._failure is not None or self.check_write() > 0

    def write(self, data: Data) -> None:
        """See OutputStream."""
        try:
            if self._offset is None:
                self._file.append(data)
            else:
                self._file.write(self._offset, data)
                self._offset += len(data)
        except FsError as error:
            raise _failed(error) from None
        if self._synced:
            self._start_saving()

    def drop(self) -> None:
        """See Resource."""
        self._file.close()

    def _start_saving(self) -> None:
        if not self._saving:
            self._saving = True
            self._state.start_soon(self._save, self._file.duplicate())

    async def _save(self, file: OpenFile) -> None:
        with file:  # one of its own: the guest may drop the stream meanwhile
            if self._synced:
                self._failure = await failure_of(save(self._state, file))
            if self._failure is None and self._state.filesystem.unsaved_bytes >= DIRTY_LIMIT:
                self._failure = await failure_of(save_tree(self._state))
        self._saving = False
        self.notify()
