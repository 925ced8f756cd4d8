"""Parts of a tree that only the host may change: sealed subtrees, and the paths that lead to them.

A seal is stored with the inode. That alone does not protect the path: a guest could move a directory above it and put
something else there. So the path to a sealed place is protected as well, name by name from the root: each of its names stays
with its directory. None of them is ever a symlink, so protecting the path protects the inodes, by whatever path a caller
reaches them.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from wasi_fs.base.nodes import is_of_base
from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import Directory, File, Inode
from wasi_fs.values import check_data, check_path

if TYPE_CHECKING:
    from wasi_fs.content import Contents
    from wasi_fs.tree import Tree

DIRECTORY_MODE: Final = 0o755
FILE_MODE: Final = 0o644


def protect(tree: Tree, path: str) -> None:
    """`FileSystem.protect`."""
    tree.protected.add(_names(path))


def check_protected(tree: Tree, directory: Directory, name: str, *, making_directory: bool = False) -> None:
    """Refuse a change of a name that is on a protected path. FsError(READ_ONLY).

    With `making_directory` only the last name of the path is refused: directories on the way to it may be made.
    """
    for path in tree.protected:
        if name not in path:
            continue
        node: Inode | None = tree.root
        for position, part in enumerate(path, 1):
            if not isinstance(node, Directory) or (node.mount is not None and not is_of_base(node)):
                break  # what is mounted has names of its own; a directory of the base becomes the VM's once it gets a name
            if node is directory and part == name and not (making_directory and position < len(path)):
                raise FsError(FsCode.READ_ONLY, f"/{'/'.join(path)} belongs to the host")
            node = tree.lookup(node, part)


def seal(tree: Tree, path: str, sealed: bool) -> None:
    """`FileSystem.seal`."""
    names = _names(path)
    top: Inode | None = tree.root
    for name in names:
        if not isinstance(top, Directory):
            raise FsError(FsCode.NOT_DIRECTORY, path)
        top = tree.lookup(top, name)
        if top is None:
            raise FsError(FsCode.NO_ENTRY, path)
    assert top is not None
    if top.mount is not None:
        raise FsError(FsCode.NOT_PERMITTED, "the host's own files are not sealed")
    (tree.protected.add if sealed else tree.protected.discard)(names)
    nodes = [top]
    for node in nodes:  # grows as it goes
        node.read_only = sealed
        tree.mark(node)
        if isinstance(node, Directory):
            nodes.extend(tree.get(dentry.ino) for _, dentry in tree.entries(node))


def install(tree: Tree, contents: Contents, path: str, data: bytes) -> list[str]:
    """`FileSystem.install`."""
    check_data(data)
    *way, name = _names(path)
    aside: list[str] = []
    directory = tree.root
    for position, part in enumerate(way, 1):
        node = tree.lookup(directory, part)
        if node is not None and is_of_base(node):
            node = None  # it is covered
        last = position == len(way)
        if node is not None and not (_holds_sealed(tree, node, name) if last else _is_own_directory(node)):
            aside.append("/".join(("", *way[: position - 1], _put_aside(tree, directory, part, node))))
            node = None
        if node is None:
            node = tree.make_directory(directory, part, DIRECTORY_MODE)
        assert isinstance(node, Directory)
        directory = node
    file = tree.lookup(directory, name) or tree.make_file(directory, name, FILE_MODE)
    assert isinstance(file, File)
    if file.size != len(data) or contents.read(file, 0, len(data)) != data:
        contents.resize(file, 0)
        contents.write(file, 0, data)
    for sealed in (directory, file):
        if not sealed.read_only:
            sealed.read_only = True
            tree.mark(sealed)
    return aside


def _is_own_directory(node: Inode) -> bool:
    return isinstance(node, Directory) and node.mount is None


def _holds_sealed(tree: Tree, node: Inode, name: str) -> bool:
    """It is as `install` has left it."""
    if not isinstance(node, Directory) or node.mount is not None or not node.read_only:
        return False
    file = tree.lookup(node, name)
    return isinstance(file, File) and file.read_only and file.nlink == 1


def _put_aside(tree: Tree, directory: Directory, name: str, node: Inode) -> str:
    """Give it another name, which nobody can have taken before, and lift its own seal."""
    if node.mount is not None:
        raise FsError(FsCode.BUSY, f"{name} is mounted")
    other = f"{name}.{secrets.token_hex(4)}"
    while tree.lookup(directory, other) is not None:
        other = f"{name}.{secrets.token_hex(4)}"
    node.read_only = False
    tree.move(directory, name, directory, other, node, None)
    return other


def _names(path: str) -> tuple[str, ...]:
    check_path(path)
    return tuple(name for name in path.split("/") if name)
