"""Guests in the benchmark's own process, where the CPU that they take can be told from everything else."""

from __future__ import annotations

import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from runtime.engine import ArtefactCache, Engine, HostInterface, Limits, Program, default_cache_directory
from runtime.network import HttpGate, NetworkPolicy
from runtime.store.store import open_store
from runtime.vms.options import VmOptions
from runtime.vms.volume import Volume
from runtime.wasi import cli, clocks, filesystem, http, io, random, sockets
from runtime.wasi.state import WasiState
from runtime.wasi.streams import InputStream, PipeInput, PipeOutput

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

PROGRAMS = Path(__file__).resolve().parents[1] / "tests" / "guests" / "dist"
MEMORY_FILES = "/dev/shm"


class Inside:
    """An engine, and one VM's files in a state file of their own."""

    def __init__(self, engine: Engine, volume: Volume, nursery: trio.Nursery) -> None:
        self.engine = engine
        self._volume = volume
        self._nursery = nursery

    def state(self, arguments: Sequence[str] = (), stdin: InputStream | None = None) -> WasiState:
        """What a guest with these arguments gets to see."""
        return WasiState(
            args=lambda: ["bench", *arguments],
            env=dict,
            cwd="/",
            stdin=stdin or _nothing(),
            stdout=PipeOutput(),
            stderr=PipeOutput(),
            filesystem=self._volume.filesystem,
            ambient=self._volume.ambient,
            http=HttpGate(NetworkPolicy.parse(())),
            sync_filesystem=self._volume.flush,
            start_soon=self._nursery.start_soon,
            threads=trio.CapacityLimiter(1),
        )

    async def run(self, program: Program, arguments: Sequence[str] = ()) -> float:
        """Seconds of the process's CPU from before the instantiation until what the guest has written is durable."""
        state = self.state(arguments)
        started = time.process_time()
        ended = await self.engine.guest(program, state, Limits()).run()
        await self._volume.flush()
        used = time.process_time() - started
        assert (ended.reason, ended.code) == ("exit", 0), ended
        return used


@asynccontextmanager
async def inside(extra: Iterable[HostInterface] = (), memory_files: str | None = MEMORY_FILES) -> AsyncIterator[Inside]:
    """An engine with all of WASI and these interfaces, and a new VM; the state file is in memory unless told otherwise."""
    modules = (cli, clocks, filesystem, http, io, random, sockets)
    interfaces = [interface for module in modules for interface in module.INTERFACES]
    engine = Engine([*interfaces, *extra], ArtefactCache(default_cache_directory()))
    with tempfile.TemporaryDirectory(dir=memory_files) as directory:
        async with open_store(Path(directory) / "state.db") as store, trio.open_nursery() as nursery:
            record, _ = await store.vms.get_or_create("bench", {}, 0)
            yield Inside(engine, Volume(store, record, VmOptions()), nursery)
            nursery.cancel_scope.cancel()


def _nothing() -> PipeInput:
    stdin = PipeInput()
    stdin.end()
    return stdin
