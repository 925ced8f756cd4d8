"""One running component: a fiber that trio drives.

A guest runs on the event loop's thread until it waits for the host or its turn is over: it has used up a slice of fuel, or
kept the thread for some milliseconds with host calls. A guest that goes on computing gets some more slices there, with
everybody else's turns between them, since most are nearly done and a change of threads costs as much as half a slice; then
it is moved to a worker thread, so that it holds up neither the loop nor another guest. Its next host call brings it back,
because host functions run on the loop's thread alone. ctypes drops the GIL while wasm runs.

No Python frame stays on a suspended fiber: a host function that has to wait returns at once and leaves a note (`_parked` or
`_waiting`); the guest's own task does the waiting and polls the fiber again, which then asks for the answer. A Python exception
never crosses into wasm: it is kept here, per guest, and the guest ends by a trap or by dropping its future.
"""

from __future__ import annotations

import ctypes
import logging
import os
import re
import time
from ctypes import string_at
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from runtime.engine import native
from runtime.engine.callbacks import current
from runtime.engine.interface import GuestExit, GuestTrap, Wait, WitError
from runtime.engine.resources import ResourceTable

if TYPE_CHECKING:
    from runtime.engine.program import Import, Program

_log = logging.getLogger(__name__)

UNLIMITED_FUEL: Final = 2**62
# About a millisecond of work: long enough that a prompt's work mostly stays on the loop, short enough that a guest that
# spins takes little of the loop's time before it is moved.
SLICE_FUEL: Final = 5_000_000
# How many slices it gets on the loop after one wait for the host and before the next: a short turn of an agent on SpiderMonkey
# takes some five in all.
LOOP_SLICES: Final = 10
# How long a guest keeps a worker before the next one gets its turn.
WORKER_TURN_SECONDS: Final = 0.01
# How long a guest keeps the loop's thread with host calls, which use hardly any fuel, before the other tasks get their turn.
LOOP_TURN_SECONDS: Final = 0.002
# Tables are memory of the host beside the linear memory, 16 bytes an entry at most. An interpreter has some 20,000 entries.
MAX_TABLE_ENTRIES: Final = 1_000_000
# Each may be as large as the limits say, so their number is bounded too; a component has one or two, a composed one a few.
MAX_TABLES: Final = 64
MAX_MEMORIES: Final = 16
_NUMBER: Final = re.compile(r"^\s*\d+:\s+")


@attrs.frozen
class Limits:
    """What one guest may use. Memory is in bytes of each linear memory; fuel counts wasm instructions, roughly."""

    memory_bytes: int = 512 * 1024 * 1024
    fuel: int | None = None


@attrs.frozen
class Exit:
    """How a guest ended. `code` is set for `exit` alone; `message` is prose for people."""

    reason: str
    """`exit`, `trap`, `out_of_fuel`, `fault` (the host's own failure) or `killed`."""
    code: int | None = None
    message: str = ""


class Processors:
    """Where the guests of an engine compute: in turn with everybody else on the loop's thread, or on worker threads."""

    def __init__(self) -> None:
        self.loop = trio.Lock()
        """Held by the one guest that goes on after its first slice: however many do, a round of the loop has one more."""
        # One core is left for the event loop.
        self.workers = trio.CapacityLimiter(max(1, (os.cpu_count() or 2) - 1))


class Guest:
    """A guest that has not started yet; `run` runs it to its end, once."""

    def __init__(self, program: Program, state: Any, limits: Limits, processors: Processors) -> None:
        self._program = program
        self._state = state
        self._limits = limits
        self._processors = processors
        self._resources = ResourceTable(program.resource_types)
        self._scope = trio.CancelScope()
        self._stop = False
        self._ended: Exit | None = None
        self._parked: tuple[Import, list[Any], int] | None = None
        self._waiting: tuple[Import, Wait, int] | None = None
        self._answer: tuple[Import, bool, Any, int] | None = None
        self._store: int | None = None
        self._future: int | None = None
        self._fuel_used = 0
        self._on_worker = False
        self._turn_ends = 0.0
        self._hurried = False
        self._loop_slices = LOOP_SLICES
        self._context = 0

    @property
    def fuel_used(self) -> int:
        """Fuel used so far; while a worker runs the guest, as of the worker's start."""
        if self._store is not None and not self._on_worker:
            self._fuel_used = self._fuel_limit - native.get_fuel(self._context)
        return self._fuel_used

    @property
    def _fuel_limit(self) -> int:
        return UNLIMITED_FUEL if self._limits.fuel is None else self._limits.fuel

    def kill(self) -> None:
        """End the guest, whatever it does: waiting, spinning or in a host call. `run` returns when it is freed."""
        self._stop = True
        self._scope.cancel()

    async def run(self) -> Exit:
        """Instantiate, call `wasi:cli/run`, and return how it ended. Cancelling it kills the guest.

        The guest's memory and resources are gone when this returns or raises.
        """
        try:
            with self._scope:
                return await self._run()
            return Exit("killed", message="killed")
        finally:
            self._free()

    async def _run(self) -> Exit:
        self._store = native.store_new(native.pointer(self._program.engine), None, None)
        self._context = native.store_context(self._store)
        # -1: the number of instances is the component's own, fixed when it was compiled.
        native.store_limiter(self._store, self._limits.memory_bytes, MAX_TABLE_ENTRIES, -1, MAX_TABLES, MAX_MEMORIES)
        native.take_error(native.set_fuel(self._context, self._fuel_limit))
        native.take_error(native.set_yield_interval(self._context, SLICE_FUEL))

        error = ctypes.c_void_p()
        instance = ctypes.create_string_buffer(native.INSTANCE_SIZE)
        self._future = native.instantiate(
            self._program.linker_address,
            self._context,
            self._program.component_address,
            ctypes.addressof(instance),
            ctypes.addressof(error),
        )
        await self._drive()
        if ended := self._how_it_ended(error.value):
            return ended

        function = ctypes.create_string_buffer(native.FUNC_SIZE)
        found = native.instance_get_func(
            ctypes.addressof(instance), self._context, self._program.run_index, ctypes.addressof(function)
        )
        assert found, "run_index was looked up in this component"
        result = ctypes.create_string_buffer(native.VALUE_SIZE)
        self._future = native.call(
            ctypes.addressof(function), self._context, None, 0, ctypes.addressof(result), 1, ctypes.addressof(error)
        )
        await self._drive()
        if ended := self._how_it_ended(error.value):
            return ended
        _, is_ok, _, _ = native.VALUE.unpack(result.raw)
        native.value_delete(ctypes.addressof(result))
        return Exit("exit", code=0 if is_ok & 1 else 1)

    def _how_it_ended(self, error: int | None) -> Exit | None:
        message = native.take_error(error)
        if self._ended is not None:
            return self._ended
        if message is None:
            return None
        if "all fuel consumed" in message:
            return Exit("out_of_fuel", message="the fuel limit is used up")
        return Exit("trap", message=_last_cause(message))

    async def _drive(self) -> None:
        """Poll the future to its end, waiting and moving between threads as the guest's calls ask for."""
        while not self._poll(on_loop=True):
            if self._parked:  # its turn is over
                await trio.lowlevel.checkpoint()
            elif await self._compute():
                break
            if not (self._stop or self._ended):
                await self._find_answer()
            if self._stop or self._ended:
                # A host fault, a kill from inside a host call or in a wait that was not broken off: it is not resumed.
                await trio.lowlevel.checkpoint()
                break
        self._delete_future()

    @property
    def _computes(self) -> bool:
        return not (self._parked or self._waiting or self._stop or self._ended)

    async def _compute(self) -> bool:
        """Go on until the guest calls the host or is killed, or ends: then True."""
        if self._loop_slices and self._computes:
            async with self._processors.loop:
                while self._loop_slices and self._computes:
                    self._loop_slices -= 1
                    if self._poll(on_loop=True):
                        return True
                    if not self._waiting:
                        await trio.lowlevel.checkpoint()
        while self._computes:
            self._on_worker = True
            try:
                finished = await trio.to_thread.run_sync(self._spin, limiter=self._processors.workers)
            finally:
                self._on_worker = False
                _ = self.fuel_used  # for who asks while the next turn runs
            self._resources.drop_pending()
            if finished:
                return True
        return False

    def _spin(self) -> bool:
        """On a worker thread: poll until the guest ends, calls the host, is killed or has had its turn."""
        deadline = time.perf_counter() + WORKER_TURN_SECONDS
        while not self._poll(on_loop=False):
            if self._parked or self._stop or time.perf_counter() > deadline:
                return False
        return True

    def _poll(self, *, on_loop: bool) -> bool:
        current.guest, current.on_loop = self, on_loop
        if self._hurried:
            self._hurried = False
            native.take_error(native.set_yield_interval(self._context, SLICE_FUEL))
        self._turn_ends = time.perf_counter() + LOOP_TURN_SECONDS
        done: bool = native.future_poll(self._future)
        return done

    async def _find_answer(self) -> None:
        """Turn what the guest waits for into an answer that its fiber picks up at the next poll."""
        if self._parked:
            imported, arguments, results = self._parked
            self._parked = None
            try:
                value = imported.function(self._state, *arguments)
            except WitError as error:
                self._answer = (imported, False, error.value, results)
                return
            except BaseException as error:  # anything else is the host's fault and ends this guest alone
                self._ended = _ended_by(imported, error)
                return
            if not isinstance(value, Wait):
                self._answer = (imported, True, value, results)
                return
            self._waiting = (imported, value, results)
        assert self._waiting is not None
        imported, wait, results = self._waiting
        self._waiting = None
        self._loop_slices = LOOP_SLICES
        try:
            self._answer = (imported, True, await wait.function(*wait.arguments), results)
        except WitError as error:
            self._answer = (imported, False, error.value, results)
        except Exception as error:  # as above; Cancelled passes, since it is how a guest is killed
            self._ended = _ended_by(imported, error)

    # What the fiber calls through `callbacks`, on whichever thread polls it

    def call(self, index: int, context: int, arguments: int, count: int, results: int) -> bool:
        """One host call; True when it is answered, False when the guest has to sleep."""
        imported = self._program.imports[index]
        self._resources.context = context
        words = native.VALUE_WORDS.iter_unpack(string_at(arguments, count * native.VALUE_SIZE))
        values = [lift(self._resources, *w) for lift, w in zip(imported.lifts, words, strict=True)]
        if not current.on_loop or time.perf_counter() > self._turn_ends:
            self._parked = (imported, values, results)
            return False
        try:
            value = imported.function(self._state, *values)
        except WitError as error:
            self._lower(imported, False, error.value, results)
            return True
        if isinstance(value, Wait):
            self._waiting = (imported, value, results)
            return False
        self._lower(imported, True, value, results)
        return True

    def call_instant(self, index: int, context: int, arguments: int, count: int, results: int) -> None:
        """One call of an instant function, which is answered when this returns."""
        imported = self._program.imports[index]
        if not self._hurried and time.perf_counter() > self._turn_ends:
            # It cannot be suspended here, but at its next step, where it finds that its slice of fuel is used up.
            self._hurried = True
            native.take_error(native.set_yield_interval(context, 1))
        if count:
            self._resources.context = context
            words = native.VALUE_WORDS.iter_unpack(string_at(arguments, count * native.VALUE_SIZE))
            values = [lift(self._resources, *w) for lift, w in zip(imported.lifts, words, strict=True)]
            value = imported.function(self._state, *values)
        else:
            value = imported.function(self._state)
        if imported.lower is not None:
            imported.lower(self._resources, value, results)

    def _lower(self, imported: Import, ok: bool, value: Any, results: int) -> None:
        lower = imported.lower if ok else imported.lower_error
        if lower is not None:
            lower(self._resources, value, results)
        elif not ok:
            raise TypeError(f"{imported.name} has no error case, but failed with {value!r}")

    def resume(self) -> bool:
        """The fiber asks whether its answer is there; if so it is written into the fiber's result."""
        if self._answer is None:
            return False
        imported, ok, value, results = self._answer
        self._answer = None
        try:
            self._lower(imported, ok, value, results)
        except Exception as error:  # a value of the wrong type is the host's fault
            self._ended = _ended_by(imported, error)
            return False
        return True

    def fail(self, index: int, error: BaseException) -> None:
        """A host call has raised: the guest ends, and does not go on from that call."""
        self._ended = _ended_by(self._program.imports[index], error)

    def drop(self, rep: int) -> None:
        """The guest has dropped its handle of a host resource."""
        self._resources.drop(rep, now=current.on_loop)

    # The end

    def _delete_future(self) -> None:
        if self._future is not None:
            current.guest, current.on_loop = self, True
            native.future_delete(self._future)
            self._future = None

    def _free(self) -> None:
        self._delete_future()
        if self._store is not None:
            _ = self.fuel_used
            store, self._store = self._store, None
            native.store_delete(store)
        # Arguments that no function has got, and an answer that the fiber has not.
        unplaced = [*(self._parked[1] if self._parked else ()), *(self._answer[2:3] if self._answer else ())]
        self._resources.drop_all(unplaced)


def _ended_by(imported: Import, error: BaseException) -> Exit:
    if isinstance(error, GuestExit):
        return Exit("exit", code=error.code)
    if isinstance(error, GuestTrap):
        return Exit("trap", message=f"{imported.name}: {error}")
    _log.error("host function %s failed; its guest is ended", imported.name, exc_info=error)
    return Exit("fault", message=f"internal error in {imported.name}")


def _last_cause(message: str) -> str:
    """wasmtime's report without its wasm backtrace of possibly thousands of frames: the causes, a line each."""
    head, _, causes = message.partition("Caused by:")
    lines = [_NUMBER.sub("", line).strip() for line in causes.splitlines() if line.strip()]
    return "; ".join(lines) if lines else head.splitlines()[0].strip()
