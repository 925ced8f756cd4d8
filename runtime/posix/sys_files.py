"""torpor:posix/sys: descriptors, and what is read and written through them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.engine import Wait
from runtime.patience import patiently
from runtime.posix.calls import call, end_now, waiting, write_bytes
from runtime.posix.descriptions import Description, File, Folder, How
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.life import signal
from runtime.posix.numbers import DONE
from runtime.posix.signals import Signal
from runtime.posix.terminal import may_read, may_write, patience
from runtime.posix.waiting import until
from runtime.wasi.filesystem.sync import is_clean, save, save_tree
from runtime.wasi.streams import MAX_TRANSFER
from wasi_fs import DIRTY_LIMIT, FsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runtime.engine.abi.context import Context
    from runtime.posix.process import PosixProcess

MAX_VECTORS: Final = 1024
"""Pairs of one readv or writev: Linux's IOV_MAX."""

MAX_COUNT: Final = 0x7FFFF000
"""Bytes of one read or write, as on Linux: the answer is a number of 32 bits with a sign."""

Span = tuple[int, int]
"""An address and a size."""


@call("close")
def close(process: PosixProcess, _memory: Context, fd: int) -> int:
    """close(2)."""
    process.table.close(fd)
    return DONE


@call("read")
def read(process: PosixProcess, memory: Context, fd: int, to: int, size: int) -> int | Wait:
    """read(2)."""
    return _read(process, memory, _readable(process, fd), [(to, size)])


@call("readv")
def readv(process: PosixProcess, memory: Context, fd: int, pairs: int, count: int) -> int | Wait:
    """readv(2)."""
    return _read(process, memory, _readable(process, fd), _spans(memory, pairs, count))


def _readable(process: PosixProcess, fd: int) -> Description:
    description = process.table[fd].description
    if not description.flags & How.READ:
        raise PosixError(Errno.EBADF)
    return description


def _spans(memory: Context, pairs: int, count: int) -> list[Span]:
    if count > MAX_VECTORS:
        raise PosixError(Errno.EINVAL)
    return list(struct.iter_unpack("<II", memory.window(pairs, count * 8)))


def _count(sizes: Iterable[int]) -> int:
    count = sum(sizes)
    if count > MAX_COUNT:
        raise PosixError(Errno.EINVAL)
    return count


def _read(process: PosixProcess, memory: Context, description: Description, spans: Sequence[Span]) -> int | Wait:
    wanted = _count(size for _, size in spans)
    for at, size in spans:
        memory.reach(at + size)  # it is there before anything is taken
    if wanted > MAX_TRANSFER and isinstance(description, File) and description.seekable:
        return Wait(_read_much, memory, description, spans)

    def attempt() -> int | None:
        if not may_read(process, description):
            return None
        if isinstance(description, File):
            return _scatter(memory, spans, description.pieces(min(wanted, MAX_TRANSFER)))
        data = description.read(min(wanted, MAX_TRANSFER))
        return None if data is None else _scatter(memory, spans, [data])

    if (seconds := patience(description)) is None or description.flags & How.NO_WAIT:
        return waiting(process, (description,), attempt, description.flags)
    return Wait(_read_until, process, description, attempt, trio.current_time() + seconds)


async def _read_until(
    process: PosixProcess, description: Description, attempt: Callable[[], int | None], deadline: float
) -> int:
    return await until(process, (description,), attempt, deadline) or 0


def _scatter(memory: Context, spans: Sequence[Span], pieces: Sequence[Any]) -> int:
    """Put the pieces one after the other where the spans are, which have room for all of them."""
    at = room = total = 0
    if len(spans) == 1:
        at = spans[0][0]
        for piece in pieces:
            total += write_bytes(memory, at + total, piece)
        return total
    places = iter(spans)
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            while not room:
                at, room = next(places)
            done = write_bytes(memory, at, rest[:room])
            at, room, total, rest = at + done, room - done, total + done, rest[done:]
    return total


async def _read_much(memory: Context, file: File, spans: Sequence[Span]) -> int:
    """A file's content is read as far as was asked for, a piece at a time."""
    total = 0
    for at, size in spans:
        done = 0
        while done < size:
            await trio.lowlevel.checkpoint()
            wanted = min(MAX_TRANSFER, size - done)
            data = await patiently(lambda: file.read(wanted))  # noqa: B023 - called before the next round
            done += write_bytes(memory, at + done, data)
            if len(data) < wanted:
                return total + done
        total += done
    return total


@call("write")
def write(process: PosixProcess, memory: Context, fd: int, at: int, size: int) -> int | Wait:
    """write(2)."""
    return _write(process, memory, _writable(process, fd), [(at, size)])


@call("writev")
def writev(process: PosixProcess, memory: Context, fd: int, pairs: int, count: int) -> int | Wait:
    """writev(2)."""
    return _write(process, memory, _writable(process, fd), _spans(memory, pairs, count))


def _writable(process: PosixProcess, fd: int) -> Description:
    description = process.table[fd].description
    if not description.flags & How.WRITE:
        raise PosixError(Errno.EBADF)
    return description


def _write(process: PosixProcess, memory: Context, description: Description, spans: Sequence[Span]) -> int | Wait:
    views: list[Any] = [memory.window(at, size) for at, size in spans]
    size = _count(map(len, views))
    if len(views) > 1 and size <= MAX_TRANSFER:
        views = [b"".join(views)]  # in one piece, for the sake of readers at the other end
    if (
        isinstance(description, File)
        and size
        and (size > MAX_TRANSFER or process.kernel.filesystem.unsaved_bytes >= DIRTY_LIMIT)
    ):
        return Wait(_write_much, process, description, views)
    if not may_write(process, description):
        return Wait(_write_rest, process, description, views, 0)
    try:
        done = _write_now(description, views)
    except PosixError as error:
        raise _broken(process, error) from None
    if done == size:
        return done
    if description.flags & How.NO_WAIT:
        if not done:
            raise PosixError(Errno.EAGAIN)
        return done
    return Wait(_write_rest, process, description, views, done)


def _write_now(description: Description, views: Sequence[Any], begin: int = 0) -> int:
    """How far it got, of all the bytes; what is before `begin` was written before."""
    total = 0
    for view in views:
        rest = memoryview(view)[max(0, begin - total) :]
        total += len(view) - len(rest)
        while rest:
            done = description.write(rest)
            if not done:
                return total
            total += done
            rest = rest[done:]
    return total


async def _write_rest(process: PosixProcess, description: Description, views: Sequence[Any], begin: int) -> int:
    size, done = sum(map(len, views)), begin

    def attempt() -> int | None:
        nonlocal done
        if not may_write(process, description):
            return None
        done = _write_now(description, views, done)
        return done if done == size else None

    try:
        await until(process, (description,), attempt)
    except PosixError as error:
        if not done or error.errno is not Errno.EINTR:
            raise _broken(process, error) from None
        await trio.lowlevel.checkpoint()
    return done


async def _write_much(process: PosixProcess, file: File, views: Sequence[Any]) -> int:
    """To a file, a piece at a time, each when there is not too much that is unsaved."""
    assert process.state is not None
    total = 0
    for view in views:
        for begin in range(0, len(view), MAX_TRANSFER):
            try:
                if process.kernel.filesystem.unsaved_bytes >= DIRTY_LIMIT:
                    await save_tree(process.state)
                await trio.lowlevel.checkpoint()
                piece = view[begin : begin + MAX_TRANSFER]
                total += await patiently(lambda: file.write(piece))  # noqa: B023 - called before the next round
            except FsError:
                if not total:
                    raise
                return total
    return total


def _broken(process: PosixProcess, error: PosixError) -> PosixError:
    """The error, after the signal that goes with it."""
    if error.errno is Errno.EPIPE:
        signal(process, Signal.PIPE)
        end_now(process)
    return error


@call("pread")
def pread(process: PosixProcess, memory: Context, fd: int, to: int, size: int, offset: int) -> int:
    """pread(2), at most 1 MiB."""
    file = _seekable(_readable(process, fd))
    memory.reach(to + size)
    return write_bytes(memory, to, file.handle.read(offset, min(size, MAX_TRANSFER)))


@call("pwrite", changes=True)
def pwrite(process: PosixProcess, memory: Context, fd: int, at: int, size: int, offset: int) -> int:
    """pwrite(2), at most 1 MiB; at the end with O_APPEND, as on Linux."""
    file = _seekable(_writable(process, fd))
    data = memory.window(at, size)[:MAX_TRANSFER]
    if file.flags & How.APPEND:
        file.handle.append(data)
    else:
        file.handle.write(offset, data)
    return len(data)


def _seekable(description: Description) -> File:
    if isinstance(description, File):
        return description
    raise PosixError(Errno.EISDIR if isinstance(description, Folder) else Errno.ESPIPE)


@call("seek")
def seek(process: PosixProcess, _memory: Context, fd: int, offset: int, whence: int) -> int:
    """lseek(2); of a directory to its beginning alone."""
    description = process.table[fd].description
    if isinstance(description, Folder):
        if offset or whence:
            raise PosixError(Errno.EINVAL)
        description.rewind()
        return DONE
    file = _seekable(description)
    if not file.seekable:
        return DONE  # a device: on Linux, too
    if whence > 2:  # noqa: PLR2004 - SEEK_END
        raise PosixError(Errno.EINVAL)
    place = offset + (0, file.offset, file.handle.stat().size if whence == 2 else 0)[whence]  # noqa: PLR2004 - as above
    if not 0 <= place < 1 << 63:
        raise PosixError(Errno.EINVAL)
    file.offset = place
    return place


@call("truncate", changes=True)
def truncate(process: PosixProcess, _memory: Context, fd: int, size: int) -> int:
    """ftruncate(2)."""
    description = process.table[fd].description
    if not isinstance(description, File):
        raise PosixError(Errno.EINVAL)
    description.handle.truncate(size)
    return DONE


@call("sync")
def sync(process: PosixProcess, _memory: Context, fd: int) -> int | Wait:
    """fsync(2)."""
    description = process.table[fd].description
    if not isinstance(description, File | Folder):
        raise PosixError(Errno.EINVAL)
    assert process.state is not None
    if is_clean(process.state, description.handle):
        return DONE
    return Wait(_sync, process, description)


async def _sync(process: PosixProcess, description: File | Folder) -> int:
    assert process.state is not None
    with description.handle.duplicate() as held:
        await save(process.state, held)
    return DONE
