"""Which host directories a tree has, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasi_fs.base.nodes import is_of_base
from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import Directory
from wasi_fs.mounts.tree import HostTree
from wasi_fs.sealing import check_protected
from wasi_fs.values import check_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wasi_fs.tree import Tree
    from wasi_fs.values import Mount


def set_mounts(tree: Tree, mounts: Iterable[Mount]) -> list[tuple[Mount, FsError]]:
    """Have exactly these mounts; return those that have no place in the tree, and why.

    What is mounted already stays as it is. What is not among them goes, under the feet of whoever has files of it open.
    The directories that are missing on the way to a mount are made in the VM, and stay when it goes.
    """
    wanted = set(mounts)
    for ino, mounted in list(tree.mounts.items()):
        if mounted.mount in wanted:
            wanted.discard(mounted.mount)
        else:
            del tree.mounts[ino]
            mounted.take_away()
            tree.release(mounted.point)
    refused = []
    for mount in sorted(wanted, key=lambda mount: mount.path):
        try:
            point = _make_point(tree, mount.path)
        except FsError as error:
            refused.append((mount, error))
        else:
            point.opens += 1
            tree.mounts[point.ino] = HostTree(mount, tree, point)
    return refused


def _make_point(tree: Tree, path: str) -> Directory:
    """The directory of the VM that is to be covered; symlinks are not followed, for guests choose where those lead."""
    check_path(path)
    tree.begin()
    directory = tree.root
    names = path.strip("/").split("/")
    for position, name in enumerate(names, 1):
        check_protected(tree, directory, name, making_directory=position < len(names))
        node = tree.lookup(directory, name)
        if node is None or node in {tree.devices.top, tree.proc.top} or is_of_base(node):
            if directory.read_only:
                raise FsError(FsCode.READ_ONLY, path)
            node = tree.make_directory(directory, name, 0o755)
        if not isinstance(node, Directory) or node.mount is not None:
            raise FsError(FsCode.NOT_DIRECTORY, f"{path}: {name} is no directory of the VM")
        directory = node
    return directory
