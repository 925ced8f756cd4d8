"""What a guest's beginning costs, and what one takes that waits."""

from __future__ import annotations

import tempfile
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import trio

from bench.harness import Figure, daemon, private_kib
from bench.inside import PROGRAMS, Inside, inside
from runtime.engine import ArtefactCache, Limits, default_cache_directory
from runtime.posix.host import make_engine
from runtime.vms.agent_programs import ComponentRef
from runtime.vms.catalogue import Catalogue, built_in_directory
from runtime.wasi.streams import PipeInput

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runtime.engine import Program

RUNS = 30
FIRST_RUNS = 3
IDLE = (("echo", (100, 1000)), ("pi", (20, 200)))


def _component(agent: str) -> Path:
    program = Catalogue(built_in_directory()).get(agent).program
    assert isinstance(program, ComponentRef)
    return program.path


def instantiate() -> Iterator[Figure]:
    """A guest's life inside the process: the whole of a C program that ends at once, others to their first wait and freed."""
    programs = {
        "C, ends at once": PROGRAMS / "exit_code.wasm",
        "C": PROGRAMS / "copy_stdin.wasm",
        "echo": _component("echo"),
        "pi": _component("pi"),
    }
    for name, (walls, used) in trio.run(_lives, programs).items():
        label = name if name.startswith("C,") else f"{name}, to the first wait, freed"
        yield Figure(f"life of a guest: {label}", walls, "ms", f"CPU, least {min(used):.2f} ms")


async def _lives(programs: dict[str, Path]) -> dict[str, tuple[list[float], list[float]]]:
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in programs}
    async with inside() as guests:
        loaded = {name: guests.engine.load_bytes(path.read_bytes()) for name, path in programs.items()}
        for run in range(RUNS + 2):
            for name, program in loaded.items():
                started, before = time.perf_counter(), time.thread_time()
                async with trio.open_nursery() as nursery:
                    await _begin(guests, program, nursery)
                    nursery.cancel_scope.cancel()
                if run >= 2:
                    found[name][0].append((time.perf_counter() - started) * 1000)
                    found[name][1].append((time.thread_time() - before) * 1000)
    return found


async def _begin(guests: Inside, program: Program, nursery: trio.Nursery) -> None:
    """Start a guest, and let it run until it waits for its stdin, or has ended."""
    stdin, ended = PipeInput(), trio.Event()

    async def run() -> None:
        await guests.engine.guest(program, guests.state(("0",), stdin), Limits()).run()
        ended.set()

    nursery.start_soon(run)
    while not (stdin.waiters or ended.is_set()):
        await trio.lowlevel.checkpoint()


def load() -> Iterator[Figure]:
    """A compiled agent from the cache into a new engine."""
    cache = ArtefactCache(default_cache_directory())
    for agent in ("echo", "pi"):
        content = _component(agent).read_bytes()
        make_engine(cache).load_bytes(content)  # compiles, if need be
        values = []
        for _ in range(RUNS):
            engine = make_engine(cache)
            started = time.perf_counter()
            engine.load_bytes(content)
            values.append((time.perf_counter() - started) * 1000)
        yield Figure(f"load of a compiled component, {agent}", values, "ms", "its SHA-256 included")


def guests1000() -> Iterator[Figure]:
    """Private memory of guests in one process that all wait for their stdin: 1,000 of echo, 200 of pi."""
    for agent, counts in IDLE:
        for count, each in trio.run(_idle, agent, counts):
            yield Figure(f"private memory per idle guest, {agent}, {count} live", [each], "MiB")


async def _idle(agent: str, counts: tuple[int, ...]) -> list[tuple[int, float]]:
    found = []
    async with AsyncExitStack() as stack:
        guests = await stack.enter_async_context(inside())
        program = guests.engine.load_bytes(_component(agent).read_bytes())
        nursery = await stack.enter_async_context(trio.open_nursery())
        await _begin(guests, program, nursery)
        base, live = private_kib(), 0
        for count in counts:
            while live < count:
                await _begin(guests, program, nursery)
                live += 1
            found.append((count, (private_kib() - base) / live / 1024))
        nursery.cancel_scope.cancel()
    return found


def first() -> Iterator[Figure]:
    """A daemon with an empty cache: to ready, and then to a session of each agent, which is compiled for it. 3 runs."""
    values: dict[str, list[float]] = {}
    for _ in range(FIRST_RUNS):
        with tempfile.TemporaryDirectory(prefix="torpor-bench-") as cache, daemon(TORPOR_CACHE=cache) as running:
            values.setdefault("serve, to ready", []).append(running.start_seconds)
            with running.client() as client:
                client.call("vm.getOrCreate", vm="first")
                for agent in ("echo", "pi"):
                    started = time.perf_counter()
                    client.call("createSession", vm="first", agentType=agent)
                    values.setdefault(f"createSession {agent}", []).append(time.perf_counter() - started)
    for name, found in values.items():
        yield Figure(f"empty cache: {name}", found, "s")
