"""Many files in one call, each with an outcome of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.vms.large import PIECE, read_large
from runtime.vms.patience import patiently
from runtime.vms.results import telling_errors
from wasi_fs import FileType, FsCode, FsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runtime.vms.volume import Volume
    from wasi_fs import FileSystem

TURN_BYTES: Final = 1024 * 1024  # read or written between two looks at the other tasks: a few ms
FILE_OVERHEAD_BYTES: Final = 16 * 1024
# What a file counts for besides its content: to find it, and to say what came of it.


async def read_files(fs: FileSystem, paths: Sequence[str], max_bytes: int) -> list[tuple[str, bytes | ApiError]]:
    """The content of each path, or why there is none: TOO_LARGE for what is beyond `max_bytes` for all together."""
    found: list[tuple[str, bytes | ApiError]] = []
    left = max_bytes
    yielder = Yielder()
    for path in paths:
        result: bytes | ApiError
        try:
            result = await _read(fs, path, left, max_bytes)
            left -= len(result)
        except ApiError as error:
            result = error
        found.append((path, result))
        await yielder.spend(len(result) if isinstance(result, bytes) else 0)
    return found


async def _read(fs: FileSystem, path: str, left: int, max_bytes: int) -> bytes:
    with telling_errors(path):
        status = await patiently(lambda: fs.stat(path))
        size = status.size
        if PIECE < size <= left and status.type is FileType.REGULAR:
            return await read_large(fs, path, 0, size)
        if size <= left:
            return await patiently(lambda: fs.read_file(path))
    raise ApiError(
        ErrorCode.TOO_LARGE,
        f"{path} has {size} bytes, and of {max_bytes} in one answer {left} are left: ask for it in another call",
        path=path,
    )


async def write_files(volume: Volume, files: Sequence[tuple[str, bytes]]) -> list[tuple[str, ApiError | None]]:
    """Write each file, with its parents, and make it durable; why one could not be, or None."""
    done: list[tuple[str, ApiError | None]] = []
    for piece in _pieces(files):
        try:
            done += await _write_piece(volume, piece)
        except ApiError as error:  # the piece could not be stored
            done += [(path, error) for path, _ in piece]
    return done


def _pieces(files: Sequence[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    piece: list[tuple[str, bytes]] = []
    size = 0
    for path, content in files:
        piece.append((path, content))
        size += len(content) + FILE_OVERHEAD_BYTES
        if size >= TURN_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


async def _write_piece(volume: Volume, files: Sequence[tuple[str, bytes]]) -> list[tuple[str, ApiError | None]]:
    def write() -> list[tuple[str, ApiError | None]]:
        done: list[tuple[str, ApiError | None]] = []
        for path, content in files:
            try:
                with telling_errors(path):
                    write_file(volume.filesystem, path, content)
            except ApiError as error:
                done.append((path, error))
            else:
                done.append((path, None))
        return done

    return await volume.change(write)


def write_file(
    fs: FileSystem, path: str, data: bytes, *, create_parents: bool = True, offset: int | None = None
) -> None:
    """Create or replace a file, or write a piece of it. Raises FsError."""
    if create_parents:
        try:
            fs.mkdir(path.rpartition("/")[0] or "/", parents=True)
        except FsError as error:  # the parent is there, and is a file
            raise FsError(FsCode.NOT_DIRECTORY) if error.code is FsCode.EXIST else error from None
    fs.write_file(path, data, offset=offset)


class Yielder:
    """Yields to other tasks after each MiB of work."""

    def __init__(self) -> None:
        self._spent = 0

    async def spend(self, size: int) -> None:
        """Count a file with `size` bytes."""
        self._spent += size + FILE_OVERHEAD_BYTES
        if self._spent >= TURN_BYTES:
            self._spent = 0
            await trio.lowlevel.checkpoint()
