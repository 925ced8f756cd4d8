"""/dev/stdin, /dev/stdout, /dev/stderr and /dev/fd: to the program that opens one, its own stream, which others may share.

WASI 0.2 opens a descriptor of files, so the stream is reached through one: offsets mean nothing, and its end is not the end of
the program's own stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.engine import Wait, WitError
from runtime.wasi.streams import InputStream, OutputStream, StreamClosed, StreamFailed, wait_any
from wasi_fs.device import STANDARD, Device, Kind
from wasi_fs.errors import FsCode, FsError

if TYPE_CHECKING:
    from runtime.wasi.state import WasiState
    from runtime.wasi.streams import Data
    from wasi_fs.handles import OpenFile


def standard(file: OpenFile) -> Kind | None:
    """Which standard stream an open file is."""
    node = file.node
    return node.kind if isinstance(node, Device) and node.kind in STANDARD else None


class StandardInput(InputStream):
    """What is read from /dev/stdin: the program's standard input, and nothing from the others."""

    def __init__(self, state: WasiState, file: OpenFile) -> None:
        super().__init__()
        self._stream = _input(state, file)
        self.waiters = self._stream.waiters

    @property
    def deadline(self) -> float:
        """See Source."""
        return self._stream.deadline

    def read(self, count: int) -> Data:
        """See InputStream."""
        return self._stream.read(count)

    def is_ready(self) -> bool:
        """See Source."""
        return self._stream.is_ready()


class StandardOutput(OutputStream):
    """What is written to /dev/stdout or /dev/stderr: the program's own."""

    def __init__(self, state: WasiState, file: OpenFile) -> None:
        super().__init__()
        self._stream = _output(state, file)
        self.waiters = self._stream.waiters

    @property
    def deadline(self) -> float:
        """See Source."""
        return self._stream.deadline

    def check_write(self) -> int:
        """See OutputStream."""
        return self._stream.check_write()

    def write(self, data: Data) -> None:
        """See OutputStream."""
        self._stream.write(data)

    def flush(self) -> None:
        """See OutputStream."""
        self._stream.flush()

    def is_ready(self) -> bool:
        """See Source."""
        return self._stream.is_ready()


def read_standard(state: WasiState, file: OpenFile, count: int) -> tuple[Data, bool] | Wait:
    """`descriptor.read`: at least one byte, unless at the end or none were asked for. FsError(BAD_DESCRIPTOR)."""
    stream = _input(state, file)
    try:
        data = stream.read(count)
    except (StreamClosed, StreamFailed) as stopped:
        return _ended(stopped)
    return (data, False) if data or not count else Wait(_read_later, stream, count)


async def _read_later(stream: InputStream, count: int) -> tuple[Data, bool]:
    try:
        while not (data := stream.read(count)):
            await wait_any((stream,))
    except (StreamClosed, StreamFailed) as stopped:
        return _ended(stopped)
    return data, False


def _ended(stopped: StreamClosed | StreamFailed) -> tuple[Data, bool]:
    if isinstance(stopped, StreamFailed):
        raise WitError(FsCode.IO.value) from None
    return b"", True


def write_standard(state: WasiState, file: OpenFile, data: Data) -> int | Wait:
    """`descriptor.write`: as much as there is room for, at least a byte of them. FsError(BAD_DESCRIPTOR)."""
    stream = _output(state, file)
    written = _write(stream, data)
    return written if written or not data else Wait(_write_later, stream, bytes(data))


async def _write_later(stream: OutputStream, data: bytes) -> int:
    while not (written := _write(stream, data)):
        await wait_any((stream,))
    return written


def _write(stream: OutputStream, data: Data) -> int:
    try:
        room = min(len(data), stream.check_write())
        if room:
            stream.write(memoryview(data)[:room])
    except (StreamClosed, StreamFailed):
        raise WitError(FsCode.PIPE.value) from None
    return room


def _input(state: WasiState, file: OpenFile) -> InputStream:
    if standard(file) is not Kind.STDIN or not file.readable:
        raise FsError(FsCode.BAD_DESCRIPTOR)
    return state.stdin


def _output(state: WasiState, file: OpenFile) -> OutputStream:
    if standard(file) is Kind.STDIN or not file.writable:
        raise FsError(FsCode.BAD_DESCRIPTOR)
    return state.stdout if standard(file) is Kind.STDOUT else state.stderr
