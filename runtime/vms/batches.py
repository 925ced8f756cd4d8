"""Many files in one call, each with an outcome of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.engine import COMPONENT_MAGIC
from runtime.patience import patiently
from runtime.vms.large import PIECE, cut_up, read_large
from runtime.vms.results import telling_errors
from wasi_fs import Cut, FileType, FsCode, FsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.vms.volume import Volume
    from wasi_fs import FileSystem

FILE_MODE: Final = 0o644
"""Of a new file."""

PROGRAM_MODE: Final = 0o755
"""Of a new file that is a component."""

BREATHER_BYTES: Final = 512 * 1024
"""Read or written between two looks at the other tasks: a few ms."""

FILE_OVERHEAD_BYTES: Final = 16 * 1024
"""What a file counts for besides its content: to find it, and to say what came of it."""

LOAD_OVERHEAD_BYTES: Final = 8 * 1024
"""What each inode and name on the way counts for that is got from the store, or made."""


async def read_files(fs: FileSystem, paths: Sequence[str], max_bytes: int) -> list[tuple[str, bytes | ApiError]]:
    """The content of each path, or the error: TOO_LARGE for files that do not fit into the `max_bytes` of all together."""
    results: list[tuple[str, bytes | ApiError]] = []
    left = max_bytes
    breather = Breather(fs)
    for path in paths:
        result: bytes | ApiError
        try:
            result = await _read(fs, path, left, max_bytes)
            left -= len(result)
        except ApiError as error:
            result = _kept(error)
        results.append((path, result))
        if breather.is_due(len(result) if isinstance(result, bytes) else 0):
            await trio.lowlevel.checkpoint()
    return results


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
    """Write each file, with its parents, and make it durable. The error of each path, None for one that was written."""
    done: list[tuple[str, ApiError | None]] = []

    def write() -> None:
        """Write files until other tasks should run. After WOULD_BLOCK it begins with the file that had to wait."""
        breather = Breather(volume.filesystem)
        while len(done) < len(files):
            path, data = files[len(done)]
            if len(data) > PIECE and len(done) != first:
                return  # it is to be cut up
            try:
                with telling_errors(path):
                    write_file(volume.filesystem, path, content if len(done) == first else data)
            except ApiError as error:
                done.append((path, _kept(error)))
            else:
                done.append((path, None))
            if breather.is_due(len(data)):
                return

    while len(done) < len(files):
        first = len(done)
        content = await cut_up(files[first][1])
        await trio.lowlevel.checkpoint()  # where no file can be written, nothing else waits for anything
        try:
            await volume.change(write)
        except ApiError as error:  # it could not be stored, or what was written before could not
            failed = files[first : max(len(done), first + 1)]
            done[first:] = [(path, error) for path, _ in failed]
    return done


def _kept(error: ApiError) -> ApiError:
    """An error that becomes part of an answer: without the frames that it came through, since ten thousand with theirs take
    the garbage collector 20 ms.
    """
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def write_file(
    fs: FileSystem, path: str, data: bytes | Cut, *, create_parents: bool = True, offset: int | None = None
) -> None:
    """Create or replace a file, or write a piece of it. Raises FsError."""
    if create_parents:
        try:
            fs.mkdir(path.rpartition("/")[0] or "/", parents=True)
        except FsError as error:  # the parent is there, and is a file
            raise FsError(FsCode.NOT_DIRECTORY) if error.code is FsCode.EXIST else error from None
    fs.write_file(path, data, offset=offset, mode=PROGRAM_MODE if _is_component(data) else FILE_MODE)


def _is_component(data: bytes | Cut) -> bool:
    """Whether it begins as a component does, which can run: the new file gets the x bits that a shell asks for."""
    begins = data.chunks[0] if isinstance(data, Cut) and data.chunks else data
    return not isinstance(begins, Cut) and begins[: len(COMPONENT_MAGIC)] == COMPONENT_MAGIC


class Breather:
    """Says when a long job has done enough (`BREATHER_BYTES`) and other tasks should run."""

    def __init__(self, fs: FileSystem) -> None:
        self._fs = fs
        self._spent = 0
        self._loads = fs.loads

    def is_due(self, size: int) -> bool:
        """Count a file of `size` bytes and the loads that finding it took. After a True it counts from zero again."""
        self._spent += size + FILE_OVERHEAD_BYTES + LOAD_OVERHEAD_BYTES * (self._fs.loads - self._loads)
        self._loads = self._fs.loads
        if self._spent < BREATHER_BYTES:
            return False
        self._spent = 0
        return True
