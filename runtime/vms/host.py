"""All VMs of one daemon: which are awake, how they wake and go to sleep, and what can be read of those that sleep."""

from __future__ import annotations

import logging
import time
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakValueDictionary

import trio

from runtime.api.defaults import SLEEP_GRACE_MS
from runtime.api.errors import ApiError, ErrorCode, FallingAsleepError
from runtime.api.events import VM_STATE
from runtime.budget import Budget
from runtime.hub import Hub, Notice
from runtime.memory import NO_BOUND
from runtime.sessions import queries
from runtime.sessions.options.options import new_session_id
from runtime.sessions.transcript.forks import describe_fork, plan_fork, plan_session_fork
from runtime.sessions.transcript.growth import Tally
from runtime.sessions.transcript.recovery import mark_interrupted, settle_imported
from runtime.store.exporting import export_vm
from runtime.store.importing import discard_staged, import_vm
from runtime.vms.mounts import check_hosts
from runtime.vms.options import VmOptions, check_size, without_nulls
from runtime.vms.past import Past
from runtime.vms.portable import FileJudge, host_path
from runtime.vms.readings import MAX_IDLE_VOLUMES, Readings
from runtime.vms.vm import Vm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from runtime.engine import Engine
    from runtime.memory import MemoryBound
    from runtime.store.meter import Report
    from runtime.store.store import Store
    from runtime.vms.catalogue import Catalogue
    from runtime.vms.readings import Prompt

_log = logging.getLogger(__name__)

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


class Host(Readings):
    """The VMs by name. `open_host` makes one; all methods raise ApiError."""

    def __init__(
        self, store: Store, engine: Engine, agents: Catalogue, nursery: trio.Nursery, memory_bound: MemoryBound
    ) -> None:
        super().__init__(store, agents)
        self.hub = Hub()
        self.agent_budget = Budget(AGENT_BYTES)
        self._engine = engine
        self._memory_bound = memory_bound
        self._nursery = nursery
        # Of the names that somebody has to do with just now: clients may say any number of them.
        self._locks: WeakValueDictionary[str, trio.Lock] = WeakValueDictionary()
        self._secrets: dict[str, dict[str, dict[str, str]]] = {}  # by VM and session; in memory alone, over sleep too
        self._shutting_down = False

    async def recover(self) -> None:
        """After a crash: whatever was awake is asleep now, and the turns that were running are marked as interrupted."""
        await discard_staged(self.store)
        for record in self.store.vms.list():
            if record.state != "asleep":
                await mark_interrupted(self.store, self.hub, record.name)
                self.store.vms.set_state(record.row, "asleep", _now())

    # VMs

    async def get_or_create(self, name: str, options: dict[str, Any] | None) -> dict[str, Any]:
        """`vm.getOrCreate`."""
        wanted = without_nulls(options or {})
        check_size(wanted)
        mounts = VmOptions.parse(wanted).mounts
        record, created = self.store.vms.get(name), False
        if record is None:  # else there is nothing to do, and a VM that is falling asleep is not waited for
            check_hosts(mounts, self.store.path)
            async with self._lock(name):
                with trio.CancelScope(shield=True):  # what was submitted is made, wanted or not: make it whole
                    made = await self.store.vms.get_or_create(name, wanted, _now())
                    volume = self._volume(made[0])
                    volume.furnish()
                    await volume.flush()
                record, created = made
        if not created and options is not None and record.options != wanted:
            raise ApiError(
                ErrorCode.VM_CONFLICT, f"VM {name!r} exists with other options", vm=name, options=record.options
            )
        return {**self._describe(record), "created": created}

    async def configure(self, name: str, changes: dict[str, Any]) -> dict[str, Any]:
        """`vm.configure`: `changes` replace whole members of the options; None removes one."""
        async with self._lock(name):
            record = self._record(name)
            kept = without_nulls({**record.options, **changes})
            check_size(kept)
            options = VmOptions.parse(kept)
            check_hosts(options.mounts, self.store.path, VmOptions.parse(record.options).mounts)
            self._volume(record).configure(options)
            self.store.vms.set_options(record.row, kept, _now())
            await self.store.writer.barrier()
            if vm := self._awake.get(name):
                vm.configure(options)
        return await self.get(name)

    async def vm(self, name: str) -> Vm:
        """The VM, awake."""
        if vm := self._awake.get(name):
            vm.touch()
            return vm
        async with self._lock(name):
            return self._awake.get(name) or await self._wake(name)

    async def awake(self, name: str) -> Vm | None:
        """The VM unless it sleeps; one that somebody is waking is waited for."""
        if name not in self._awake:
            async with self._lock(name):
                self._record(name)
        if vm := self._awake.get(name):
            vm.touch()
        return vm

    async def use(self, name: str, operation: Callable[[Vm], Awaitable[T]]) -> T:
        """What `operation` returns of the VM, awake; it is tried again where the VM was just falling asleep."""
        while True:
            vm = await self.vm(name)
            try:
                return await operation(vm)
            except FallingAsleepError:
                async with self._lock(name):  # until it sleeps
                    pass

    async def prompt(
        self, name: str, session_id: str, prompt: Prompt, key: str | None, timeout_ms: int | None
    ) -> dict[str, Any]:
        """`sendPrompt`: wakes nothing for what was answered before, under the same idempotency key."""
        answer = None if key is None else await self.earlier_answer(name, session_id, prompt, key)
        if answer is not None:
            return answer
        return await self.use(name, lambda vm: vm.sessions.prompt(session_id, prompt, key, timeout_ms))

    async def cancel(self, name: str, session_id: str, grace_ms: int) -> dict[str, Any]:
        """`cancelPrompt`: wakes nothing, since a VM that sleeps has no turn."""
        vm = await self.awake(name)
        if vm is not None:
            return await vm.sessions.cancel(session_id, grace_ms)
        queries.find(self.store, name, session_id)  # there must be one
        return {"outcome": "no_active_prompt"}

    async def sleep(self, name: str, grace_ms: int | None, force: bool) -> dict[str, Any]:
        """`vm.sleep`: afterwards no guest of the VM is in memory."""
        if force:
            await self._cut_grace(name)
        await self._sleep(name, SLEEP_GRACE_MS if grace_ms is None else grace_ms, force=force, reason="request")
        return await self.get(name)

    async def fork(self, name: str, to: str, at: tuple[str, int] | None = None) -> dict[str, Any]:
        """`vm.fork`: wakes nothing, and leaves turns of the VM alone."""
        if self.store.vms.get(to) is not None:
            raise ApiError(ErrorCode.VM_CONFLICT, f"there is a VM {to!r} already", vm=to)
        plan = await plan_fork(self.store, name, at)
        record, files = self._record(name), plan.files
        volume = self._volume(record)
        if files is None:
            await volume.flush()
        layer = None if files is None else files.layer
        await trio.lowlevel.checkpoint_if_cancelled()
        with trio.CancelScope(shield=True):  # once submitted it cannot be taken back
            made = await self.store.forks.fork_vm(record, to, _now(), plan.copies, layer=layer, files=volume.backend)
        return {**self._describe(made), **plan.files_at()}

    async def fork_session(self, name: str, session_id: str, at: int | None, to: str | None) -> dict[str, Any]:
        """`forkSession`: in a fork of the VM if `to` names one, else beside the session, which needs no waking either."""
        if to is not None:
            queries.find(self.store, name, session_id)
            fork = await self.fork(name, to, None if at is None else (session_id, at))
            found = describe_fork(queries.find(self.store, to, session_id))
            return {**found, "vm": to, "filesAt": fork.get("filesAt")}
        record = self._record(name)
        copy = await plan_session_fork(self.store, name, session_id, at)
        size, count = await self.store.sessions.count_events(record.row)
        Tally(lambda: VmOptions.parse(record.options).transcript_limits, size, count).check_another()
        with trio.CancelScope(shield=True):  # once submitted it cannot be taken back
            made = await self.store.forks.fork_session(copy, new_session_id(), _now())
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
        await self._cut_grace(name)
        async with self._lock(name):
            record = self._record(name)
            if vm := self._awake.get(name):
                await self._put_to_sleep(vm, 0, force=True)
            with trio.CancelScope(shield=True):  # once submitted it cannot be taken back
                await self.store.vms.delete(record.row)
            self._secrets.pop(name, None)
            volume = self._volumes.pop(record.row, None)
            self._recent = deque((each for each in self._recent if each is not volume), MAX_IDLE_VOLUMES)
            self._publish(name, "destroyed", "request")
        await self.store.collect_garbage()

    async def export(self, name: str, path: str, report: Report | None = None) -> dict[str, Any]:
        """`vm.export`: what is committed when the export begins; a turn that runs goes on, and wakes nothing."""
        target = host_path(path)
        record = self._record(name)
        if volume := self._volumes.get(record.row):
            await volume.flush()
        await self.store.writer.barrier()
        size = await export_vm(self.store.path, record.row, target, report)
        mounts = [each["path"] for each in record.options.get("mounts", ())]
        return {"path": path, "bytes": size, **({"mounts": mounts} if mounts else {})}

    async def import_(
        self, path: str, name: str | None, report: Report | None = None, *, trust: bool
    ) -> dict[str, Any]:
        """`vm.import`: the VM sleeps, and its turns that ran are marked as interrupted."""
        judge = FileJudge(name, trust=trust)

        async def settle(hidden: str) -> None:
            await settle_imported(self.store, self.hub, hidden)

        name = await import_vm(self.store, host_path(path), judge, settle, report)
        self._publish(name, "asleep", "import")
        return {**await self.get(name), "created": True}

    async def past(self, name: str) -> Past:
        """The past of a VM's files. A restore puts the VM to sleep; nothing wakes it."""

        @asynccontextmanager
        async def asleep(grace_ms: int | None, force: bool) -> AsyncIterator[None]:
            if force:
                await self._cut_grace(name)
            patience = SLEEP_GRACE_MS if grace_ms is None else grace_ms
            async with self._asleep(name, patience, force=force, reason="restore"):
                yield

        record = self._record(name)
        return Past(self.store, record, self._volume(record), asleep)

    def status(self) -> dict[str, Any]:
        """Figures for people who look after the daemon."""
        figures = [vm.figures() for vm in self._awake.values()]
        return {
            "vms": self.store.vms.count(),
            "awake": len(figures),
            "state": str(self.store.path),
            "secrets": sum(len(sessions) for sessions in self._secrets.values()),  # sessions that would ask again
            **{name: sum(each[name] for each in figures) for name in ("sessions", "processes", "busy")},
        }

    async def rotate_key(self) -> dict[str, Any]:
        """`daemon.rotateKey`."""
        rotated = await self.store.sessions.rotate_key()
        return {"resealed": rotated.resealed, "unreadable": rotated.unreadable}

    # Sleep and wake

    async def shut_down(self) -> None:
        """End running turns as cancelled and put every VM to sleep; nothing wakes any more."""
        self._shutting_down = True
        async with trio.open_nursery() as nursery:
            for name in list(self._awake):
                nursery.start_soon(self._fall_asleep, name)

    async def _wake(self, name: str) -> Vm:
        if self._shutting_down:
            raise ApiError(ErrorCode.SHUTTING_DOWN, "the daemon is shutting down")
        record = self._record(name)
        vm = Vm(
            record,
            VmOptions.parse(record.options),
            self._volume(record),
            store=self.store,
            hub=self.hub,
            engine=self._engine,
            agents=self.agents,
            secrets=self._secrets.setdefault(name, {}),
            memory_bound=self._memory_bound,
            agent_budget=self.agent_budget,
        )
        await self._nursery.start(self._run, vm)
        self._awake[name] = vm
        self.store.vms.set_state(record.row, "awake", _now())
        self._publish(name, "awake", "wake")
        return vm

    async def _run(self, vm: Vm, task_status: trio.TaskStatus[None]) -> None:
        """Own the VM's tasks: a fault in one VM ends that VM, never the daemon. Who wakes it is told what keeps it asleep."""
        try:
            await vm.run(lambda: self._nursery.start_soon(self._sleep_when_idle, vm), task_status)
        except Exception:
            if not vm.started:
                raise
            _log.exception("VM %s failed and is put to sleep", vm.name)
        finally:
            if self._awake.get(vm.name) is vm:
                del self._awake[vm.name]
                self.store.vms.set_state(vm.row, "asleep", _now())
                self._publish(vm.name, "asleep", "fault")

    async def _sleep_when_idle(self, vm: Vm) -> None:
        async with self._lock(vm.name):
            if self._awake.get(vm.name) is vm and not vm.busy:
                await self._put_to_sleep(vm, 0, force=False)
                self._publish(vm.name, "asleep", "idle")

    async def _sleep(self, name: str, grace_ms: int, *, force: bool, reason: str) -> None:
        async with self._asleep(name, grace_ms, force=force, reason=reason):
            pass

    @asynccontextmanager
    async def _asleep(self, name: str, grace_ms: int, *, force: bool, reason: str) -> AsyncIterator[None]:
        """Put the VM to sleep, and let nothing wake it inside the block."""
        async with self._lock(name):
            self._record(name)
            if vm := self._awake.get(name):
                await self._put_to_sleep(vm, grace_ms, force=force)
                self._publish(name, "asleep", reason)
            yield

    async def _fall_asleep(self, name: str) -> None:
        try:
            await self._sleep(name, 0, force=False, reason="shutdown")
        except ApiError:
            _log.exception("VM %s could not be put to sleep in order", name)

    async def _cut_grace(self, name: str) -> None:
        """If somebody puts the VM to sleep with patience, end its turns and commands now."""
        vm = self._awake.get(name)
        if vm is not None and vm.falling_asleep:
            vm.commands.kill_all()
            await vm.sessions.suspend_all(force=True)

    async def _put_to_sleep(self, vm: Vm, grace_ms: int, *, force: bool) -> None:
        """The caller has the VM's lock. Cancelled in its patience it leaves the VM awake."""
        vm.falling_asleep = True
        deadline = trio.current_time() + grace_ms / 1000
        try:
            if not force:
                with trio.move_on_at(deadline):
                    await vm.commands.wound_up()
            left = max(0.0, deadline - trio.current_time())
            await vm.sessions.suspend_all(round(left * 1000), force=force)
        except BaseException:
            vm.falling_asleep = False
            raise
        with trio.CancelScope(shield=True):
            self._awake.pop(vm.name, None)
            await vm.stop()
            self.store.vms.set_state(vm.row, "asleep", _now())
            await self.store.writer.barrier()

    # Helpers

    def _lock(self, name: str) -> trio.Lock:
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = trio.Lock()
        return lock

    def _publish(self, name: str, state: str, reason: str) -> None:
        params = {"vm": name, "state": state, "reason": reason}
        self.hub.publish(Notice(VM_STATE, name, None, None, None, params))


def _now() -> int:
    return time.time_ns() // 1_000_000
