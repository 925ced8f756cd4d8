"""Paths as programs give them: text in memory, and the directory that it is meant from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from runtime.posix.descriptions import Description, Folder
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.numbers import WORKING_DIRECTORY
from wasi_fs.values import PATH_MAX

if TYPE_CHECKING:
    from runtime.engine.abi.context import Context
    from runtime.posix.process import PosixProcess
    from wasi_fs.inode import Directory


_DESCRIPTOR: Final = re.compile(r"/(?:dev/fd|proc/self/fd)/([0-9]{1,9})")
_STANDARD: Final = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


class Name(NamedTuple):
    """A path, and where it is meant from."""

    path: str
    at: Directory


def text(memory: Context, at: int, size: int) -> str:
    """A path in memory. PosixError ENAMETOOLONG, EILSEQ."""
    if size >= PATH_MAX:
        raise PosixError(Errno.ENAMETOOLONG)
    try:
        return str(memory.window(at, size), "utf-8")
    except UnicodeDecodeError:
        raise PosixError(Errno.EILSEQ) from None


def name(process: PosixProcess, memory: Context, at: int, path: int, size: int) -> Name:
    """A path at a directory. PosixError ENAMETOOLONG, EILSEQ, EBADF, ENOTDIR."""
    found = text(memory, path, size)
    if at == WORKING_DIRECTORY or found.startswith("/"):
        return Name(found, process.cwd.node)
    description = process.table[at].description
    if not isinstance(description, Folder):
        raise PosixError(Errno.ENOTDIR)
    return Name(found, description.handle.node)


def opened(process: PosixProcess, at: int, size: int) -> Description | None:
    """What an empty path at a descriptor means: what that stands for. None for any other path. PosixError EBADF, ENOENT."""
    if size:
        return None
    if at == WORKING_DIRECTORY:
        raise PosixError(Errno.ENOENT)
    return process.table[at].description


def descriptor_of(path: str) -> int | None:
    """The descriptor that a path stands for, such as /dev/fd/3."""
    if not path.startswith(("/dev/", "/proc/")):
        return None
    if (number := _STANDARD.get(path)) is not None:
        return number
    found = _DESCRIPTOR.fullmatch(path)
    return None if found is None else int(found[1])
