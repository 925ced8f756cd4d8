"""The resources of wasi:filesystem/types, and how their methods are registered."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.engine import HostInterface, Resource, Wait, WitError
from runtime.patience import patiently
from runtime.wasi.filesystem.sync import save_tree
from runtime.wasi.streams import InputStream, IoError, OutputStream
from wasi_fs.content import DIRTY_LIMIT
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


def method(
    name: str, *, views: bool = False, changes: bool | Callable[..., bool] = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a method of `descriptor` which may raise FsError; `views` as for `HostInterface.function`.

    One that `changes` the tree (or does so with these arguments) waits while too much is unsaved, and each waits while what
    it needs is not in memory.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        patient = answering(function)

        @functools.wraps(function)
        def answer(state: WasiState, *arguments: Any) -> Any:
            if state.filesystem.unsaved_bytes >= DIRTY_LIMIT and (changes is True or (changes and changes(*arguments))):
                return Wait(_saved_first, function, state, *arguments)
            return patient(state, *arguments)

        return types.function(f"[method]descriptor.{name}", views=views)(answer if changes else patient)

    return register


def answering(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that may raise FsError as the engine calls it: one that waits while what it needs is not in memory."""

    @functools.wraps(function)
    def answer(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except FsError as error:
            if error.code is FsCode.WOULD_BLOCK:
                return Wait(_patiently, function, *arguments)
            raise WitError(error.code.value) from None

    return answer


async def _saved_first(function: Callable[..., Any], state: WasiState, *arguments: Any) -> Any:
    try:
        await save_tree(state)
    except FsError as error:
        raise WitError(error.code.value) from None
    return await _patiently(function, state, *arguments)


async def _patiently(function: Callable[..., Any], *arguments: Any) -> Any:
    await trio.lowlevel.checkpoint()
    try:
        return await patiently(functools.partial(function, *arguments))
    except FsError as error:
        raise WitError(error.code.value) from None
