"""Methods on many files at once; none wakes the VM: what they take and return."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from runtime.api.content import Bytes
from runtime.api.errors import ErrorCode
from runtime.api.files import READING, FileStat, Path, PathParams
from runtime.api.limits import MAX_EXCLUDE_GLOB, MAX_EXCLUDES, MAX_FILES
from runtime.api.method import Method
from runtime.api.types import VmParams, doc

LISTING: Final = (*READING, ErrorCode.LIMIT_EXCEEDED, ErrorCode.TOO_LARGE)


class ReadFiles(VmParams):
    """Which files, and how their contents are to travel."""

    paths: Annotated[list[Path], Meta(max_length=MAX_FILES), doc("Absolute POSIX paths inside the VM.")]
    encoding: Annotated[
        Literal["utf8", "base64"] | None,
        doc("`base64` asks for bytes. Without it text comes as a string where the file is valid UTF-8."),
    ] = None


class FileError(Struct, frozen=True):
    """Why one file of several could not be read or written."""

    code: Annotated[str, doc("A stable code, as in `error.data.code` of a whole call.")]
    message: Annotated[str, doc("The same for people.")]


class FileRead(Struct, frozen=True, omit_defaults=True):
    """A file's content, or why there is none."""

    path: Annotated[str, doc("An absolute POSIX path inside the VM.")]
    content: Annotated[str | Bytes | None, doc("A string, or bytes as `{base64}`.")] = None
    error: Annotated[FileError | None, doc("Why this file could not be read or written.")] = None


class FileToWrite(Struct, forbid_unknown_fields=True):
    """A file, and what it is to hold."""

    path: Annotated[Path, doc("An absolute POSIX path inside the VM.")]
    content: Annotated[str | Bytes, doc("A string, or bytes as `{base64}`.")]


class WriteFiles(VmParams):
    """The files to create or replace; their directories are made."""

    files: Annotated[list[FileToWrite], Meta(max_length=MAX_FILES), doc("The files: each with its path and content.")]


class FileWritten(Struct, frozen=True, omit_defaults=True):
    """A file that was written, or with `error` one that could not be."""

    path: Annotated[str, doc("An absolute POSIX path inside the VM.")]
    error: Annotated[FileError | None, doc("Why this file could not be read or written.")] = None


class ReaddirEntries(PathParams):
    """Which directory; and, for a page of it, the name after which to begin and how many entries to return."""

    after: Annotated[
        str, doc("Begin after the entry of this name; with `limit`, how to page through a large directory.")
    ] = ""
    limit: Annotated[Annotated[int, Meta(gt=0)] | None, doc("How many to return at most.")] = None


class ReaddirRecursive(PathParams):
    """Which directory, how deep (1: its own entries), and what to leave out with all below it.

    `exclude` are globs: of a name, or, where they have a slash, of a path relative to the directory (`**` for any number of
    its parts).
    """

    max_depth: Annotated[
        Annotated[int, Meta(gt=0)] | None, doc("How deep to go: 1 is the directory's own entries. All when left out.")
    ] = None
    exclude: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=MAX_EXCLUDE_GLOB)]],
        Meta(max_length=MAX_EXCLUDES),
        doc("Globs of what to leave out, with all below it: of names or, with a slash, of paths below the directory."),
    ] = msgspec.field(default_factory=list)


class DirEntry(FileStat, frozen=True, rename="camel", kw_only=True):
    """An entry of a directory; of a link, what is told is its own."""

    name: Annotated[str, doc("The entry's name in its directory.")]


class TreeEntry(FileStat, frozen=True, rename="camel", kw_only=True):
    """A file, directory or link somewhere below a directory."""

    path: Annotated[str, doc("An absolute POSIX path inside the VM.")]


READ_FILES: Final = Method(
    "readFiles",
    ReadFiles,
    list[FileRead],
    "Return whole files, or for each why not; 16 MiB all together.",
    errors=(ErrorCode.VM_NOT_FOUND,),
    returns="One row a file, in the order of `paths`.",
)

WRITE_FILES: Final = Method(
    "writeFiles",
    WriteFiles,
    list[FileWritten],
    "Create or replace files, with their directories; each has an outcome of its own.",
    errors=(ErrorCode.VM_NOT_FOUND,),
    returns="One row a file, in the order of `files`.",
)

READDIR_ENTRIES: Final = Method(
    "readdirEntries",
    ReaddirEntries,
    list[DirEntry],
    "Describe the entries of a directory, by name; at most 100,000 at once.",
    errors=LISTING,
    returns="The entries by name.",
)

READDIR_RECURSIVE: Final = Method(
    "readdirRecursive",
    ReaddirRecursive,
    list[TreeEntry],
    "Describe everything below a directory, parents first; at most 100,000 entries.",
    errors=LISTING,
    returns="All that is below the directory, by path.",
)
