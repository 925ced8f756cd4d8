"""The VMs that are awake: how they wake and go to sleep, by the table of `runtime.vms.lifecycle`."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.api.events import VM_STATE
from runtime.clock import epoch_ms
from runtime.hub import Notice
from runtime.vms.lifecycle import Effect, Life, Signal, State

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from runtime.hub import Hub
    from runtime.store.store import Store
    from runtime.store.vms import VmRecord
    from runtime.vms.vm import Vm

logger = logging.getLogger(__name__)


class AwakeVms:
    """By name. All methods raise ApiError."""

    def __init__(self, store: Store, hub: Hub, nursery: trio.Nursery, make: Callable[[VmRecord], Vm]) -> None:
        self._store = store
        self._hub = hub
        self._nursery = nursery
        self._make = make
        self._vms: dict[str, Vm] = {}
        """All that do not sleep."""
        # Of the names that somebody has to do with just now: clients may say any number of them.
        self._locks: WeakValueDictionary[str, trio.Lock] = WeakValueDictionary()
        self._shutting_down = False

    def __iter__(self) -> Iterator[Vm]:
        """Iterate over the VMs that can be asked for something."""
        return iter([vm for vm in self._vms.values() if vm.life.present])

    def get(self, name: str) -> Vm | None:
        """The VM, if it can be asked for something."""
        vm = self._vms.get(name)
        return vm if vm is not None and vm.life.present else None

    def lock(self, name: str) -> trio.Lock:
        """Held while a VM wakes, falls asleep, or must stay as it is."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = trio.Lock()
        return lock

    async def wake(self, name: str) -> Vm:
        """The VM, awake."""
        async with self.lock(name):
            if vm := self.get(name):
                return vm
            if self._shutting_down:
                raise ApiError(ErrorCode.SHUTTING_DOWN, "the daemon is shutting down")
            vm = self._vms[name] = self._make(self._store.vms.find(name))
            self._signal(vm, Signal.WAKE)
            await self._nursery.start(self._run, vm)
            if self._signal(vm, Signal.READY) is not Effect.TELL:
                raise ApiError(ErrorCode.BUSY, f"VM {name!r} failed as soon as it was awake: try again")
            return vm

    @asynccontextmanager
    async def asleep(
        self, name: str, signal: Signal, grace_ms: int = 0, *, force: bool = False
    ) -> AsyncIterator[VmRecord]:
        """Put the VM to sleep, for the reason that the signal has, and let nothing wake it inside the block.

        With `force` its turns and commands end now, even if another caller is putting it to sleep with a grace.
        """
        if force:
            await self._end_now(name)
        async with self.lock(name):
            record = self._store.vms.find(name)
            if vm := self.get(name):
                await self._put_to_sleep(vm, signal, grace_ms, force=force)
            yield record

    async def shut_down(self) -> None:
        """End running turns as cancelled and put every VM to sleep; nothing wakes any more."""
        self._shutting_down = True
        async with trio.open_nursery() as nursery:
            for name in list(self._vms):
                nursery.start_soon(self._shut_down, name)

    def tell(self, name: str, signal: Signal) -> None:
        """Notify clients of a signal to a VM that sleeps."""
        life = Life()
        if life.signal(signal) is Effect.TELL:
            self._publish(name, life)

    async def _shut_down(self, name: str) -> None:
        try:
            async with self.asleep(name, Signal.SHUTDOWN):
                pass
        except ApiError:
            logger.exception("VM %s could not be put to sleep in order", name)

    async def _run(self, vm: Vm, task_status: trio.TaskStatus[None]) -> None:
        """Own the VM's tasks: a fault in one VM ends that VM, never the daemon. The waking call raises a fault at its start."""
        try:
            await vm.run(lambda: self._nursery.start_soon(self._sleep_when_idle, vm), task_status)
        except Exception:
            if not vm.started:
                raise
            logger.exception("VM %s failed and is put to sleep", vm.name)
        finally:
            self._signal(vm, Signal.FAULT)

    async def _sleep_when_idle(self, vm: Vm) -> None:
        async with self.lock(vm.name):
            if not vm.busy:
                await self._put_to_sleep(vm, Signal.IDLE, 0, force=False)

    async def _end_now(self, name: str) -> None:
        """If the VM is being put to sleep with a grace, end its turns and commands now."""
        vm = self._vms.get(name)
        if vm is not None and self._signal(vm, Signal.FORCE) is Effect.END_NOW:
            vm.commands.kill_all()
            await vm.sessions.suspend_all(force=True)

    async def _put_to_sleep(self, vm: Vm, signal: Signal, grace_ms: int, *, force: bool) -> None:
        """The caller has the VM's lock. If it is cancelled during the grace, the VM stays awake."""
        if self._signal(vm, signal) is not Effect.SUSPEND:
            return
        deadline = trio.current_time() + grace_ms / 1000
        try:
            if not force:
                with trio.move_on_at(deadline):
                    await vm.commands.wait_idle()
            left = max(0.0, deadline - trio.current_time())
            await vm.sessions.suspend_all(round(left * 1000), force=force)
        except BaseException:
            self._signal(vm, Signal.ABANDONED)
            raise
        self._signal(vm, Signal.SUSPENDED)
        with trio.CancelScope(shield=True):
            await vm.stop()
            self._signal(vm, Signal.STOPPED)
            await self._store.writer.barrier()

    def _signal(self, vm: Vm, signal: Signal) -> Effect | None:
        """The one place where a VM's state changes: it is recorded, and clients are notified."""
        life = vm.life
        effect = life.signal(signal)
        if life.state is State.ASLEEP and self._vms.get(vm.name) is vm:
            del self._vms[vm.name]
        if effect is Effect.TELL:
            self._store.vms.set_state(vm.row, "awake" if life.present else "asleep", epoch_ms())
            self._publish(vm.name, life)
        return effect

    def _publish(self, name: str, life: Life) -> None:
        if life.reason is not None:
            params = {"vm": name, "state": life.shown, "reason": life.reason}
            self._hub.publish(Notice(VM_STATE, name, None, None, None, params))
