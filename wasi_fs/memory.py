"""The part of a tree that is in memory, and how it is kept within bounds.

An inode object is the only one of its number as long as it is in `nodes`; it stays there while it is open, unsaved or in a
change set under way, and the rest is trimmed between operations, never within one, so that an operation may hold inodes without
pinning them.

Python's garbage collector stops all VMs while it visits the objects that it tracks, and each VM may have 20,000 inodes in
memory. So inodes are hidden from it: their fields lead to numbers, bytes and names, never back to the tree, and no cycle goes
through them.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Final

from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import Directory, Inode

if TYPE_CHECKING:
    from wasi_fs.backend import Dentry

CACHED_INODES: Final = 20_000
"""Clean inodes kept in memory: some 8 MB at 400 bytes each, enough for a large source tree."""

CACHED_DENTRIES: Final = 100_000
"""Dentries of clean directories kept in memory: some 15 MB at 150 bytes each."""

LOOKS: Final = 2500
"""Inodes that are considered at a time where memory is full, in half a millisecond: more than an operation can load."""

_ROUNDS: Final = 2
"""First those go that were not used since the last time, then the others."""

LOAD_LOOKS: Final = 50
"""Inodes that are considered in the time of one load."""

MAX_LOADS: Final = 128
"""Inodes and names that one operation gets from the backend, and parents that it makes, before it lets others run
(`FsCode.WOULD_BLOCK`): each takes 20 us or less. A path can lead through two thousand directories that nobody has looked at
lately, or that are not there yet."""


_hide_from_collector: Final = ctypes.pythonapi.PyObject_GC_UnTrack
_hide_from_collector.restype, _hide_from_collector.argtypes = None, [ctypes.py_object]


class Memory:
    """The inodes and dentries of one tree that are in memory."""

    def __init__(self) -> None:
        self.nodes: dict[int, Inode] = {}
        self.dirty: dict[int, Inode] = {}
        """Inodes for the next change set."""
        self.flight: dict[int, Inode] = {}
        """Inodes in the change set under way."""
        self.touched: dict[int, Inode] = {}
        """Inodes of which only atime has changed: they go with the next change set, but do not cause one."""
        self._loads = 0
        self.loads = 0
        """Inodes and names that all operations have loaded from the backend, and parents that they have made; trimming the
        caches counts as so many loads as take the same time.
        """
        self.crowded = False
        """The caches are over their bounds: `trim` is due before the next operation."""
        self.cached_dentries = 0
        """Names, absent ones too, that the directories in `nodes` know."""
        self._hand: list[int] = []  # inodes that are to be considered yet
        self._rounds = 0
        self._trim_at = CACHED_INODES
        self._trim_dentries_at = CACHED_DENTRIES

    def begin(self) -> None:
        """Begin an operation: make room in memory, and allow the operation `MAX_LOADS`."""
        self._loads = 0
        if self.crowded:
            self.trim()

    def count_load(self) -> None:
        """Count a load from the backend, or a parent to be made. FsError(WOULD_BLOCK) if the operation has had its share."""
        self._loads += 1
        self.loads += 1
        if self._loads > MAX_LOADS:
            raise FsError(FsCode.WOULD_BLOCK, "not all of it is in memory yet")

    def trim(self) -> None:
        """Drop clean inodes that have not been used lately until the caches are well within their bounds: `LOOKS` at a time."""
        goal, dentry_goal = CACHED_INODES * 7 // 8, CACHED_DENTRIES * 7 // 8
        self.loads += LOOKS // LOAD_LOOKS  # those who do many operations in one go let others run after a few of these
        for _ in range(LOOKS):
            if len(self.nodes) <= goal and self.cached_dentries <= dentry_goal:
                break
            if not self._hand:
                if self._rounds == _ROUNDS:
                    break
                self._rounds += 1
                self._hand = list(reversed(self.nodes))
            node = self.nodes.get(self._hand.pop())
            if node is not None:
                self._consider(node)
        else:
            return
        # The rest cannot be dropped: wait until there is more, or every call would search in vain.
        self._trim_at = max(CACHED_INODES, len(self.nodes) + CACHED_INODES // 8)
        self._trim_dentries_at = max(CACHED_DENTRIES, self.cached_dentries + CACHED_DENTRIES // 8)
        self.crowded = False
        self._hand, self._rounds = [], 0

    def _consider(self, node: Inode) -> None:
        """Drop an inode, or as much of it as may be dropped."""
        if node.used:
            node.used = False
        elif node.opens or node.ino in self.dirty or node.ino in self.flight or node.ino in self.touched:
            if isinstance(node, Directory) and node.persisted:
                self._forget_names(node)
        else:
            del self.nodes[node.ino]
            if isinstance(node, Directory):
                self.cached_dentries -= len(node.children)

    def _forget_names(self, directory: Directory) -> None:
        """Forget the saved names of a directory that has to stay, absent ones too: they take memory."""
        unsaved = directory.changed | directory.flight_changed
        self.cached_dentries += len(unsaved) - len(directory.children)
        directory.children = {name: directory.children.get(name) for name in unsaved}
        directory.listed = False

    def admit(self, node: Inode) -> None:
        """Add an inode that is not in memory yet."""
        _hide_from_collector(node)
        self.nodes[node.ino] = node
        self.check_crowd()

    def remember(self, directory: Directory, name: str, dentry: Dentry | None) -> None:
        """Remember a name of the directory; None: there is no such name."""
        if name not in directory.children:
            self.cached_dentries += 1
            self.check_crowd()
        directory.children[name] = dentry

    def check_crowd(self) -> None:
        """Called when something was added: note that the next operation has to make room."""
        if len(self.nodes) > self._trim_at or self.cached_dentries > self._trim_dentries_at:
            self.crowded = True
