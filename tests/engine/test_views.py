"""Host functions that are given a guest's memory itself in place of bytes."""

from __future__ import annotations

import pytest
from wasmtime import wat2wasm

from runtime.engine import Engine, Exit, HostInterface, Limits
from runtime.engine.guest import LOOP_SLICES, SLICE_FUEL

WAT = """
(component
  (import "test:host/calls@0.2.0" (instance $h (export "take" (func (param "data" (list u8))))))
  (core module $lib (memory (export "memory") 1) (data (i32.const 65530) "abcdef"))
  (core instance $lib (instantiate $lib))
  (alias core export $lib "memory" (core memory $memory))
  (core func $take (canon lower (func $h "take") (memory $memory)))
  (core module $m
    (import "l" "memory" (memory 1))
    (import "h" "take" (func $take (param i32 i32)))
    (func (export "run") (result i32) (local $i i32)
      (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (i32.const SPINS))))
      (call $take (i32.const 65530) (i32.const LENGTH))
      (i32.const 0)))
  (core instance $i (instantiate $m (with "l" (instance $lib)) (with "h" (instance (export "take" (func $take))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $r (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $r)))
"""
ON_A_WORKER = SLICE_FUEL * (LOOP_SLICES + 2) // 4  # of some five instructions each


async def run(host: HostInterface, *, length: int = 6, spins: int = 1) -> Exit:
    engine = Engine([host])
    program = engine.load_bytes(bytes(wat2wasm(WAT.replace("LENGTH", str(length)).replace("SPINS", str(spins)))))
    return await engine.guest(program, None, Limits()).run()


@pytest.mark.parametrize("spins", [1, ON_A_WORKER], ids=["at once", "put off"])
async def test_a_view_has_the_guests_bytes_until_the_function_returns(spins: int) -> None:
    kept: list[memoryview] = []
    seen: list[bytes] = []

    def take(_state: object, data: memoryview) -> None:
        assert data.readonly
        kept.append(data)
        seen.append(bytes(data))

    host = HostInterface("test:host/calls")
    host.function("take", views=True)(take)
    assert await run(host, spins=spins) == Exit("exit", code=0)
    assert seen == [b"abcdef"]
    with pytest.raises(ValueError, match="released"):
        bytes(kept[0])


async def test_without_asking_it_gets_bytes() -> None:
    seen: list[object] = []
    host = HostInterface("test:host/calls")
    host.function("take")(lambda _state, data: seen.append(data))
    assert await run(host) == Exit("exit", code=0)
    assert seen == [b"abcdef"]


async def test_a_view_beyond_the_memory_is_a_trap() -> None:
    host = HostInterface("test:host/calls")
    host.function("take", views=True)(lambda _state, _data: None)
    ended = await run(host, length=7)
    assert ended.reason == "trap"
    assert "out of bounds" in ended.message
