"""Which program a path names: a component, or a script with the interpreter that its first line tells (`#!`)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

import trio

from runtime.patience import patiently
from runtime.posix.errnos import OF_FILES, Errno, PosixError
from runtime.posix.names import Name
from runtime.posix.numbers import EXECUTABLE
from runtime.posix.process import Next
from wasi_fs import FileType, FsCode, FsError, OpenFile

if TYPE_CHECKING:
    from runtime.posix.arguments import Arguments
    from runtime.posix.process import Kernel
    from wasi_fs import FileSystem

HEAD_BYTES: Final = 256
"""Of a file, in which its first line is looked for: Linux's BINPRM_BUF_SIZE."""

MAX_SCRIPTS: Final = 4
"""Interpreters that are scripts themselves, one after another: as many as Linux takes."""

SCRIPT: Final = b"#!"
"""How a script begins."""

_COMPONENT: Final = b"\0asm"


async def find(kernel: Kernel, place: Name, arguments: Arguments) -> Next:
    """The program, and the arguments that it gets. Somebody has to be allowed to execute its file.

    PosixError ENOEXEC, EACCES, E2BIG, ELOOP for scripts of scripts, those of files and of `Machine.load`. Its text says which
    file it is that is missing or cannot be run.
    """
    which, called = "", called_by(place.path)
    for _ in range(1 + MAX_SCRIPTS):
        which = f"its interpreter {place.path}" if which else place.path
        try:
            opened = await patiently(lambda: kernel.filesystem.open(place.path, at=place.at))  # noqa: B023 - called at once
        except FsError as error:
            what = "is not there" if error.code is FsCode.NO_ENTRY else f"cannot be opened: {error}"
            raise PosixError(OF_FILES[error.code], f"{which} {what}") from None
        with opened:
            if not isinstance(opened, OpenFile) or opened.node.type is not FileType.REGULAR:
                raise PosixError(Errno.EACCES, f"{which} is no file")
            if not opened.stat().mode & EXECUTABLE:
                raise PosixError(Errno.EACCES, f"nobody may execute {which} (chmod +x)")
            program, head = kernel.machine.loaded(opened), b""
            if program is None:
                head = bytes(await patiently(lambda: opened.read(0, HEAD_BYTES)))  # noqa: B023 - as above
                if head.startswith(_COMPONENT):
                    program = await kernel.machine.load(opened, place.path)
                elif not head.startswith(SCRIPT):
                    raise PosixError(Errno.ENOEXEC, f"{which} is no component, and does not begin with #!")
            if program is not None:
                return Next(program, arguments, await file_of(kernel.filesystem, place), called)
        words = interpreter(head)
        arguments = arguments.behind([*words, place.path.encode("utf-8", "surrogateescape")])
        place = Name(words[0].decode("utf-8", "surrogateescape"), place.at)
        await trio.lowlevel.checkpoint()
    raise PosixError(Errno.ELOOP, f"more than {MAX_SCRIPTS} scripts are each the interpreter of the one before")


def called_by(path: str) -> bytes:
    """A program's name, of the path or command by which it is called."""
    return posixpath.basename(path).encode("utf-8", "surrogateescape")


async def file_of(files: FileSystem, place: Name) -> str:
    """The path of a program's file, as /proc tells it; "" where it has none that is short enough."""
    try:
        return str(await patiently(lambda: files.real_path(place.path, at=place.at)))
    except FsError:
        return ""


def interpreter(head: bytes) -> list[bytes]:
    """A script's interpreter, and the one argument that its line may have (execve(2)). PosixError ENOEXEC without one."""
    line, newline, _ = head[len(SCRIPT) :].partition(b"\n")
    if not newline and len(head) >= HEAD_BYTES:
        raise PosixError(
            Errno.ENOEXEC, f"its first line is longer than {HEAD_BYTES} bytes"
        )  # how it goes on is unknown
    words = line.strip(b" \t\r").split(None, 1)
    if not words or b"\0" in line:
        raise PosixError(Errno.ENOEXEC, "its first line names no interpreter")
    return words
