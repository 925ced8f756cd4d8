"""torpor:posix/sys: terminals, of which no process has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from runtime.posix.calls import call
from runtime.posix.errnos import Errno, PosixError

if TYPE_CHECKING:
    from runtime.engine.abi.context import Context
    from runtime.posix.process import PosixProcess


def _no_terminal(process: PosixProcess, _memory: Context, fd: int, *_numbers: int) -> NoReturn:
    """PosixError EBADF, ENOTTY: tcgetattr(3) and its like."""
    _ = process.table[fd]
    raise PosixError(Errno.ENOTTY)


for _name in ("get-terminal", "set-terminal", "window-size", "set-window-size", "get-foreground", "set-foreground"):
    call(_name)(_no_terminal)
