"""The files of a VM for clients and agents' ACP requests. All that a call reads or writes is durable when it returns."""

from __future__ import annotations

from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.patience import HELD_SECONDS, patiently
from runtime.vms import batches, listings, removal
from runtime.vms.large import PIECE, cut_up, read_large, read_lines
from runtime.vms.lines import Lines
from runtime.vms.results import describe, telling_errors
from wasi_fs import FileType, FsCode, FsError
from wasi_fs.mounts import HeldStillError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from runtime.vms.volume import Volume
    from wasi_fs import FileSystem

T = TypeVar("T")

MAX_READ_BYTES: Final = 16 * 1024 * 1024
"""One answer is one line of JSON, of at most 32 MiB, and base64 takes a third more."""

MAX_SCAN_BYTES: Final = 256 * 1024 * 1024
"""Of a file in which lines are looked for: half a second of work, which no fuel pays for."""


class _HeldError(Exception):
    """Not now."""


class VmFiles:
    """Paths are absolute POSIX paths inside the VM. All raise ApiError with the codes of the API's "Filesystem"."""

    def __init__(self, volume: Volume) -> None:
        self._volume = volume

    @property
    def _fs(self) -> FileSystem:
        return self._volume.filesystem  # `restore` puts another one there

    async def read_file(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """The file from `offset` on, `length` bytes of it or all that there is. TOO_LARGE beyond 16 MiB."""
        status = await self._try(path, lambda: self._fs.stat(path))
        size = status.size
        count = size - offset if length is None else min(size - offset, length)
        if count > MAX_READ_BYTES:
            raise ApiError(
                ErrorCode.TOO_LARGE,
                f"{path} has {size} bytes, and one answer {MAX_READ_BYTES} at most: read it in pieces, by offset and length",
                path=path,
                size=size,
                limit=MAX_READ_BYTES,
            )
        if count <= PIECE or status.type is not FileType.REGULAR:
            return await self._seen(path, lambda: self._fs.read_file(path, offset=offset, length=length))
        with telling_errors(path):
            data = await read_large(self._fs, path, offset, count)
        await self._volume.flush()
        return data

    async def read_lines(self, path: str, first: int | None, limit: int | None) -> bytes:
        """`limit` lines of the file from the line `first` on, which counts from 1. TOO_LARGE beyond 16 MiB of them."""
        status = await self._try(path, lambda: self._fs.stat(path))
        if status.type is not FileType.REGULAR:
            lines = Lines.of(first, limit)
            lines.take(await self.read_file(path))
            return lines.content
        if status.size > MAX_SCAN_BYTES:
            message = f"{path} has {status.size} bytes, and lines are looked for in {MAX_SCAN_BYTES} at most"
            raise ApiError(ErrorCode.TOO_LARGE, message, path=path, size=status.size, limit=MAX_SCAN_BYTES)
        with telling_errors(path):
            lines = await read_lines(self._fs, path, lambda: Lines.of(first, limit), MAX_READ_BYTES)
        if lines.size > MAX_READ_BYTES:
            message = f"these lines of {path} have more than {MAX_READ_BYTES} bytes: use a smaller limit"
            raise ApiError(ErrorCode.TOO_LARGE, message, path=path, limit=MAX_READ_BYTES)
        await self._volume.flush()
        return lines.content

    async def write_file(self, path: str, data: bytes, create_parents: bool = True, offset: int | None = None) -> None:
        """Replace or create the file, by default with its parents; with `offset` keep the rest of the file around `data`.

        It is all or nothing, but for the parents. QUOTA_EXCEEDED, TOO_LARGE.
        """

        def write() -> None:
            batches.write_file(self._fs, path, content, create_parents=create_parents, offset=offset)

        content = await cut_up(data, offset or 0)
        await self._changed(path, write)

    async def write_own_file(self, path: str, data: bytes) -> None:
        """Replace or create a file that the runtime itself has to put there, with its parents, however full the VM is."""

        def write() -> None:
            with self._volume.unlimited():
                batches.write_file(self._fs, path, data)

        await self._changed(path, write)

    @asynccontextmanager
    async def held_direct(self, path: str, *, changing: bool) -> AsyncIterator[str | None]:
        """The path by which a program of the host may open the same file of a mount, as long as this lasts, or None.

        See `wasi_fs.mounts.direct`: links in the mount, and what is renamed there, wait meanwhile.
        """
        with ExitStack() as stack:
            yield await patiently(lambda: stack.enter_context(self._fs.held_direct(path, changing=changing)))

    async def read_files(self, paths: Sequence[str]) -> list[tuple[str, bytes | ApiError]]:
        """The content of each path, or the error; all together 16 MiB at most."""
        results = await batches.read_files(self._fs, paths, MAX_READ_BYTES)
        await self._volume.flush()
        return results

    async def write_files(self, files: Sequence[tuple[str, bytes]]) -> list[tuple[str, ApiError | None]]:
        """Create or replace each file, with its parents. The error of each path, None for one that was written."""
        return await batches.write_files(self._volume, files)

    async def readdir(self, path: str) -> list[str]:
        """The names in a directory, sorted."""
        return await self._listed(path, lambda: listings.names(self._fs, path))

    async def readdir_entries(self, path: str, after: str = "", limit: int | None = None) -> list[dict[str, Any]]:
        """`readdirEntries`: names with attributes, sorted, after a name and at most `limit`. LIMIT_EXCEEDED, TOO_LARGE."""
        return await self._listed(path, lambda: listings.entries(self._fs, path, after, limit))

    async def readdir_recursive(
        self, path: str, max_depth: int | None = None, exclude: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """`readdirRecursive`: paths with attributes. LIMIT_EXCEEDED, TOO_LARGE."""
        return await self._listed(path, lambda: listings.tree(self._fs, path, max_depth, exclude))

    async def stat(self, path: str, follow_links: bool = True) -> dict[str, Any]:
        """`stat` of the API; of the link itself with `follow_links` false."""
        return describe(await self._seen(path, lambda: self._fs.stat(path, follow=follow_links)))

    async def exists(self, path: str) -> bool:
        """Whether the path leads to anything; a dangling link does not."""
        try:
            await self.stat(path)
        except ApiError as error:
            if error.code in {ErrorCode.NOT_FOUND, ErrorCode.NOT_A_DIRECTORY}:
                return False
            raise
        return True

    async def delete_file(self, path: str, recursive: bool = False) -> None:
        """Remove a file or link; a directory, even an empty one, only with `recursive`."""

        def delete() -> None:
            if self._fs.stat(path, follow=False).type is FileType.DIRECTORY:
                raise FsError(FsCode.IS_DIRECTORY)
            self._fs.unlink(path)

        with telling_errors(path):
            if recursive and (await patiently(lambda: self._fs.stat(path, follow=False))).type is FileType.DIRECTORY:
                await removal.remove_tree(self._volume, path)
            else:
                await self._changed(path, delete)

    async def mkdir(self, path: str, recursive: bool = False) -> None:
        """Create a directory; with `recursive` its parents too, and one that exists is fine."""
        await self._changed(path, lambda: self._fs.mkdir(path, parents=recursive))

    async def move(self, source: str, target: str) -> None:
        """rename(2): over a file or an empty directory that is in its place."""
        with telling_errors(target):
            pass
        await self._led_elsewhere(source, lambda: self._fs.rename(source, target))

    async def symlink(self, target: str, path: str) -> None:
        """Make a symlink at `path` that holds `target`, as it is."""
        await self._led_elsewhere(path, lambda: self._fs.symlink(target, path))

    async def readlink(self, path: str) -> str:
        """The target of a symlink, as it is stored."""
        return await self._seen(path, lambda: self._fs.readlink(path))

    async def chmod(self, path: str, mode: int) -> None:
        """Set the permission bits, 0 to 0o7777; through a symlink."""
        await self._changed(path, lambda: self._fs.chmod(path, mode))

    async def truncate(self, path: str, size: int) -> None:
        """Cut a file off, or extend it by zeros that take no space."""
        await self._changed(path, lambda: self._fs.truncate(path, size))

    async def _listed(self, path: str, listing: Callable[[], Awaitable[T]]) -> T:
        """The result of `listing`, durable. Flushes first: a listing searches the unsaved changes, which should be few."""
        with telling_errors(path):
            fs = self._fs
            await patiently(lambda: fs.stat(path))
            await self._volume.flush()
            try:
                value = await listing()
            except ApiError as error:
                error.data.setdefault("path", path)
                raise
        await self._volume.flush()
        if self._fs is not fs:
            raise ApiError(ErrorCode.BUSY, "the VM's files were restored meanwhile")
        return value

    async def _changed(self, path: str, operation: Callable[[], T]) -> T:
        def change() -> T:
            with telling_errors(path):
                return operation()

        return await self._volume.change(change)

    async def _led_elsewhere(self, path: str, operation: Callable[[], None]) -> None:
        """As `_changed`, where paths may lead elsewhere afterwards: waits for `held_direct`, and holds up no other change."""

        def attempt() -> None:
            try:
                operation()
            except HeldStillError:
                raise _HeldError from None

        while True:
            try:
                await self._changed(path, attempt)
            except _HeldError:
                await trio.sleep(HELD_SECONDS)
            else:
                return

    async def _seen(self, path: str, operation: Callable[[], T]) -> T:
        value = await self._try(path, operation)
        await self._volume.flush()
        return value

    async def _try(self, path: str, operation: Callable[[], T]) -> T:
        with telling_errors(path):
            return await patiently(operation)
