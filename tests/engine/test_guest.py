"""How guests run, wait, are pre-empted, fail and are killed."""

from __future__ import annotations

import os
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.engine import Engine, Exit, Guest, GuestExit, HostInterface, Limits, Resource, Wait, WitError
from runtime.engine.guest import SLICE_FUEL
from runtime.engine.program import SPARE_LINKERS
from tests.engine.wat import SPIN, command


class Host:
    """A host interface whose functions a test fills in."""

    def __init__(self) -> None:
        self.interface = HostInterface("test:host/calls")
        self.engine = Engine([self.interface])

    def guest(self, body: str, limits: Limits | None = None, **functions: Any) -> Guest:
        for name, function in functions.items():
            self.interface.functions[name] = function
        signatures = dict.fromkeys(functions, "(result u32)")
        program = self.engine.load_bytes(command(body, functions=signatures))
        return self.engine.guest(program, "state", limits or Limits())


@pytest.fixture
def host() -> Host:
    return Host()


async def test_runs_to_its_end(host: Host) -> None:
    assert await host.guest("(i32.const 0)").run() == Exit("exit", code=0)
    assert await host.guest("(i32.const 1)").run() == Exit("exit", code=1)


async def test_host_functions_get_the_state_and_answer_in_place(host: Host) -> None:
    seen = []

    def ask(state: str) -> int:
        seen.append(state)
        return 7

    assert await host.guest("(i32.ne (call $ask) (i32.const 7))", ask=ask).run() == Exit("exit", code=0)
    assert seen == ["state"]


async def test_a_waiting_call_suspends_its_guest_alone(host: Host) -> None:
    gate = trio.Event()
    order: list[str] = []

    async def wait() -> int:
        order.append("waiting")
        await gate.wait()
        return 5

    waiting = host.guest("(i32.ne (call $slow) (i32.const 5))", slow=lambda _s: Wait(wait))
    async with trio.open_nursery() as nursery:

        async def run() -> None:
            assert await waiting.run() == Exit("exit", code=0)
            order.append("ended")

        nursery.start_soon(run)
        await wait_all_tasks_blocked()
        assert await host.guest("(i32.const 0)").run() == Exit("exit", code=0)
        order.append("another ran")
        gate.set()
    assert order == ["waiting", "another ran", "ended"]


async def test_of_guests_that_are_killed_together_one_is_freed_a_round(host: Host) -> None:
    guests = [host.guest("(call $never)", never=lambda _s: Wait(trio.sleep_forever)) for _ in range(20)]
    ended: list[Exit] = []

    async def run(guest: Guest) -> None:
        ended.append(await guest.run())

    rounds = 0
    async with trio.open_nursery() as nursery:
        for guest in guests:
            nursery.start_soon(run, guest)
        await wait_all_tasks_blocked()
        for guest in guests:
            guest.kill()
        while len(ended) < len(guests):
            await trio.lowlevel.checkpoint()
            rounds += 1
    assert {each.reason for each in ended} == {"killed"}
    assert rounds >= len(guests) - 1


async def test_guests_that_begin_together_have_linkers_of_their_own(host: Host) -> None:
    """Their start functions go on for some turns, so that each finds instances of the others where it defines its own."""
    seen: list[int] = []
    host.interface.functions["note"] = lambda state: seen.append(state) or 0
    start = f"""
      (local.set $i (i32.const {SLICE_FUEL}))
      (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (drop (call $note))"""
    program = host.engine.load_bytes(command("(call $note)", functions={"note": "(result u32)"}, start=start))
    for _ in range(2):
        async with trio.open_nursery() as nursery:
            for number in range(2 * SPARE_LINKERS):
                nursery.start_soon(host.engine.guest(program, number, Limits()).run)
    assert sorted(seen) == sorted([*range(2 * SPARE_LINKERS)] * 4)
    assert len(program._spare_linkers) == SPARE_LINKERS


async def test_traps_are_told_without_a_backtrace(host: Host) -> None:
    ended = await host.guest("unreachable").run()
    assert ended.reason == "trap"
    assert "unreachable" in ended.message
    assert "\n" not in ended.message


async def test_endless_recursion_ends_the_guest_only(host: Host) -> None:
    ended = await host.guest("(call $deep (i32.const 0))").run()
    assert ended.reason == "trap"
    assert "stack" in ended.message


async def test_exit_by_a_host_call(host: Host) -> None:
    def leave(_state: str) -> int:
        raise GuestExit(42)

    assert await host.guest("(drop (call $leave)) unreachable", leave=leave).run() == Exit("exit", code=42)


@pytest.mark.parametrize("spins", [False, True], ids=["on the loop", "on a worker"])
async def test_a_host_fault_ends_that_guest_and_hides_the_cause(
    host: Host, caplog: pytest.LogCaptureFixture, spins: bool
) -> None:
    def broken(_state: str) -> int:
        raise RuntimeError("a secret of the host")

    body = "(drop (call $broken)) (i32.const 0)"
    ended = await host.guest(_after_a_while(body) if spins else body, broken=broken).run()
    assert ended.reason == "fault"
    assert "secret" not in ended.message
    assert "a secret of the host" in caplog.text


async def test_a_fault_in_a_wait_ends_the_guest(host: Host) -> None:
    async def broken() -> int:
        await trio.lowlevel.checkpoint()
        raise RuntimeError("late")

    assert (await host.guest("(call $slow)", slow=lambda _s: Wait(broken)).run()).reason == "fault"


async def test_an_answer_of_the_wrong_type_is_a_fault(host: Host) -> None:
    assert (await host.guest("(call $odd)", odd=lambda _s: "text").run()).reason == "fault"
    assert (await host.guest("(call $odd)", odd=lambda _s: 2**40).run()).reason == "fault"

    def no_error_case(_state: str) -> int:
        raise WitError("nowhere to put it")

    assert (await host.guest("(call $odd)", odd=no_error_case).run()).reason == "fault"


async def test_two_guests_failing_at_once_keep_their_own_causes(host: Host) -> None:
    """Each is suspended in a call when the other fails, and each hears of its own failure."""
    gate = trio.Event()
    ends: dict[str, Exit] = {}

    async def fail() -> int:
        await gate.wait()
        raise RuntimeError("fault")

    async def leave() -> int:
        await gate.wait()
        return 0

    async def run(name: str, guest: Guest) -> None:
        ends[name] = await guest.run()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, "fault", host.guest("(call $fail)", fail=lambda _s: Wait(fail)))
        nursery.start_soon(run, "trap", host.guest("(drop (call $leave)) unreachable", leave=lambda _s: Wait(leave)))
        nursery.start_soon(run, "exit", host.guest("(call $leave)", leave=lambda _s: Wait(leave)))
        await wait_all_tasks_blocked()
        gate.set()
    assert {name: end.reason for name, end in ends.items()} == {"fault": "fault", "trap": "trap", "exit": "exit"}


def _after_a_while(body: str) -> str:
    """Compute for longer than a slice first, so that what follows happens on a worker thread."""
    return f"""
      (local.set $i (i32.const 20000000))
      (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      {body}"""


async def test_host_calls_of_a_computing_guest_run_on_the_loops_thread(host: Host) -> None:
    loop_thread = trio.lowlevel.current_task()
    seen = []

    def ask(_state: str) -> int:
        seen.append(trio.lowlevel.current_task() is loop_thread)
        return 0

    assert await host.guest(_after_a_while("(call $ask)"), ask=ask).run() == Exit("exit", code=0)
    assert seen == [True]


async def test_guests_can_share_an_amount_of_fuel(host: Host) -> None:
    together = 500_000_000
    guests: list[Guest] = []
    limits = Limits(spent=lambda: sum(guest.fuel_used for guest in guests) >= together)
    guests += [host.guest(SPIN, limits) for _ in range(3)]
    ended: list[str] = []

    async def run(guest: Guest) -> None:
        ended.append((await guest.run()).reason)

    async with trio.open_nursery() as nursery:
        for guest in guests:
            nursery.start_soon(run, guest)
    assert ended == ["out_of_fuel"] * 3
    assert together <= sum(guest.fuel_used for guest in guests) < 2 * together


async def test_fuel_is_counted_and_limited(host: Host) -> None:
    guest = host.guest(SPIN, Limits(fuel=20_000_000))
    ended = await guest.run()
    assert ended.reason == "out_of_fuel"
    assert guest.fuel_used == pytest.approx(20_000_000, rel=0.01)
    short = host.guest("(i32.const 0)")
    await short.run()
    assert 0 < short.fuel_used < 1000


async def test_memory_beyond_the_limit_is_refused_to_the_guest(host: Host) -> None:
    grows = "(i32.ne (memory.grow (i32.const 32)) (i32.const -1))"  # by 2 MiB; run fails if it was granted
    assert await host.guest(grows, Limits(memory_bytes=1024 * 1024)).run() == Exit("exit", code=0)
    assert await host.guest(grows, Limits(memory_bytes=4 * 1024 * 1024)).run() == Exit("exit", code=1)


class TestKill:
    async def test_while_it_waits(self, host: Host) -> None:
        cancelled = []

        async def forever() -> int:
            try:
                await trio.sleep_forever()
            except trio.Cancelled:
                cancelled.append(True)
                raise
            return 0

        guest = host.guest("(call $slow)", slow=lambda _s: Wait(forever))
        await self._kill_once_settled(guest)
        assert cancelled == [True]

    async def test_while_it_spins(self, host: Host) -> None:
        guest = host.guest(SPIN)
        async with trio.open_nursery() as nursery:
            ends: list[Exit] = []

            async def run() -> None:
                ends.append(await guest.run())

            nursery.start_soon(run)
            while guest.fuel_used < 30_000_000:  # it has been on a worker
                await trio.lowlevel.checkpoint()
            guest.kill()
        assert ends[0].reason == "killed"

    async def test_from_inside_its_own_host_call(self, host: Host) -> None:
        guests: list[Guest] = []

        def suicide(_state: str) -> int:
            guests[0].kill()
            return 0

        guests.append(host.guest(f"(drop (call $suicide)) {SPIN}", suicide=suicide))
        assert (await guests[0].run()).reason == "killed"

    async def test_before_it_starts(self, host: Host) -> None:
        guest = host.guest("(i32.const 0)")
        guest.kill()
        assert (await guest.run()).reason in {"killed", "exit"}

    async def test_by_cancellation(self, host: Host) -> None:
        guest = host.guest(SPIN)
        with trio.move_on_after(0.05) as scope:
            await guest.run()
        assert scope.cancelled_caught

    async def _kill_once_settled(self, guest: Guest) -> None:
        ends: list[Exit] = []

        async def run() -> None:
            ends.append(await guest.run())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            await wait_all_tasks_blocked()
            guest.kill()
        assert ends == [Exit("killed", message="killed")]


async def test_four_spinning_guests_leave_the_loop_alive(host: Host) -> None:
    """No timing here: that the loop goes round at all while they spin, and that a fifth guest gets its answer."""
    spinning = [host.guest(SPIN) for _ in range(4)]
    async with trio.open_nursery() as nursery:
        for guest in spinning:
            nursery.start_soon(guest.run)
        for _ in range(20):
            assert await host.guest("(i32.const 0)").run() == Exit("exit", code=0)
        for guest in spinning:
            guest.kill()


class Handle(Resource):
    def __init__(self) -> None:
        self.drops = 0

    def drop(self) -> None:
        self.drops += 1


@pytest.mark.parametrize("end", ["(i32.const 0)", "unreachable", "(call $stop)"])
async def test_resources_are_dropped_when_the_guest_ends(end: str) -> None:
    """A guest that never drops its handle: the host does, once, however the guest ends."""
    from wasmtime import wat2wasm  # noqa: PLC0415 - the only text component here that has a resource

    interface = HostInterface("test:host/calls")
    interface.resource("handle", Handle)
    handles: list[Handle] = []

    def make(_state: object) -> Handle:
        handles.append(Handle())
        return handles[-1]

    def stop(_state: object) -> int:
        raise GuestExit(3)

    interface.functions.update(make=make, stop=stop)
    engine = Engine([interface])
    program = engine.load_bytes(
        bytes(
            wat2wasm(f"""
    (component
      (import "test:host/calls@0.2.0" (instance $h
        (export "handle" (type $handle (sub resource)))
        (export "make" (func (result (own $handle))))
        (export "stop" (func (result u32)))))
      (alias export $h "make" (func $make)) (core func $make' (canon lower (func $make)))
      (alias export $h "stop" (func $stop)) (core func $stop' (canon lower (func $stop)))
      (core module $m
        (import "h" "make" (func $make (result i32))) (import "h" "stop" (func $stop (result i32)))
        (func (export "run") (result i32) (drop (call $make)) (drop (call $make)) {end}))
      (core instance $i (instantiate $m
        (with "h" (instance (export "make" (func $make')) (export "stop" (func $stop'))))))
      (func $run (result (result)) (canon lift (core func $i "run")))
      (instance $r (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $r)))""")
        )
    )
    await engine.guest(program, None, Limits()).run()
    assert [handle.drops for handle in handles] == [1, 1]


async def test_descriptors_and_threads_come_back(host: Host) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count
    for _ in range(200):
        await host.guest("(i32.const 0)").run()
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # noqa: PTH208
