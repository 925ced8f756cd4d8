"""What the end of a guest leaves behind: no further step, and nothing of the host's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio
from trio.testing import wait_all_tasks_blocked
from wasmtime import wat2wasm

from runtime.engine import Engine, Exit, HostInterface, Limits, Resource, Wait
from runtime.engine.turns import LOOP_TURN_SECONDS
from tests.engine.wat import command

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


async def test_killed_in_a_wait_that_cannot_be_broken_off() -> None:
    """Such as a commit: the guest ends when the wait is over, without its answer."""
    interface = HostInterface("test:host/calls")
    go_on = trio.Event()
    after: list[int] = []

    async def shielded() -> int:
        with trio.CancelScope(shield=True):
            await go_on.wait()
        return 0

    interface.functions.update(slow=lambda _state: Wait(shielded), then=lambda _state: after.append(1) or 0)
    engine = Engine([interface])
    body = "(drop (call $slow)) (call $then)"
    program = engine.load_bytes(command(body, functions=dict.fromkeys(("slow", "then"), "(result u32)")))
    victim = engine.guest(program, None, Limits())
    ends: list[Exit] = []

    async def run() -> None:
        ends.append(await victim.run())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await wait_all_tasks_blocked()
        victim.kill()
        await wait_all_tasks_blocked()
        assert not ends
        go_on.set()
    assert ends == [Exit("killed", message="killed")]
    assert not after


class Held(Resource):
    """Something of the host's that must be given back."""

    def __init__(self) -> None:
        self.drops = 0

    def drop(self) -> None:
        self.drops += 1


def with_handles(body: str) -> bytes:
    """A component that imports a resource with `make`, which gives one, `take`, which takes one, and `stop`."""
    return bytes(
        wat2wasm(f"""
    (component
      (import "test:host/calls@0.2.0" (instance $h
        (export "handle" (type $handle (sub resource)))
        (export "make" (func (result (own $handle))))
        (export "take" (func (param "it" (own $handle)) (param "also" (borrow $handle))))
        (export "stop" (func))))
      (alias export $h "make" (func $make)) (core func $make' (canon lower (func $make)))
      (alias export $h "take" (func $take)) (core func $take' (canon lower (func $take)))
      (alias export $h "stop" (func $stop)) (core func $stop' (canon lower (func $stop)))
      (core module $m
        (import "h" "make" (func $make (result i32)))
        (import "h" "take" (func $take (param i32 i32)))
        (import "h" "stop" (func $stop))
        (func (export "run") (result i32) {body} (i32.const 0)))
      (core instance $i (instantiate $m (with "h" (instance
        (export "make" (func $make')) (export "take" (func $take')) (export "stop" (func $stop'))))))
      (func $run (result (result)) (canon lift (core func $i "run")))
      (instance $r (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $r)))""")
    )


class Hands:
    """A host of Held objects, and all that it has made."""

    def __init__(self, body: str, **functions: Callable[..., object]) -> None:
        self.made: list[Held] = []
        interface = HostInterface("test:host/calls")
        interface.resource("handle", Held)
        interface.functions.update({"make": lambda _state: self.new(), "take": _unused, "stop": _unused, **functions})
        engine = Engine([interface])
        self.guest = engine.guest(engine.load_bytes(with_handles(body)), None, Limits())

    def new(self) -> Held:
        self.made.append(Held())
        return self.made[-1]


def _unused(*_arguments: object) -> None:
    raise AssertionError("this guest should not have come so far")


async def test_a_resource_that_there_is_no_room_for_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.engine.boundary.MAX_HANDLES", 1)
    hands = Hands("(drop (call $make)) (drop (call $make))")
    assert (await hands.guest.run()).reason == "trap"
    assert [each.drops for each in hands.made] == [1, 1]


async def test_resources_of_a_call_that_no_function_got_are_dropped() -> None:
    def stop(_state: object) -> None:
        hands.guest.kill()
        ends = time.perf_counter() + LOOP_TURN_SECONDS
        while time.perf_counter() <= ends:  # so that the next call is put off until the others have had their turn
            pass

    hands = Hands("(call $make) (call $make) (call $stop) (call $take)", stop=stop)
    assert (await hands.guest.run()).reason == "killed"
    assert [each.drops for each in hands.made] == [1, 1]


async def test_resources_in_an_answer_that_the_guest_did_not_get_are_dropped() -> None:
    async def make_and_kill() -> Held:
        await trio.lowlevel.checkpoint()
        hands.guest.kill()
        return hands.new()

    hands = Hands("(drop (call $make))", make=lambda _state: Wait(make_and_kill))
    assert (await hands.guest.run()).reason == "killed"
    assert [each.drops for each in hands.made] == [1]
