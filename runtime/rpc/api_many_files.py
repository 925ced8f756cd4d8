"""The methods on many files at once; none wakes the VM. Translation only; `runtime.vms` does the work."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from runtime.api.content import Bytes, as_content
from runtime.api.errors import ApiError, ErrorCode
from runtime.api.types import VmParams
from runtime.large_json import content_bytes
from runtime.rpc.api_files import READING, FileStat, Path, PathParams
from runtime.rpc.methods import Call, MethodTable

METHODS: Final = MethodTable()

MAX_FILES: Final = 10_000
"""Files of one call: what a tool that copies a source tree sends in a few calls, and half a second of work."""
MAX_EXCLUDES: Final = 100  # each is compared with every entry of the tree
MAX_GLOB: Final = 4096  # the longest path

LISTING: Final = (*READING, ErrorCode.LIMIT_EXCEEDED, ErrorCode.TOO_LARGE)


class ReadFiles(VmParams):
    """Which files, and how their contents are to travel."""

    paths: Annotated[list[Path], Meta(max_length=MAX_FILES)]
    encoding: Literal["utf8", "base64"] | None = None


class FileError(Struct):
    """Why one file of several could not be read or written."""

    code: str
    message: str


class FileRead(Struct, omit_defaults=True):
    """A file's content, or why there is none."""

    path: str
    content: str | Bytes | None = None
    error: FileError | None = None


class FileToWrite(Struct, forbid_unknown_fields=True):
    """A file, and what it is to hold."""

    path: Path
    content: str | Bytes


class WriteFiles(VmParams):
    """The files to create or replace; their directories are made."""

    files: Annotated[list[FileToWrite], Meta(max_length=MAX_FILES)]


class FileWritten(Struct, omit_defaults=True):
    """A file that was written, or with `error` one that could not be."""

    path: str
    error: FileError | None = None


class ReaddirEntries(PathParams):
    """Which directory; and, for a page of it, the name after which to begin and how many entries to return."""

    after: str = ""
    limit: Annotated[int, Meta(gt=0)] | None = None


class ReaddirRecursive(PathParams):
    """Which directory, how deep (1: its own entries), and what to leave out with all below it.

    `exclude` are globs: of a name, or, where they have a slash, of a path relative to the directory (`**` for any number of
    its parts).
    """

    max_depth: Annotated[int, Meta(gt=0)] | None = None
    exclude: Annotated[list[Annotated[str, Meta(min_length=1, max_length=MAX_GLOB)]], Meta(max_length=MAX_EXCLUDES)] = (
        msgspec.field(default_factory=list)
    )


class DirEntry(FileStat, rename="camel", kw_only=True):
    """An entry of a directory; of a link, what is told is its own."""

    name: str


class TreeEntry(FileStat, rename="camel", kw_only=True):
    """A file, directory or link somewhere below a directory."""

    path: str


@METHODS.method(
    "readFiles",
    ReadFiles,
    list[FileRead],
    "Return whole files, or for each why not; 16 MiB all together.",
    ErrorCode.VM_NOT_FOUND,
)
async def _read_files(call: Call, params: ReadFiles) -> Any:
    found = await (await call.host.files(params.vm_name)).read_files(params.paths)
    return [
        {"path": path, "error": _told(result)}
        if isinstance(result, ApiError)
        else {"path": path, "content": as_content(result, params.encoding)}
        for path, result in found
    ]


@METHODS.method(
    "writeFiles",
    WriteFiles,
    list[FileWritten],
    "Create or replace files, with their directories; each has an outcome of its own.",
    ErrorCode.VM_NOT_FOUND,
)
async def _write_files(call: Call, params: WriteFiles) -> Any:
    files = [(file.path, await content_bytes(file.content)) for file in params.files]
    done = await (await call.host.files(params.vm_name)).write_files(files)
    return [FileWritten(path, None if error is None else _told(error)) for path, error in done]


@METHODS.method(
    "readdirEntries",
    ReaddirEntries,
    list[DirEntry],
    "Describe the entries of a directory, by name; at most 100,000 at once.",
    *LISTING,
)
async def _readdir_entries(call: Call, params: ReaddirEntries) -> Any:
    return await (await call.host.files(params.vm_name)).readdir_entries(params.path, params.after, params.limit)


@METHODS.method(
    "readdirRecursive",
    ReaddirRecursive,
    list[TreeEntry],
    "Describe everything below a directory, parents first; at most 100,000 entries.",
    *LISTING,
)
async def _readdir_recursive(call: Call, params: ReaddirRecursive) -> Any:
    files = await call.host.files(params.vm_name)
    return await files.readdir_recursive(params.path, params.max_depth, params.exclude)


def _told(error: ApiError) -> FileError:
    return FileError(error.code.value, error.message)
