"""The processes of a VM: how they are started, from outside and by each other, and what they use together."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Final

from runtime.api.defaults import HOME
from runtime.api.errors import ApiError, ErrorCode
from runtime.engine import ComponentError
from runtime.exhaustion import check_exhausted
from runtime.patience import patiently
from runtime.posix.arguments import Arguments
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.names import Name
from runtime.posix.numbers import OUTSIDE
from runtime.posix.proc.machine import MachineFacts
from runtime.posix.proc.top import Top
from runtime.posix.process import Kernel, Next, PosixProcess, Tree
from runtime.posix.programs import called_by, find
from runtime.vms.agent_programs import ScriptRef
from runtime.vms.process import AttachedProcess, Kind, Process
from runtime.vms.programs import Found, Programs, Script
from runtime.vms.terminal import TerminalProcess
from wasi_fs import FsError, OpenDirectory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import trio

    from runtime.engine import Image, Program
    from runtime.network import Egress, InternalHost
    from runtime.vms.agent_programs import AgentProgram
    from runtime.vms.surroundings import Surroundings
    from runtime.vms.terminal import Size
    from wasi_fs import OpenFile

DEFAULT_PATH: Final = "/bin"

_PIDS: Final = itertools.count(OUTSIDE + 1)
"""Of all VMs: a number that a client remembers is never another process's."""

LOOKED_AT_ONCE: Final = 32
"""Processes whose memory is looked at when one ends: agents, which are old, and all where there are few. A look takes 2 us."""

BASE_ENV: Final = {"PATH": DEFAULT_PATH, "HOME": HOME, "USER": "user", "LANG": "C.UTF-8"}


class Processes:
    """The processes of one VM, owned by its nursery."""

    def __init__(self, surroundings: Surroundings, nursery: trio.Nursery) -> None:
        self._surroundings = surroundings
        self._nursery = nursery
        self._programs = Programs(surroundings.engine, surroundings.share, surroundings.filesystem)
        self._kernel = Kernel(self, surroundings.filesystem)
        facts = MachineFacts(
            self._kernel, surroundings.ambient, surroundings.limits.memory_bytes, lambda: self.fuel_used
        )
        self._live: dict[int, Process] = {}
        self.commands = 0
        """How many of them are commands of the VM, and neither agents nor their attendants."""
        self._fuel_of_ended = 0
        self._memory: dict[int, int] = {}  # by pid, as last looked at
        self._memory_of_all = 0
        self._peak_memory = 0
        self.proc: Final = Top(self._kernel, facts)
        """What is in /proc."""

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
        agent: AgentProgram | None = None,
        internal_hosts: Mapping[str, InternalHost] | None = None,
        attendant: bool = False,
        egress: Egress | None = None,
        merged: bool = False,
    ) -> AttachedProcess:
        """Start a guest: what an agent runs, else the command `argv[0]` in the VM.

        It alone reaches the `internal_hosts`; `egress` has the session's additions to the VM's gate. An `attendant` is a
        command that lives with an agent and, like it, does not keep the VM awake. `merged`: see AttachedProcess.

        Raises ApiError NOT_FOUND (no such command), AGENT_FAILED (not a component that can run), LIMIT_EXCEEDED (too
        many processes, or too much memory in use by all guests of the daemon).
        """
        chosen = await self.find(argv, env, cwd, agent)
        return self.begin(
            chosen,
            cwd,
            agent=agent,
            internal_hosts=internal_hosts,
            attendant=attendant,
            egress=egress,
            merged=merged,
        )

    async def find(self, argv: list[str], env: dict[str, str], cwd: str, agent: AgentProgram | None = None) -> Next:
        """The program of an agent, else of a command in the VM, for `begin`. A script's is its interpreter.

        Raises ApiError as `spawn`.
        """
        self._check_room()
        if isinstance(agent, ScriptRef):
            return await self._interpreting(agent, argv, env, cwd)
        tell = partial(self._surroundings.tell_compiling, argv[0] if agent is None else agent.path.name)
        arguments = _arguments(argv, env)
        try:
            if agent is not None:
                program = await self._surroundings.engine.load(agent.path, tell, self._surroundings.share)
                return Next(program, arguments, "", called_by(argv[0]))
            found = await self._programs.load(argv[0], _path(env), cwd, tell)
            if isinstance(found, Script):
                return await self._interpreted(found, arguments, cwd)
            return _next(found, arguments)
        except (ComponentError, PosixError, FsError, OSError) as error:
            check_exhausted(error)
            raise ApiError(
                ErrorCode.AGENT_FAILED, f"{argv[0]} cannot be run: {error}", phase="start", exitCode=None, stderr=""
            ) from error

    async def _interpreting(self, agent: ScriptRef, argv: list[str], env: dict[str, str], cwd: str) -> Next:
        """The interpreter of an agent without a build. ApiError AGENT_FAILED."""
        try:
            return await self.find(agent.words(argv[1:]), agent.variables(env), cwd)
        except ApiError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            message = f"{argv[0]} is run by {agent.interpreter.path}, which this VM does not have: it belongs to the "
            message += "base system, which a VM has unless its option `base` says otherwise"
            raise ApiError(ErrorCode.AGENT_FAILED, message, phase="start", exitCode=None, stderr="") from error

    async def _interpreted(self, script: Script, arguments: Arguments, cwd: str) -> Next:
        """A script's interpreter, as execve(2) finds it. PosixError, FsError."""
        directory = await patiently(partial(self._surroundings.filesystem.open, cwd, directory=True))
        assert isinstance(directory, OpenDirectory)
        with directory:
            return await find(self._kernel, Name(script.path, directory.node), arguments)

    def known(self, argv: list[str], env: dict[str, str], cwd: str) -> Next | None:
        """The program of a command in the VM, for `begin`, where `spawn` would not have to wait for it."""
        found = self._programs.known(argv[0], _path(env), cwd)
        return None if found is None else _next(found, _arguments(argv, env))

    def begin(
        self,
        chosen: Next,
        cwd: str,
        *,
        agent: AgentProgram | None = None,
        internal_hosts: Mapping[str, InternalHost] | None = None,
        attendant: bool = False,
        egress: Egress | None = None,
        merged: bool = False,
    ) -> AttachedProcess:
        """As `spawn`, with the program at hand. Raises ApiError LIMIT_EXCEEDED."""
        self._check_room()
        kind: Kind = "agent" if agent is not None else "service" if attendant else "command"
        gate = self._surroundings.gate
        if agent is not None and agent.network:
            gate = gate.with_hosts(agent.network)
        if internal_hosts:
            gate = gate.with_internal(internal_hosts)
        if egress is not None:
            gate = gate.with_egress(egress)
        process = AttachedProcess(self._first(chosen, kind), cwd, kind, gate, merged=merged)
        self._start(process, None)
        return process

    def begin_on_terminal(self, chosen: Next, cwd: str, size: Size) -> TerminalProcess:
        """Start a command of the VM, with the program at hand, on a new terminal. Raises ApiError LIMIT_EXCEEDED."""
        self._check_room()
        record = self._first(chosen, "command")
        process = TerminalProcess(record, cwd, "command", self._surroundings.gate, size)
        self._start(process, None)
        return process

    def _first(self, chosen: Next, kind: Kind) -> PosixProcess:
        """A process that comes from no other. Where it begins is for its task to find out."""
        root = self._surroundings.filesystem.open("/", directory=True)
        assert isinstance(root, OpenDirectory)
        pid = self.new_pid()
        record = PosixProcess(
            kernel=self._kernel,
            pid=pid,
            tree=Tree(private=kind == "agent"),
            parent=None,
            group=pid,
            session=pid,
            arguments=chosen.arguments,
            cwd=root,
            started=self._surroundings.ambient.now_monotonic_ns(),
            name=chosen.name,
            path=chosen.path,
            program=chosen.program,
        )
        self._kernel.add(record)
        return record

    def _start(self, process: Process, image: Image | None) -> None:
        self._live[process.pid] = process
        self.commands += process.kind == "command"
        self._nursery.start_soon(self._run, process, image)

    async def _run(self, process: Process, image: Image | None) -> None:
        try:
            await process.run(self._surroundings, self._nursery, image)
        finally:
            self._look_at((process, *itertools.islice(self._live.values(), LOOKED_AT_ONCE)))
            del self._live[process.pid]
            self._memory_of_all -= self._memory.pop(process.pid)
            self._fuel_of_ended += process.fuel_used
            self.commands -= process.kind == "command"
            self._surroundings.touch()

    # What processes ask of the VM: `runtime.posix.process.Machine`

    def new_pid(self) -> int:
        """See Machine."""
        return next(_PIDS)

    def check_room(self) -> None:
        """See Machine."""
        try:
            self._check_room()
        except ApiError as error:
            raise PosixError(Errno.EAGAIN if error.data.get("limit") == "processes" else Errno.ENOMEM) from None

    def loaded(self, file: OpenFile) -> Program | None:
        """See Machine."""
        return self._programs.known_file(file)

    async def load(self, file: OpenFile, name: str) -> Program:
        """See Machine."""
        try:
            return await self._programs.load_file(file, partial(self._surroundings.tell_compiling, name))
        except ComponentError as error:
            raise PosixError(Errno.ENOEXEC, f"{name}: {error}") from None
        except OSError as error:
            raise PosixError(Errno.ENOMEM, f"{name}: {error}") from None

    def start(self, process: PosixProcess, image: Image | None) -> None:
        """See Machine. A child reaches what its parent does; it lives with an agent where that one does."""
        assert process.parent is not None
        parent = self._live[(process.parent.lender or process.parent).pid]
        kind: Kind = "command" if parent.kind == "command" else "service"
        self._start(Process(process, parent.cwd, kind, parent.gate), image)

    def _look_at(self, processes: Iterable[Process]) -> None:
        for process in processes:
            now = process.peak_memory_bytes
            self._memory_of_all += now - self._memory.get(process.pid, 0)
            self._memory[process.pid] = now
        self._peak_memory = max(self._peak_memory, self._memory_of_all)

    def _check_room(self) -> None:
        if len(self._kernel.processes) >= self._surroundings.max_processes:
            raise ApiError(
                ErrorCode.LIMIT_EXCEEDED,
                f"the VM has {len(self._kernel.processes)} processes, its limit; end one, or raise limits.processes",
                limit="processes",
            )
        self._surroundings.memory_bound.check()


def _path(env: Mapping[str, str]) -> str:
    return env.get("PATH", DEFAULT_PATH)


def _next(found: Found, arguments: Arguments) -> Next:
    return Next(found.program, arguments, found.path, called_by(found.path))


def _arguments(argv: list[str], env: dict[str, str]) -> Arguments:
    return Arguments.of(argv, {**BASE_ENV, **env})
