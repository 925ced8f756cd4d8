"""Operations on whole subtrees; iterative, since guests can nest directories as deep as their quota allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import Directory, Inode, Stat

if TYPE_CHECKING:
    from wasi_fs.filesystem import FileSystem
    from wasi_fs.resolve import Place
    from wasi_fs.tree import Tree


def make_directories(fs: FileSystem, path: str, mode: int, at: Directory) -> None:
    """`FileSystem.mkdir` with `parents`."""
    fs.resolve("/" if path.startswith("/") else ".", at=at)
    done = ""
    for name in path.split("/"):
        done += name + "/"
        if name in {"", ".", ".."}:
            continue
        try:
            node = fs.resolve(done, at=at)
        except FsError as error:
            if error.code is not FsCode.NO_ENTRY:
                raise
            fs.mkdir(done, mode, at=at)
        else:
            if not isinstance(node, Directory):
                raise FsError(FsCode.NOT_DIRECTORY, done)


def walk(fs: FileSystem, tree: Tree, path: str, at: Directory | None, max_depth: int | None) -> list[tuple[str, Stat]]:
    """`FileSystem.walk`."""
    top = fs.resolve(path, at=at)
    if not isinstance(top, Directory):
        raise FsError(FsCode.NOT_DIRECTORY, path)
    found = []
    todo = [("", top.ino, 1)]
    while todo:
        if tree.crowded:  # numbers only are held here, no inodes
            tree.trim()
        prefix, ino, depth = todo.pop()
        directory = tree.get(ino)
        assert isinstance(directory, Directory)
        below = []
        for name, dentry in tree.entries(directory):
            node = tree.get(dentry.ino)
            found.append((prefix + name, node.stat()))
            if isinstance(node, Directory) and (max_depth is None or depth < max_depth):
                below.append((f"{prefix}{name}/", node.ino, depth + 1))
        todo.extend(reversed(below))
    return found


def remove_tree(tree: Tree, place: Place, path: str) -> None:
    """`FileSystem.remove_tree`."""
    if place.special:
        raise FsError(FsCode.BUSY, path)
    if place.node is None:
        raise FsError(FsCode.NO_ENTRY, path)
    if place.slash and not isinstance(place.node, Directory):
        raise FsError(FsCode.NOT_DIRECTORY, path)
    if place.directory.read_only:
        raise FsError(FsCode.READ_ONLY, path)
    names: list[tuple[Directory, str, Inode]] = [(place.directory, place.name, place.node)]
    for _, _, node in names:  # grows as it goes: parents come before what is below them
        if node.read_only:
            raise FsError(FsCode.BUSY if node is place.node else FsCode.READ_ONLY, path)
        if isinstance(node, Directory):
            names.extend((node, name, tree.get(dentry.ino)) for name, dentry in tree.entries(node))
    for directory, name, node in reversed(names):
        tree.detach(directory, name, node)


def seal(tree: Tree, top: Inode, sealed: bool) -> None:
    """`FileSystem.seal`."""
    nodes = [top]
    for node in nodes:  # grows as it goes
        node.read_only = sealed
        tree.mark(node)
        if isinstance(node, Directory):
            nodes.extend(tree.get(dentry.ino) for _, dentry in tree.entries(node))
