"""The methods on a VM's files; none wakes the VM. Translation only; `runtime.vms` does the work."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from runtime.api.content import Bytes  # noqa: TC001 - a member of structs
from runtime.api.errors import ErrorCode
from runtime.api.types import MAX_INT, VmParams
from runtime.large_json import content_bytes, large_content
from runtime.rpc.methods import Call, MethodTable

METHODS: Final = MethodTable()

READING: Final = (ErrorCode.VM_NOT_FOUND, ErrorCode.NOT_FOUND, ErrorCode.NOT_A_DIRECTORY, ErrorCode.INVALID_ARGUMENT)
WRITING: Final = (*READING, ErrorCode.READ_ONLY, ErrorCode.QUOTA_EXCEEDED)


Path = Annotated[str, Meta(min_length=1)]
Size = Annotated[int, Meta(ge=0, le=MAX_INT)]


class PathParams(VmParams):
    """An absolute POSIX path inside the VM."""

    path: Path


class ReadFile(PathParams):
    """Which file, or which piece of it, and how its content is to travel."""

    encoding: Literal["utf8", "base64"] | None = None
    offset: Size = 0
    length: Size | None = None


class FileContent(Struct):
    """A file's content: text where it is valid UTF-8 and base64 was not asked for."""

    content: str | Bytes


class WriteFile(PathParams):
    """Which file, and what it is to hold, or what a piece of it is to be."""

    content: str | Bytes
    create_parents: bool = True
    offset: Size | None = None


class Stat(PathParams):
    """Which file, or the link itself with `followLinks: false`."""

    follow_links: bool = True


class Recursive(PathParams):
    """Which path, and whether what is below or above it is meant too."""

    recursive: bool = False


class Move(VmParams):
    """What is to be moved, and the path that it is to have."""

    source: Path = msgspec.field(name="from")
    to: Path


class Symlink(VmParams):
    """What the link is to hold, and where it is to be."""

    target: Path
    path: Path


class Chmod(PathParams):
    """Which file, and its permission bits."""

    mode: Annotated[int, Meta(ge=0, le=0o7777)]


class Truncate(PathParams):
    """Which file, and how many bytes it is to have."""

    size: Size


class FileStat(Struct, rename="camel", kw_only=True):
    """What `stat` tells; times in milliseconds since the epoch."""

    type: str
    size: int
    mode: int
    mtime_ms: float
    ctime_ms: float
    atime_ms: float
    nlink: int
    ino: int


@METHODS.method(
    "readFile",
    ReadFile,
    FileContent,
    "Return a file, or a piece of it.",
    *READING,
    ErrorCode.IS_A_DIRECTORY,
    ErrorCode.TOO_LARGE,
)
async def _read_file(call: Call, params: ReadFile) -> Any:
    files = await call.host.files(params.vm_name)
    data = await files.read_file(params.path, params.offset, params.length)
    return {"content": await large_content(data, params.encoding)}


@METHODS.method(
    "writeFile",
    WriteFile,
    dict[str, Any],
    "Create or replace a file, or write a piece of it.",
    *WRITING,
    ErrorCode.IS_A_DIRECTORY,
    ErrorCode.TOO_LARGE,
)
async def _write_file(call: Call, params: WriteFile) -> Any:
    files = await call.host.files(params.vm_name)
    await files.write_file(params.path, await content_bytes(params.content), params.create_parents, params.offset)
    return {}


@METHODS.method("readdir", PathParams, list[str], "Return the names in a directory.", *READING, ErrorCode.TOO_LARGE)
async def _readdir(call: Call, params: PathParams) -> Any:
    return await (await call.host.files(params.vm_name)).readdir(params.path)


@METHODS.method("stat", Stat, FileStat, "Describe a file.", *READING)
async def _stat(call: Call, params: Stat) -> Any:
    return await (await call.host.files(params.vm_name)).stat(params.path, params.follow_links)


@METHODS.method("exists", PathParams, bool, "Say whether the path names anything.", ErrorCode.VM_NOT_FOUND)
async def _exists(call: Call, params: PathParams) -> Any:
    return await (await call.host.files(params.vm_name)).exists(params.path)


@METHODS.method(
    "deleteFile",
    Recursive,
    dict[str, Any],
    "Remove a file or a link, or with `recursive` a directory.",
    *WRITING,
    ErrorCode.IS_A_DIRECTORY,
    ErrorCode.DIRECTORY_NOT_EMPTY,
)
async def _delete_file(call: Call, params: Recursive) -> Any:
    await (await call.host.files(params.vm_name)).delete_file(params.path, params.recursive)
    return {}


@METHODS.method(
    "mkdir", Recursive, dict[str, Any], "Create a directory, with `recursive` its parents.", *WRITING, ErrorCode.EXISTS
)
async def _mkdir(call: Call, params: Recursive) -> Any:
    await (await call.host.files(params.vm_name)).mkdir(params.path, params.recursive)
    return {}


@METHODS.method(
    "move",
    Move,
    dict[str, Any],
    "Rename a file, a link or a directory, over a file or an empty directory that is in its place.",
    *WRITING,
    ErrorCode.IS_A_DIRECTORY,
    ErrorCode.DIRECTORY_NOT_EMPTY,
)
async def _move(call: Call, params: Move) -> Any:
    await (await call.host.files(params.vm_name)).move(params.source, params.to)
    return {}


@METHODS.method(
    "symlink", Symlink, dict[str, Any], "Make a symbolic link at `path` to `target`.", *WRITING, ErrorCode.EXISTS
)
async def _symlink(call: Call, params: Symlink) -> Any:
    await (await call.host.files(params.vm_name)).symlink(params.target, params.path)
    return {}


@METHODS.method("readlink", PathParams, str, "Return what a symbolic link holds.", *READING)
async def _readlink(call: Call, params: PathParams) -> Any:
    return await (await call.host.files(params.vm_name)).readlink(params.path)


@METHODS.method("chmod", Chmod, dict[str, Any], "Set permission bits; they are kept, and not enforced.", *WRITING)
async def _chmod(call: Call, params: Chmod) -> Any:
    await (await call.host.files(params.vm_name)).chmod(params.path, params.mode)
    return {}


@METHODS.method(
    "truncate",
    Truncate,
    dict[str, Any],
    "Cut a file off, or extend it by zeros that take no space.",
    *WRITING,
    ErrorCode.IS_A_DIRECTORY,
    ErrorCode.TOO_LARGE,
)
async def _truncate(call: Call, params: Truncate) -> Any:
    await (await call.host.files(params.vm_name)).truncate(params.path, params.size)
    return {}
