"""A tree and how it is stored: the parts in memory, its limits, taking and saving its changes, and the host's own files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasi_fs import sealing
from wasi_fs.base.layer import Base
from wasi_fs.base.nodes import is_base_number
from wasi_fs.base.tree import BaseTree
from wasi_fs.changes import Journal
from wasi_fs.content import Contents
from wasi_fs.device import is_device
from wasi_fs.devices import Devices
from wasi_fs.mounts import set_mounts
from wasi_fs.mounts.direct import held_direct
from wasi_fs.proc.nodes import is_of_proc
from wasi_fs.proc.tree import Proc
from wasi_fs.tree import Limits, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from wasi_fs.backend import Backend, Changes, Usage
    from wasi_fs.errors import FsError
    from wasi_fs.handles import DirEntry
    from wasi_fs.inode import Directory
    from wasi_fs.proc.entries import MadeDirectory
    from wasi_fs.values import Mount

CHANGE_COST: Final = 16 * 1024
"""Bytes that an inode or a name that waits for a change set counts for in `dirty_bytes`: 2,048 are as much as `DIRTY_LIMIT`,
and taken for a change set in some 3 ms."""


class KeptTree:
    """A tree with its contents and its journal; `FileSystem` has the operations on it.

    `clock` tells the time in nanoseconds since 1970. `random` returns the number of bytes that it is given, for the
    devices of /dev; without it there are neither these nor /proc. `base` lies beneath the tree.
    """

    def __init__(
        self,
        backend: Backend,
        limits: Limits,
        clock: Callable[[], int],
        random: Callable[[int], bytes] | None = None,
        base: Base | None = None,
    ) -> None:
        self._tree = Tree(backend, limits, clock)
        self._contents = Contents(self._tree)
        self._tree.devices = Devices(self._tree, self._contents, random)
        self._tree.base = self._base = BaseTree(self._tree, self._contents, base or Base())
        self._tree.proc = self._proc = Proc(self._tree, absent=random is None)
        self._journal = Journal(self._tree, self._contents)
        self.clock = clock

    @property
    def root(self) -> Directory:
        """The root directory's inode."""
        return self._tree.root

    @property
    def limits(self) -> Limits:
        """Limits of the tree's size; a limit below its present size removes nothing, and refuses growth."""
        return self._tree.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._tree.limits = limits

    @property
    def base(self) -> Base:
        """What lies beneath the tree; an empty one shows nothing."""
        return self._base.base

    @base.setter
    def base(self, base: Base) -> None:
        self._base.base = base

    @property
    def proc(self) -> MadeDirectory | None:
        """What is in /proc; None: nothing."""
        return self._proc.made

    @proc.setter
    def proc(self, made: MadeDirectory | None) -> None:
        self._proc.made = made

    @property
    def usage(self) -> Usage:
        """The tree's size now, unsaved changes included."""
        return self._tree.usage

    @property
    def loads(self) -> int:
        """Inodes and names that all operations have loaded from the backend, and parents that they have made; trimming the
        caches counts as so many loads as take the same time.
        """
        return self._tree.loads

    # Saving

    @property
    def dirty_bytes(self) -> int:
        """Memory that waits for the next change set."""
        return self._tree.dirty_bytes + CHANGE_COST * self._journal.waiting

    @property
    def unsaved_bytes(self) -> int:
        """Memory held by unsaved changes, the change set under way included; writers wait beyond `DIRTY_LIMIT`."""
        return self.dirty_bytes + self._tree.flight_bytes

    @property
    def saving(self) -> bool:
        """Whether a change set is under way."""
        return self._journal.current is not None

    def take_changes(self, *, access_times: bool = False) -> Changes | None:
        """All changes since the last change set, for one transaction; None if there are none.

        The caller calls one of its callbacks when the transaction is over. RuntimeError while another change set is under way.
        New access times alone make no change set, but wait for the next one (Linux's lazytime), unless `access_times` is
        set, as at the end of a VM's life in memory.
        """
        return self._journal.take(access_times)

    @property
    def clean(self) -> bool:
        """Whether all changes are saved, except access times."""
        return self._journal.clean

    def undo_changes(self) -> None:
        """In place of `failed` of the change set under way: see `Journal.undo`."""
        self._journal.undo()

    # The host's own files

    def is_made(self, entry: DirEntry) -> bool:
        """Whether the entry is /dev, /proc, or something in them that the host has made."""
        return is_device(entry.ino) or is_of_proc(entry.ino)

    def is_shown_only(self, entry: DirEntry) -> bool:
        """Whether a directory lists the entry, one that is made or of the base, although it is not in the tree."""
        return self.is_made(entry) or is_base_number(entry.ino)

    @property
    def mounts(self) -> list[Mount]:
        """What is mounted."""
        return [mounted.mount for mounted in self._tree.mounts.values()]

    def set_mounts(self, mounts: Iterable[Mount]) -> list[tuple[Mount, FsError]]:
        """Mount exactly these host directories; return those that cannot be mounted, each with its error."""
        return set_mounts(self._tree, mounts)

    def held_direct(self, path: str, *, changing: bool) -> AbstractContextManager[str | None]:
        """As `wasi_fs.mounts.direct.held_direct`. FsError(WOULD_BLOCK) as it is entered."""
        return held_direct(self._tree, path, changing=changing)

    def seal(self, path: str, *, sealed: bool = True) -> None:
        """Make `path` and everything below it read-only, and `protect` it; with `sealed` false, undo both.

        FsError(NOT_DIRECTORY) for a symlink on the way: later it could lead elsewhere.
        """
        self._tree.begin()
        sealing.seal(self._tree, path, sealed)

    def protect(self, path: str) -> None:
        """Refuse all changes of the name `path`, and of each directory name on the way to it, as long as this object lives.

        Directories on the way that are missing may still be made.
        """
        sealing.protect(self._tree, path)

    def install(self, path: str, data: bytes) -> list[str]:
        """Put a file of the host's own at `path`: the only one in its directory, which is sealed with it.

        Anything in its place, or on the way and no directory, is renamed; the new paths are returned.
        FsError(INSUFFICIENT_SPACE, IO).
        """
        self._tree.begin()
        return sealing.install(self._tree, self._contents, path, data)
