"""Removing a directory's content: a small tree at once, all or nothing, a large one piece by piece, while other tasks run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.patience import patiently
from runtime.vms.listings import Listing, Way, opened
from wasi_fs import FileType, FsCode, FsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.vms.volume import Volume
    from wasi_fs import FileSystem

AT_ONCE: Final = 300
"""Entries of a tree that is removed in one step, in some 3 ms, and so as a whole or not at all."""

PIECE: Final = 64
"""Names that are removed, and made durable, between two looks at the other tasks: 2 ms where none is in memory."""

HOST_NAMES_AT_ONCE: Final = 1000
"""Names that are read in a mount, or as much as that costs: 2 ms."""


async def remove_tree(volume: Volume, path: str) -> None:
    """Remove a directory with all that it holds. Raises FsError, and `ApiError` BUSY when the files are restored meanwhile.

    What fails or is cancelled on the way leaves the rest of a vast tree, and of any in a mount. Whether a mount is inside is
    looked at before anything is removed.
    """
    fs = volume.filesystem
    steps = await patiently(lambda: fs.host_removal(path))
    name = path.rstrip("/").rpartition("/")[2]
    if steps is not None:
        done = 0
        for names in steps:
            done += names
            if done >= HOST_NAMES_AT_ONCE:
                done = 0
                await trio.lowlevel.checkpoint()
    elif name in {"", ".", ".."} or not await _is_vast(fs, path):
        await volume.change(lambda: volume.filesystem.remove_tree(path))
    else:
        await _Removal(volume).run(path)


async def _is_vast(fs: FileSystem, path: str) -> bool:
    """Whether there is more below than is removed at once."""
    left = AT_ONCE
    async with Way() as way:
        way.enter(Listing(fs, await patiently(lambda: opened(fs, path, follow=False)), "", PIECE))
        while way.depth:
            listing = way.last
            entry = await listing.next()
            if entry is None:
                way.leave().close()
                continue
            left -= 1
            if left < 0:
                return True
            below = listing.descend(entry) if entry.type is FileType.DIRECTORY else None
            if below is not None:
                way.enter(below)
    return False


class _Removal:
    """One removal, piece by piece."""

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._fs = volume.filesystem
        self._piece: list[Callable[[], None]] = []
        self._done = Way()
        """Directories that are listed to their end; they stay open until their content is removed."""

    async def run(self, path: str) -> None:
        """Remove from the leaves up; each directory is listed while it grows empty."""
        async with Way() as way, self._done:
            way.enter(Listing(self._fs, await patiently(lambda: opened(self._fs, path, follow=False)), "", PIECE))
            removals: list[Callable[[], None]] = [lambda: self._fs.rmdir(path)]
            while way.depth:
                listing = way.last
                entry = await listing.next()
                if entry is None:
                    self._done.enter(way.leave())
                    await self._add(removals.pop())
                elif entry.type is not FileType.DIRECTORY:
                    await self._add(listing.remover(entry.name, self._fs.unlink))
                elif (below := listing.descend(entry)) is not None:
                    way.enter(below)
                    removals.append(listing.remover(entry.name, self._fs.rmdir))
            await self._flush()
        await self._volume.flush()  # the directories that were still open

    async def _add(self, removal: Callable[[], None]) -> None:
        self._piece.append(removal)
        if len(self._piece) >= PIECE:
            await self._flush()

    async def _flush(self) -> None:
        piece, self._piece = self._piece, []
        await self._volume.change(lambda: self._remove(piece))
        while self._done.depth:
            self._done.leave().close()

    def _remove(self, piece: list[Callable[[], None]]) -> None:
        if self._volume.filesystem is not self._fs:
            raise ApiError(ErrorCode.BUSY, "the VM's files were restored meanwhile")
        for removal in piece:
            try:
                removal()
            except FsError as error:
                if error.code is not FsCode.NO_ENTRY:  # else somebody was faster
                    raise
