"""What single host calls and transfers cost, beside native wasmtime in the same process."""

from __future__ import annotations

import gc
import statistics
from typing import TYPE_CHECKING, NamedTuple

import trio
import wasmtime

from bench.harness import Figure
from bench.inside import PROGRAMS, Inside, inside
from bench.native import Native
from runtime.engine import HostInterface

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.engine import Program

ROUNDS = 5
"""After one that warms up."""

MIB = 2**20

_LOOP = """
(component
  {imports}
  (core module $memory (memory (export "memory") 64)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 65536))
  (core instance $mem (instantiate $memory))
  (alias core export $mem "memory" (core memory $m))
  (alias core export $mem "realloc" (core func $realloc))
  (core func $call (canon lower (func $i "{name}") (memory $m) (realloc $realloc)))
  (core module $loop
    (import "h" "memory" (memory 1))
    (import "h" "call" (func $call {core}))
    (func (export "run") (result i32) (local $left i32)
      (memory.fill (i32.const 65536) (i32.const 97) (i32.const 1048576))
      (local.set $left (i32.const {count}))
      (loop $again
        {body}
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $again (local.get $left)))
      i32.const 0))
  (core instance $l (instantiate $loop
    (with "h" (instance (export "memory" (memory $m)) (export "call" (func $call))))))
  (func $run (result (result)) (canon lift (core func $l "run")))
  (instance $exported (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $exported)))
"""
"""Calls a component that is nothing but a loop around one call."""


class Call(NamedTuple):
    """One host call, as often as `times` says."""

    label: str
    interface: str
    name: str
    type: str
    core: str
    body: str
    times: int
    native: bool = True

    def component(self, count: int) -> bytes:
        """The component that makes it so often."""
        imports = f'(import "{self.interface}" (instance $i (export "{self.name}" (func {self.type}))))'
        text = _LOOP.format(imports=imports, name=self.name, core=self.core, body=self.body, count=count)
        return bytes(wasmtime.wat2wasm(text))


_LISTS = "bench:lists/lists"
_CLOCK, _RANDOM = "wasi:clocks/monotonic-clock@0.2.0", "wasi:random/random@0.2.0"
_LIST_TYPES = (
    ("list<u8>", "bytes", "(list u8)", 1),
    ("list<u64>", "numbers", "(list u64)", 8),
    ("string", "text", "string", 1),
)
CALLS = (
    Call("clock now", _CLOCK, "now", "(result u64)", "(result i64)", "(drop (call $call))", 20_000),
    Call("get-random-u64", _RANDOM, "get-random-u64", "(result u64)", "(result i64)", "(drop (call $call))", 20_000),
    Call(
        "get-random-bytes, 32", _RANDOM, "get-random-bytes", '(param "len" u64) (result (list u8))',
        "(param i64 i32)", "(call $call (i64.const 32) (i32.const 64))", 20_000,
    ),
    *(
        Call(
            f"{what} of 1 MiB, guest to host", f"{_LISTS}@0.2.0", f"take-{name}", f'(param "it" {type_})',
            "(param i32 i32)", f"(call $call (i32.const 65536) (i32.const {MIB // size}))", 20, native=False,
        )
        for what, name, type_, size in _LIST_TYPES
    ),
    *(
        Call(
            f"{what} of 1 MiB, host to guest", f"{_LISTS}@0.2.0", f"give-{name}", f"(result {type_})",
            "(param i32)", "(call $call (i32.const 64))", 20, native=False,
        )
        for what, name, type_, _ in _LIST_TYPES
    ),
)  # fmt: skip

lists = HostInterface(_LISTS)
_BYTES, _NUMBERS, _TEXT = b"a" * MIB, [0x6161616161616161] * (MIB // 8), "a" * MIB
for _name, _given in (("bytes", _BYTES), ("numbers", _NUMBERS), ("text", _TEXT)):
    lists.function(f"take-{_name}")(lambda _state, _it: None)
    lists.function(f"give-{_name}")(lambda _state, given=_given: given)


class Work(NamedTuple):
    """One of the C programs; its first argument is how often."""

    label: str
    program: str
    times: int
    arguments: tuple[str, ...]


FILES = (
    Work("stat, one host call", "bench_stat", 5000, ("/tmp/bench.stat", "wasi")),
    Work("open, read 4 KiB, close", "bench_read", 1000, ("4096",)),
    Work("open, write 4 KiB, close", "bench_write", 500, ("4096",)),
    Work("open, read 1 MiB, close", "bench_read", 20, (str(MIB),)),
    Work("open, write 1 MiB, close", "bench_write", 10, (str(MIB),)),
    Work("read 64 MiB", "bench_read", 3, (str(64 * MIB),)),
    Work("write 64 MiB", "bench_write", 2, (str(64 * MIB),)),
)


def calls() -> Iterator[Figure]:
    """Host calls and transfers, CPU of the process for each: what n more of them take in a guest's whole life.

    Native: wasmtime's own WASI on a directory in memory. Writes are committed to a state file in memory. In turn, 5 rounds.
    """
    for label, ours, native in trio.run(_measure):
        least = f"least {min(ours):.2f}"
        yield Figure(label, ours, "us", least)
        if native:
            share = statistics.median(ours) / statistics.median(native)
            yield Figure(f"{label}: native", native, "us", f"least {min(native):.2f}; Torpor {share:.2f} times as much")


async def _measure() -> list[tuple[str, list[float], list[float]]]:
    native = Native()
    cases: list[tuple[str, int, tuple[bytes, bytes], tuple[str, ...] | None, bool]] = [
        (call.label, call.times, (call.component(1), call.component(call.times + 1)), None, call.native)
        for call in CALLS
    ]
    for work in FILES:
        content = (PROGRAMS / f"{work.program}.wasm").read_bytes()
        cases.append((work.label, work.times, (content, content), work.arguments, True))
    found: list[tuple[str, list[float], list[float]]] = [(case[0], [], []) for case in cases]
    async with inside([lists]) as guests:
        programs = [tuple(guests.engine.load_bytes(content) for content in case[2]) for case in cases]
        for round_ in range(ROUNDS + 1):
            for case, (few, many), (_, ours, theirs) in zip(cases, programs, found, strict=True):
                _, count, contents, arguments, on_native = case
                used = await _difference(guests, few, many, count, arguments)
                beside = _native_difference(native, contents, count, arguments) if on_native else None
                if round_:
                    ours.append(used)
                    theirs.extend([] if beside is None else [beside])
    return found


def _arguments(count: int, arguments: tuple[str, ...] | None) -> tuple[str, ...]:
    return () if arguments is None else (str(count), *arguments)


async def _difference(
    guests: Inside, few: Program, many: Program, count: int, arguments: tuple[str, ...] | None
) -> float:
    """Microseconds of one call."""
    gc.collect()
    once = await guests.run(few, _arguments(1, arguments))
    often = await guests.run(many, _arguments(count + 1, arguments))
    return (often - once) * 1e6 / count


def _native_difference(
    native: Native, contents: tuple[bytes, bytes], count: int, arguments: tuple[str, ...] | None
) -> float:
    once = native.run(contents[0], _arguments(1, arguments))
    often = native.run(contents[1], _arguments(count + 1, arguments))
    return (often - once) * 1e6 / count
