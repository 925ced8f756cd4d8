"""Streams of a program that knows only WASI, over descriptions: its standard streams are those that it has inherited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.posix.descriptions import Description, File, How, Ready
from runtime.posix.errnos import PosixError
from runtime.posix.terminal import may_read
from runtime.wasi.filesystem.sync import failure_of, save_tree
from runtime.wasi.streams import MAX_TRANSFER, InputStream, IoError, OutputStream, StreamClosed, StreamFailed
from wasi_fs import DIRTY_LIMIT, FsCode, FsError

if TYPE_CHECKING:
    from runtime.posix.process import PosixProcess
    from runtime.wasi.streams import Data


class DescribedInput(InputStream):
    """What there is to read from; without that it is at its end."""

    def __init__(self, process: PosixProcess, description: Description | None) -> None:
        super().__init__()
        self._process = process
        self._description = description
        if self._description is not None:
            self.waiters = self._description.waiters

    def read(self, count: int) -> Data:
        """See InputStream."""
        if self._description is None:
            raise StreamClosed
        if not self._admitted():
            return b""
        try:
            data = self._description.read(min(count, MAX_TRANSFER))
        except FsError as error:
            if error.code is FsCode.WOULD_BLOCK:
                return b""
            raise StreamFailed(IoError(str(error), error.code)) from None
        except PosixError as error:
            raise StreamFailed(IoError(str(error))) from None
        if data is None:
            return b""
        if not data and count:
            raise StreamClosed
        return data

    def is_ready(self) -> bool:
        """See Source."""
        if self._description is None:
            return True
        return bool(self._description.ready() & ~Ready.OUT) and self._admitted()

    def _admitted(self) -> bool:
        """Whether the process may read: not in the background of its terminal, where it waits instead of being stopped."""
        assert self._description is not None
        try:
            return may_read(self._process, self._description)
        except PosixError:
            return True  # reading says so


class DescribedOutput(OutputStream):
    """What there is to write to; without that it is closed. Nobody is ended by SIGPIPE."""

    def __init__(self, process: PosixProcess, description: Description | None) -> None:
        super().__init__()
        self._process = process
        self._description = description
        self._saving = False
        self._failure: FsError | None = None
        if self._description is not None:
            self.waiters = self._description.waiters

    def check_write(self) -> int:
        """See OutputStream."""
        if self._description is None:
            raise StreamClosed
        if self._failure is not None:
            error, self._failure = self._failure, None
            raise StreamFailed(IoError(str(error), error.code))
        if self._process.kernel.filesystem.unsaved_bytes >= DIRTY_LIMIT and isinstance(self._description, File):
            self._start_saving()
            return 0
        try:
            room = self._description.room()
        except PosixError:
            raise StreamClosed from None
        return MAX_TRANSFER if room is None else max(0, room)

    def write(self, data: Data) -> None:
        """See OutputStream."""
        if self._description is None:
            raise StreamClosed
        try:
            self._description.put(data)
        except FsError as error:
            raise StreamFailed(IoError(str(error), error.code)) from None
        except PosixError:
            raise StreamClosed from None

    def _start_saving(self) -> None:
        assert self._process.state is not None
        if not self._saving:
            self._saving = True
            self._process.state.start_soon(self._save)

    async def _save(self) -> None:
        if self._process.state is not None:
            self._failure = await failure_of(save_tree(self._process.state))
        self._saving = False
        self.notify()


def standard_streams(process: PosixProcess) -> tuple[InputStream, OutputStream, OutputStream]:
    """Stdin, stdout and stderr."""
    out, error = (DescribedOutput(process, _opened(process, fd, How.WRITE)) for fd in (1, 2))
    return DescribedInput(process, _opened(process, 0, How.READ)), out, error


def _opened(process: PosixProcess, fd: int, wanted: int) -> Description | None:
    description = process.table.get(fd)
    return description if description is not None and description.flags & wanted else None
