"""What WebAssembly can do and no guest here needs: each refused, by name. And what the pin of wasmtime stands on."""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from wasmtime import Config, wat2wasm

from runtime.engine import (
    Engine,
    Exit,
    HostInterface,
    InvalidComponentError,
    Limits,
    Resource,
    UnsupportedComponentError,
    native,
)
from runtime.engine.features import SWITCHES, configuration

CORE = {
    "gc": ("(type $s (struct (field i32))) (func (drop (struct.new $s (i32.const 1))))", "gc"),
    "function references": ("(func (param (ref func)))", "function references"),
    "shared memory": ("(memory 1 1 shared)", "threads"),
    "atomics": ("(memory 1) (func (drop (i32.atomic.load (i32.const 0))))", "threads"),
    "64-bit memory": ("(memory i64 1)", "memory64"),
    "relaxed SIMD": (
        "(func (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))",
        "relaxed SIMD",
    ),
    "wide arithmetic": (
        (
            "(func (param i64 i64 i64 i64) (result i64 i64)"
            " (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))"
        ),
        "wide arithmetic",
    ),
    "stack switching": (
        (
            "(type $f (func)) (type $c (cont $f)) (func $g) (elem declare func $g)"
            " (func (drop (cont.new $c (ref.func $g))))"
        ),
        "continuation|stack switching|gc",
    ),
    "page sizes": ("(memory 1 (pagesize 1))", "pages of other sizes|custom page sizes"),
}
ASYNC = {
    "async lift with a callback": """
        (core module $a (func (export "f") (result i32) unreachable)
          (func (export "cb") (param i32 i32 i32) (result i32) unreachable))
        (core instance $ai (instantiate $a))
        (func (export "f") async (canon lift (core func $ai "f") async (callback (core func $ai "cb"))))""",
    "task.return": "(core func (canon task.return))",
    "waitable sets": "(core func (canon waitable-set.new))",
    "streams": "(type $s (stream u8)) (core func (canon stream.new $s))",
    "futures": "(type $f (future u8)) (core func (canon future.new $f))",
    "context": "(core func (canon context.get i32 0))",
    "error contexts": "(core func (canon error-context.drop))",
}


def component(before: str, core: str = "") -> bytes:
    """A command with something in it that it does not need."""
    return bytes(
        wat2wasm(f"""
        (component
          {before}
          (core module $m {core} (func (export "run") (result i32) (i32.const 0)))
          (core instance $i (instantiate $m))
          (func $run (result (result)) (canon lift (core func $i "run")))
          (instance $r (export "run" (func $run)))
          (export "wasi:cli/run@0.2.0" (instance $r)))""")
    )


@pytest.mark.parametrize(("core", "name"), CORE.values(), ids=CORE)
def test_a_proposal_that_is_off_is_refused_by_name(core: str, name: str) -> None:
    with pytest.raises((InvalidComponentError, UnsupportedComponentError), match=name):
        Engine([]).load_bytes(component("", core))


@pytest.mark.parametrize("text", ASYNC.values(), ids=ASYNC)
def test_whatever_is_asynchronous_in_a_component_is_refused_by_name(text: str) -> None:
    with pytest.raises(
        (InvalidComponentError, UnsupportedComponentError),
        match=r"async|task|waitable|stream|future|context|component model",
    ):
        Engine([]).load_bytes(component(text))


def test_what_guests_need_is_on() -> None:
    used = """
      (tag $e) (table 1 funcref) (memory 1)
      (func $simd (result v128) (v128.const i64x2 0 0))
      (func $many (result i32 i32) (i32.const 1) (i32.const 2))
      (func $tail (result i32) (return_call $tail))
      (func $throw (block $h (try_table (catch $e $h) (throw $e))))
      (func $bulk (memory.fill (i32.const 0) (i32.const 0) (i32.const 8)))
      (func $table (drop (table.get 0 (i32.const 0))))"""
    Engine([]).load_bytes(component("", used))


def test_every_switch_is_one_of_the_library() -> None:
    configuration(portable=True)
    assert not SWITCHES["concurrency_support"]
    with pytest.raises(AttributeError):
        native.switch(Config(), "no_such_switch", on=True)


class Thing(Resource):
    """Something to borrow."""


BORROWS = """
(component
  (import "test:host/calls@0.2.0" (instance $h
    (export "thing" (type $t (sub resource)))
    (export "make" (func (result (own $t))))
    (export "count" (func (param "all" (list (borrow $t))) (result u32)))))
  (core module $lib (memory (export "memory") 1))
  (core instance $lib (instantiate $lib))
  (alias core export $lib "memory" (core memory $memory))
  (core func $make (canon lower (func $h "make")))
  (core func $count (canon lower (func $h "count") (memory $memory)))
  (core module $m
    (import "l" "memory" (memory 1))
    (import "h" "make" (func $make (result i32)))
    (import "h" "count" (func $count (param i32 i32) (result i32)))
    (func (export "run") (result i32)
      (i32.store (i32.const 0) (call $make))
      (i32.store (i32.const 4) (call $make))
      (i32.store (i32.const 8) (call $make))
      (i32.ne (call $count (i32.const 0) (i32.const 3)) (i32.const 3))))
  (core instance $i (instantiate $m (with "l" (instance $lib))
    (with "h" (instance (export "make" (func $make)) (export "count" (func $count))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $r (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $r)))
"""


async def test_a_host_function_takes_several_borrows() -> None:
    """wasmtime's own component runtime traps here in some versions; wasi:io/poll does nothing else."""
    host = HostInterface("test:host/calls")
    host.resource("thing", Thing)
    host.function("make")(lambda _state: Thing())
    host.function("count")(lambda _state, things: len(things))
    engine = Engine([host])
    guest = engine.guest(engine.load_bytes(bytes(wat2wasm(BORROWS))), None, Limits())
    assert await guest.run() == Exit("exit", code=0)


def test_the_library_is_the_one_that_is_pinned() -> None:
    pins = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())["project"][
        "dependencies"
    ]
    assert f"wasmtime=={version('wasmtime')}" in pins
