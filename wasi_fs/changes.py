"""Change sets: dirty inodes are frozen and handed to the store; afterwards they are clean, or dirty again.

One change set is under way at a time, so "the backend or the change set under way" is all that a read has to consider, and
commits cannot overtake one another. A change set is taken between operations, so each is a consistent tree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasi_fs.backend import Changes, ChunkWrite, DentryChange
from wasi_fs.errors import FsError
from wasi_fs.inode import NO_CUT, NO_NAMES, Directory, File
from wasi_fs.records import record_of
from wasi_fs.tree import MAX_TOUCHED

if TYPE_CHECKING:
    from wasi_fs.content import Contents
    from wasi_fs.inode import Inode
    from wasi_fs.tree import Tree


class Journal:
    """Takes change sets from a tree and its contents."""

    def __init__(self, tree: Tree, contents: Contents) -> None:
        self._tree = tree
        self._contents = contents
        self.current: Changes | None = None
        """The change set under way."""

    def take(self, access_times: bool) -> Changes | None:
        """Freeze everything that is dirty; None if nothing is. RuntimeError while another change set is under way.

        Changes of atime alone are taken along; only with `access_times`, or when there are as many as are remembered, are they
        a change set by themselves.
        """
        if self.current is not None:
            raise RuntimeError("a change set is under way already")
        tree = self._tree
        access_times = access_times or len(tree.touched) >= MAX_TOUCHED
        if not (tree.dirty or tree.dead or (access_times and tree.touched)):
            return None
        nodes = {**tree.dirty, **tree.touched}
        changes = self._describe(nodes)  # a failure leaves all as it is
        for node in nodes.values():
            if isinstance(node, Directory):
                node.flight_changed, node.changed = node.changed, NO_NAMES
            elif isinstance(node, File):
                self._contents.depart(node)
            node.persisted = True
        tree.flight, tree.dirty, tree.touched = nodes, {}, {}
        tree.dead = set()
        tree.changed_names = 0
        self.current = changes
        return changes

    def _describe(self, nodes: dict[int, Inode]) -> Changes:
        tree = self._tree
        changes = Changes(
            removed=sorted(tree.dead),
            inodes=[record_of(node) for node in nodes.values()],
            dentries=[],
            truncated=[],
            chunks=[],
            usage=tree.usage,
            next_ino=tree.next_ino,
            committed=self._committed,
            failed=self._failed,
            refused=self._refused,
        )
        for node in nodes.values():
            if isinstance(node, Directory):
                changes.dentries.extend(
                    DentryChange(node.ino, name, node.children.get(name)) for name in sorted(node.changed)
                )
            elif isinstance(node, File):
                if node.cut != NO_CUT and node.persisted:
                    changes.truncated.append((node.ino, node.cut))
                changes.chunks.extend(ChunkWrite(node.ino, index, data) for index, data in node.dirty.items() if data)
        return changes

    @property
    def waiting(self) -> int:
        """Inodes and names for the next change set, about."""
        tree = self._tree
        return len(tree.dirty) + len(tree.dead) + tree.changed_names

    @property
    def clean(self) -> bool:
        """Whether the backend has the whole tree, except access times."""
        return self.current is None and not self._tree.dirty and not self._tree.dead

    def undo(self) -> None:
        """Used in place of `Changes.failed`: puts the tree back to the backend's state, if nothing else was written meanwhile.

        All of the changes were made since the tree was `clean`. If something else was written, or a file that is new is open
        already, or if the backend cannot be read either, they stay for the next change set.
        """
        tree = self._tree
        try:
            new = [node for node in tree.flight.values() if tree.backend.load_inode(node.ino) is None]
        except FsError:
            self._failed()
            return
        if tree.dirty or tree.dead or any(node.opens for node in new):
            self._failed()
        else:
            self._refused()

    def _refused(self) -> None:
        """Give up all unsaved changes: the tree is as the backend has it. A new file that is open stays open, unlinked."""
        tree = self._tree
        nodes = {**tree.flight, **tree.dirty}
        try:
            records = {ino: tree.backend.load_inode(ino) for ino in nodes}
            usage = tree.load_usage()
        except FsError:  # not now
            self._failed()
            return
        self._finish()
        self._contents.forget()
        tree.flight, tree.dirty, tree.changed_names = {}, {}, 0
        for ino, node in nodes.items():
            if isinstance(node, File):
                self._contents.give_up(node)
            tree.touched.pop(ino, None)
            record = records[ino]
            if record is None:
                tree.drop(node)
            elif ino in tree.nodes:
                tree.reload(node, record)
        tree.take_usage(*usage)

    def _committed(self) -> None:
        self._finish()
        for node in self._tree.flight.values():
            if isinstance(node, Directory):
                node.flight_changed = NO_NAMES
            elif isinstance(node, File):
                self._contents.arrive(node)
        self._tree.flight = {}

    def _failed(self) -> None:
        changes = self._finish()
        tree = self._tree
        tree.dead.update(changes.removed)
        for node in tree.flight.values():
            if isinstance(node, Directory):
                node.change(*node.flight_changed)
                tree.changed_names += len(node.flight_changed)
                node.flight_changed = NO_NAMES
            elif isinstance(node, File):
                self._contents.restore(node)
            if node.ino in tree.nodes:
                tree.mark(node)
            elif isinstance(node, File):
                tree.drop_unsaved(node)  # deleted while it was under way
        tree.flight = {}

    def _finish(self) -> Changes:
        changes = self.current
        if changes is None:
            raise RuntimeError("no change set is under way")
        self.current = None
        return changes
