"""All VMs of one daemon: which are awake, how they wake and go to sleep, and what can be read of a VM that sleeps."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakValueDictionary

import attrs
import trio

from runtime.api.defaults import SLEEP_GRACE_MS
from runtime.api.errors import ApiError, ErrorCode, FallingAsleepError
from runtime.budget import Budget
from runtime.clock import epoch_ms
from runtime.hub import Hub
from runtime.memory import NO_BOUND
from runtime.sessions.forks import describe_fork, plan_fork, plan_session_fork
from runtime.sessions.options.options import new_session_id
from runtime.sessions.queries import find
from runtime.sessions.transcript.growth import Tally
from runtime.sessions.transcript.recovery import mark_interrupted, settle_imported
from runtime.store.exporting import export_vm
from runtime.store.importing import discard_staged, import_vm
from runtime.vms.added_agents import AddedAgents
from runtime.vms.awake import AwakeVms
from runtime.vms.base import BaseSystem, added_directory, built_in_commands
from runtime.vms.history import History
from runtime.vms.lifecycle import Signal
from runtime.vms.mounts import check_hosts
from runtime.vms.needs import Needs
from runtime.vms.options import VmOptions, check_size, without_nulls
from runtime.vms.portable import FileJudge, host_path
from runtime.vms.queries import HostQueries
from runtime.vms.trial import Bench
from runtime.vms.vm import Vm
from runtime.vms.volumes import Volumes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from runtime.engine import Engine
    from runtime.memory import MemoryBound
    from runtime.store.meter import Report
    from runtime.store.store import Store
    from runtime.store.vms import VmRecord
    from runtime.vms.catalogue import Catalogue
    from runtime.vms.queries import Prompt

T = TypeVar("T")

AGENT_BYTES: Final = 512 * 1024 * 1024
"""What all agents together may make the daemon hold: half lines, answers that they do not read, texts of turns, output of their
terminals and MCP servers. Each may hold some hundred MiB of it; above this the one that holds the most is killed."""


@asynccontextmanager
async def open_host(
    store: Store, engine: Engine, agents: Catalogue, memory_bound: MemoryBound = NO_BOUND
) -> AsyncIterator[Host]:
    """A host whose VMs are all put to sleep when the block is left."""
    async with trio.open_nursery() as nursery:
        host = Host(store, engine, agents, nursery, memory_bound)
        await host.recover()
        nursery.start_soon(store.collect_regularly)
        try:
            yield host
        finally:
            with trio.CancelScope(shield=True):
                await host.shut_down()
            nursery.cancel_scope.cancel()


class Host:
    """The VMs by name. `open_host` makes one; all methods raise ApiError."""

    def __init__(
        self, store: Store, engine: Engine, agents: Catalogue, nursery: trio.Nursery, memory_bound: MemoryBound
    ) -> None:
        self.store = store
        self.hub = Hub()
        self.agent_budget = Budget(AGENT_BYTES)
        self._agents = agents
        self._engine = engine
        self._memory_bound = memory_bound
        self._secrets: dict[str, dict[str, dict[str, str]]] = {}  # by VM and session; in memory alone, over sleep too
        self.base_system = BaseSystem(built_in_commands(), added_directory(store.path))
        self.added_agents = AddedAgents(agents, Bench(engine, memory_bound, self.agent_budget, self.base_system.base))
        self._needs = Needs(store, agents, self.base_system)
        self._volumes = Volumes(store, self.base_system.base)
        # By the VM's row. One export of a VM at a time: else one VM could hold all those that there may be at once.
        self._exporting: WeakValueDictionary[int, trio.Lock] = WeakValueDictionary()
        self._awake = AwakeVms(store, self.hub, nursery, self._make)
        self.shut_down = self._awake.shut_down
        self.queries = HostQueries(store, agents, self._awake, self._volumes)
        """Queries about VMs, which wake none."""

    async def recover(self) -> None:
        """After a crash: whatever was awake is asleep now, and the turns that were running are marked as interrupted."""
        await discard_staged(self.store)
        for record in self.store.vms.list():
            if record.state != "asleep":
                await mark_interrupted(self.store, self.hub, record.name)
                self.store.vms.set_state(record.row, "asleep", epoch_ms())

    # VMs

    async def get_or_create(self, name: str, options: dict[str, Any] | None) -> dict[str, Any]:
        """`vm.getOrCreate`."""
        wanted = without_nulls(options or {})
        check_size(wanted)
        mounts = VmOptions.parse(wanted).mounts
        record, created = self.store.vms.get(name), False
        if record is None:  # else there is nothing to do, and nothing waits for a VM that is falling asleep
            check_hosts(mounts, self.store.path)
            async with self._awake.lock(name):
                with trio.CancelScope(shield=True):  # once submitted it cannot be taken back: make it whole
                    stored = await self.store.vms.get_or_create(name, wanted, epoch_ms())
                    volume = self._volumes.of(stored[0])
                    volume.prepare()
                    await volume.flush()
                record, created = stored
        if not created and options is not None and record.options != wanted:
            raise ApiError(
                ErrorCode.VM_CONFLICT, f"VM {name!r} exists with other options", vm=name, options=record.options
            )
        return {**self.queries.describe(record), "created": created}

    async def configure(self, name: str, changes: dict[str, Any]) -> dict[str, Any]:
        """`vm.configure`: `changes` replace whole members of the options; None removes one."""
        async with self._awake.lock(name):
            record = self.store.vms.find(name)
            changed = without_nulls({**record.options, **changes})
            check_size(changed)
            options = VmOptions.parse(changed)
            check_hosts(options.mounts, self.store.path, VmOptions.parse(record.options).mounts)
            self._volumes.of(record).configure(options)
            self.store.vms.set_options(record.row, changed, epoch_ms())
            await self.store.writer.barrier()
            if vm := self._awake.get(name):
                vm.configure(options)
        return await self.queries.get(name)

    async def vm(self, name: str) -> Vm:
        """The VM, awake."""
        if vm := self._awake.get(name):
            vm.touch()
            return vm
        return await self._awake.wake(name)

    async def awake(self, name: str) -> Vm | None:
        """The VM, None if it sleeps. Waits for a VM that is being woken."""
        if self._awake.get(name) is None:
            async with self._awake.lock(name):
                self.store.vms.find(name)
        if vm := self._awake.get(name):
            vm.touch()
        return vm

    async def use(self, name: str, operation: Callable[[Vm], Awaitable[T]]) -> T:
        """Run `operation` on the VM, awake. It is run again if the VM was just falling asleep."""
        while True:
            vm = await self.vm(name)
            try:
                return await operation(vm)
            except FallingAsleepError:
                async with self._awake.lock(name):  # until it sleeps
                    pass

    async def prompt(
        self,
        name: str,
        session_id: str,
        prompt: Prompt,
        key: str | None,
        timeout_ms: int | None,
        trace: dict[str, str] | None,
    ) -> dict[str, Any]:
        """`sendPrompt`. A prompt with an idempotency key that was answered before wakes nothing."""
        answer = None if key is None else await self.queries.earlier_answer(name, session_id, prompt, key)
        if answer is not None:
            return answer
        result = await self.use(name, lambda vm: vm.sessions.prompt(session_id, prompt, key, timeout_ms, trace))
        self.warn(name, session_id)
        return result

    def warn(self, name: str, session_id: str) -> None:
        """After a turn: tell which limits of the VM are nearly reached."""
        if vm := self._awake.get(name):
            vm.warn(session_id)

    async def cancel(self, name: str, session_id: str, grace_ms: int) -> dict[str, Any]:
        """`cancelPrompt`: wakes nothing, since a VM that sleeps has no turn."""
        vm = await self.awake(name)
        if vm is not None:
            return await vm.sessions.cancel(session_id, grace_ms)
        find(self.store, name, session_id)  # there must be one
        return {"outcome": "no_active_prompt"}

    async def sleep(self, name: str, grace_ms: int | None, force: bool) -> dict[str, Any]:
        """`vm.sleep`: afterwards no guest of the VM is in memory."""
        async with self._awake.asleep(name, Signal.SLEEP, _patience(grace_ms), force=force):
            pass
        return await self.queries.get(name)

    async def fork(self, name: str, to: str, at: tuple[str, int] | None = None) -> dict[str, Any]:
        """`vm.fork`: wakes nothing, and leaves turns of the VM alone."""
        if self.store.vms.get(to) is not None:
            raise ApiError(ErrorCode.VM_CONFLICT, f"there is a VM {to!r} already", vm=to)
        plan = await plan_fork(self.store, name, at)
        record, files = self.store.vms.find(name), plan.files
        volume = self._volumes.of(record)
        if files is None:
            await volume.flush()
        layer = None if files is None else files.layer
        await trio.lowlevel.checkpoint_if_cancelled()
        with trio.CancelScope(shield=True):  # once submitted it cannot be taken back
            fork = await self.store.forks.fork_vm(
                record, to, epoch_ms(), plan.copies, layer=layer, files=volume.backend
            )
        return {**self.queries.describe(fork), **plan.files_at()}

    async def fork_session(self, name: str, session_id: str, at: int | None, to: str | None) -> dict[str, Any]:
        """`forkSession`: in a fork of the VM if `to` names one, else beside the session, which needs no waking either."""
        if to is not None:
            find(self.store, name, session_id)
            fork = await self.fork(name, to, None if at is None else (session_id, at))
            described = describe_fork(find(self.store, to, session_id))
            return {**described, "vm": to, "filesAt": fork.get("filesAt")}
        record = self.store.vms.find(name)
        copy = await plan_session_fork(self.store, name, session_id, at)
        if at is None and (vm := self._awake.get(name)):
            known = await vm.sessions.fork_at_agent(session_id, copy.last_seq)
            copy = attrs.evolve(copy, fields={**copy.fields, "agent_session_id": known})
        size, count = await self.store.sessions.count_events(record.row)
        Tally(lambda: VmOptions.parse(record.options).transcript_limits, size, count).check_another()
        with trio.CancelScope(shield=True):  # once submitted it cannot be taken back
            made = await self.store.forks.fork_session(copy, new_session_id(), epoch_ms())
            if vm := self._awake.get(name):
                await vm.sessions.adopt(made.row)
        try:
            await trio.lowlevel.checkpoint_if_cancelled()
        except trio.Cancelled:  # nobody would ever know its id
            with trio.CancelScope(shield=True):
                await self.store.sessions.delete(made.row)
            raise
        secrets = self._secrets.setdefault(name, {})
        if session_id in secrets:
            secrets[made.session_id] = dict(secrets[session_id])
        return {**describe_fork(made), "vm": name}

    async def destroy(self, name: str) -> None:
        """`vm.destroy`."""
        async with self._awake.asleep(name, Signal.DESTROY, force=True) as record:
            with trio.CancelScope(shield=True):  # once submitted it cannot be taken back
                await self.store.vms.delete(record.row)
            self._secrets.pop(name, None)
            self._volumes.forget(record)
            self._awake.tell(name, Signal.DELETED)
        await self.store.collect_garbage()

    async def export(self, name: str, path: str, report: Report | None = None) -> dict[str, Any]:
        """`vm.export`: everything that is committed when it begins. Wakes nothing; a turn that runs goes on."""
        target = host_path(path)
        record = self.store.vms.find(name)
        async with self._exporting.setdefault(record.row, trio.Lock()):
            if volume := self._volumes.in_memory(record):
                await volume.flush()
            await self.store.writer.barrier()
            needs = await self._needs.of(record)
            size = await export_vm(self.store.path, record.row, target, report, needs)
        mounts = [each["path"] for each in record.options.get("mounts", ())]
        told = {"mounts": mounts, "needs": [need._asdict() for need in needs]}
        return {"path": path, "bytes": size, **{name: each for name, each in told.items() if each}}

    async def import_(
        self, path: str, name: str | None, report: Report | None = None, *, trust: bool
    ) -> dict[str, Any]:
        """`vm.import`: the VM sleeps, and its turns that ran are marked as interrupted."""
        judge = FileJudge(name, trust=trust)

        async def settle(hidden: str) -> None:
            await settle_imported(self.store, self.hub, hidden)

        imported = await import_vm(self.store, host_path(path), judge, settle, report)
        self._awake.tell(imported.name, Signal.IMPORTED)
        lacks = await self._needs.lacks(self.store.vms.find(imported.name), imported.needs)
        return {**await self.queries.get(imported.name), "created": True, **({"lacks": lacks} if lacks else {})}

    async def past(self, name: str) -> History:
        """The past of a VM's files. A restore puts the VM to sleep; nothing wakes it."""

        def asleep(grace_ms: int | None, force: bool) -> AbstractAsyncContextManager[VmRecord]:
            return self._awake.asleep(name, Signal.RESTORE, _patience(grace_ms), force=force)

        record = self.store.vms.find(name)
        return History(self.store, record, self._volumes.of(record), asleep)

    def status(self) -> dict[str, Any]:
        """Figures for people who look after the daemon."""
        figures = [vm.figures() for vm in self._awake]
        return {
            "vms": self.store.vms.count(),
            "awake": len(figures),
            "state": str(self.store.path),
            "secrets": sum(len(sessions) for sessions in self._secrets.values()),  # sessions that would ask again
            **{name: sum(each[name] for each in figures) for name in ("sessions", "processes", "busy")},
        }

    async def add_command(self, path: str, name: str | None) -> dict[str, Any]:
        """`addCommand`."""
        return await self.base_system.add(self._engine, host_path(path), name)

    async def add_agent(self, path: str, name: str | None) -> dict[str, Any]:
        """`addAgent`."""
        return await self.added_agents.add(host_path(path), name)

    async def check_agent(self, path: str) -> dict[str, Any]:
        """`checkAgent`."""
        return await self.added_agents.check(host_path(path))

    async def rotate_key(self) -> dict[str, Any]:
        """`daemon.rotateKey`."""
        rotated = await self.store.sessions.rotate_key()
        return {"resealed": rotated.resealed, "unreadable": rotated.unreadable}

    def _make(self, record: VmRecord) -> Vm:
        """A VM that is about to wake."""
        return Vm(
            record,
            VmOptions.parse(record.options),
            self._volumes.of(record),
            store=self.store,
            hub=self.hub,
            engine=self._engine,
            agents=self._agents,
            secrets=self._secrets.setdefault(record.name, {}),
            memory_bound=self._memory_bound,
            agent_budget=self.agent_budget,
        )


def _patience(grace_ms: int | None) -> int:
    return SLEEP_GRACE_MS if grace_ms is None else grace_ms
