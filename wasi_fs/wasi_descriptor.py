"""The resources of wasi:filesystem/types, and how their methods are registered."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from runtime.engine import HostInterface, Resource, WitError
from runtime.wasi.streams import InputStream, IoError, OutputStream
from wasi_fs.errors import FsCode, FsError
from wasi_fs.handles import OpenDirectory, OpenFile
from wasi_fs.inode import Directory

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.wasi.state import WasiState

types: Final = HostInterface("wasi:filesystem/types")


class Descriptor(Resource):
    """An open file or directory of a guest."""

    def __init__(
        self, handle: OpenFile | OpenDirectory, opener: WasiState | None = None, sync_flags: tuple[str, ...] = ()
    ) -> None:
        self.handle = handle
        self.sync_flags = sync_flags
        """What it was opened for as to durability, by the names of WIT's `descriptor-flags`."""
        self._opener = opener  # whose count it is in

    def file(self) -> OpenFile:
        """The open file. FsError(IS_DIRECTORY)."""
        if not isinstance(self.handle, OpenFile):
            raise FsError(FsCode.IS_DIRECTORY)
        return self.handle

    def directory(self) -> Directory:
        """The directory that paths are relative to. FsError(NOT_DIRECTORY)."""
        node = self.handle.node
        if not isinstance(node, Directory):
            raise FsError(FsCode.NOT_DIRECTORY)
        return node

    def drop(self) -> None:
        """See Resource."""
        self.handle.close()
        if self._opener is not None:
            self._opener.open_files -= 1


class DirectoryEntryStream(Resource):
    """The entries of a directory. What comes and goes while a large one is read may be among them or not."""

    def __init__(self, directory: OpenDirectory) -> None:
        self.entries = directory.stream()
        self._handle = directory.duplicate()  # the guest may drop its descriptor first

    def drop(self) -> None:
        """See Resource."""
        self._handle.close()


types.resource("descriptor", Descriptor)
types.resource("directory-entry-stream", DirectoryEntryStream)
types.resource("input-stream", InputStream)
types.resource("output-stream", OutputStream)
types.resource("error", IoError)


def method(name: str, *, views: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a method of `descriptor` which may raise FsError; `views` as for `HostInterface.function`."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def answer(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except FsError as error:
                raise WitError(error.code.value) from None

        return types.function(f"[method]descriptor.{name}", views=views)(answer)

    return register
