"""Methods on a VM's files; none wakes the VM: what they take and return."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from runtime.api.content import Bytes
from runtime.api.errors import ErrorCode
from runtime.api.limits import MAX_INT
from runtime.api.method import Method
from runtime.api.types import VmParams, doc

READING: Final = (ErrorCode.VM_NOT_FOUND, ErrorCode.NOT_FOUND, ErrorCode.NOT_A_DIRECTORY, ErrorCode.INVALID_ARGUMENT)

WRITING: Final = (*READING, ErrorCode.READ_ONLY, ErrorCode.QUOTA_EXCEEDED)

Path = Annotated[str, Meta(min_length=1)]

Size = Annotated[int, Meta(ge=0, le=MAX_INT)]


class PathParams(VmParams):
    """An absolute POSIX path inside the VM."""

    path: Annotated[Path, doc("An absolute POSIX path inside the VM.")]


class ReadFile(PathParams):
    """Which file, or which piece of it, and how its content is to travel."""

    encoding: Annotated[
        Literal["utf8", "base64"] | None,
        doc("`base64` asks for bytes. Without it text comes as a string where the file is valid UTF-8."),
    ] = None
    offset: Annotated[Size, doc("Where to begin, in bytes.")] = 0
    length: Annotated[Size | None, doc("How many bytes at most; all that there is when left out.")] = None


class FileContent(Struct, frozen=True):
    """A file's content: text where it is valid UTF-8 and base64 was not asked for."""

    content: Annotated[str | Bytes, doc("A string, or bytes as `{base64}`.")]


class WriteFile(PathParams):
    """Which file, and what it is to hold, or what a piece of it is to be."""

    content: Annotated[str | Bytes, doc("A string, or bytes as `{base64}`.")]
    create_parents: Annotated[bool, doc("Make the directories above it that are missing.")] = True
    offset: Annotated[
        Size | None,
        doc(
            "Where `content` begins in the file, in bytes: what is around it stays, and what is between it "
            "and the file's end reads as zeros. When left out, `content` is the whole file."
        ),
    ] = None


class Stat(PathParams):
    """Which file, or the link itself with `followLinks: false`."""

    follow_links: Annotated[bool, doc("Follow a symbolic link at the end of the path.")] = True


class Recursive(PathParams):
    """Which path, and whether what is below or above it is meant too."""

    recursive: Annotated[bool, doc("Mean what is below (deleteFile) or above (mkdir) as well.")] = False


class Move(VmParams):
    """What is to be moved, and the path that it is to have."""

    source: Annotated[Path, doc("The path that is to be moved.")] = msgspec.field(name="from")
    to: Annotated[Path, doc("The path that it is to have; what is there and is no directory is replaced.")]


class Symlink(VmParams):
    """What the link is to hold, and where it is to be."""

    target: Annotated[Path, doc("What the link holds: a path, absolute or relative to the link's directory.")]
    path: Annotated[Path, doc("An absolute POSIX path inside the VM.")]


class Chmod(PathParams):
    """Which file, and its permission bits."""

    mode: Annotated[int, Meta(ge=0, le=0o7777), doc("The permission bits.")]


class Truncate(PathParams):
    """Which file, and how many bytes it is to have."""

    size: Annotated[Size, doc("The bytes that the file is to have; a longer one is filled up with zeros.")]


class FileStat(Struct, frozen=True, rename="camel", kw_only=True):
    """What `stat` tells; times in milliseconds since the epoch."""

    type: Annotated[str, doc("`file`, `directory` or `symlink`.")]
    size: Annotated[int, doc("Bytes of the content.")]
    mode: Annotated[int, doc("The permission bits.")]
    mtime_ms: Annotated[float, doc("Last change of the content, in milliseconds since the epoch.")]
    ctime_ms: Annotated[float, doc("Last change of content or attributes, in milliseconds since the epoch.")]
    atime_ms: Annotated[float, doc("Last access, in milliseconds since the epoch.")]
    nlink: Annotated[int, doc("How many names the file has.")]
    ino: Annotated[int, doc("The inode's number, unique in the VM.")]


READ_FILE: Final = Method(
    "readFile",
    ReadFile,
    FileContent,
    "Return a file, or a piece of it.",
    errors=(
        *READING,
        ErrorCode.IS_A_DIRECTORY,
        ErrorCode.TOO_LARGE,
    ),
)

WRITE_FILE: Final = Method(
    "writeFile",
    WriteFile,
    dict[str, Any],
    "Create or replace a file, or write a piece of it.",
    errors=(
        *WRITING,
        ErrorCode.IS_A_DIRECTORY,
        ErrorCode.TOO_LARGE,
    ),
)

READDIR: Final = Method(
    "readdir",
    PathParams,
    list[str],
    "Return the names in a directory.",
    errors=(
        *READING,
        ErrorCode.TOO_LARGE,
    ),
    returns="The names, without `.` and `..`.",
)

STAT: Final = Method(
    "stat",
    Stat,
    FileStat,
    "Describe a file.",
    errors=READING,
)

EXISTS: Final = Method(
    "exists",
    PathParams,
    bool,
    "Say whether the path names anything.",
    errors=(ErrorCode.VM_NOT_FOUND,),
    returns="Whether the path names anything; a link that leads nowhere does not.",
)

DELETE_FILE: Final = Method(
    "deleteFile",
    Recursive,
    dict[str, Any],
    "Remove a file or a link, or with `recursive` a directory.",
    errors=(
        *WRITING,
        ErrorCode.IS_A_DIRECTORY,
        ErrorCode.DIRECTORY_NOT_EMPTY,
    ),
)

MKDIR: Final = Method(
    "mkdir",
    Recursive,
    dict[str, Any],
    "Create a directory, with `recursive` its parents.",
    errors=(
        *WRITING,
        ErrorCode.EXISTS,
    ),
)

MOVE: Final = Method(
    "move",
    Move,
    dict[str, Any],
    "Rename a file, a link or a directory, over a file or an empty directory that is in its place.",
    errors=(
        *WRITING,
        ErrorCode.IS_A_DIRECTORY,
        ErrorCode.DIRECTORY_NOT_EMPTY,
    ),
)

SYMLINK: Final = Method(
    "symlink",
    Symlink,
    dict[str, Any],
    "Make a symbolic link at `path` to `target`.",
    errors=(
        *WRITING,
        ErrorCode.EXISTS,
    ),
)

READLINK: Final = Method(
    "readlink",
    PathParams,
    str,
    "Return what a symbolic link holds.",
    errors=READING,
    returns="What the link holds.",
)

CHMOD: Final = Method(
    "chmod",
    Chmod,
    dict[str, Any],
    "Set permission bits; they are kept, and not enforced.",
    errors=WRITING,
)

TRUNCATE: Final = Method(
    "truncate",
    Truncate,
    dict[str, Any],
    "Cut a file off, or extend it by zeros that take no space.",
    errors=(
        *WRITING,
        ErrorCode.IS_A_DIRECTORY,
        ErrorCode.TOO_LARGE,
    ),
)
