"""The same work on agentOS, driven through its public npm API, and here: in turn, on one machine, with one scripted model."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bench.harness import Figure, Skipped, daemon, model, pi_options, pi_vm
from bench.sessions import create, rate, turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.harness import Daemon

FOLDER = "TORPOR_BENCH_PEER"
PACKAGES = "@rivet-dev/agentos-core@0.2.21 @agentos-software/pi@0.2.7"
DRIVER = Path(__file__).with_name("peer.mjs")
ROUNDS = 5

OPENED = 3
"""Sessions a round."""

PROMPTED = 10
"""Prompts a round."""

LOADS = (1, 10, 20)
LOAD_PROMPTS = 15
LOAD_ROUNDS = 3
LIVE = 20
STOP_SECONDS = 60


def peer() -> Iterator[Figure]:
    """pi on both systems, in alternating rounds: open a session in a warm VM, prompt it, turns a second, memory.

    Turns: each session in a VM of its own, 15 prompts after one that does not count. Memory: private memory of all processes.
    """
    folder, node = os.environ.get(FOLDER), shutil.which("node")
    if not folder or not Path(folder, "node_modules", "@rivet-dev", "agentos-core").is_dir() or node is None:
        raise Skipped(
            f"{FOLDER} must name a folder in which `npm install {PACKAGES}` has been run (1.2 GB), with Node.js 20 in the PATH"
        )
    with (
        tempfile.TemporaryDirectory(prefix="torpor-bench-") as states,
        model() as url,
        daemon() as running,
        _Peer([node, str(DRIVER), folder, url, states]) as other,
    ):
        ours = _Ours(running, url)
        yield from _sessions(ours, other)
        yield from _turns(ours, other)
        yield from _memory(ours, other)


def _sessions(ours: _Ours, other: _Peer) -> Iterator[Figure]:
    opened: tuple[list[float], list[float]] = ([], [])
    firsts: tuple[list[float], list[float]] = ([], [])
    wholes: tuple[list[float], list[float]] = ([], [])
    systems: list[_Ours | _Peer] = [ours, other]
    for round_ in range(ROUNDS + 1):
        for side, system in enumerate(systems):
            # The first round warms up.
            target: list[list[float]] = [each[side] if round_ else [] for each in (opened, firsts, wholes)]
            for number in range(OPENED):
                target[0].append(system.open(f"r{round_}n{number}"))
            for _ in range(PROMPTED):
                first, whole = system.prompt(f"r{round_}n0")
                target[1].append(first)
                target[2].append(whole)
    yield from _pair("open a session of pi, same VM", opened, "ms")
    yield from _pair("prompt pi: first agent event", firsts, "ms")
    yield from _pair("prompt pi: whole", wholes, "ms")


def _turns(ours: _Ours, other: _Peer) -> Iterator[Figure]:
    for count in LOADS:
        rates: tuple[list[float], list[float]] = ([], [])
        for _ in range(LOAD_ROUNDS):
            rates[0].append(ours.turns(count, LOAD_PROMPTS))
            rates[1].append(other.turns(count, LOAD_PROMPTS))
        yield from _pair(f"turns a second, {count} sessions of pi", rates, "/s")


def _memory(ours: _Ours, other: _Peer) -> Iterator[Figure]:
    systems: list[_Ours | _Peer] = [ours, other]
    each: list[float] = []
    for system in systems:
        before = _private_mib(system.pid)
        for number in range(LIVE):
            system.open(f"live{number}")
            system.prompt(f"live{number}")
        each.append((_private_mib(system.pid) - before) / LIVE)
    yield from _pair(f"private memory a session of pi, {LIVE} live", ([each[0]], [each[1]]), "MiB")


def _pair(name: str, values: tuple[list[float], list[float]], unit: str) -> Iterator[Figure]:
    ours, theirs = statistics.median(values[0]), statistics.median(values[1])
    yield Figure(f"{name}: Torpor", values[0], unit)
    yield Figure(f"{name}: agentOS", values[1], unit, f"{theirs / ours:.2f} times Torpor's")


class _Ours:
    """pi in a VM of ours."""

    def __init__(self, running: Daemon, url: str) -> None:
        self.pid = running.pid
        self._running = running
        self._url = url
        self._client = running.client()
        self._vm = pi_vm(self._client, "peer", url)
        self._loads = 0

    def open(self, session: str) -> float:
        """Milliseconds to open a session of this id."""
        options = {**pi_options(self._url), "sessionId": session}
        started = time.perf_counter()
        create(self._client, self._vm, "pi", options)
        milliseconds = (time.perf_counter() - started) * 1000
        self._client.call("subscribe", vm=self._vm, sessionId=session)
        return milliseconds

    def prompt(self, session: str) -> tuple[float, float]:
        """Milliseconds to the first event of the agent, and to the end."""
        firsts: list[float] = []
        started = time.perf_counter()
        turn(self._client, self._vm, session, firsts)
        return firsts[0], (time.perf_counter() - started) * 1000

    def turns(self, sessions: int, prompts: int) -> float:
        """Turns a second of so many sessions at once."""
        self._loads += 1
        vms = [pi_vm(self._client, f"load{self._loads}x{number}", self._url) for number in range(sessions)]
        found = rate(
            self._running, [(vm, create(self._client, vm, "pi", pi_options(self._url))) for vm in vms], prompts
        )
        for vm in vms:
            self._client.call("vm.destroy", vm=vm)
        return found


class _Peer:
    """pi in a VM of the other system, through peer.mjs."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        self._answer()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=STOP_SECONDS)  # it ends with its stdin

    def open(self, session: str) -> float:
        """As _Ours.open."""
        return float(self._call(op="open", sessionId=session)["ms"])

    def prompt(self, session: str) -> tuple[float, float]:
        """As _Ours.prompt."""
        found = self._call(op="prompt", sessionId=session)
        return found["first"], found["whole"]

    def turns(self, sessions: int, prompts: int) -> float:
        """As _Ours.turns."""
        return float(self._call(op="turns", sessions=sessions, prompts=prompts)["rate"])

    def _call(self, **operation: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(operation) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):  # its libraries log to stdout, too
                answer: dict[str, Any] = json.loads(line)
                if "error" in answer:
                    raise RuntimeError(f"peer.mjs: {answer['error']}")
                return answer
        raise RuntimeError("peer.mjs has ended")


def _private_mib(root: int) -> float:
    """Private memory of a process and all below it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    tree, found = [root], [root]
    while tree:
        tree = [process for process, parent in parents.items() if parent in tree]
        found += tree
    kib = 0
    for process in found:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
            kib += sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    return kib / 1024
