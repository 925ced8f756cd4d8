"""The files of a VM for clients and agents' ACP requests. What a caller has seen or written is durable before it is told."""

from __future__ import annotations

import stat as stat_bits
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from runtime.errors import ApiError, ErrorCode
from wasi_fs import FileType, FsCode, FsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.vms.volume import Volume

T = TypeVar("T")

# One answer is one line of JSON, of at most 32 MiB, and base64 takes a third more.
MAX_READ_BYTES: Final = 16 * 1024 * 1024

_CODES: Final[dict[FsCode, ErrorCode]] = {
    FsCode.NO_ENTRY: ErrorCode.NOT_FOUND,
    FsCode.EXIST: ErrorCode.EXISTS,
    FsCode.NOT_DIRECTORY: ErrorCode.NOT_A_DIRECTORY,
    FsCode.IS_DIRECTORY: ErrorCode.IS_A_DIRECTORY,
    FsCode.NOT_EMPTY: ErrorCode.DIRECTORY_NOT_EMPTY,
    FsCode.READ_ONLY: ErrorCode.READ_ONLY,
    FsCode.INSUFFICIENT_SPACE: ErrorCode.QUOTA_EXCEEDED,
    FsCode.FILE_TOO_LARGE: ErrorCode.TOO_LARGE,
    FsCode.IO: ErrorCode.IO_ERROR,
}
_TYPES: Final = {FileType.REGULAR: "file", FileType.DIRECTORY: "directory", FileType.SYMLINK: "symlink"}


class VmFiles:
    """Paths are absolute POSIX paths inside the VM. All raise ApiError with the codes of the API's "Filesystem"."""

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._fs = volume.filesystem

    async def read_file(self, path: str) -> bytes:
        """The whole file. TOO_LARGE beyond 16 MiB."""
        size = self._try(path, lambda: self._fs.stat(path)).size
        if size > MAX_READ_BYTES:
            raise ApiError(
                ErrorCode.TOO_LARGE, f"{path} has {size} bytes; at most {MAX_READ_BYTES} can be read at once", path=path
            )
        return await self._seen(path, lambda: self._fs.read_file(path))

    async def write_file(self, path: str, data: bytes, create_parents: bool = True) -> None:
        """Replace or create the file, by default with its parents."""

        def write() -> None:
            if create_parents:
                try:
                    self._fs.mkdir(path.rpartition("/")[0] or "/", parents=True)
                except FsError as error:  # the parent is there, and is a file
                    raise FsError(FsCode.NOT_DIRECTORY) if error.code is FsCode.EXIST else error from None
            self._fs.write_file(path, data)

        await self._seen(path, write)

    async def readdir(self, path: str) -> list[str]:
        """The names in a directory, sorted."""
        return await self._seen(path, lambda: sorted(self._fs.readdir(path)))

    async def stat(self, path: str, follow_links: bool = True) -> dict[str, Any]:
        """`stat` of the API; of the link itself with `follow_links` false."""
        status = await self._seen(path, lambda: self._fs.stat(path, follow=follow_links))
        return {
            "type": _TYPES[status.type],
            "size": status.size,
            "mode": status.mode | _MODE_TYPES[status.type],
            "mtimeMs": status.mtime / 1e6,
            "ctimeMs": status.ctime / 1e6,
            "atimeMs": status.atime / 1e6,
            "nlink": status.nlink,
            "ino": status.ino,
        }

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
            if self._fs.stat(path, follow=False).type is not FileType.DIRECTORY:
                self._fs.unlink(path)
            elif recursive:
                self._fs.remove_tree(path)
            else:
                raise FsError(FsCode.IS_DIRECTORY)

        await self._seen(path, delete)

    async def mkdir(self, path: str, recursive: bool = False) -> None:
        """Create a directory; with `recursive` its parents too, and one that exists is fine."""
        await self._seen(path, lambda: self._fs.mkdir(path, parents=recursive))

    async def _seen(self, path: str, operation: Callable[[], T]) -> T:
        value = self._try(path, operation)
        await self._volume.flush()
        return value

    def _try(self, path: str, operation: Callable[[], T]) -> T:
        if not path.startswith("/"):
            raise ApiError(ErrorCode.INVALID_ARGUMENT, f"{path!r} is not an absolute path", path=path)
        try:
            return operation()
        except FsError as error:
            _refuse(path, error)


_MODE_TYPES: Final = {
    FileType.REGULAR: stat_bits.S_IFREG,
    FileType.DIRECTORY: stat_bits.S_IFDIR,
    FileType.SYMLINK: stat_bits.S_IFLNK,
}


def _refuse(path: str, error: FsError) -> NoReturn:
    code = _CODES.get(error.code, ErrorCode.INVALID_ARGUMENT)
    raise ApiError(code, f"{path}: {error}", path=path) from error
