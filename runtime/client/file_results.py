"""What the calls of `runtime.client.vm_files` return, besides `FileStat`."""

from __future__ import annotations

import msgspec

from runtime.client.results import FileStat


class DirEntry(FileStat, frozen=True, kw_only=True, rename="camel"):
    """An entry of a directory; of a link, what is told is its own."""

    name: str


class TreeEntry(FileStat, frozen=True, kw_only=True, rename="camel"):
    """A file, directory or link somewhere below a directory."""

    path: str


class FileError(msgspec.Struct, frozen=True, kw_only=True):
    """Why one file of several could not be read or written: a `code` of the API, and the same in words."""

    code: str
    message: str


class FileRead(msgspec.Struct, frozen=True, kw_only=True):
    """A file's content, or why there is none."""

    path: str
    content: str | bytes | None = None
    error: FileError | None = None


class FileWritten(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was written, or with `error` one that could not be."""

    path: str
    error: FileError | None = None
