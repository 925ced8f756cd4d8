"""Removing a subtree of the host: with one directory open at a time, however deep it is, and never through a link."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import Directory
from wasi_fs.mounts.scan import STEP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasi_fs.inode import Inode
    from wasi_fs.mounts.tree import HostTree

REMOVED: Final = 20
"""What the removal of a name counts for, beside one name that is read: the kernel is asked four times."""


def remove_host_tree(tree: HostTree, directory: Directory, name: str, node: Inode) -> Iterator[int]:
    """Remove `name` of `directory`, which is `node`, and all below it: a little with each step, which tells how much it was.

    FsError: that of the first thing that cannot be removed, BUSY where another program moves directories meanwhile.
    """
    if not isinstance(node, Directory):
        tree.detach(directory, name, node)
        return
    above: list[
        tuple[int, str, list[str]]
    ] = []  # the way down: a directory's number, the name gone into, the names left
    here, names = directory, [name]
    while names or above:
        yield REMOVED
        if names:
            name = names.pop()
            child: Inode | None = tree.lookup(here, name)
            if isinstance(child, Directory):
                above.append((here.ino, name, names))
                here, names = child, []
                for some in _names(tree, child):
                    names += some
                    yield STEP
            elif child is not None:
                tree.detach(here, name, child)
        else:
            emptied, here = here, tree.parent(here)
            ino, name, names = above.pop()
            if here.ino != ino:
                raise FsError(FsCode.BUSY, "a directory was moved while it was being removed")
            tree.detach(here, name, emptied)


def _names(tree: HostTree, directory: Directory) -> Iterator[list[str]]:
    """The names in a directory, once they are read; nothing with each step before."""
    while True:
        try:
            entries = tree.unsorted(directory)
            break
        except FsError as error:
            if error.code is not FsCode.WOULD_BLOCK:
                raise
        yield []
    while names := [name for name, _, _ in islice(entries, STEP)]:
        yield names
