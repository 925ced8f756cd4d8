"""An awake VM: its processes and sessions, in one tree of tasks that ends when the VM goes to sleep."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.api.events import COMPILING, PROCESS_EXIT, VM_WARNING
from runtime.engine import Share
from runtime.hub import Notice
from runtime.network import HttpGate, NetworkPolicy
from runtime.sessions.manager import Sessions, open_sessions
from runtime.vms.agent_programs import ScriptRef
from runtime.vms.commands import Commands
from runtime.vms.files import VmFiles
from runtime.vms.lifecycle import Life
from runtime.vms.mounts import host_fault
from runtime.vms.nearing import near_limits
from runtime.vms.processes import Processes
from runtime.vms.surroundings import Surroundings
from wasi_fs import FsError, Mount

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runtime.budget import Budget
    from runtime.engine import Engine
    from runtime.hub import Hub
    from runtime.memory import MemoryBound
    from runtime.network import Egress, InternalHost
    from runtime.sessions.transcript.growth import TranscriptLimits
    from runtime.store.store import Store
    from runtime.store.vms import VmRecord
    from runtime.vms.agent_programs import AgentProgram
    from runtime.vms.catalogue import Catalogue
    from runtime.vms.options import VmOptions
    from runtime.vms.process import AttachedProcess
    from runtime.vms.volume import Volume

MILLISECOND: Final = 0.001

IDLE_LOOK_SECONDS: Final = 0.01
"""The least time between two idle checks: a shorter idle timeout is rounded up to it."""


class Vm:
    """One VM while it is awake; implements `runtime.sessions.ports.VmServices`."""

    def __init__(
        self,
        record: VmRecord,
        options: VmOptions,
        volume: Volume,
        *,
        store: Store,
        hub: Hub,
        engine: Engine,
        agents: Catalogue,
        secrets: dict[str, dict[str, str]],
        memory_bound: MemoryBound,
        agent_budget: Budget,
    ) -> None:
        self.name = record.name
        self.row = record.row
        self.options = options
        self.volume = volume
        self.files = VmFiles(volume)
        self.store = store
        self.hub = hub
        self.agent_budget = agent_budget
        self.agents = agents
        self.life = Life()
        """Its state, which `runtime.vms.awake` changes."""
        self.started = False
        """Whether it has been awake: an error before that goes to the caller that wakes it."""
        self._engine = engine
        self._share = Share()
        self._secrets = secrets
        self._memory_bound = memory_bound
        self._gate = HttpGate(NetworkPolicy.parse(options.allow))
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._idle_since = trio.current_time()
        self._idle_wait = trio.CancelScope()
        self._warned: set[tuple[str, str | None]] = set()
        """Limits that are nearly reached, with the session where one has it: each is told once."""
        self.sessions: Sessions
        self.processes: Processes
        self.commands: Commands

    async def run(
        self, on_idle: Callable[[], None], task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Be awake until `stop`. `on_idle` is called whenever the idle timeout has passed with nothing going on."""
        try:
            with self._scope:
                self.volume.prepare()
                async with trio.open_nursery() as nursery:
                    self.processes = Processes(self._surroundings(), nursery)
                    self.volume.filesystem.proc = self.processes.proc
                    self.commands = Commands(
                        nursery,
                        self.processes,
                        self.volume,
                        life=self.life,
                        output_bytes=lambda: self.output_bytes,
                        publish=self._publish,
                        touch=self.touch,
                    )
                    async with open_sessions(self, self._secrets) as self.sessions:
                        nursery.start_soon(self.volume.flush_regularly)
                        nursery.start_soon(self._watch_idleness, on_idle)
                        self.started = True
                        task_status.started()
                        await trio.sleep_forever()
        finally:
            self.volume.filesystem.proc = None
            self.volume.hide_agents()
            with trio.CancelScope(shield=True):
                await self._gate.aclose()
            self._ended.set()

    def configure(self, options: VmOptions) -> None:
        """Change the options. Limits of guests and the number of processes stay what they were until the VM next wakes."""
        self.options = options
        self._gate.change_policy(NetworkPolicy.parse(options.allow))
        self._idle_wait.cancel()

    async def stop(self) -> None:
        """End every guest and task of the VM. When this returns, everything that was written is durable."""
        self._scope.cancel()
        with trio.CancelScope(shield=True):
            await self._ended.wait()
            await self.volume.flush(access_times=True)

    async def spawn(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: str,
        *,
        agent: AgentProgram | None = None,
        internal_hosts: Mapping[str, InternalHost] | None = None,
        attendant: bool = False,
        egress: Egress | None = None,
        merged: bool = False,
    ) -> AttachedProcess:
        """Start a process; see Processes.spawn. The folder of an agent without a build is seen in the VM from then on."""
        if isinstance(agent, ScriptRef):
            self._show(agent)
        return await self.processes.spawn(
            list(argv),
            dict(env),
            cwd,
            agent=agent,
            internal_hosts=internal_hosts,
            attendant=attendant,
            egress=egress,
            merged=merged,
        )

    def _show(self, agent: ScriptRef) -> None:
        host = os.path.realpath(agent.folder)
        fault: object = host_fault(host, self.store.path)
        if fault is None:
            try:
                return self.volume.show_agent(Mount(agent.place, host, read_only=True))
            except FsError as error:
                fault = f"its folder has no place in the VM: {error}"
        raise ApiError(
            ErrorCode.AGENT_FAILED, f"the agent cannot be run: {fault}", phase="start", exitCode=None, stderr=""
        )

    @property
    def output_bytes(self) -> int:
        """Bytes of a process's output that are kept for an agent to read."""
        return self.options.output_bytes

    @property
    def transcript_limits(self) -> TranscriptLimits:
        """How far the transcripts of its sessions may grow."""
        return self.options.transcript_limits

    async def flush_files(self) -> None:
        """Make every write to the filesystem so far durable."""
        await self.volume.settle()

    def snapshot(self, session: int, seq: int, *, changed_only: bool = False) -> None:
        """Keep the files as they are durable now, for forks at event `seq` of the session (row id); never waits.

        With `changed_only` nothing is kept if the session's last snapshot has the same files.
        """
        self.volume.snapshot(session, seq, changed_only=changed_only)

    def warn(self, session_id: str | None = None) -> None:
        """Tell which limits are nearly reached since the last time, with the context of a session's model, if one is given."""
        rows = []
        with contextlib.suppress(ApiError):  # it was destroyed meanwhile
            rows = [] if session_id is None else [self.sessions.get(session_id)]
        tally, usage = self.sessions.tally, self.volume.filesystem.usage
        events = tally.bytes, tally.sessions
        near = {
            (each["limit"], each.get("sessionId")): each
            for each in near_limits(self.options, usage, self.processes, events=events, rows=rows)
        }
        for key in near.keys() - self._warned:
            told = {"vm": self.name, **near[key]}
            self.hub.publish(Notice(VM_WARNING, self.name, key[1], None, None, told))
        others = {key for key in self._warned if key[1] not in (None, session_id)}
        self._warned = others | near.keys()

    def touch(self) -> None:
        """Restart the idle timer."""
        self._idle_since = trio.current_time()

    @property
    def busy(self) -> bool:
        """Whether something goes on that keeps the VM awake: a turn, a pending request, a process that is no agent."""
        return self.sessions.busy or self.processes.commands > 0 or self.commands.busy

    def figures(self) -> dict[str, Any]:
        """The VM's figures now, for `daemon.status`."""
        return {"processes": len(self.processes), "sessions": len(self.sessions.live()), "busy": int(self.busy)}

    async def _watch_idleness(self, on_idle: Callable[[], None]) -> None:
        while True:
            timeout = max(self.options.idle_timeout_ms * MILLISECOND, IDLE_LOOK_SECONDS)
            with self._idle_wait:
                await trio.sleep_until(self._idle_since + timeout)
            if self._idle_wait.cancelled_caught:
                self._idle_wait = trio.CancelScope()
                continue
            self._idle_wait = trio.CancelScope()
            if not self.busy:
                if trio.current_time() < self._idle_since + timeout:
                    continue
                on_idle()
            self.touch()  # if `on_idle` was overtaken by a call, the VM stays awake until the next timeout

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            engine=self._engine,
            share=self._share,
            filesystem=self.volume.filesystem,
            ambient=self.volume.ambient,
            gate=self._gate,
            limits=self.options.guest_limits,
            max_processes=self.options.processes,
            memory_bound=self._memory_bound,
            sync_filesystem=self.volume.flush,
            touch=self.touch,
            tell_compiling=self._tell_compiling,
        )

    def _tell_compiling(self, program: str, size: int) -> None:
        self._publish(COMPILING, {"program": program, "bytes": size})

    def _publish(self, method: str, params: dict[str, Any]) -> None:
        self.hub.publish(Notice(method, self.name, None, None, None, {"vm": self.name, **params}))
        if method == PROCESS_EXIT:  # commands write files, and agents' turns have `warn` called at their end
            self.warn()
