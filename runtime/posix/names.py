"""Paths as programs give them: text in memory, and the directory that it is meant from."""

from __future__ import annotations

import re
from posixpath import normpath
from typing import TYPE_CHECKING, Final, NamedTuple

from runtime.posix.descriptions import Description, Folder
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.numbers import WORKING_DIRECTORY
from wasi_fs.values import PATH_MAX

if TYPE_CHECKING:
    from runtime.engine.abi.context import Context
    from runtime.posix.process import PosixProcess
    from wasi_fs.inode import Directory


_DESCRIPTOR: Final = re.compile(r"/(?:dev/fd|proc/(?:self|([0-9]{1,10}))/fd)/([0-9]{1,9})")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,3}")
_STANDARD: Final = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


MAX_TOLD: Final = 512
"""Characters of a path that are remembered with what is open, for /proc/self/fd: of a process with all its descriptors half of
what its arguments may take."""


class Name(NamedTuple):
    """A path, and where it is meant from."""

    path: str
    at: Directory


def text(memory: Context, at: int, size: int) -> str:
    """A path in memory. PosixError ENAMETOOLONG, EILSEQ."""
    if size >= PATH_MAX:
        raise PosixError(Errno.ENAMETOOLONG)
    try:
        return str(memory.reach(at + size)[at : at + size], "utf-8")
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


def descriptor_of(process: PosixProcess, path: str) -> int | None:
    """The descriptor of the process that a path stands for, such as /dev/fd/3."""
    if not path.startswith(("/dev/", "/proc/")):
        return None
    if (number := _STANDARD.get(path)) is not None:
        return number
    found = _DESCRIPTOR.fullmatch(path)
    if found is None or found[1] not in {None, str(process.pid)}:
        return None
    return int(found[2])


def descriptor_number(name: str) -> int | None:
    """The descriptor that a name in /proc/self/fd is."""
    return int(name) if _NUMBER.fullmatch(name) else None


def told_path(process: PosixProcess, at: int, path: str) -> str | None:
    """Where a path leads, as people are told it: absolute and plain, but not looked at. None where it is too long to keep."""
    if not path.startswith("/"):
        if at == WORKING_DIRECTORY:
            above = process.told_cwd
        else:
            description = process.table[at].description
            above = description.path if isinstance(description, Folder) else None
        if above is None:
            return None
        path = f"{above}/{path}"
    path = "/" + normpath(path).lstrip("/")  # POSIX lets // be a place of its own
    return path if len(path) <= MAX_TOLD else None
