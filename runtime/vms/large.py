"""Large files: read, and cut into chunks for writing, piece by piece, while other tasks run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import trio

from runtime.patience import patiently
from wasi_fs import CHUNK_SIZE, Cut, OpenFile, cut

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runtime.vms.lines import Lines
    from wasi_fs import FileSystem

T = TypeVar("T")

PIECE: Final = 1024 * 1024
"""Bytes that are read or copied between two looks at the other tasks, in a millisecond or two."""

ATTEMPTS: Final = 3
"""To read a file as it is at one moment; one that is always written to is then taken as it came, as by a program."""


async def cut_up(data: bytes, offset: int = 0) -> bytes | Cut:
    """`data` in a form that is written at `offset` in no time: if it is large, cut into chunks, piece by piece."""
    if len(data) <= PIECE:
        return data
    chunks: list[bytearray] = []
    for number, chunk in enumerate(cut(data, offset), 1):
        chunks.append(bytearray(chunk))
        if number % (PIECE // CHUNK_SIZE) == 0:
            await trio.lowlevel.checkpoint()
    return Cut(chunks)


async def read_large(fs: FileSystem, path: str, offset: int, count: int) -> bytes:
    """At most `count` bytes of a regular file from `offset` on. Raises FsError."""

    async def read(file: OpenFile) -> bytes:
        pieces: list[bytes] = []
        for at in range(offset, offset + count, PIECE):
            pieces.append(bytes(file.read(at, min(PIECE, offset + count - at))))
            await trio.lowlevel.checkpoint()
        return b"".join(pieces)

    return await _at_one_moment(fs, path, read)


async def read_lines(fs: FileSystem, path: str, make: Callable[[], Lines], most: int) -> Lines:
    """What `make` keeps of a regular file; more than `most` bytes of it are not looked for. Raises FsError."""

    async def read(file: OpenFile) -> Lines:
        lines, at = make(), 0
        while lines.wanted and lines.size <= most and (piece := bytes(file.read(at, PIECE))):
            lines.take(piece)
            at += len(piece)
            await trio.lowlevel.checkpoint()
        return lines

    return await _at_one_moment(fs, path, read)


async def _at_one_moment(fs: FileSystem, path: str, read: Callable[[OpenFile], Awaitable[T]]) -> T:
    with await patiently(lambda: fs.open(path)) as file:
        assert isinstance(file, OpenFile)
        for _ in range(ATTEMPTS):
            identity = file.identity()
            value = await read(file)
            if file.identity() == identity:
                break
        return value
