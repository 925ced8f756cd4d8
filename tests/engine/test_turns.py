"""What one guest may take of the loop's time and of the host's memory."""

from __future__ import annotations

import threading
import time

import pytest
import trio
from wasmtime import wat2wasm

from runtime.engine import Engine, Exit, Guest, HostInterface, Limits, Wait
from runtime.engine.guest import LOOP_SLICES, SLICE_FUEL
from runtime.engine.limits import MAX_TABLE_ELEMENTS, MAX_TABLES
from runtime.engine.turns import LOOP_TURN_SECONDS
from tests.engine.wat import command

CALLS = 50
BUSY = f"""
  (local.set $i (i32.const {CALLS}))
  (loop $l (drop (call $work)) (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
  (i32.const 0)"""


def caller(*, instant: bool) -> tuple[Guest, list[int]]:
    """A guest that does nothing but call the host, and how often it has."""
    calls: list[int] = []
    interface = HostInterface("test:host/calls")

    @interface.function("work", instant=instant)
    def work(_state: object) -> int:
        ends = time.perf_counter() + LOOP_TURN_SECONDS / 4
        while time.perf_counter() < ends:
            pass
        calls.append(1)
        return 0

    engine = Engine([interface])
    return engine.guest(engine.load_bytes(command(BUSY, functions={"work": "(result u32)"})), None, Limits()), calls


@pytest.mark.parametrize("instant", [False, True])
async def test_a_guest_that_only_calls_the_host_lets_others_run(instant: bool) -> None:
    """Host calls use next to no fuel, so fuel alone would let it keep the loop for as long as it likes."""
    guest, calls = caller(instant=instant)
    rounds = 0
    async with trio.open_nursery() as nursery:

        async def run() -> None:
            assert await guest.run() == Exit("exit", code=0)
            nursery.cancel_scope.cancel()

        nursery.start_soon(run)
        while True:
            try:
                await trio.lowlevel.checkpoint()
            except trio.Cancelled:
                break
            rounds += 1
    assert len(calls) == CALLS
    assert rounds >= CALLS / 8  # five or six calls a turn: the one that is late is still answered


async def test_a_guest_of_many_instances_lets_others_run_while_they_are_made() -> None:
    """Each begins at once after the one before, as long as the turn has time left."""
    interface = HostInterface("test:host/calls")

    @interface.function("work", instant=True)
    def work(_state: object) -> int:
        ends = time.perf_counter() + LOOP_TURN_SECONDS
        while time.perf_counter() < ends:
            pass
        return 0

    instances = "\n".join(
        f'(core instance $i{number} (instantiate $m (with "h" (instance (export "work" (func $work))))))'
        for number in range(CALLS)
    )
    content = wat2wasm(f"""
    (component
      (import "test:host/calls@0.2.0" (instance $h (export "work" (func (result u32)))))
      (alias export $h "work" (func $c))
      (core func $work (canon lower (func $c)))
      (core module $m
        (import "h" "work" (func $work (result i32)))
        (func $start (drop (call $work))) (start $start)
        (func (export "run") (result i32) (i32.const 0)))
      {instances}
      (func $run (result (result)) (canon lift (core func $i0 "run")))
      (instance $r (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $r)))
    """)
    engine = Engine([interface])
    guest, ends, rounds = engine.guest(engine.load_bytes(bytes(content)), None, Limits()), [], 0
    async with trio.open_nursery() as nursery:

        async def run() -> None:
            ends.append(await guest.run())

        nursery.start_soon(run)
        while not ends:
            await trio.lowlevel.checkpoint()
            rounds += 1
    assert ends == [Exit("exit", code=0)]
    assert rounds >= CALLS / 2


@pytest.mark.parametrize("instant", [False, True])
async def test_it_can_be_killed_between_its_calls(instant: bool) -> None:
    guest, calls = caller(instant=instant)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(guest.run)
        while not calls:
            await trio.lowlevel.checkpoint()
        guest.kill()
    assert len(calls) < CALLS


@pytest.mark.parametrize(("slices", "on_the_loop"), [(LOOP_SLICES // 2, True), (LOOP_SLICES * 2, False)])
async def test_a_guest_that_goes_on_computing_leaves_the_loop(slices: int, on_the_loop: bool) -> None:
    threads: list[int] = []
    interface = HostInterface("test:host/calls")
    interface.function("work", instant=True)(lambda _state: threads.append(threading.get_ident()) or 0)
    # An iteration takes at least four instructions.
    compute = f"""
      (local.set $i (i32.const {slices * SLICE_FUEL // 4}))
      (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (call $work)"""
    engine = Engine([interface])
    guest = engine.guest(engine.load_bytes(command(compute, functions={"work": "(result u32)"})), None, Limits())
    assert await guest.run() == Exit("exit", code=0)
    assert guest.fuel_used > slices * SLICE_FUEL
    assert (threads == [threading.get_ident()]) is on_the_loop


async def test_a_wait_gives_a_guest_the_loop_again() -> None:
    threads: list[int] = []
    interface = HostInterface("test:host/calls")
    interface.function("work", instant=True)(lambda _state: threads.append(threading.get_ident()) or 0)
    interface.function("rest")(lambda _state: Wait(rest))

    async def rest() -> int:
        await trio.lowlevel.checkpoint()
        return 0

    compute = f"""
      (local.set $i (i32.const {LOOP_SLICES // 2 * SLICE_FUEL // 4}))
      (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (drop (call $work))"""
    body = f"{compute} (drop (call $rest)) {compute} (drop (call $rest)) {compute} (call $rest)"
    engine = Engine([interface])
    program = engine.load_bytes(command(body, functions=dict.fromkeys(("work", "rest"), "(result u32)")))
    assert await engine.guest(program, None, Limits()).run() == Exit("exit", code=0)
    assert set(threads) == {threading.get_ident()}


def component(core: str) -> bytes:
    return bytes(
        wat2wasm(f"""
    (component
      (core module $m {core})
      (core instance $i (instantiate $m))
      (func $run (result (result)) (canon lift (core func $i "run")))
      (instance $r (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $r)))""")
    )


@pytest.mark.parametrize(("entries", "code"), [(MAX_TABLE_ELEMENTS // 2, 0), (MAX_TABLE_ELEMENTS, 1)])
async def test_tables_are_memory_too(entries: int, code: int) -> None:
    engine = Engine([])
    grows = f"""
      (table $t 1 funcref)
      (func (export "run") (result i32)
        (i32.eq (table.grow $t (ref.null func) (i32.const {entries})) (i32.const -1)))"""
    assert await engine.guest(engine.load_bytes(component(grows)), None, Limits()).run() == Exit("exit", code=code)


async def test_many_tables_are_refused() -> None:
    engine = Engine([])
    many = "(table 1 funcref) " * (MAX_TABLES + 1)
    program = engine.load_bytes(component(f'{many} (func (export "run") (result i32) (i32.const 0))'))
    ended = await engine.guest(program, None, Limits()).run()
    assert ended.reason == "trap"
    assert "limit" in ended.message


async def test_a_trap_is_told_without_wasmtimes_numbering() -> None:
    engine = Engine([])
    code = '(memory 1) (func (export "run") (result i32) (i32.load (i32.const -16)))'
    ended = await engine.guest(engine.load_bytes(component(code)), None, Limits()).run()
    assert ended.message == (
        "memory fault at wasm address 0xfffffff0 in linear memory of size 0x10000; "
        "wasm trap: out of bounds memory access"
    )
