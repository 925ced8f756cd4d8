"""From an inode back to its path: what getcwd and realpath ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasi_fs.base.nodes import entry_of, is_of_base
from wasi_fs.device import NAME, PROC, is_device
from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import Directory
from wasi_fs.proc.nodes import is_of_proc
from wasi_fs.resolve import locate, resolve
from wasi_fs.values import PATH_MAX

if TYPE_CHECKING:
    from wasi_fs.inode import Inode
    from wasi_fs.tree import Tree


def path_of(tree: Tree, directory: Directory) -> str:
    """A directory's path from the root. FsError(NO_ENTRY) when it has none any more, NAME_TOO_LONG."""
    tree.begin()
    names: list[str] = []
    size = 0
    while directory is not tree.root:
        if is_of_base(directory):
            names += reversed(entry_of(directory).way)
            break
        directory, name = _above(tree, directory)
        size += 1 + len(name.encode())
        if size >= PATH_MAX:
            raise FsError(FsCode.NAME_TOO_LONG, "a directory's path")
        names.append(name)
    return "/" + "/".join(reversed(names))


def real_path(tree: Tree, at: Directory, path: str) -> str:
    """The path of what `path` names, without symlinks, dots and double slashes. FsError as for `resolve`, and as above."""
    tree.begin()
    node = resolve(tree, at, path)
    if isinstance(node, Directory):
        return path_of(tree, node)
    if path.endswith("/"):
        raise FsError(FsCode.NOT_DIRECTORY, path)
    place = locate(tree, at, path, follow=True)
    return f"{path_of(tree, place.directory).rstrip('/')}/{place.name}"


def _above(tree: Tree, directory: Directory) -> tuple[Directory, str]:
    """The directory above, and the name there."""
    mount = directory.mount
    if mount is not None and mount.is_top(directory):
        if is_device(directory.ino):
            return tree.root, NAME
        if is_of_proc(directory.ino):
            return tree.root, PROC
        directory = _point(tree, directory)
        mount = None
    if mount is None and not directory.nlink:
        raise FsError(FsCode.NO_ENTRY, "a directory that was removed")
    above = tree.parent(directory) if mount is None else mount.parent(directory)
    for name, dentry in above.children.items():  # where it was found, mostly
        if dentry is not None and dentry.ino == directory.ino:
            return above, name
    for name, dentry in (tree if above.mount is None else above.mount).entries(above):
        if dentry.ino == directory.ino:
            return above, name
    raise FsError(FsCode.NO_ENTRY, "a directory that was removed")


def _point(tree: Tree, top: Directory) -> Directory:
    """The directory of the VM that a mounted one covers."""
    for ino, mount in tree.mounts.items():
        if mount is top.mount:
            point: Inode = tree.get(ino)
            assert isinstance(point, Directory)
            return point
    raise FsError(FsCode.NO_ENTRY, "a mount that was taken away")
