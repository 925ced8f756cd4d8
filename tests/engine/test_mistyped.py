"""Components whose core functions are not of the types that their canonical definitions ask for, and what start functions do.

wasmtime refuses the former; here a mistyped function is met when it is linked or called, and the guest ends by a trap.
"""

from __future__ import annotations

import pytest
from wasmtime import wat2wasm

from runtime.engine import Engine, Exit, Limits
from tests.engine.abi_host import State, host
from tests.engine.oracle import Oracle
from tests.engine.wat import RUN

FUEL = 3_000_000
HOST = """
    (import "test:host/calls@0.2.0" (instance $h
      (export "text" (func (param "x" string))) (export "give" (func (result (list u8)))) (export "ping" (func))
      (export "note" (func (param "x" u32)))))"""
LIFT = '(func $run (result (result)) (canon lift (core func $i "run") {options})) ' + RUN
MEMORY = '(memory (core memory $l "memory")) (realloc (core func $l "realloc"))'


def alone(core: str, options: str = "") -> str:
    """A component of one module."""
    return f"""(component (core module $m (memory 1) {core}) (core instance $i (instantiate $m))
      {LIFT.format(options=options)})"""


def importing(
    name: str, core: str, call: str, *, realloc: str = "(param i32 i32 i32 i32) (result i32) (i32.const 64)"
) -> str:
    """A component whose module imports a function of the host as one of this core type."""
    return f"""(component {HOST}
      (core module $l (memory (export "memory") 1) (func (export "realloc") {realloc}))
      (core instance $l (instantiate $l))
      (core func $f (canon lower (func $h "{name}") {MEMORY}))
      (core module $m (import "h" "f" (func $f {core})) (func (export "run") (result i32) {call} (i32.const 0)))
      (core instance $i (instantiate $m (with "h" (instance (export "f" (func $f))))))
      {LIFT.format(options="")})"""


def composed(core: str) -> str:
    """A component that calls another one's function, (u32) -> u32, which is made of one of this core type."""
    return f"""(component
      (component $c (core module $m (func (export "f") {core})) (core instance $i (instantiate $m))
        (func (export "f") (param "x" u32) (result u32) (canon lift (core func $i "f"))))
      (instance $c (instantiate $c))
      (core func $f (canon lower (func $c "f")))
      (core module $m (import "h" "f" (func $f (param i32) (result i32)))
        (func (export "run") (result i32) (drop (call $f (i32.const 1))) (i32.const 0)))
      (core instance $i (instantiate $m (with "h" (instance (export "f" (func $f))))))
      {LIFT.format(options="")})"""


def destroying(core: str) -> str:
    """A component with a resource whose destructor is of this core type."""
    return f"""(component
      (core module $d (func (export "end") {core})) (core instance $d (instantiate $d))
      (type $r (resource (rep i32) (dtor (core func $d "end"))))
      (core func $new (canon resource.new $r)) (core func $drop (canon resource.drop $r))
      (core module $m
        (import "h" "new" (func $new (param i32) (result i32))) (import "h" "drop" (func $drop (param i32)))
        (func (export "run") (result i32) (call $drop (call $new (i32.const 1))) (i32.const 0)))
      (core instance $i (instantiate $m (with "h" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
      {LIFT.format(options="")})"""


RESULT = '(func (export "run") (result i32) (i32.const 0))'
POST = '(post-return (core func $i "post"))'
GIVE = "give", "(param i32)", "(call $f (i32.const 8))"
MISTYPED = {
    "run returns an i64": alone('(func (export "run") (result i64) (i64.const 0))'),
    "run returns an f32": alone('(func (export "run") (result f32) (f32.const 0))'),
    "run returns a reference": alone('(func (export "run") (result externref) (ref.null extern))'),
    "run returns a vector": alone('(func (export "run") (result v128) (v128.const i64x2 0 0))'),
    "run returns nothing": alone('(func (export "run"))'),
    "run returns two": alone('(func (export "run") (result i32 i32) (i32.const 0) (i32.const 0))'),
    "run takes something": alone('(func (export "run") (param i32) (result i32) (i32.const 0))'),
    "post-return takes nothing": alone(f'{RESULT} (func (export "post"))', POST),
    "post-return takes an i64": alone(f'{RESULT} (func (export "post") (param i64))', POST),
    "post-return returns something": alone(f'{RESULT} (func (export "post") (param i32) (result i32) (i32.const 0))', POST),
    "import with too few parameters": importing("text", "(param i32)", "(call $f (i32.const 0))"),
    "import with another parameter": importing("note", "(param i64)", "(call $f (i64.const 0))"),
    "import with a result": importing("ping", "(result i32)", "(drop (call $f))"),
    "import without its pointer": importing("give", "", "(call $f)"),
    "realloc of three": importing(*GIVE, realloc="(param i32 i32 i32) (result i32) (i32.const 8)"),
    "realloc returns an i64": importing(*GIVE, realloc="(param i32 i32 i32 i32) (result i64) (i64.const 8)"),
    "callee takes an i64": composed("(param i64) (result i32) (i32.const 0)"),
    "callee takes nothing": composed("(result i32) (i32.const 0)"),
    "callee returns an f32": composed("(param i32) (result f32) (f32.const 0)"),
    "callee returns a reference": composed("(param i32) (result externref) (ref.null extern)"),
    "destructor takes nothing": destroying(""),
    "destructor returns something": destroying("(param i32) (result i32) (i32.const 0)"),
}  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine([host()])


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle([host()])


async def ending(engine: Engine, text: str, state: State) -> Exit:
    return await engine.guest(engine.load_bytes(bytes(wat2wasm(text))), state, Limits(fuel=FUEL)).run()


@pytest.mark.parametrize(("name", "text"), MISTYPED.items(), ids=list(MISTYPED))
async def test_a_mistyped_core_function_is_never_run_as_another(
    engine: Engine, oracle: Oracle, name: str, text: str
) -> None:
    assert oracle.run(bytes(wat2wasm(text))).reason == "refused"
    state = State()
    assert (await ending(engine, text, state)).reason == "trap"
    # A realloc is called through a table, which compares types: noticed when the answer of a call is to be written.
    assert state.seen == ([("give", [])] if name.startswith("realloc") else [])


@pytest.mark.parametrize(
    "text",
    [
        importing("text", "(param i32 i32)", "(call $f (i32.const 0) (i32.const 1))"),
        importing(*GIVE),
        composed("(param i32) (result i32) (local.get 0)"),
        destroying("(param i32)"),
        alone(f'{RESULT} (func (export "post") (param i32))', POST),
    ],
)
async def test_the_same_with_the_right_types(engine: Engine, oracle: Oracle, text: str) -> None:
    assert oracle.run(bytes(wat2wasm(text)), State()).reason == "exit"
    assert await ending(engine, text, State()) == Exit("exit", code=0)


def starting(start: str, *, realloc: str = "(i32.const 64)") -> str:
    """A component whose module has this start function."""
    return f"""(component {HOST}
      (core module $l (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) {realloc}))
      (core instance $l (instantiate $l))
      (core func $text (canon lower (func $h "text") {MEMORY})) (core func $give (canon lower (func $h "give") {MEMORY}))
      (core module $m
        (import "h" "text" (func $text (param i32 i32))) (import "h" "give" (func $give (param i32)))
        (memory (export "memory") 1) (tag $tag)
        (func $start {start}) (start $start)
        {RESULT})
      (core instance $i (instantiate $m (with "h" (instance (export "text" (func $text)) (export "give" (func $give))))))
      {LIFT.format(options="")})"""


STARTS = [
    ("(call $give (i32.const 8)) (call $text (i32.const 64) (i32.const 3))", "", "exit"),
    ("(call $text (i32.const 65536) (i32.const 1))", "out of bounds", "trap"),
    ("unreachable", "unreachable", "trap"),
    ("(throw $tag)", "exception", "trap"),
    ("(loop $l (br $l))", "", "out_of_fuel"),
]


@pytest.mark.parametrize(("start", "message", "reason"), STARTS, ids=[start[:20] for start, _, _ in STARTS])
async def test_a_start_function(engine: Engine, oracle: Oracle, start: str, message: str, reason: str) -> None:
    """It runs when there is nothing of its own instance yet; what it calls works on memory that is there already."""
    expected = State()
    assert oracle.run(bytes(wat2wasm(starting(start))), expected, FUEL).reason == reason
    for waits in (False, True):
        state = State(waits=waits)
        ended = await ending(engine, starting(start), state)
        assert (ended.reason, state.seen) == (reason, expected.seen)
        assert message in ended.message


async def test_a_realloc_that_is_a_function_of_the_host(engine: Engine, oracle: Oracle) -> None:
    """It is a call out, which cabi_realloc may not make."""
    text = f"""(component
      (component $c (core module $m (func (export "f") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
        (core instance $i (instantiate $m))
        (func (export "f") (param "a" u32) (param "b" u32) (param "c" u32) (param "d" u32) (result u32)
          (canon lift (core func $i "f"))))
      (instance $c (instantiate $c))
      (import "test:host/calls@0.2.0" (instance $h (export "give" (func (result (list u8))))))
      (core func $realloc (canon lower (func $c "f")))
      (core module $l (memory (export "memory") 1)) (core instance $l (instantiate $l))
      (core func $give (canon lower (func $h "give") (memory (core memory $l "memory")) (realloc (core func $realloc))))
      (core module $m (import "h" "give" (func $give (param i32)))
        (func (export "run") (result i32) (call $give (i32.const 8)) (i32.const 0)))
      (core instance $i (instantiate $m (with "h" (instance (export "give" (func $give))))))
      {LIFT.format(options="")})"""
    assert oracle.run(bytes(wat2wasm(text)), State()).reason == "trap"
    ended = await ending(engine, text, State())
    assert ended.reason == "trap"
    assert "cannot leave" in ended.message
