"""One running component: a fiber that trio drives.

A guest runs on the event loop's thread until it waits for the host or its turn is over: it has used up a slice of fuel, or
kept the thread for some milliseconds with host calls. A guest that goes on computing gets some more slices there, with
everybody else's turns between them, since most are nearly done and a change of threads costs as much as half a slice; then
it is moved to a worker thread, so that it holds up neither the loop nor another guest. Its next host call brings it back,
because host functions run on the loop's thread alone. ctypes drops the GIL while wasm runs.

What crosses between it and the host, and where its calls stand, is in its `Boundary`.
"""

from __future__ import annotations

import ctypes
import time
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.engine import native
from runtime.engine.boundary import Boundary, Exit, HostAnswer, Waiting, ended_by
from runtime.engine.current import current
from runtime.engine.errors import last_cause
from runtime.engine.glue import HOST, TABLE
from runtime.engine.image import ENTRY, Image
from runtime.engine.interface import GuestExit, Wait, WitError
from runtime.engine.limits import MAX_MEMORIES, MAX_TABLES, TooLargeError
from runtime.engine.lines import Member, paying
from runtime.engine.turns import LOOP_TURN_SECONDS, LoopTurn
from runtime.exhaustion import exhausted

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.engine.limits import Limits
    from runtime.engine.program import Place, Program
    from runtime.engine.turns import Processors, Share

UNLIMITED_FUEL: Final = 2**62

SLICE_FUEL: Final = 5_000_000
"""About a millisecond of work: long enough that a prompt's work mostly stays on the loop, short enough that a guest
that spins takes little of the loop's time before it is moved."""

LOOP_SLICES: Final = 10
"""How many slices it gets on the loop after one wait for the host and before the next: a short turn of an agent on
SpiderMonkey takes some five in all."""

WORKER_TURN_SECONDS: Final = 0.01
"""How long a guest keeps a worker before the next one gets its turn."""

OUT_OF_FUEL: Final = Exit("out_of_fuel", message="the fuel limit is used up")


class Guest:
    """A guest that has not started yet; `run` runs it to its end, once."""

    def __init__(
        self, program: Program, state: Any, limits: Limits, processors: Processors, share: Share, image: Image | None
    ) -> None:
        self._program = program
        self._limits = limits
        self._fuel_limit = UNLIMITED_FUEL if limits.fuel is None else limits.fuel
        self._turn = LoopTurn(processors.loop, share)
        self._workers = Member(processors.workers, share.workers)
        self._threads = processors.threads
        self._boundary = Boundary(program.recipe, state)
        self._scope = trio.CancelScope()
        self._stop = False
        self._store: int | None = None
        self._context = 0
        self._future: int | None = None
        self._memories: list[native.Memory] = []
        self._elements: native.ElementSetter
        self._memory_used = 0
        self._fuel_used = 0
        self._on_worker = self.waits = False  # `waits`: in a call of the host that has no answer yet
        self._loop_slices = LOOP_SLICES
        self._image = image
        self._copies: list[Image] = []
        self._postponed: list[Callable[[], None]] = []

    @property
    def fuel_used(self) -> int:
        """Fuel used so far; while a worker runs the guest, as of the worker's start."""
        if self._store is not None and not self._on_worker:
            self._fuel_used = self._fuel_limit - native.get_fuel(self._context)
        return self._fuel_used

    @property
    def memory_used(self) -> int:
        """Bytes of its memories and tables, and in the end those that it had: since memories never shrink, the peak, too.

        While a worker runs the guest, as of the worker's start.
        """
        if self._store is not None and not self._on_worker:
            self._memory_used = self._program.table_bytes + sum(memory.size() for memory in self._memories)
        return self._memory_used

    def image(self, start: int, end: int) -> Image:
        """Its memory from `start` to `end`, for another guest of the program to begin with; see `Image`."""
        self._copies = [copy for copy in self._copies if not copy.done.is_set()]
        sole = self._memories[0] if self._store is not None and len(self._memories) == 1 else None
        self._copies.append(Image(sole, start, end))
        return self._copies[-1]

    def at_rest(self, function: Callable[[], None]) -> None:
        """Call `function`, which changes the guest's memory from outside of its calls, when no other thread runs the guest.

        That is now, or within `WORKER_TURN_SECONDS`; never when the guest has ended.
        """
        if self._on_worker:
            self._postponed.append(function)
        elif self._store is not None:
            function()

    def kill(self) -> None:
        """End the guest, whatever it does: waiting, spinning or in a host call. `run` returns when it is freed."""
        self._stop = True
        self._scope.cancel()

    async def run(self) -> Exit:
        """Instantiate, call `wasi:cli/run`, and return how it ended. Cancelling it kills the guest.

        The guest's memory and resources are gone when this returns or raises.
        """
        paying.set(self._turn.pay)
        try:
            with self._scope:
                return await self._run()
            return Exit("killed", message="killed")
        finally:
            with trio.CancelScope(shield=True):  # to free a guest takes 0.3 ms, and a thousand may be killed at once
                await self._turn.begin(queued=True)
            self._free()

    async def _run(self) -> Exit:
        try:
            bounds = self._program.bounds(self._limits.memory_bytes)
        except TooLargeError as error:
            await trio.lowlevel.checkpoint()
            return Exit("trap", message=str(error))
        self._store = native.store_new(native.pointer(self._program.engine), None, None)
        self._context = self._boundary.store = native.store_context(self._store)
        # -1: the number of instances is the component's own, fixed when it was compiled.
        native.store_limiter(self._store, bounds.memory_bytes, bounds.table_elements, -1, MAX_TABLES, MAX_MEMORIES)
        native.take_error(native.set_fuel(self._context, self._fuel_limit))
        native.take_error(native.set_yield_interval(self._context, SLICE_FUEL))
        places = self._program.places
        instances = native.room(native.INSTANCE_SIZE * len(places))
        if ended := await self._instantiate(ctypes.addressof(instances)):
            return ended
        entry = self._program.run
        if self._image is not None:
            if (failed := await self._image.copy_to(self._memories, self._turn.pause)) is not None:
                return Exit("trap", message=failed)
            entry = entry[0], ENTRY
        self._boundary.enter(self._program.recipe.enters)
        ended, result = await self._call(ctypes.addressof(instances), entry)
        if ended is None and result > 1:
            ended = Exit("trap", message="run has returned an invalid discriminant: there is no such case")
        if ended is None and self._program.post_return is not None:
            self._boundary.clean_up(returning=True)
            ended, _ = await self._call(ctypes.addressof(instances), self._program.post_return, result)
        return ended or Exit("exit", code=result)

    async def _instantiate(self, instances: int) -> Exit | None:
        """Make the modules' instances at this address, one after another; how the guest has ended if that has failed.

        What start functions do is pre-empted like everything else.
        """
        context, program = self._context, self._program
        error, trap = ctypes.c_void_p(), ctypes.c_void_p()
        linker, made = program.take_linker(), False
        try:
            for index, place in enumerate(program.places):
                address = instances + native.INSTANCE_SIZE * index
                self._future = native.instantiate_async(
                    linker, context, place.module, address, ctypes.addressof(trap), ctypes.addressof(error)
                )
                await self._drive()
                if ended := self._how_it_ended(error.value, trap.value):
                    return ended
                if place.name_size:
                    error.value = native.define_instance(linker, context, place.name, place.name_size, address)
                    if ended := self._how_it_ended(error.value, None):
                        return ended
                if index == 0:
                    self._find_table(linker, address)
                self._find_exports(place, address)
            made = True
        finally:
            program.give_linker(linker, whole=made)
        return None

    def _find_exports(self, place: Place, instance: int) -> None:
        """Let the functions that work on a memory of this instance have it, and the glue those that it calls."""
        context = self._context
        for name, contexts in place.memories:
            if (extern := native.export(context, instance, name)) is not None:
                memory = native.Memory(context, extern)
                for number in contexts:
                    self._boundary.contexts[number].memory = memory
        for name in place.measured:
            if (extern := native.export(context, instance, name)) is not None:
                self._memories.append(native.Memory(context, extern))
        for element, name in place.elements:
            self._elements.from_instance(element, instance, name)

    def _find_table(self, linker: int, glue: int) -> None:
        """The glue's instance is there: find its table, and put the host's functions into it that the glue calls."""
        table = native.export(self._context, glue, TABLE.encode())
        self._elements = native.ElementSetter(self._context, table)
        for element, name in self._program.from_host:
            self._elements.from_linker(element, linker, HOST.encode(), name)

    async def _call(self, instances: int, function: tuple[int, bytes], *arguments: int) -> tuple[Exit | None, int]:
        """Call an export that takes i32s and returns one or none: (how the guest has ended or None, the result)."""
        index, name = function
        extern = native.export(self._context, instances + native.INSTANCE_SIZE * index, name)
        if extern is None:
            return Exit("trap", message=f"there is no function {name.decode()}"), 0
        error, trap = ctypes.c_void_p(), ctypes.c_void_p()
        values = ctypes.create_string_buffer(b"".join(map(native.i32_value, arguments)), native.VALUE_SIZE * 2)
        result = native.room(native.VALUE_SIZE)
        self._future = native.call_async(
            self._context, ctypes.addressof(extern) + native.FUNC_OFFSET,
            ctypes.addressof(values), len(arguments), ctypes.addressof(result), 0 if arguments else 1,
            ctypes.addressof(trap), ctypes.addressof(error),
        )  # fmt: skip
        await self._drive()
        ended = self._how_it_ended(error.value, trap.value)
        # What it takes and how much it returns was looked at by wasmtime.
        if ended is None and result.raw[:1] != native.I32:
            ended = Exit("trap", message=f"{name.decode()} is not of the core type that it is lifted with")
        return ended, int.from_bytes(result.raw[native.VALUE_OFFSET : native.VALUE_OFFSET + 4], "little")

    def _how_it_ended(self, error: int | None, trap: int | None) -> Exit | None:
        if self._boundary.ended is not None or not (error or trap):
            native.discard(error, trap)
            return self._boundary.ended
        message = native.take_error(error) or native.take_trap(trap) or ""
        if "all fuel consumed" in message:
            return OUT_OF_FUEL
        return Exit("trap", message=last_cause(message))

    async def _drive(self) -> None:
        """Poll the future to its end, waiting and moving between threads as the guest's calls ask for."""
        while not await self._go_on(queued=False):
            self._look_at_fuel()
            if self._boundary.parked:  # its turn is over
                await trio.lowlevel.checkpoint()
            elif await self._compute():
                break
            if self._boundary.waiting and not self._over:
                await self._wait()
            if self._over:
                # A host fault, a kill from inside a host call or in a wait that was not broken off: it is not resumed.
                await trio.lowlevel.checkpoint()
                break
        self._delete_future()

    @property
    def _over(self) -> bool:
        return self._stop or self._boundary.ended is not None

    @property
    def _computes(self) -> bool:
        boundary = self._boundary
        return not (boundary.parked or boundary.waiting or self._over)

    async def _go_on(self, *, queued: bool) -> bool:
        """Go on in a turn, also with the call that was put off; whether the guest has ended. Then the turn is not over yet."""
        began = await self._turn.begin(queued=queued)
        finished = False
        try:
            if self._boundary.parked:
                self._answer_parked()
            finished = self._computes and self._poll(began, on_loop=True)
        finally:
            if not finished:
                self._turn.end()
        return finished

    async def _compute(self) -> bool:
        """Go on until the guest calls the host or is killed, or ends: then True."""
        while self._computes:
            if self._loop_slices:
                self._loop_slices -= 1
                ended = await self._go_on(queued=True)
            else:
                ended = await self._work()
            if ended:
                return True
            self._look_at_fuel()
        return False

    def _look_at_fuel(self) -> None:
        if self._limits.spent is not None and self._boundary.ended is None and self._limits.spent():
            self._boundary.ended = OUT_OF_FUEL

    async def _work(self) -> bool:
        """One turn on a worker thread; whether the guest has ended."""
        used = 0.0
        await self._workers.take()
        _ = self.fuel_used, self.memory_used  # for who asks meanwhile
        self._on_worker = True
        try:
            finished, used = await trio.to_thread.run_sync(self._spin, limiter=self._threads)
        except RuntimeError as error:
            if exhausted(error) is None:
                raise
            self._loop_slices = LOOP_SLICES  # there is no thread to be had: it goes on where it is
            return False
        finally:
            self._on_worker = False
            self._workers.give(used)
            while self._postponed:
                self._postponed.pop(0)()
        self._boundary.drop_pending()
        return finished

    def _spin(self) -> tuple[bool, float]:
        """On a worker thread: poll until the guest ends, calls the host, is killed or has had its turn.

        Whether it has ended, and the seconds of a processor that it took.
        """
        began, deadline = time.thread_time(), time.perf_counter() + WORKER_TURN_SECONDS
        finished = False
        while not finished and self._computes and time.perf_counter() < deadline:
            finished = self._poll(0.0, on_loop=False)
        return finished, time.thread_time() - began

    def _poll(self, now: float, *, on_loop: bool) -> bool:
        current.guest = boundary = self._boundary
        if boundary.hurried:
            boundary.hurried = False
            native.take_error(native.set_yield_interval(self._context, SLICE_FUEL))
        boundary.begin_turn(now + LOOP_TURN_SECONDS, on_loop=on_loop)
        done: bool = native.future_poll(self._future)
        return done

    def _answer_parked(self) -> None:
        """Begin the call that was put off: its answer, or its wait, is on the boundary then."""
        boundary = self._boundary
        assert boundary.parked is not None
        call, values, context, pointer = boundary.parked
        boundary.parked = None
        try:
            value = call.function(boundary.state, *values)
            for view in values:
                if isinstance(view, memoryview):
                    view.release()  # as in `abi.calls`
        except WitError as error:
            boundary.answer = HostAnswer(call, context, pointer, ok=False, value=error.value)
        except BaseException as error:  # anything else is the host's fault and ends this guest alone
            boundary.ended = ended_by(call.name, error)
        else:
            if isinstance(value, Wait):
                boundary.waiting = Waiting(call, value, context, pointer)
            else:
                boundary.answer = HostAnswer(call, context, pointer, ok=True, value=value)

    async def _wait(self) -> None:
        """Do the waiting that the guest's call asks for; its fiber picks the answer up at the next poll."""
        boundary = self._boundary
        assert boundary.waiting is not None
        (call, wait, context, pointer), boundary.waiting = boundary.waiting, None
        self._loop_slices, self.waits = LOOP_SLICES, True
        try:
            boundary.answer = HostAnswer(call, context, pointer, ok=True, value=await wait.function(*wait.arguments))
        except WitError as error:
            boundary.answer = HostAnswer(call, context, pointer, ok=False, value=error.value)
        except (Exception, GuestExit) as error:  # as above; Cancelled passes, since it is how a guest is killed
            boundary.ended = ended_by(call.name, error)
        self.waits = False

    # The end

    def _delete_future(self) -> None:
        if self._future is not None:
            current.guest = self._boundary
            native.future_delete(self._future)
            self._future = None

    def _free(self) -> None:
        for copy in self._copies:
            copy.forget()
        if self._image is not None:
            self._image.done.set()
        self._postponed.clear()
        self._delete_future()
        if self._store is not None:
            _ = self.fuel_used, self.memory_used
            self._memories.clear()
            store, self._store = self._store, None
            self._boundary.close()
            native.store_delete(store)
        self._turn.end()
