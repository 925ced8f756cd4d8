"""Which program a path names: a component, or a script with the interpreter that its first line tells (`#!`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from runtime.posix.calls import patiently
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.names import Name
from runtime.posix.numbers import EXECUTABLE
from runtime.posix.process import Next
from wasi_fs import FileType, OpenFile

if TYPE_CHECKING:
    from runtime.posix.arguments import Arguments
    from runtime.posix.process import Kernel

HEAD_BYTES: Final = 256
"""Of a file, in which its first line is looked for: Linux's BINPRM_BUF_SIZE."""

MAX_SCRIPTS: Final = 4
"""Interpreters that are scripts themselves, one after another: as many as Linux takes."""


_COMPONENT: Final = b"\0asm"
_SCRIPT: Final = b"#!"


async def find(kernel: Kernel, place: Name, arguments: Arguments, *, checked: bool = True) -> Next:
    """The program, and the arguments that it gets. With `checked` somebody has to be allowed to execute its file.

    PosixError ENOEXEC, EACCES, E2BIG, ELOOP for scripts of scripts, and those of `Machine.load`; FsError.
    """
    for _ in range(1 + MAX_SCRIPTS):
        opened = await patiently(lambda: kernel.filesystem.open(place.path, at=place.at))  # noqa: B023 - called at once
        with opened:
            if not isinstance(opened, OpenFile) or opened.node.type is not FileType.REGULAR:
                raise PosixError(Errno.EACCES)
            if checked and not opened.stat().mode & EXECUTABLE:
                raise PosixError(Errno.EACCES)
            head = bytes(await patiently(lambda: opened.read(0, HEAD_BYTES)))  # noqa: B023 - as above
            if not head.startswith(_SCRIPT):
                if not head.startswith(_COMPONENT):
                    raise PosixError(Errno.ENOEXEC)
                return Next(await kernel.machine.load(opened, place.path), arguments)
        words = interpreter(head)
        arguments = arguments.behind([*words, place.path.encode()])
        place = Name(words[0].decode("utf-8", "surrogateescape"), place.at)
        await trio.lowlevel.checkpoint()
    raise PosixError(Errno.ELOOP)


def interpreter(head: bytes) -> list[bytes]:
    """A script's interpreter, and the one argument that its line may have (execve(2)). PosixError ENOEXEC without one."""
    line, newline, _ = head[len(_SCRIPT) :].partition(b"\n")
    if not newline and len(head) >= HEAD_BYTES:
        raise PosixError(Errno.ENOEXEC)  # nobody knows how it goes on
    words = line.strip(b" \t\r").split(None, 1)
    if not words or b"\0" in line:
        raise PosixError(Errno.ENOEXEC)
    return words
