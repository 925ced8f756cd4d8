"""wasi:io: error, poll and streams (WASI 0.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from runtime.engine import GuestTrap, HostInterface, Wait, WitError
from runtime.wasi.streams import (
    MAX_TRANSFER,
    Data,
    InputStream,
    IoError,
    OutputStream,
    Pollable,
    StreamClosed,
    StreamFailed,
    pollable_of,
    wait_any,
)

if TYPE_CHECKING:
    from runtime.wasi.state import WasiState
    from runtime.wasi.streams import Source

MAX_BLOCKING_WRITE: Final = 4096
"""The WIT text allows blocking-write-and-flush and blocking-write-zeroes-and-flush this much."""

MAX_POLLED: Final = 4096
"""A guest polls a handful of things; beyond this the list itself becomes the attack."""

error = HostInterface("wasi:io/error")
poll_ = HostInterface("wasi:io/poll")
streams = HostInterface("wasi:io/streams")

error.resource("error", IoError)
poll_.resource("pollable", Pollable)
streams.resource("input-stream", InputStream)
streams.resource("output-stream", OutputStream)
streams.resource("error", IoError)
streams.resource("pollable", Pollable)


@error.function("[method]error.to-debug-string")
def to_debug_string(_state: WasiState, self: IoError) -> str:
    """The error's message."""
    return self.message


@poll_.function("[method]pollable.ready")
def ready(_state: WasiState, self: Pollable) -> bool:
    """Whether the pollable is ready now."""
    return self.source.is_ready()


@poll_.function("[method]pollable.block")
def block(_state: WasiState, self: Pollable) -> Wait | None:
    """Return when the pollable is ready."""
    return None if self.source.is_ready() else Wait(wait_any, (self.source,))


@poll_.function("poll")
def poll(state: WasiState, pollables: list[Pollable]) -> list[int] | Wait:
    """The indices of those that are ready; waits until there is one. An empty list traps, as the WIT text says.

    None are returned to a POSIX process that has a signal to handle: its library knows that, and no other program gets one.
    """
    if not 0 < len(pollables) <= MAX_POLLED:
        raise GuestTrap(f"poll takes 1 to {MAX_POLLED} pollables, not {len(pollables)}")
    if indices := _ready_indices(pollables):
        return indices
    interruption = state.interruption()
    return [] if interruption is not None and interruption.is_ready() else Wait(_poll, pollables, interruption)


async def _poll(pollables: list[Pollable], interruption: Source | None) -> list[int]:
    await wait_any([*(pollable.source for pollable in pollables), *([] if interruption is None else [interruption])])
    return _ready_indices(pollables)


def _ready_indices(pollables: list[Pollable]) -> list[int]:
    return [index for index, pollable in enumerate(pollables) if pollable.source.is_ready()]


def _raise(stopped: StreamClosed | StreamFailed) -> NoReturn:
    if isinstance(stopped, StreamFailed):
        raise WitError(("last-operation-failed", stopped.error)) from None
    raise WitError("closed") from None


@streams.function("[method]input-stream.read")
def read(_state: WasiState, self: InputStream, count: int) -> Data:
    """What is there now, possibly nothing."""
    try:
        return self.read(min(count, MAX_TRANSFER))
    except (StreamClosed, StreamFailed) as stopped:
        _raise(stopped)


@streams.function("[method]input-stream.blocking-read")
def blocking_read(state: WasiState, self: InputStream, count: int) -> Data | Wait:
    """At least one byte, unless none were asked for."""
    data = read(state, self, count)
    return data if data or not count else Wait(_blocking_read, state, self, count)


async def _blocking_read(state: WasiState, stream: InputStream, count: int) -> Data:
    while True:
        await wait_any((stream,))
        if data := read(state, stream, count):
            return data


@streams.function("[method]input-stream.skip")
def skip(state: WasiState, self: InputStream, count: int) -> int:
    """Read and forget; how many bytes."""
    return len(read(state, self, count))


@streams.function("[method]input-stream.blocking-skip")
def blocking_skip(state: WasiState, self: InputStream, count: int) -> int | Wait:
    """As skip, at least one byte."""
    return skip(state, self, count) or Wait(_blocking_skip, state, self, count)


async def _blocking_skip(state: WasiState, stream: InputStream, count: int) -> int:
    return len(await _blocking_read(state, stream, count)) if count else 0


@streams.function("[method]input-stream.subscribe")
def subscribe_input(_state: WasiState, self: InputStream) -> Pollable:
    """Ready when there is something to read, or the end."""
    return pollable_of(self)


@streams.function("[method]output-stream.check-write")
def check_write(_state: WasiState, self: OutputStream) -> int:
    """How many bytes the next write may have."""
    try:
        return min(self.check_write(), MAX_TRANSFER)
    except (StreamClosed, StreamFailed) as stopped:
        _raise(stopped)


@streams.function("[method]output-stream.write", views=True)
def write(_state: WasiState, self: OutputStream, data: Data) -> None:
    """Write what check-write has permitted; more traps, as the WIT text says."""
    try:
        if len(data) > self.check_write():
            raise GuestTrap(f"write of {len(data)} bytes without permission from check-write")
        self.write(data)
    except (StreamClosed, StreamFailed) as stopped:
        _raise(stopped)


@streams.function("[method]output-stream.flush")
def flush(_state: WasiState, self: OutputStream) -> None:
    """Begin a flush."""
    try:
        self.flush()
    except (StreamClosed, StreamFailed) as stopped:
        _raise(stopped)


@streams.function("[method]output-stream.blocking-flush")
def blocking_flush(state: WasiState, self: OutputStream) -> Wait | None:
    """Flush, and wait until the stream takes bytes again."""
    flush(state, self)
    return None if self.is_ready() else Wait(_flushed, state, self)


async def _flushed(state: WasiState, stream: OutputStream) -> None:
    await wait_any((stream,))
    check_write(state, stream)  # reports what became of the flush


@streams.function("[method]output-stream.blocking-write-and-flush", views=True)
def blocking_write_and_flush(state: WasiState, self: OutputStream, data: Data) -> Wait | None:
    """Write all of at most 4096 bytes."""
    if len(data) > MAX_BLOCKING_WRITE:
        raise GuestTrap(f"blocking-write-and-flush of {len(data)} bytes: {MAX_BLOCKING_WRITE} are allowed")
    try:
        if self.check_write() < len(data):
            return Wait(_write_and_flush, state, self, bytes(data))
        self.write(data)
        if not data:
            return None
        self.flush()
    except (StreamClosed, StreamFailed) as stopped:
        _raise(stopped)
    return None if self.is_ready() else Wait(_flushed, state, self)


async def _write_and_flush(state: WasiState, stream: OutputStream, data: bytes) -> None:
    while data:
        await wait_any((stream,))
        room = check_write(state, stream)
        write(state, stream, data[:room])
        data = data[room:]
    flush(state, stream)
    await _flushed(state, stream)


@streams.function("[method]output-stream.write-zeroes")
def write_zeroes(state: WasiState, self: OutputStream, count: int) -> None:
    """As write, with zeroes."""
    if count > check_write(state, self):
        raise GuestTrap(f"write-zeroes of {count} bytes without permission from check-write")
    write(state, self, bytes(count))


@streams.function("[method]output-stream.blocking-write-zeroes-and-flush")
def blocking_write_zeroes_and_flush(state: WasiState, self: OutputStream, count: int) -> Wait | None:
    """As blocking-write-and-flush, with zeroes."""
    if count > MAX_BLOCKING_WRITE:
        raise GuestTrap(f"blocking-write-zeroes-and-flush of {count} bytes: {MAX_BLOCKING_WRITE} are allowed")
    return blocking_write_and_flush(state, self, bytes(count))


@streams.function("[method]output-stream.splice")
def splice(state: WasiState, self: OutputStream, source: InputStream, count: int) -> int:
    """Move what is there and fits; how many bytes."""
    data = read(state, source, min(count, check_write(state, self)))
    write(state, self, data)
    return len(data)


@streams.function("[method]output-stream.blocking-splice")
def blocking_splice(state: WasiState, self: OutputStream, source: InputStream, count: int) -> Wait | int:
    """As splice, at least one byte."""
    return Wait(_blocking_splice, state, self, source, count)


async def _blocking_splice(state: WasiState, stream: OutputStream, source: InputStream, count: int) -> int:
    await wait_any((stream,))
    await wait_any((source,))
    return splice(state, stream, source, count)


@streams.function("[method]output-stream.subscribe")
def subscribe_output(_state: WasiState, self: OutputStream) -> Pollable:
    """Ready when bytes can be written."""
    return pollable_of(self)


INTERFACES: Final = (error, poll_, streams)
