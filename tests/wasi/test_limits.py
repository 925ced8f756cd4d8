"""How guests end, and what stops those that take too much."""

# ruff: noqa: S108 - /tmp is the VM's

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked
from wasmtime import wat2wasm

from runtime.api.errors import ApiError, ErrorCode
from runtime.engine import Exit, Limits
from runtime.wasi.random import MAX_RANDOM_BYTES

from .conftest import finish

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from .conftest import Machine, Outcome, World

    Run = Callable[..., Awaitable[Outcome]]

MIB = 1024 * 1024
HOUR_MS = 3_600_000


@pytest.mark.guest("exit_code")
@pytest.mark.parametrize("code", [0, 1, 7, 255])
async def test_exit_codes(run_guest: Run, code: int) -> None:
    outcome = await run_guest("exit_code", str(code))
    assert outcome.exit == Exit("exit", code)
    assert outcome.stdout == f"leaving with {code}\n".encode()
    # From main: preview 1's adapter then uses the stable `exit`, which knows failure without a number.
    assert (await run_guest("exit_code", str(code), "by returning")).exit == Exit("exit", min(code, 1))


@pytest.mark.guest("trap", "exit_code")
@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("unreachable", "wasm `unreachable` instruction executed"),
        ("divide", "integer divide by zero"),
        ("memory", "out of bounds memory access"),
        ("call", "indirect call type mismatch"),
    ],
)
async def test_traps(machine: Machine, kind: str, cause: str) -> None:
    outcome = await machine.run("trap", kind)
    assert outcome.stdout == b"about to trap\n"
    assert (outcome.exit.reason, outcome.exit.code) == ("trap", None)
    assert outcome.exit.message.endswith(f"wasm trap: {cause}")
    assert (await machine.run("exit_code")).exit == Exit("exit", 0)


@pytest.mark.guest("recurse")
async def test_recursion(run_guest: Run) -> None:
    assert (await run_guest("recurse", "10000")).lines == ["depth 10000"]
    assert (await run_guest("recurse")).exit == Exit("trap", message="wasm trap: call stack exhausted")


@pytest.mark.guest("spin", "exit_code")
async def test_a_spinning_guest_is_killed(machine: Machine) -> None:
    process = await machine.spawn("spin")
    assert await process.receive() == b"spinning\n"
    while process.fuel_used < 20_000_000:
        await trio.lowlevel.checkpoint()
    assert (await machine.run("exit_code")).lines == ["leaving with 0"]
    process.kill()
    assert await process.wait() == Exit("killed", message="killed")
    assert await process.receive() == b""


@pytest.mark.guest("spin")
async def test_killed_before_it_has_begun(machine: Machine) -> None:
    process = await machine.spawn("spin")
    process.kill()
    assert (await process.wait()).reason == "killed"
    await wait_all_tasks_blocked()
    assert len(machine.processes) == 0


# Limits


@pytest.mark.guest("spin")
async def test_fuel(run_guest: Run) -> None:
    outcome = await run_guest("spin", limits=Limits(fuel=30_000_000))
    assert outcome.exit.reason == "out_of_fuel"
    assert outcome.stdout == b"spinning\n"


@pytest.mark.guest("hog")
async def test_memory(run_guest: Run) -> None:
    assert (await run_guest("hog", "12")).lines == ["12 MiB, enough"]
    text = (await run_guest("hog", limits=Limits(memory_bytes=16 * MIB))).lines[0]
    assert text.endswith(" MiB, no more")
    assert 4 <= int(text.split()[0]) < 16
    ended = (await run_guest("hog", limits=Limits(memory_bytes=64 * 1024))).exit  # less than it starts with
    assert ended.reason == "trap"
    assert "memory" in ended.message
    assert "limit" in ended.message


@pytest.mark.parametrize(
    ("count", "reason"), [(MAX_RANDOM_BYTES, "exit"), (MAX_RANDOM_BYTES + 1, "trap"), (-1, "trap")]
)
async def test_randomness_in_one_call(machine: Machine, tmp_path: Path, count: int, reason: str) -> None:
    path = tmp_path / "random.wasm"
    path.write_bytes(
        wat2wasm(f"""
    (component
      (import "wasi:random/random@0.2.0" (instance $h
        (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
      (core module $memory
        (memory (export "memory") 8)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
      (core instance $memory (instantiate $memory))
      (alias export $h "get-random-bytes" (func $get))
      (core func $get' (canon lower (func $get)
        (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
      (core module $m
        (import "h" "get" (func $get (param i64 i32)))
        (func (export "run") (result i32) (call $get (i64.const {count}) (i32.const 0)) (i32.const 0)))
      (core instance $i (instantiate $m (with "h" (instance (export "get" (func $get'))))))
      (func $run (result (result)) (canon lift (core func $i "run")))
      (instance $r (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $r)))""")
    )
    ended = (await finish(await machine.spawn_file(path, ["random"]))).exit
    assert ended.reason == reason
    if reason == "trap":
        assert ended.message.endswith(f"{count % 2**64} random bytes asked for; at most {MAX_RANDOM_BYTES} at once")


@pytest.mark.guest("open_many")
async def test_open_files_are_bounded_by_the_adapter(machine: Machine) -> None:
    outcome = await machine.run("open_many")
    assert (outcome.exit, outcome.stdout) == (Exit("exit", 0), b"ENOMEM\n")
    assert 100 <= int(outcome.stderr.split()[0]) <= 1024


@pytest.mark.guest("open_many")
async def test_open_files_are_bounded_by_the_host(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.engine.boundary.MAX_HANDLES", 50)
    fs = machine.volume.filesystem
    before = fs.usage
    outcome = await machine.run("open_many")
    assert outcome.exit.reason == "trap"
    assert outcome.exit.message.endswith("the guest holds 50 resources")
    fs.unlink("/tmp/open.txt")
    assert fs.usage == before  # nobody holds it open any more


@pytest.mark.guest("clocks")
async def test_processes_are_bounded(world: World) -> None:
    machine = await world.machine(processes=2)
    sleepers = [await machine.spawn("clocks", str(HOUR_MS)) for _ in range(2)]
    with pytest.raises(ApiError) as refused:
        await machine.spawn("clocks")
    assert refused.value.code is ErrorCode.LIMIT_EXCEEDED
    await wait_all_tasks_blocked()
    sleepers[0].kill()
    await sleepers[0].wait()
    await wait_all_tasks_blocked()
    assert (await machine.run("clocks", "0")).exit == Exit("exit", 0)
