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


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A state of the files that is kept: under a name, or as what a turn of a session has left behind."""

    created_at: int
    name: str | None = None
    session_id: str | None = None
    seq: int | None = None


class FileVersion(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A file, directory or link at one time; `mode` is the permission bits alone."""

    type: str
    size: int
    mode: int
    mtime_ms: float


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """A path that is not the same: `change` is `added`, `removed` or `modified`."""

    path: str
    change: str
    before: FileVersion | None = None
    after: FileVersion | None = None


class FilesDiff(msgspec.Struct, frozen=True, kw_only=True):
    """What is different, by path; and which snapshots were compared, `to` being None for the present."""

    from_: Snapshot = msgspec.field(name="from")
    to: Snapshot | None = None
    changes: list[FileChange] = []
