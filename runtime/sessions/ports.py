"""The interfaces of a VM that its sessions need. `runtime.vms` implements them; tests have small ones of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from runtime.budget import Budget
    from runtime.hub import Hub
    from runtime.network import Egress, InternalHost
    from runtime.sessions.transcript.growth import TranscriptLimits
    from runtime.store.store import Store


class ExitStatus(Protocol):
    """How a process ended."""

    @property
    def code(self) -> int | None:
        """The exit code; None where the process did not exit by itself."""

    @property
    def reason(self) -> str:
        """One of exit, trap, killed, out_of_fuel, out_of_memory."""

    @property
    def message(self) -> str:
        """The same in words."""


class Process(Protocol):
    """A process of the VM with its three streams on the host's side."""

    @property
    def pid(self) -> int:
        """The VM's number for it."""

    @property
    def fuel_used(self) -> int:
        """Fuel that it has used so far."""

    @property
    def peak_memory_bytes(self) -> int:
        """The most bytes of memories and tables that it has had."""

    def offer(self, data: bytes) -> bytes:
        """Write to stdin as far as there is room; returns the rest. Raises `trio.BrokenResourceError` after its end."""

    async def send(self, data: bytes) -> None:
        """Write to stdin, waiting for room. Raises `trio.BrokenResourceError` when the process is gone."""

    def end_input(self) -> None:
        """Nothing more is written to stdin."""

    async def receive(self) -> bytes:
        """The next bytes of stdout, b"" at its end."""

    async def receive_stderr(self) -> bytes:
        """The next bytes of stderr, b"" at its end."""

    async def wait(self) -> ExitStatus:
        """Wait for the end."""

    @property
    def signal(self) -> str | None:
        """The name of the signal that has ended it; None where it exited, and as long as it has not ended."""

    def kill(self) -> None:
        """End it now, at any moment, any number of times."""


class VmFiles(Protocol):
    """The VM's filesystem; raises `ApiError` with the codes of the API's "Filesystem"."""

    async def read_file(self, path: str) -> bytes:
        """The whole file. TOO_LARGE beyond 16 MiB."""

    async def read_lines(self, path: str, first: int | None, limit: int | None) -> bytes:
        """`limit` lines of it from the line `first` on, which counts from 1. TOO_LARGE beyond 16 MiB of them."""

    async def write_file(self, path: str, data: bytes, create_parents: bool = True) -> None:
        """Replace or create the file."""

    def held_direct(self, path: str, *, changing: bool) -> AbstractAsyncContextManager[str | None]:
        """The path by which a program of the host may open the same file of a mount, as long as this lasts, or None."""

    async def write_own_file(self, path: str, data: bytes) -> None:
        """Replace or create a file of the runtime's own, however full the VM is."""

    async def mkdir(self, path: str, recursive: bool = False) -> None:
        """Create a directory; with `recursive` one that exists is fine."""


class AgentSpec(Protocol):
    """An installed agent."""

    @property
    def id(self) -> str:
        """The agent type."""

    @property
    def program(self) -> Any:
        """What `VmServices.spawn` runs for it."""

    @property
    def args(self) -> Sequence[str]:
        """Arguments after the program's name."""

    @property
    def env(self) -> Mapping[str, str]:
        """The manifest's environment."""


class AgentCatalogue(Protocol):
    """The installed agents."""

    def get(self, agent_type: str) -> AgentSpec:
        """Raises `ApiError` AGENT_NOT_FOUND."""


class VmServices(Protocol):
    """The VM, as its sessions see it."""

    @property
    def name(self) -> str:
        """The VM's name."""

    @property
    def output_bytes(self) -> int:
        """How much of a process's output is kept for an agent that asks for it."""

    @property
    def transcript_limits(self) -> TranscriptLimits:
        """How far the transcripts of its sessions may grow; may change at any time."""

    @property
    def agent_budget(self) -> Budget:
        """The bound on the bytes that all agents of the daemon may make it hold."""

    @property
    def files(self) -> VmFiles:
        """Its filesystem."""

    @property
    def agents(self) -> AgentCatalogue:
        """The agents that it may run."""

    @property
    def hub(self) -> Hub:
        """Where committed events are published."""

    @property
    def store(self) -> Store:
        """The state file."""

    async def spawn(
        self,
        argv: list[str],
        env: dict[str, str],
        cwd: str,
        *,
        agent: Any = None,
        internal_hosts: Mapping[str, InternalHost] | None = None,
        attendant: bool = False,
        egress: Egress | None = None,
        merged: bool = False,
    ) -> Process:
        """Start a process: what an agent runs if that is given, else the command argv[0]. ApiError NOT_FOUND without one.

        It alone reaches the `internal_hosts`; an `attendant` does not keep the VM awake; `egress` is what its session adds to
        the VM's gate. `merged`: what it writes to stderr comes from `receive`, too, in the order in which it was written.
        """

    async def flush_files(self) -> None:
        """Make every write to the filesystem so far durable."""

    def snapshot(self, session: int, seq: int, *, changed_only: bool = False) -> None:
        """Keep the files as they are durable now, for forks at event `seq` of the session (row id); never waits.

        With `changed_only` nothing is kept if they are still what the session's last snapshot has.
        """

    def touch(self) -> None:
        """Restart the VM's idle timer."""
