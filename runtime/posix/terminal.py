"""Pseudo-terminals: the device that processes have open, its session and foreground group, and the host's end of it."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Final

import trio

from runtime.posix.descriptions import ATOMIC, Description, Ready
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.life import is_orphaned, signal, signal_group
from runtime.posix.line import Line
from runtime.posix.numbers import IGNORED
from runtime.posix.signals import Signal
from runtime.posix.termios import Local

if TYPE_CHECKING:
    from runtime.posix.process import PosixProcess
    from runtime.posix.termios import Termios
    from runtime.wasi.streams import Data
    from wasi_fs import FileSystem

AT_ONCE: Final = 128
"""Typed bytes that are looked at between two checkpoints: about a millisecond."""


class Terminal:
    """The controlling terminal of the session that `leader` leads, whose group is in the foreground at first."""

    def __init__(self, leader: PosixProcess, rows: int, columns: int) -> None:
        self._kernel = leader.kernel
        self.number: Final = self._kernel.new_terminal()
        """Which of the VM's it is."""
        self._session = leader.pid
        self.foreground = leader.group
        """The process group that typed signals go to, and that may read."""
        self.rows, self.columns = rows, columns
        self.is_gone = False
        """It was hung up: reading comes to the end, and nothing can be written."""
        self.line = Line(lambda number: signal_group(self._kernel, self.foreground, number))
        self.waiters: set[trio.Event] = set()
        """Of all descriptions."""
        self._shown = trio.lowlevel.ParkingLot()
        self._read = trio.lowlevel.ParkingLot()

    # For processes

    def admits(self, process: PosixProcess, stops: Signal) -> bool:
        """Whether a process may do what is for the foreground; else it is signalled, and is to try again. PosixError EIO."""
        if process.terminal is not self or process.group == self.foreground:
            return True
        if process.delivery.action(stops) == IGNORED or process.delivery.blocks(stops):
            if stops == Signal.TTIN:
                raise PosixError(Errno.EIO)
            return True
        if is_orphaned(self._kernel, process.group):
            raise PosixError(Errno.EIO)
        if not process.is_stopped:
            signal_group(self._kernel, process.group, stops)
        return False

    def change(self, settings: Termios) -> None:
        """Set it."""
        self.line.change(settings)
        self.changed()

    def changed(self) -> None:
        """Something may be read, written or shown that could not be before."""
        for event in self.waiters:
            event.set()
        self._read.unpark_all()
        self._shown.unpark_all()

    def leader_ended(self) -> None:
        """The session is over: whoever is in the foreground is told, and the terminal is of no use any more."""
        self._end()
        for number in (Signal.HUP, Signal.CONT):
            signal_group(self._kernel, self.foreground, number)
        for process in self._kernel.having(lambda other: other.terminal is self):
            process.terminal = None

    # For the host

    def resize(self, rows: int, columns: int) -> None:
        """Have another size, of which the foreground group is told."""
        if (rows, columns) != (self.rows, self.columns):
            self.rows, self.columns = rows, columns
            signal_group(self._kernel, self.foreground, Signal.WINCH)

    async def send(self, data: bytes) -> None:
        """Type bytes; waits while nobody reads them. BrokenResourceError once it was hung up."""
        rest = memoryview(data)
        await trio.lowlevel.checkpoint()
        while rest:
            if self.is_gone:
                raise trio.BrokenResourceError("the terminal was hung up")
            if taken := self.line.type(rest[:AT_ONCE]):
                rest = rest[taken:]
                self.changed()
                await trio.lowlevel.checkpoint()
            else:
                await self._read.park()

    async def receive(self) -> bytes:
        """What is shown next; b"" once it was hung up and all was received."""
        await trio.lowlevel.checkpoint()
        while not (data := self.line.screen.take()):
            if self.is_gone:
                return b""
            await self._shown.park()
        self.changed()
        return data

    def hang_up(self) -> None:
        """The other side is gone: the session's leader is told (POSIX XBD 11.1.10). Idempotent."""
        if not self.is_gone:
            self._end()
            leader = self._kernel.processes.get(self._session)
            if leader is not None:
                for number in (Signal.HUP, Signal.CONT):
                    signal(leader, number)

    def _end(self) -> None:
        self.is_gone = True
        self.line.forget_input()
        self.line.screen.stopped = False
        self.changed()


class TerminalDescription(Description):
    """A terminal that is open."""

    mode = stat.S_IFCHR | 0o620

    def __init__(self, terminal: Terminal, flags: int) -> None:
        super().__init__(flags)
        self.terminal: Final = terminal
        self.waiters = terminal.waiters

    def read(self, size: int) -> Data | None:
        """See Description."""
        if self.terminal.is_gone or not size:
            return b""
        if not self.terminal.line.is_readable(size):
            return None
        data = self.terminal.line.read(size)
        self.terminal.changed()
        return data

    def write(self, data: Data) -> int | None:
        """See Description: EIO where it was hung up."""
        if self.terminal.is_gone:
            raise PosixError(Errno.EIO)
        taken = self.terminal.line.write(data)
        self.terminal.changed()
        return taken or (None if data else 0)

    def link(self, _files: FileSystem) -> str:
        """See Description: by this name, each process has its own."""
        return "/dev/tty"

    def room(self) -> int:
        """See Description."""
        if self.terminal.is_gone:
            raise PosixError(Errno.EIO)
        return self.terminal.line.screen.room

    def ready(self) -> int:
        """See Description."""
        if self.terminal.is_gone:
            return Ready.IN | Ready.OUT | Ready.ERROR | Ready.HANG_UP
        line = self.terminal.line
        return (Ready.IN if line.is_readable() else 0) | (Ready.OUT if line.screen.room >= ATOMIC else 0)

    def waiting(self) -> int:
        """See Description."""
        return self.terminal.line.readable()


def may_read(process: PosixProcess, description: Description) -> bool:
    """Whether the process may read it now: see Terminal.admits. PosixError EIO."""
    if not isinstance(description, TerminalDescription) or description.terminal.is_gone:
        return True
    return description.terminal.admits(process, Signal.TTIN)


def may_write(process: PosixProcess, description: Description) -> bool:
    """Whether the process may write to it now: as `may_read`."""
    if not isinstance(description, TerminalDescription) or description.terminal.is_gone:
        return True
    return not description.terminal.line.settings.local & Local.TOSTOP or description.terminal.admits(
        process, Signal.TTOU
    )


def patience(description: Description) -> float | None:
    """Seconds after which a read that waits is answered with nothing; None: it waits."""
    return description.terminal.line.patience() if isinstance(description, TerminalDescription) else None
