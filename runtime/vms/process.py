"""One process of a VM: its guests, one after another, and the host's ends of its streams if it was started from outside."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import attrs
import trio

from runtime.clock import epoch_ms
from runtime.engine import Exit
from runtime.patience import patiently
from runtime.posix import signals
from runtime.posix.descriptions import HostInput, HostOutput
from runtime.posix.life import ended
from runtime.posix.names import Name
from runtime.posix.proc.looking import looker
from runtime.posix.programs import file_of
from runtime.posix.signals import Signal
from runtime.posix.standard import standard_streams
from runtime.posix.state import PosixState
from runtime.wasi.streams import PipeInput, PipeOutput
from wasi_fs import FsError, OpenDirectory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runtime.engine import Image, Limits
    from runtime.network import HttpGate
    from runtime.posix.process import PosixProcess
    from runtime.vms.surroundings import Surroundings
    from runtime.wasi.streams import InputStream, OutputStream

Kind = Literal["agent", "service", "command"]
"""What a process is to its VM: an agent, something that lives with one, or a command, which keeps the VM awake."""

_ENDS: Final = {"trap": Signal.SEGV, "out_of_fuel": Signal.XCPU, "fault": Signal.BUS, "killed": Signal.KILL}
"""What a parent is told of a child that has ended by itself, but did not exit."""


class _Beside:
    """Tasks that go on beside a process's guests, and end with it; most processes have none."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._scopes: set[trio.CancelScope] = set()
        self._empty = trio.lowlevel.ParkingLot()

    def start_soon(self, function: Callable[..., Awaitable[object]], *arguments: object) -> None:
        """Start one."""
        scope = trio.CancelScope()
        self._scopes.add(scope)
        self._nursery.start_soon(self._run, scope, function, arguments)

    async def _run(
        self, scope: trio.CancelScope, function: Callable[..., Awaitable[object]], arguments: tuple[object, ...]
    ) -> None:
        try:
            with scope:
                await function(*arguments)
        finally:
            self._scopes.discard(scope)
            if not self._scopes:
                self._empty.unpark_all()

    async def end(self) -> None:
        """Cancel them, and wait until none is left."""
        for scope in self._scopes:
            scope.cancel()
        while self._scopes:
            with trio.CancelScope(shield=True):
                await self._empty.park()


class Process:
    """A process. Killing it is synchronous and may happen at any moment."""

    def __init__(self, record: PosixProcess, cwd: str, kind: Kind, gate: HttpGate) -> None:
        self.record: Final = record
        self.cwd = cwd
        self.kind: Final = kind
        self.gate: Final = gate
        """What it may reach over HTTP."""
        self.started_at: Final = epoch_ms()
        self._ended = trio.Event()
        self._exit = Exit("killed", message="killed")

    @property
    def pid(self) -> int:
        """Its number, which no other process of the daemon has."""
        return self.record.pid

    @property
    def parent_pid(self) -> int | None:
        """The number of the process that has started it, as long as that runs; None where that was none."""
        return None if self.record.parent is None else self.record.parent.pid

    @property
    def argv(self) -> list[str]:
        """The words of the command, as far as they are shown."""
        return self.record.arguments.shown()

    @property
    def fuel_used(self) -> int:
        """Fuel used so far."""
        return self.record.fuel_used

    @property
    def memory_bytes(self) -> int:
        """Bytes of the guest's memories and tables; none before it has begun and after its end."""
        guest = self.record.guest
        return 0 if guest is None else guest.memory_used

    @property
    def peak_memory_bytes(self) -> int:
        """The highest `memory_bytes` so far."""
        return self.record.peak_memory

    @property
    def exit(self) -> Exit | None:
        """How the process has ended; None as long as it has not."""
        return self._exit if self._ended.is_set() else None

    @property
    def signal(self) -> str | None:
        """The name of the signal that has ended it; None where it exited, and as long as it has not ended."""
        number = signals.signal_of(self.record.status or 0)
        return signals.name_of(number) if number else None

    async def wait(self) -> Exit:
        """How the process ended, once it has."""
        await self._ended.wait()
        return self._exit

    async def run(self, surroundings: Surroundings, nursery: trio.Nursery, image: Image | None) -> None:
        """Run the process to its end; cancelling this kills it. What it has open is closed either way.

        What goes on beside it are tasks of the nursery.
        """
        record, beside = self.record, _Beside(nursery)
        looker.set(record)
        try:
            if record.alarm is not None:  # set before it had a guest of its own
                beside.start_soon(record.alarm.run)
            while True:
                if image is None:
                    await self._enter(surroundings)
                await self._run_guest(surroundings, beside, image)
                if record.next is None:
                    break
                record.take_over()
                image = None
        finally:
            await beside.end()
            if record.ending is None:
                record.ending = signals.killed(Signal.KILL)
            ended(record, record.ending)
            self._ended.set()

    async def _run_guest(self, surroundings: Surroundings, beside: _Beside, image: Image | None) -> None:
        record = self.record
        assert record.program is not None
        stdin, stdout, stderr = self._streams()
        record.state = state = PosixState(
            process=record,
            args=record.arguments.words,
            env=record.arguments.variables,
            cwd=self.cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            filesystem=surroundings.filesystem,
            ambient=surroundings.ambient,
            http=self.gate,
            sync_filesystem=surroundings.sync_filesystem,
            start_soon=beside.start_soon,
            threads=surroundings.share.threads,
        )
        limits = _left(surroundings.limits, record)
        record.guest = surroundings.engine.guest(record.program, record.state, limits, surroundings.share, image)
        if record.ending is not None:
            record.guest.kill()
        try:
            how = await record.guest.run()
        finally:
            if record.next is None:
                record.delivery.forget()
            if state.process is not record:  # a child that was in the guest: its memory is gone, too
                ended(state.process, signals.killed(Signal.KILL))
        if record.next is not None:
            return
        if record.ending is None:
            record.ending = signals.exited(how.code or 0) if how.reason == "exit" else _ENDS[how.reason]
            self._exit = how
        elif record.ending != Signal.KILL:
            self._exit = Exit("killed", message=f"killed by {signals.name_of(record.ending)}")

    def _streams(self) -> tuple[InputStream, OutputStream, OutputStream]:
        """What a program that knows only WASI has as its standard streams."""
        return standard_streams(self.record)

    async def _enter(self, surroundings: Surroundings) -> None:
        """Have the path of the working directory at hand, for what is told and for programs that know only WASI."""
        try:
            self.cwd = await patiently(partial(surroundings.filesystem.path_of, self.record.cwd.node))
        except FsError:
            self.cwd = "/"  # it was removed


class FirstProcess(Process):
    """A process that was started from outside."""

    def kill(self) -> None:
        """End the process and all that come from it, whatever they do, also before it has begun."""
        self.record.tree.kill()

    async def _enter(self, surroundings: Surroundings) -> None:
        if self.record.path and not self.record.has_become:
            self.record.path = await file_of(surroundings.filesystem, Name(self.record.path, self.record.cwd.node))
        if self.record.has_become:
            await super()._enter(surroundings)
            return
        # A program that knows only WASI is told the path as it was given. It may name nothing.
        files = surroundings.filesystem
        try:
            found = await patiently(lambda: files.open(self.cwd, directory=True))
        except FsError:
            return
        assert isinstance(found, OpenDirectory)
        self.record.move_to(found, self.cwd)


class AttachedProcess(FirstProcess):
    """A process that was started from outside, with the host at the other end of its three streams.

    The streams end when no process has them any more: neither this one nor one of those that come from it. `merged`: stdout and
    stderr are one, and what is written to them comes in the order in which it was written.
    """

    def __init__(self, record: PosixProcess, cwd: str, kind: Kind, gate: HttpGate, *, merged: bool = False) -> None:
        super().__init__(record, cwd, kind, gate)
        self._arrived = trio.lowlevel.ParkingLot()
        self.stdin: Final = PipeInput()
        self.stdout: Final = PipeOutput(self._arrived)
        # Output on an agent's stdout must not wake the task that waits for its stderr.
        self.stderr: Final = self.stdout if merged else PipeOutput(None if kind == "agent" else self._arrived)
        output = HostOutput(self.stdout)
        for number, end in enumerate((HostInput(self.stdin), output, output if merged else HostOutput(self.stderr))):
            record.table.set(number, end, closes=False)

    def offer(self, data: bytes) -> bytes:
        """Write to stdin as far as there is room; returns the rest.

        Raises trio.BrokenResourceError when the process is gone.
        """
        return bytes(self.stdin.offer(memoryview(data)))

    async def send(self, data: bytes) -> None:
        """Write to stdin; waits for room. Raises trio.BrokenResourceError when the process is gone."""
        await self.stdin.send(data)

    def end_input(self) -> None:
        """Nothing more is written to stdin: the process reads the rest, then the end."""
        self.stdin.end()

    async def receive(self) -> bytes:
        """The next bytes of stdout, at most 64 KiB; `b""` at the end."""
        return await self.stdout.receive()

    async def receive_stderr(self) -> bytes:
        """The same of stderr."""
        return await self.stderr.receive()

    async def receive_both(self) -> tuple[bytes, bytes]:
        """The next bytes of stdout and of stderr of a process that is no agent; both are empty once both have ended."""
        pipes = self.stdout, self.stderr
        received = self.stdout.take(), self.stderr.take()
        if any(received):
            await trio.lowlevel.checkpoint()
        while not any(received) and not all(pipe.ended for pipe in pipes):
            await self._arrived.park()
            received = self.stdout.take(), self.stderr.take()
        return received

    async def run(self, surroundings: Surroundings, nursery: trio.Nursery, image: Image | None) -> None:
        """See Process. What an agent has started ends with it."""
        try:
            await super().run(surroundings, nursery, image)
        finally:
            if self.kind == "agent":
                self.kill()

    def _streams(self) -> tuple[InputStream, OutputStream, OutputStream]:
        return super()._streams() if self.record.has_become else (self.stdin, self.stdout, self.stderr)


def _left(limits: Limits, record: PosixProcess) -> Limits:
    """What a guest may use: of fuel, what it and the others that come from the same command have left over."""
    fuel, tree = limits.fuel, record.tree
    if fuel is None:
        return limits
    return attrs.evolve(limits, fuel=max(0, fuel - tree.fuel_used), spent=lambda: tree.fuel_used >= fuel)
