"""Paths in a mount by which a program of the host may open what a guest means."""

from __future__ import annotations

import posixpath
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import Directory, File
from wasi_fs.mounts.still import held_still
from wasi_fs.paths import real_path
from wasi_fs.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasi_fs.inode import Mounted
    from wasi_fs.tree import Tree


@contextmanager
def held_direct(tree: Tree, path: str, *, changing: bool) -> Iterator[str | None]:
    """The same file's path without a link in it, as long as no guest can put one there.

    None where there is none: the path is not in a mount, or in one that is read-only and is to be changed; it has dots or
    double slashes; it leads to a directory, a device or nowhere that can be known. A file need not exist. FsError(WOULD_BLOCK).
    """
    mount = _mount_of(tree, path)
    if mount is None or (changing and mount.read_only) or path != posixpath.normpath(path):
        yield None
        return
    with held_still(mount.mount.host):
        yield _direct(tree, mount, path)


def _mount_of(tree: Tree, path: str) -> Mounted | None:
    return next((each for each in tree.mounts.values() if path.startswith(each.mount.path + "/")), None)


def _direct(tree: Tree, mount: Mounted, path: str) -> str | None:
    missing: list[str] = []
    try:
        while (node := _named(tree, path)) is None:
            path, name = posixpath.split(path)
            missing.insert(0, name)
        found = real_path(tree, tree.root, path)
    except FsError as error:
        if error.code is FsCode.WOULD_BLOCK:
            raise
        return None
    if not found.startswith(mount.mount.path + "/") and found != mount.mount.path:
        return None
    return posixpath.join(found, *missing) if isinstance(node, Directory if missing else File) else None


def _named(tree: Tree, path: str) -> object | None:
    """What the path leads to; None where its last name is free. FsError(NO_ENTRY) for a link that leads nowhere."""
    tree.begin()
    try:
        return resolve(tree, tree.root, path, True)
    except FsError as error:
        if error.code is not FsCode.NO_ENTRY:
            raise
    try:
        resolve(tree, tree.root, path, False)
    except FsError as error:
        if error.code is not FsCode.NO_ENTRY:
            raise
        return None
    raise FsError(FsCode.NO_ENTRY, path)
