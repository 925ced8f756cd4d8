"""Values of every type from the host into one component, from that into another, and all the way back.

Neither component looks at a value: each passes on the core values, or the pointer, that it has got. So what comes back to the
host is right only if both sides of each call agree on where everything is, as they must with wasmtime's component API, too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from wasmtime import wat2wasm

from runtime.engine import Engine, Err, HostInterface, Limits, Ok
from tests.engine.oracle import Oracle
from tests.engine.wat import BUMP, RUN

ENCODINGS = ("utf8", "utf16", "latin1+utf16")


class Crossed(NamedTuple):
    name: str
    text: str
    """Of the type, which may name those before it as `$name`."""
    values: list[Any]


COLOURS = " ".join(f'"c{place}"' for place in range(300))
TYPES = [
    Crossed("colour", f"(enum {COLOURS})", ["c0", "c299"]),
    Crossed("few", '(flags "a" "b" "c")', [frozenset(), frozenset("ac")]),
    Crossed("small", "(tuple bool u8 s8 u16 s16)", [(True, 255, -128, 65535, -32768), (False, 0, 127, 0, 32767)]),
    Crossed("large", "(tuple u32 s32 u64 s64 char)", [(2**32 - 1, -(2**31), 2**64 - 1, -(2**63), "\U0010ffff")]),
    Crossed("floats", "(tuple f32 f64)", [(-0.5, 1e300), (float("inf"), -0.0)]),
    Crossed("text", "string", ["", "plain", "h\xe9llo", "h\u20acllo \U0001f600", "\0"]),
    Crossed("bytes", "(list u8)", [b"", bytes(range(256))]),
    Crossed("texts", "(list string)", [[], ["", "a", "\xe9", "\u20ac"] * 9]),
    Crossed("longs", "(list s64)", [[], [-1, 2**63 - 1, -(2**63)]]),
    Crossed("bools", "(list bool)", [[True, False]]),
    Crossed("record", '(record (field "a" u8) (field "b" $large) (field "c" string))', [(1, (1, -1, 2, -2, "x"), "\u20ac")]),
    Crossed(
        "variant",
        '(variant (case "a" f32) (case "b" u64) (case "c" string) (case "d") (case "e" s32) (case "f" $small))',
        [("a", 0.25), ("b", 2**64 - 1), ("c", "\u20ac"), ("d", None), ("e", -1), ("f", (True, 1, -1, 2, -2))],
    ),
    Crossed("perhaps", "(option string)", [None, "", "\xe9"]),
    Crossed("perhaps-small", "(option u8)", [None, 0, 255]),
    Crossed("outcome", "(result $large (error string))", [Ok((1, -1, 2, -2, "x")), Err("\u20ac")]),
    Crossed("deep", "(list (option (result (list $record) (error $few))))",
        [[None, Ok([(1, (1, 2, 3, 4, "y"), "")]), Err(frozenset("b"))]]),
]  # fmt: skip
WIDE = " ".join(["u64"] * 17)
PADDING = tuple(range(2**63, 2**63 + 17))


def types() -> str:
    return " ".join(f"(type ${t.name}' {t.text}) (export \"{t.name}\" (type ${t.name} (eq ${t.name}')))" for t in TYPES)


def signatures(t: Crossed) -> dict[str, str]:
    """What is called with each type: as a list; and beside so much that it goes through memory."""
    return {f"{t.name}-list": f"(list ${t.name})", f"{t.name}-wide": f"(tuple ${t.name} {WIDE})"}


ALL = {name: whole for t in TYPES for name, whole in signatures(t).items()}
BOTH = {name: ("(param i32 i32)", 2) if name.endswith("list") else ("(param i32)", 1) for name in ALL}


def host_parts() -> str:
    return " ".join(
        f'(export "give-{name}" (func (result {whole}))) (export "take-{name}" (func (param "x" {whole})))'
        for name, whole in ALL.items()
    )


def libc(name: str) -> str:
    return f"""
      (core module $libc (memory (export "memory") 1) (global $next (mut i32) (i32.const 4096))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $p i32)
          (drop (memory.grow (i32.const 1))) (local.set $p (block (result i32) {BUMP}))
          (memory.copy (local.get $p) (local.get 0)
            (select (local.get 1) (local.get 3) (i32.lt_u (local.get 1) (local.get 3))))
          (local.get $p)))
      (core instance ${name} (instantiate $libc))"""


def content(callee: str, caller: str) -> bytes:
    """A component of two; the callee gives back what it gets, the caller takes it to the host."""
    echoes = " ".join(
        f'(func (export "{name}") {core} (result i32)'
        " (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))"
        if count == 2
        else f'(func (export "{name}") {core} (result i32) (local.get 0))'
        for name, (core, count) in BOTH.items()
    )
    options = '(memory (core memory $l "memory")) (realloc (core func $l "realloc")) string-encoding='
    aliases = " ".join(f'(alias export $h "{t.name}" (type ${t.name}))' for t in TYPES)
    inner = " ".join(
        f"(type ${t.name}' {t.text}) (import \"{t.name}\" (type ${t.name} (eq ${t.name}')))" for t in TYPES
    )
    given_types = " ".join(f'(with "{t.name}" (type ${t.name}))' for t in TYPES)
    lifts = " ".join(
        f'(func (export "{name}") (param "x" {whole}) (result {whole}) (canon lift (core func $i "{name}") {options}{callee}))'
        for name, whole in ALL.items()
    )
    lowers, imports, exports, body = "", "", "", ""
    for name, (core, count) in BOTH.items():
        for kind, place, signature in (
            ("give", f'$h "give-{name}"', "(param i32)"),
            ("echo", f'$c "{name}"', f"{core[:-1]} i32)"),
            ("take", f'$h "take-{name}"', core),
        ):
            lowers += f"(core func ${kind}-{name} (canon lower (func {place}) {options}{caller}))"
            imports += f'(import "h" "{kind}-{name}" (func ${kind}-{name} {signature}))'
            exports += f'(export "{kind}-{name}" (func ${kind}-{name}))'
        given = "(i32.load (i32.const 512)) (i32.load (i32.const 516))" if count == 2 else "(i32.const 512)"
        back = given.replace("512", "1024").replace("516", "1028")
        body += f"(call $give-{name} (i32.const 512)) (call $echo-{name} {given} (i32.const 1024)) (call $take-{name} {back})"
    text = f"""
    (component $root
      (import "test:host/calls@0.2.0" (instance $h {types()} {host_parts()}))
      {aliases}
      (component $callee {inner} {libc("l")}
        (core module $m (import "l" "memory" (memory 1)) {echoes})
        (core instance $i (instantiate $m (with "l" (instance $l))))
        {lifts})
      (instance $c (instantiate $callee {given_types}))
      {libc("l")}
      {lowers}
      (core module $m (import "l" "memory" (memory 1)) {imports}
        (func (export "run") (result i32) {body} (i32.const 0)))
      (core instance $i (instantiate $m (with "l" (instance $l)) (with "h" (instance {exports}))))
      (func $run (result (result)) (canon lift (core func $i "run"))) {RUN})"""
    return bytes(wat2wasm(text))


def given() -> dict[str, Any]:
    """What the host gives, by function."""
    return {f"{t.name}-list": t.values for t in TYPES} | {f"{t.name}-wide": (t.values[-1], *PADDING) for t in TYPES}


def host() -> HostInterface:
    interface = HostInterface("test:host/calls")
    for name, value in given().items():

        def take(state: dict[str, Any], x: Any, name: str = name) -> None:
            state[name] = x

        interface.function(f"give-{name}")(lambda _state, value=value: value)
        interface.function(f"take-{name}", instant=True)(take)
    return interface


@pytest.mark.slow
@pytest.mark.parametrize("callee", ENCODINGS)
@pytest.mark.parametrize("caller", ENCODINGS)
async def test_every_type_there_and_back(callee: str, caller: str) -> None:
    component, seen = content(callee, caller), dict[str, Any]()
    engine = Engine([host()])
    ended = await engine.guest(engine.load_bytes(component), seen, Limits()).run()
    assert (ended.reason, ended.message) == ("exit", "")
    assert seen == given()


def test_wasmtime_sees_the_same() -> None:
    seen = dict[str, Any]()
    assert Oracle([host()]).run(content("utf16", "latin1+utf16"), seen).reason == "exit"
    assert seen == given()
