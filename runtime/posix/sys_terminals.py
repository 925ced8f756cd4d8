"""torpor:posix/sys: terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.posix.calls import call, read_bytes, waiting, write_bytes
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.numbers import DONE, DRAIN, FLUSH
from runtime.posix.signals import Signal
from runtime.posix.terminal import Terminal, TerminalDescription
from runtime.posix.termios import RECORD_BYTES, Termios

if TYPE_CHECKING:
    from runtime.engine import Wait
    from runtime.engine.abi.context import Context
    from runtime.posix.process import PosixProcess


def _terminal(process: PosixProcess, fd: int) -> Terminal:
    """PosixError EBADF, ENOTTY, EIO where it was hung up."""
    description = process.table[fd].description
    if not isinstance(description, TerminalDescription):
        raise PosixError(Errno.ENOTTY)
    if description.terminal.is_gone:
        raise PosixError(Errno.EIO)
    return description.terminal


@call("get-terminal")
def get_terminal(process: PosixProcess, memory: Context, fd: int, to: int) -> int:
    """tcgetattr(3)."""
    write_bytes(memory, to, _terminal(process, fd).line.settings.record())
    return DONE


@call("set-terminal")
def set_terminal(process: PosixProcess, memory: Context, fd: int, when: int, at: int) -> int | Wait:
    """tcsetattr(3)."""
    description = process.table[fd].description
    settings = Termios.of(read_bytes(memory, at, RECORD_BYTES))
    if when > FLUSH:
        raise PosixError(Errno.EINVAL)

    def attempt() -> int | None:
        terminal = _terminal(process, fd)
        if not terminal.admits(process, Signal.TTOU) or (when >= DRAIN and not terminal.line.screen.shows_all):
            return None
        if when == FLUSH:
            terminal.line.forget_input()
        terminal.change(settings)
        return DONE

    return waiting(process, (description,), attempt)


@call("window-size")
def window_size(process: PosixProcess, memory: Context, fd: int, to: int) -> int:
    """tcgetwinsize(3)."""
    terminal = _terminal(process, fd)
    write_bytes(memory, to, b"".join(side.to_bytes(2, "little") for side in (terminal.rows, terminal.columns)))
    return DONE


@call("set-window-size")
def set_window_size(process: PosixProcess, _memory: Context, fd: int, rows: int, columns: int) -> int:
    """tcsetwinsize(3)."""
    _terminal(process, fd).resize(rows & 0xFFFF, columns & 0xFFFF)  # as of struct winsize
    return DONE


@call("get-foreground")
def get_foreground(process: PosixProcess, _memory: Context, fd: int) -> int:
    """tcgetpgrp(3). PosixError ENOTTY also where it is not the process's controlling terminal."""
    return _controlling(process, fd).foreground


@call("set-foreground")
def set_foreground(process: PosixProcess, _memory: Context, fd: int, group: int) -> int | Wait:
    """tcsetpgrp(3)."""
    description = process.table[fd].description

    def attempt() -> int | None:
        terminal = _controlling(process, fd)
        if not terminal.admits(process, Signal.TTOU):
            return None
        if group < 0:
            raise PosixError(Errno.EINVAL)
        if not process.kernel.having(lambda other: other.group == group and other.session == process.session):
            raise PosixError(Errno.EPERM)
        terminal.foreground = group
        terminal.changed()
        return DONE

    return waiting(process, (description,), attempt)


def _controlling(process: PosixProcess, fd: int) -> Terminal:
    terminal = _terminal(process, fd)
    if process.terminal is not terminal:
        raise PosixError(Errno.ENOTTY)
    return terminal
