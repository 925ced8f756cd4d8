"""The processes of a VM: guests with pipes, a pid and a place in the VM's tree of tasks."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs
import trio

from runtime.api.defaults import HOME
from runtime.api.errors import ApiError, ErrorCode
from runtime.clock import epoch_ms
from runtime.engine import ComponentError, Exit
from runtime.exhaustion import check_exhausted
from runtime.memory import NO_BOUND, MemoryBound
from runtime.vms.programs import Programs
from runtime.wasi.state import Ambient, WasiState
from runtime.wasi.streams import PipeInput, PipeOutput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from runtime.engine import Engine, Guest, Limits, Program, Share
    from runtime.network import Egress, HttpGate, InternalHost
    from runtime.vms.catalogue import ComponentRef
    from wasi_fs import FileSystem

DEFAULT_PATH: Final = "/bin"

Kind = Literal["agent", "service", "command"]
"""What a process is to its VM: an agent, something that lives with one, or a command, which keeps the VM awake."""

_PIDS: Final = itertools.count(1)
"""Of all VMs: a number that a client remembers is never another process's."""

LOOKED_AT_ONCE: Final = 32
"""Processes whose memory is looked at when one ends: agents, which are old, and all where there are few. A look takes 2 us."""

BASE_ENV: Final = {"PATH": DEFAULT_PATH, "HOME": HOME, "USER": "user", "LANG": "C.UTF-8"}


@attrs.frozen
class Surroundings:
    """What all processes of a VM share."""

    engine: Engine
    share: Share
    filesystem: FileSystem
    ambient: Ambient
    gate: HttpGate
    limits: Limits
    max_processes: int
    sync_filesystem: Callable[[], Awaitable[None]]
    touch: Callable[[], None]
    tell_compiling: Callable[[str, int], None]
    """Called with the name and size of a component that is to be compiled before it can start."""
    memory_bound: MemoryBound = NO_BOUND
    """Of all VMs together."""


class Process:
    """One guest with its pipes. Killing it is synchronous and may happen at any moment."""

    def __init__(self, argv: list[str], cwd: str, kind: Kind) -> None:
        self.pid = next(_PIDS)
        self.argv = argv
        self.cwd = cwd
        self.kind = kind
        self.started_at = epoch_ms()
        self._arrived = trio.lowlevel.ParkingLot()
        self.stdin = PipeInput()
        self.stdout = PipeOutput(self._arrived)
        # Output on an agent's stdout must not wake the task that waits for its stderr.
        self.stderr = PipeOutput(None if kind == "agent" else self._arrived)
        self._guest: Guest | None = None
        self._killed = False
        self._ended = trio.Event()
        self._exit = Exit("killed", message="killed")

    @property
    def fuel_used(self) -> int:
        """Fuel used so far."""
        return self._guest.fuel_used if self._guest is not None else 0

    @property
    def memory_bytes(self) -> int:
        """Bytes of the guest's memories and tables; none before it has begun and after its end."""
        return 0 if self._ended.is_set() else self.peak_memory_bytes

    @property
    def peak_memory_bytes(self) -> int:
        """The highest `memory_bytes` so far. While the guest runs it is the present one, since memories never shrink."""
        return self._guest.memory_used if self._guest is not None else 0

    def offer(self, data: bytes) -> bytes:
        """Write to stdin as far as there is room; returns the rest.

        Raises trio.BrokenResourceError when the process is gone.
        """
        return bytes(self.stdin.offer(memoryview(data)))

    async def send(self, data: bytes) -> None:
        """Write to stdin; waits for room. Raises trio.BrokenResourceError when the process is gone."""
        await self.stdin.send(data)

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

    @property
    def exit(self) -> Exit | None:
        """How the process has ended; None as long as it has not."""
        return self._exit if self._ended.is_set() else None

    async def wait(self) -> Exit:
        """How the process ended, once it has."""
        await self._ended.wait()
        return self._exit

    def kill(self) -> None:
        """End the process, whatever it does, also before it has begun."""
        self._killed = True
        if self._guest is not None:
            self._guest.kill()

    async def run(
        self, surroundings: Surroundings, program: Program, env: dict[str, str], cwd: str, gate: HttpGate
    ) -> None:
        """Run the guest to its end; cancelling this kills it. Its pipes are ended either way."""
        try:
            async with trio.open_nursery() as nursery:
                state = WasiState(
                    args=self.argv,
                    env=env,
                    cwd=cwd,
                    stdin=self.stdin,
                    stdout=self.stdout,
                    stderr=self.stderr,
                    filesystem=surroundings.filesystem,
                    ambient=surroundings.ambient,
                    http=gate,
                    sync_filesystem=surroundings.sync_filesystem,
                    start_soon=nursery.start_soon,
                    threads=surroundings.share.threads,
                )
                self._guest = surroundings.engine.guest(program, state, surroundings.limits, surroundings.share)
                if self._killed:
                    self._guest.kill()
                self._exit = await self._guest.run()
                nursery.cancel_scope.cancel()
        finally:
            self.stdout.end()
            self.stderr.end()
            self.stdin.break_()
            self._ended.set()


class Processes:
    """The processes of one VM, owned by its nursery."""

    def __init__(self, surroundings: Surroundings, nursery: trio.Nursery) -> None:
        self._surroundings = surroundings
        self._nursery = nursery
        self._programs = Programs(surroundings.engine, surroundings.share, surroundings.filesystem)
        self._live: dict[int, Process] = {}
        self.commands = 0
        """How many of them are commands of the VM, and neither agents nor their attendants."""
        self._fuel_of_ended = 0
        self._memory: dict[int, int] = {}  # by pid, as last looked at
        self._memory_of_all = 0
        self._peak_memory = 0

    @property
    def fuel_used(self) -> int:
        """Fuel that all processes so far have used."""
        return self._fuel_of_ended + sum(process.fuel_used for process in self._live.values())

    def memory(self) -> tuple[int, int]:
        """Bytes of all processes' memories and tables: (now, the highest sum seen so far).

        Measured by this call, and when a process ends: then only that process and the oldest one.
        """
        self._look_at(self._live.values())
        return self._memory_of_all, self._peak_memory

    def __len__(self) -> int:
        return len(self._live)

    def live(self) -> Sequence[Process]:
        """Those that run, in the order in which they were started."""
        return tuple(self._live.values())

    async def spawn(
        self,
        argv: list[str],
        env: dict[str, str],
        cwd: str,
        *,
        component: ComponentRef | None = None,
        internal_hosts: Mapping[str, InternalHost] | None = None,
        attendant: bool = False,
        egress: Egress | None = None,
    ) -> Process:
        """Start a guest: of an agent's component, else of the command `argv[0]` in the VM.

        It alone reaches the `internal_hosts`; `egress` has the session's additions to the VM's gate. An `attendant` is a
        command that lives with an agent and, like it, does not keep the VM awake.

        Raises ApiError NOT_FOUND (no such command), AGENT_FAILED (not a component that can run), LIMIT_EXCEEDED (too
        many processes, or too much memory in use by all guests of the daemon).
        """
        self._check_room()
        program = await self._load(argv[0], env, cwd, component)
        return self.begin(
            program,
            argv,
            env,
            cwd,
            component=component,
            internal_hosts=internal_hosts,
            attendant=attendant,
            egress=egress,
        )

    def known(self, command: str, env: Mapping[str, str], cwd: str) -> Program | None:
        """The program of a command in the VM, for `begin`, where `spawn` would not have to wait for it."""
        return self._programs.known(command, env.get("PATH", DEFAULT_PATH), cwd)

    def begin(
        self,
        program: Program,
        argv: list[str],
        env: dict[str, str],
        cwd: str,
        *,
        component: ComponentRef | None = None,
        internal_hosts: Mapping[str, InternalHost] | None = None,
        attendant: bool = False,
        egress: Egress | None = None,
    ) -> Process:
        """As `spawn`, with the program at hand. Raises ApiError LIMIT_EXCEEDED."""
        self._check_room()
        kind: Kind = "agent" if component is not None else "service" if attendant else "command"
        process = Process(argv, cwd, kind)
        self._live[process.pid] = process
        gate = self._surroundings.gate
        if component is not None and component.network:
            gate = gate.with_hosts(component.network)
        if internal_hosts:
            gate = gate.with_internal(internal_hosts)
        if egress is not None:
            gate = gate.with_egress(egress)
        self.commands += kind == "command"
        self._nursery.start_soon(self._run, process, program, {**BASE_ENV, **env}, cwd, gate)
        return process

    async def _run(self, process: Process, *arguments: Any) -> None:
        try:
            await process.run(self._surroundings, *arguments)
        finally:
            self._look_at((process, *itertools.islice(self._live.values(), LOOKED_AT_ONCE)))
            del self._live[process.pid]
            self._memory_of_all -= self._memory.pop(process.pid)
            self._fuel_of_ended += process.fuel_used
            self.commands -= process.kind == "command"
            self._surroundings.touch()

    def _look_at(self, processes: Iterable[Process]) -> None:
        for process in processes:
            now = process.peak_memory_bytes
            self._memory_of_all += now - self._memory.get(process.pid, 0)
            self._memory[process.pid] = now
        self._peak_memory = max(self._peak_memory, self._memory_of_all)

    def _check_room(self) -> None:
        if len(self._live) >= self._surroundings.max_processes:
            raise ApiError(
                ErrorCode.LIMIT_EXCEEDED,
                f"the VM has {len(self._live)} processes, its limit; end one, or raise limits.processes",
                limit="processes",
            )
        self._surroundings.memory_bound.check()

    async def _load(self, command: str, env: dict[str, str], cwd: str, component: ComponentRef | None) -> Program:
        tell = partial(self._surroundings.tell_compiling, command if component is None else component.path.name)
        try:
            if component is not None:
                return await self._surroundings.engine.load(component.path, tell, self._surroundings.share)
            return await self._programs.load(command, env.get("PATH", DEFAULT_PATH), cwd, tell)
        except (ComponentError, OSError) as error:
            check_exhausted(error)
            raise ApiError(
                ErrorCode.AGENT_FAILED, f"{command} cannot be run: {error}", phase="start", exitCode=None, stderr=""
            ) from error
