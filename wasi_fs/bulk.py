"""Operations on whole subtrees; iterative, since guests can nest directories as deep as their quota allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasi_fs.checks import check_border, check_free, is_within, present
from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import Directory, Inode
from wasi_fs.mounts.removal import remove_host_tree
from wasi_fs.mounts.tree import HostTree
from wasi_fs.resolve import Walk, locate, resolve
from wasi_fs.sealing import check_protected
from wasi_fs.values import check_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasi_fs.resolve import Place
    from wasi_fs.tree import Tree


def make_directories(tree: Tree, path: str, mode: int, at: Directory) -> None:
    """`FileSystem.mkdir` with `parents`. After WOULD_BLOCK the directories made so far stay, and the same call continues."""
    check_path(path)
    directory = tree.root if path[0] == "/" else at
    names = path.strip("/").split("/")
    walk = Walk()
    for position, name in enumerate(names, 1):
        try:
            node = resolve(tree, directory, name or ".", walk=walk)
        except FsError as error:
            if error.code is not FsCode.NO_ENTRY:
                raise
            walk.come_to(directory)
            check_free(tree, locate(tree, directory, name, walk=walk), directory=True)
            if directory.mount is None:
                tree.count_load()
            node = (directory.mount or tree).make_directory(directory, name, mode)
        if not isinstance(node, Directory):
            raise FsError(FsCode.EXIST if position == len(names) else FsCode.NOT_DIRECTORY, path)
        directory = node


def remove_tree(tree: Tree, place: Place, path: str) -> None:
    """`FileSystem.remove_tree`."""
    top = check_removal(tree, place, path)
    if isinstance(top.mount, HostTree):
        for _ in remove_host_tree(top.mount, place.directory, place.name, top):
            pass
        return
    names: list[tuple[Directory, str, Inode]] = [(place.directory, place.name, top)]
    for _, _, node in names:  # grows as it goes: parents come before their children
        if node.read_only:
            raise FsError(FsCode.READ_ONLY, path)
        if isinstance(node, Directory):
            names.extend((node, name, tree.get(dentry.ino)) for name, dentry in tree.entries(node))
    for directory, name, node in reversed(names):
        tree.detach(directory, name, node)


def check_removal(tree: Tree, place: Place, path: str) -> Inode:
    """The inode to remove, if its place permits it, whatever is below. FsError as for `remove_tree`."""
    if place.special:
        raise FsError(FsCode.BUSY, path)
    node = present(place, path)
    if place.slash and not isinstance(node, Directory):
        raise FsError(FsCode.NOT_DIRECTORY, path)
    if place.directory.read_only:
        raise FsError(FsCode.READ_ONLY, path)
    check_border(place.directory, node)
    check_protected(tree, place.directory, place.name)
    if isinstance(node, Directory) and any(is_within(tree, mount.point, node) for mount in tree.mounts.values()):
        raise FsError(FsCode.BUSY, path)
    return node


def host_removal(tree: Tree, place: Place, path: str) -> Iterator[int] | None:
    """`FileSystem.host_removal`."""
    top = check_removal(tree, place, path)
    mount = top.mount
    return remove_host_tree(mount, place.directory, place.name, top) if isinstance(mount, HostTree) else None
