"""What a guest's calls cost, and what guests that compute do to everybody else."""

from __future__ import annotations

import base64
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from bench.harness import Figure, daemon
from runtime.engine import ArtefactCache, Limits, default_cache_directory
from runtime.network import HttpGate, NetworkPolicy
from runtime.store.store import open_store
from runtime.vms.catalogue import Catalogue, built_in_directory
from runtime.vms.options import VmOptions
from runtime.vms.volume import Volume
from runtime.wasi.host import make_engine
from runtime.wasi.state import WasiState
from runtime.wasi.streams import PipeInput, PipeOutput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.client.sync import Client

PROGRAMS = Path(__file__).resolve().parents[1] / "tests" / "guests" / "dist"
COMMANDS = (
    ("bench_stat", "20000", "stat"),
    ("bench_read", "5000 4096", "open, read 4 KiB, close"),
    ("bench_read", "50 1048576", "open, read 1 MiB, close"),
    ("bench_write", "2000 4096", "open, write 4 KiB, close"),
)
RUNS = 20


def files() -> Iterator[Figure]:
    """stat, open-read-close and open-write-close from a C guest, timed by its own monotonic clock."""
    with daemon() as running, running.client() as client:
        client.call("vm.getOrCreate", vm="files")
        client.call("mkdir", vm="files", path="/tmp", recursive=True)
        session = client.call("createSession", vm="files", agentType="echo")["sessionId"]
        for name in {command[0] for command in COMMANDS}:
            content = {"base64": base64.b64encode((PROGRAMS / f"{name}.wasm").read_bytes()).decode()}
            client.call("writeFile", vm="files", path=f"/bin/{name}", content=content)
        for name, arguments, label in COMMANDS:
            found: dict[str, list[float]] = {}
            for _ in range(RUNS):
                answer = client.call("sendPrompt", vm="files", sessionId=session, prompt=f"terminal {name} {arguments}")
                for what, figure in re.findall(r"(\w[\w ]*?) (\d+) ns/op", answer["text"]):
                    found.setdefault(what, []).append(int(figure) / 1000)
            assert found, answer["text"]
            for what, values in found.items():
                yield Figure(f"guest: {label} [{what.removeprefix('output ')}]", values, "us")


def loop() -> Iterator[Figure]:
    """How long the daemon's event loop takes to answer while four guests spin, against the same when idle."""
    with daemon() as running, running.client() as client:
        client.call("vm.getOrCreate", vm="spin")
        quiet = _answers(client)
        ids = [client.call("createSession", vm="spin", agentType="echo")["sessionId"] for _ in range(4)]
        spinning = [client.start("sendPrompt", vm="spin", sessionId=id_, prompt="spin") for id_ in ids]
        busy = _answers(client)
        for id_ in ids:
            client.call("cancelPrompt", vm="spin", sessionId=id_, graceMs=0)
        for turn in spinning:
            client.wait(turn, 30)
        yield Figure("an answer of the loop, idle", quiet, "ms")
        yield Figure("an answer of the loop, four guests spin", busy, "ms", f"worst {max(busy):.2f}")


def _answers(client: Client, seconds: float = 3.0) -> list[float]:
    values = []
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        started = time.perf_counter()
        client.call("hello", client="bench", protocol=1)
        values.append((time.perf_counter() - started) * 1000)
        time.sleep(0.002)
    return values


def instantiate() -> Iterator[Figure]:
    """A guest's whole life inside the process: instantiate, run until its first wait, free."""
    for agent in ("echo", "pi"):
        yield Figure(f"instantiate, run to the first wait, free: {agent}", trio.run(_lives, agent), "ms")


async def _lives(agent: str) -> list[float]:
    engine = make_engine(ArtefactCache(default_cache_directory()))
    program = await engine.load(Catalogue(built_in_directory()).get(agent).component.path)
    values = []
    with tempfile.TemporaryDirectory() as directory:
        async with open_store(Path(directory) / "state.db") as store:
            record, _ = await store.vms.get_or_create("bench", {}, 0)
            volume = Volume(store, record, VmOptions())
            for _ in range(RUNS + 2):
                stdin = PipeInput()
                state = WasiState(
                    args=[agent],
                    env={},
                    cwd="/",
                    stdin=stdin,
                    stdout=PipeOutput(),
                    stderr=PipeOutput(),
                    filesystem=volume.filesystem,
                    ambient=volume.ambient,
                    http=HttpGate(NetworkPolicy.parse(())),
                    sync_filesystem=volume.flush,
                    start_soon=lambda *_: None,
                )
                started = time.perf_counter()
                guest = engine.guest(program, state, Limits())
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(guest.run)
                    while not stdin.waiters:
                        await trio.lowlevel.checkpoint()
                    guest.kill()
                values.append((time.perf_counter() - started) * 1000)
    return values[2:]
