"""Processes as records, and the table of those of a VM. What becomes of them, and of signals, is in `life`."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Protocol

import attrs

from runtime.posix import signals
from runtime.posix.delivery import Delivery, Inherited
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.locks import Locks
from runtime.posix.numbers import UMASK
from runtime.posix.pipes import Pipes
from runtime.posix.signals import Signal
from runtime.posix.table import Table
from runtime.wasi.streams import Source

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runtime.engine import Guest, Image, Program
    from runtime.engine.abi.context import Context
    from runtime.posix.arguments import Arguments
    from runtime.wasi.state import WasiState
    from wasi_fs import FileSystem, OpenDirectory, OpenFile


class News(Source):
    """Told when a process has something new to look at: a signal, a child's end, or that it goes on."""

    def is_ready(self) -> bool:
        """See Source: whoever waits looks himself."""
        return False


class Interruption(Source):
    """Ready when a process has a signal to handle."""

    def __init__(self, process: PosixProcess) -> None:
        super().__init__()
        self.waiters = process.news.waiters
        self._process = process

    def is_ready(self) -> bool:
        """See Source."""
        return self._process.delivery.interrupts


@attrs.define(eq=False)
class Tree:
    """A process that was started from outside, and all that come from it: they are ended together."""

    members: set[PosixProcess] = attrs.field(factory=set)
    """Those that live."""
    private: bool = False
    """No process outside may send signals to these: an agent's."""
    killed: bool = False
    fuel_of_ended: int = 0

    @property
    def fuel_used(self) -> int:
        """Of all of them so far."""
        return self.fuel_of_ended + sum(process.fuel_used for process in self.members)

    def kill(self) -> None:
        """End all of them, and whatever is about to join them."""
        self.killed = True
        for process in list(self.members):
            process.end(signals.killed(Signal.KILL))


class Timer(Protocol):
    """`runtime.posix.alarm.Alarm`."""

    @property
    def left(self) -> int:
        """Nanoseconds to the next signal."""

    async def run(self) -> None:
        """Send the signals."""

    def stop(self) -> None:
        """No more signals."""


class Controlling(Protocol):
    """`runtime.posix.terminal.Terminal`."""

    def leader_ended(self) -> None:
        """The session has lost its leader."""


class Machine(Protocol):
    """What the processes need of the VM that they live in."""

    def new_pid(self) -> int:
        """A number that no process has had."""

    def check_room(self) -> None:
        """PosixError EAGAIN where there are too many processes, ENOMEM where there is too little memory for one more."""

    def loaded(self, file: OpenFile) -> Program | None:
        """The program in a file, where that is known without reading it."""

    def load(self, file: OpenFile, name: str) -> Awaitable[Program]:
        """The program in a file. PosixError ENOEXEC, EIO, ENOMEM, FsError."""

    def start(self, process: PosixProcess, image: Image | None) -> None:
        """Have the process run its program, as a task of the VM."""


@attrs.frozen
class Next:
    """The program that a process is about to become."""

    program: Program
    arguments: Arguments
    path: str
    """The program's file; "" where that is not known."""
    name: bytes
    """What it was called by, without directories."""


@attrs.define(eq=False)
class PosixProcess:
    """See the module's docstring."""

    kernel: Kernel
    pid: int
    tree: Tree
    parent: PosixProcess | None
    group: int
    session: int
    arguments: Arguments
    cwd: OpenDirectory
    started: int
    """When, in nanoseconds of the VM's monotonic clock."""
    name: bytes = b""
    path: str = ""
    """See Next."""
    told_cwd: str | None = "/"
    """The path by which the working directory was found; None where that is too long to be kept."""
    table: Table = attrs.field(factory=Table)
    umask: int = UMASK
    delivery: Delivery = attrs.field(factory=lambda: Delivery(Inherited()))
    children: dict[int, PosixProcess] = attrs.field(factory=dict)
    """Also those that have ended, until they are waited for."""
    news: News = attrs.field(factory=News)
    status: int | None = None
    """Its wait status, once it has ended."""
    ending: int | None = None
    """What that is going to be, once that is settled."""
    change: int | None = None
    """That it was stopped or continued, as a wait status that nobody has waited for."""
    is_stopped: bool = False
    has_become: bool = False
    """It has run another program than its parent's."""
    next: Next | None = None
    program: Program | None = None
    """What it runs."""
    guest: Guest | None = None
    lender: PosixProcess | None = None
    """The parent that it is a guest of: its code runs in the parent's place, until it becomes another program or ends."""
    state: WasiState | None = None
    memory: Context | None = None
    """That of the guest, once it has called."""
    alarm: Timer | None = None
    terminal: Controlling | None = None
    """The controlling terminal of its session."""
    fuel_before: int = 0
    """Fuel used by the programs that it was before this one."""
    fuel_of_children: int = 0
    """Of those that were waited for, and theirs."""
    peak_memory_before: int = 0

    @property
    def fuel_used(self) -> int:
        """Of all its programs."""
        return self.fuel_before + (0 if self.guest is None else self.guest.fuel_used)

    @property
    def peak_memory(self) -> int:
        """The most bytes of memories and tables that one of its programs has had."""
        return max(self.peak_memory_before, 0 if self.guest is None else self.guest.memory_used)

    def move_to(self, directory: OpenDirectory, told: str | None) -> None:
        """Have another working directory, of that path."""
        self.cwd.close()
        self.cwd, self.told_cwd = directory, told

    def interruption(self) -> Interruption:
        """What ends its waits in functions that are WASI's."""
        return Interruption(self)

    # The end

    def end(self, status: int) -> None:
        """It is to end with this wait status, now, whatever it does."""
        if self.ending is None:
            self.ending = status
            self.next = None
            if self.guest is not None:
                self.guest.kill()

    def become(self, chosen: Next) -> None:
        """This is to go on with another program, once its guest has ended: the call that says so is its last one."""
        if self.ending is not None:
            return
        self.delivery.detach()
        self.memory = None
        self.next = chosen

    def take_over(self) -> None:
        """The guest has ended, and the next program begins."""
        assert self.next is not None
        chosen, self.next = self.next, None
        self.count_guest()
        self.arguments = chosen.arguments
        self.has_become = True
        self.program = chosen.program
        self.path, self.name = chosen.path, chosen.name
        self.table.close_for_next()

    def count_guest(self) -> None:
        """The guest has ended: keep what it has used."""
        if self.guest is not None:
            self.fuel_before, self.peak_memory_before = self.fuel_used, self.peak_memory
            self.guest = None

    def attach(self, memory: Context) -> None:
        """The guest has called for the first time."""
        self.memory = memory
        self.delivery.adopt(memory)


class Kernel:
    """The processes of a VM, and what they share."""

    def __init__(self, machine: Machine, filesystem: FileSystem) -> None:
        self.machine = machine
        self.filesystem = filesystem
        self.pipes = Pipes()
        self.locks = Locks()
        self.processes: dict[int, PosixProcess] = {}
        """By pid, also those that have ended, until they are waited for."""
        self.count = 0
        """How many there have been."""
        self.newest = 0
        """The pid of the last one."""
        self._terminals = itertools.count()

    def new_terminal(self) -> int:
        """A number that no terminal has had."""
        return next(self._terminals)

    def add(self, process: PosixProcess) -> None:
        """There is a new one."""
        self.processes[process.pid] = process
        self.count += 1
        self.newest = process.pid
        process.tree.members.add(process)
        if process.parent is not None:
            process.parent.children[process.pid] = process

    def get(self, pid: int) -> PosixProcess:
        """PosixError ESRCH."""
        process = self.processes.get(pid)
        if process is None:
            raise PosixError(Errno.ESRCH)
        return process

    def having(self, wanted: Callable[[PosixProcess], bool]) -> list[PosixProcess]:
        """Those of which this is true."""
        return [process for process in self.processes.values() if wanted(process)]

    def check_group(self, process: PosixProcess, group: int) -> None:
        """Whether the process may be in the group: its own, or one that is in its session. PosixError EPERM."""
        if group != process.pid and not self.having(
            lambda other: other.group == group and other.session == process.session
        ):
            raise PosixError(Errno.EPERM)
