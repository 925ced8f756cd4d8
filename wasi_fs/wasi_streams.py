"""Files as wasi:io streams. A stream has a handle of its own, so it outlives the descriptor that it came from."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from runtime.errors import ApiError
from runtime.wasi.streams import MAX_TRANSFER, Data, InputStream, IoError, OutputStream, StreamClosed, StreamFailed
from wasi_fs.content import DIRTY_LIMIT
from wasi_fs.errors import FsCode, FsError

if TYPE_CHECKING:
    from runtime.wasi.state import WasiState
    from wasi_fs.handles import OpenFile

_log = logging.getLogger(__name__)


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


class FileOutput(OutputStream):
    """Writes to a file, from an offset on or (offset None) each time at its end.

    Has no room while too much of the VM's tree is unsaved, and then has it saved.
    """

    def __init__(self, file: OpenFile, offset: int | None, state: WasiState) -> None:
        super().__init__()
        self._file = file
        self._offset = offset
        self._state = state
        self._saving = False
        self._failure: FsError | None = None

    def check_write(self) -> int:
        """See OutputStream."""
        if self._failure is not None:
            error, self._failure = self._failure, None
            raise _failed(error)
        if self._state.filesystem.unsaved_bytes < DIRTY_LIMIT:
            return MAX_TRANSFER
        if not self._saving:
            self._saving = True
            self._state.start_soon(self._save)
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

    def drop(self) -> None:
        """See Resource."""
        self._file.close()

    async def _save(self) -> None:
        try:
            await self._state.sync_filesystem()
        except (ApiError, FsError) as error:
            self._failure = FsError(FsCode.IO, str(error))
        except Exception:  # a fault of the host must reach the writer too, and not the VM whose task this is
            _log.exception("files could not be saved")
            self._failure = FsError(FsCode.IO)
        finally:
            self._saving = False
            self.notify()
