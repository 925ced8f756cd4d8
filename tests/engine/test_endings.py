"""What the end of a guest leaves behind: no further step, and nothing of the host's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from trio.testing import wait_all_tasks_blocked
from wasmtime import wat2wasm

from runtime.engine import Engine, Exit, HostInterface, Limits, Resource, Wait, resources
from tests.engine.wat import command

if TYPE_CHECKING:
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


async def test_a_resource_that_there_is_no_room_for_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "MAX_RESOURCES", 1)
    held: list[Held] = []
    interface = HostInterface("test:host/calls")
    interface.resource("handle", Held)

    def make(_state: object) -> Held:
        held.append(Held())
        return held[-1]

    interface.functions["make"] = make
    engine = Engine([interface])
    program = engine.load_bytes(
        bytes(
            wat2wasm("""
    (component
      (import "test:host/calls@0.2.0" (instance $h
        (export "handle" (type $handle (sub resource)))
        (export "make" (func (result (own $handle))))))
      (alias export $h "make" (func $make)) (core func $make' (canon lower (func $make)))
      (core module $m
        (import "h" "make" (func $make (result i32)))
        (func (export "run") (result i32) (drop (call $make)) (drop (call $make)) (i32.const 0)))
      (core instance $i (instantiate $m (with "h" (instance (export "make" (func $make'))))))
      (func $run (result (result)) (canon lift (core func $i "run")))
      (instance $r (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $r)))""")
        )
    )
    assert (await engine.guest(program, None, Limits()).run()).reason == "trap"
    assert [each.drops for each in held] == [1, 1]
