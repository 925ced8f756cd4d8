"""Which modules are taken for shims and fixups, and what guests see of their being left out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from wasmtime import wat2wasm

from runtime.engine import Engine, Exit, HostInterface, Limits
from runtime.engine.component import parse
from runtime.engine.component.shims import MAX_BYTES, find_shims
from runtime.engine.linking import write_recipe
from runtime.engine.recipe import Host

if TYPE_CHECKING:
    from collections.abc import Callable

GUESTS = Path(__file__).resolve().parents[2] / "guests" / "dist"
SHIM = """
  (type $f (func (param i32 i32) (result i32))) (type $g (func))
  (table (export "$imports") 2 2 funcref)
  (func (export "0") (type $f) (call_indirect (type $f) (local.get 0) (local.get 1) (i32.const 0)))
  (func (export "1") (type $g) (call_indirect (type $g) (i32.const 1)))"""
FIXUP = """
  (type $f (func (param i32 i32) (result i32))) (type $g (func))
  (import "" "0" (func $a (type $f))) (import "" "1" (func $b (type $g)))
  (import "" "$imports" (table 2 2 funcref))
  (elem (i32.const 0) func $a $b)"""


def component(shim: str = SHIM, fixup: str = FIXUP, *, run: str = "", more: str = "", start: str = "") -> bytes:
    """A main module that calls `add` of a later module, and the host's `note` with its own memory, both behind a shim."""
    return bytes(
        wat2wasm(f"""
    (component
      (import "test:host/calls@0.2.0" (instance $h (export "note" (func))))
      (core module $shim {shim})
      (core module $main
        (import "s" "0" (func $add (param i32 i32) (result i32))) (import "s" "1" (func $note))
        (memory (export "memory") 1)
        {start}
        (func (export "run") (result i32)
          (call $note) {run}
          (i32.ne (call $add (i32.const 2) (i32.const 3)) (i32.const 5))))
      (core module $late
        (import "m" "memory" (memory 1))
        (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
      (core module $fixup {fixup})
      (core instance $s (instantiate $shim))
      (core instance $m (instantiate $main (with "s" (instance $s))))
      (core instance $l (instantiate $late (with "m" (instance $m))))
      (core func $note (canon lower (func $h "note")))
      (alias core export $l "add" (core func $add))
      (alias core export $s "$imports" (core table $t))
      (core instance (instantiate $fixup (with "" (instance
        (export "0" (func $add)) (export "1" (func $note)) (export "$imports" (table $t))))))
      {more}
      (func $run (result (result)) (canon lift (core func $m "run")))
      (instance $r (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $r)))""")
    )


async def ending(content: bytes, seen: list[str]) -> Exit:
    host = HostInterface("test:host/calls")
    host.function("note")(lambda _state: seen.append("note"))
    engine = Engine([host])
    return await engine.guest(engine.load_bytes(content), None, Limits()).run()


async def test_a_shim_is_left_out_and_its_functions_are_called_all_the_same() -> None:
    shims = find_shims(parse(component()))
    assert shims.left_out == {0, 3}
    assert {name: stand_in.definition[0] for (_, name), stand_in in shims.stand_ins.items()} == {
        "0": "export",
        "1": "lower",
    }
    host = HostInterface("test:host/calls")
    host.function("note")(lambda _state: None)
    recipe, _ = write_recipe(parse(component()), Host({host.name: host}, {}))
    assert [of.name for of in recipe.instantiations] == ["g", "s1", ""]
    seen: list[str] = []
    assert await ending(component(), seen) == Exit("exit", code=0)
    assert seen == ["note"]


NEARLY: dict[str, Callable[[], bytes]] = {
    "a body that does something else": lambda: component(
        SHIM.replace("(local.get 0) (local.get 1)", "(local.get 1) (local.get 0)")
    ),
    "a function more": lambda: component(f"{SHIM} (func)"),
    "a memory": lambda: component(f"{SHIM} (memory 1)"),
    "a start function": lambda: component(f"{SHIM} (func $s) (start $s)"),
    "a table without a maximum": lambda: component(
        SHIM.replace("2 2 funcref", "2 funcref"), FIXUP.replace("2 2 funcref", "2 funcref")
    ),
    "a fixup that begins elsewhere": lambda: component(
        SHIM.replace("2 2 funcref", "3 3 funcref"), FIXUP.replace("2 2 funcref", "2 3 funcref")
    ),
    "a fixup with half of it": lambda: component(
        fixup=FIXUP.replace("func $a $b", "func $a)(elem (i32.const 1) func $b")
    ),
    "a fixup that runs something": lambda: component(fixup=f"{FIXUP} (func $s) (start $s)"),
    "somebody else who has the table": lambda: component(
        more='(core module $x (import "" "t" (table 2 2 funcref)))'
        '(core instance (instantiate $x (with "" (instance (export "t" (table $t))))))'
    ),
}


@pytest.mark.parametrize("make", NEARLY.values(), ids=NEARLY)
async def test_what_is_only_nearly_one_stays(make: Callable[[], bytes]) -> None:
    content = make()
    assert find_shims(parse(content)) == ({}, frozenset())
    seen: list[str] = []
    ended = await ending(content, seen)
    assert ended.reason in {"exit", "trap"}
    assert seen in (["note"], [])


def test_what_is_too_large_is_not_looked_at() -> None:
    def padded(size: int) -> bytes:
        return component(f'{SHIM} (@custom "padding" (after last) "{"x" * size}")')

    assert find_shims(parse(padded(MAX_BYTES - 1000))).left_out == {0, 3}
    assert find_shims(parse(padded(MAX_BYTES))).left_out == frozenset()


async def test_a_call_before_the_function_is_there_traps() -> None:
    early = "(func $early (drop (call $add (i32.const 1) (i32.const 1)))) (start $early)"
    seen: list[str] = []
    ended = await ending(component(start=early), seen)
    assert ended.reason == "trap"
    assert "uninitialized element" in ended.message
    assert seen == []


@pytest.mark.parametrize("name", ["exit_code", "http_get"])
def test_those_of_the_toolchain_are_found(name: str) -> None:
    plan = parse((GUESTS / f"{name}.wasm").read_bytes())
    assert find_shims(plan).left_out == {0, len(plan.steps) - 1}
