"""Everything below a directory of a `FileSystem`, by its public operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from wasi_fs import FsCode, FsError, OpenDirectory
from wasi_fs.backend import FileType

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasi_fs import FileSystem
    from wasi_fs.inode import Stat

T = TypeVar("T")


def insist(operation: Callable[[], T]) -> T:
    """What an operation gives once all that it needs is in memory."""
    while True:
        try:
            return operation()
        except FsError as error:
            if error.code is not FsCode.WOULD_BLOCK:
                raise


def walk(fs: FileSystem, path: str) -> list[tuple[str, Stat]]:
    """(path below `path`, attributes), a directory's own entries first; symlinks are not followed."""
    found = []
    todo = [("", fs.open(path))]
    while todo:
        prefix, directory = todo.pop()
        with directory:
            below = []
            assert isinstance(directory, OpenDirectory)
            at = directory.node
            for entry in fs.entries(".", at=at):
                found.append((prefix + entry.name, fs.stat(entry.name, at=at, follow=False)))
                if entry.type is FileType.DIRECTORY:
                    below.append((f"{prefix}{entry.name}/", fs.open(entry.name, at=at)))
            todo.extend(reversed(below))
    return found
