"""Checks before names and inodes are changed, in Linux's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasi_fs.base.nodes import is_of_base
from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import Directory, Inode
from wasi_fs.sealing import check_protected

if TYPE_CHECKING:
    from wasi_fs.resolve import Place
    from wasi_fs.tree import Tree

LINKS_OF_A_LEAF: Final = 2
"""The links of a directory without subdirectories."""

MAX_LEVELS: Final = 10_000
"""Directories above another that are looked through before one with subdirectories is moved there: some 2 ms. A path of
`PATH_MAX` bytes has a fifth as many, so only who goes down step by step gets deeper."""


def present(place: Place, path: str) -> Inode:
    """The inode at a place. FsError(NO_ENTRY)."""
    if place.node is None:
        raise FsError(FsCode.NO_ENTRY, path)
    return place.node


def check_free(tree: Tree, place: Place, *, directory: bool = False) -> None:
    """Check that a new name (with `directory`, of a directory) can be put there."""
    if place.node is not None:
        raise FsError(FsCode.EXIST, place.name)
    if place.slash and not directory:
        raise FsError(FsCode.NO_ENTRY, place.name)
    check_seal(place.directory)
    check_protected(tree, place.directory, place.name, making_directory=directory)
    if place.directory.nlink == 0:
        raise FsError(FsCode.NO_ENTRY, "the directory was removed")


def check_seal(node: Inode) -> None:
    """Check that an inode may be changed: its content and attributes, or its entries."""
    if node.read_only:
        raise FsError(FsCode.READ_ONLY, "sealed or mounted read-only by the host")


def check_border(directory: Directory, node: Inode) -> None:
    """Refuse to replace the root of a mount or of a sealed subtree, and devices: they are in use.

    What the base has is read-only, wherever it is.
    """
    mount = node.mount
    if is_of_base(node):
        raise FsError(FsCode.READ_ONLY, "of the base system")
    if node.read_only or mount is not directory.mount or (mount is not None and mount.fixed):
        raise FsError(FsCode.BUSY, "mounted or sealed by the host, or a device")


def check_move(tree: Tree, source: Place, target: Place, paths: str) -> Inode:
    """The inode at `source`, if it may be moved to `target`, apart from what `target` has."""
    if not source.special and is_of_base(source.node or source.directory):
        check_border(source.directory, present(source, paths))
    apart = source.directory.mount is not target.directory.mount
    if apart or source.directory.read_only != target.directory.read_only:
        raise FsError(FsCode.CROSS_DEVICE, paths)
    if source.special or target.special:
        raise FsError(FsCode.BUSY, paths)
    check_seal(source.directory)
    node = present(source, paths)
    if not isinstance(node, Directory) and (source.slash or target.slash):
        raise FsError(FsCode.NOT_DIRECTORY, paths)
    if source.directory is not target.directory and source.directory.mount is None:  # else the kernel looks
        if isinstance(node, Directory) and is_within(tree, target.directory, node):
            raise FsError(FsCode.INVALID, paths)
        if isinstance(target.node, Directory) and is_within(tree, source.directory, target.node):
            raise FsError(FsCode.NOT_EMPTY, paths)
    check_border(source.directory, node)
    check_protected(tree, source.directory, source.name)
    check_protected(tree, target.directory, target.name)
    return node


def check_replace(directory: Directory, node: Inode, victim: Inode, path: str) -> None:
    """Check that `node` may take the place of `victim`, which is in `directory`; a file of the base is covered."""
    if isinstance(victim, Directory) or not is_of_base(victim):
        check_border(directory, victim)
    if isinstance(victim, Directory) != isinstance(node, Directory):
        raise FsError(FsCode.IS_DIRECTORY if isinstance(victim, Directory) else FsCode.NOT_DIRECTORY, path)
    if isinstance(victim, Directory):
        check_empty(victim, path)


def check_empty(directory: Directory, path: str) -> None:
    """Check that a directory may be removed; for one of the host the kernel checks."""
    if directory.size and directory.mount is None:
        raise FsError(FsCode.NOT_EMPTY, path)


def is_within(tree: Tree, directory: Directory, ancestor: Directory) -> bool:
    """Whether `directory` is `ancestor`, or lies below it. FsError(NAME_TOO_LONG) if it is too far down to find out."""
    if directory is ancestor:
        return True
    if ancestor.nlink <= LINKS_OF_A_LEAF:
        return False
    for _ in range(MAX_LEVELS):
        if directory is tree.root:
            return False
        directory = tree.parent(directory)
        if directory is ancestor:
            return True
    raise FsError(FsCode.NAME_TOO_LONG, f"more than {MAX_LEVELS} directories in one another")
