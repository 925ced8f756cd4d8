"""What a tree is kept by: the parts that it has in memory, its limits, and how its changes are taken and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasi_fs.changes import Journal
from wasi_fs.content import Contents
from wasi_fs.devices import Devices
from wasi_fs.tree import Limits, Tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasi_fs.backend import Backend, Changes, Usage
    from wasi_fs.inode import Directory

CHANGE_COST: Final = 16 * 1024
"""Bytes that an inode or a name that waits for a change set counts for in `dirty_bytes`: 2,048 are as much as `DIRTY_LIMIT`,
and taken for a change set in some 3 ms."""


class KeptTree:
    """A tree with its contents and its journal; `FileSystem` has the operations on it.

    `clock` tells the time in nanoseconds since 1970. `random` makes as many bytes as are asked for, for the devices of /dev;
    without it there are none.
    """

    def __init__(
        self,
        backend: Backend,
        limits: Limits,
        clock: Callable[[], int],
        random: Callable[[int], bytes] | None = None,
    ) -> None:
        self._tree = Tree(backend, limits, clock)
        self._contents = Contents(self._tree)
        self._tree.devices = Devices(self._tree, self._contents, random)
        self._journal = Journal(self._tree, self._contents)
        self.clock = clock

    @property
    def root(self) -> Directory:
        """The root directory's inode."""
        return self._tree.root

    @property
    def limits(self) -> Limits:
        """What the tree may take up; a lower limit removes nothing, it refuses growth."""
        return self._tree.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._tree.limits = limits

    @property
    def usage(self) -> Usage:
        """What the tree takes up now, unsaved changes included."""
        return self._tree.usage

    @property
    def loads(self) -> int:
        """Inodes and names that all operations together have got from the backend, and parents that they have made."""
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
        """A change set is under way."""
        return self._journal.current is not None

    def take_changes(self, *, access_times: bool = False) -> Changes | None:
        """All changes since the last change set, for one transaction; None if there are none.

        Afterwards one of its callbacks is called. RuntimeError while another one is under way. What was only read
        makes no change set unless `access_times` is set, as at the end of a VM's life in memory: new access times wait
        for the next one (Linux's lazytime).
        """
        return self._journal.take(access_times)

    @property
    def clean(self) -> bool:
        """All changes are kept, but for access times."""
        return self._journal.clean

    def undo_changes(self) -> None:
        """In place of `failed` of the change set under way: see `Journal.undo`."""
        self._journal.undo()
