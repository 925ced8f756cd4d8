"""What a guest's calls cost, and what guests that compute do to everybody else."""

from __future__ import annotations

import base64
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.harness import Figure, daemon, timed

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
EXEC_ROUNDS = 5
EXECS = 100


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


def commands() -> Iterator[Figure]:
    """`exec` of a small C program that ends at once, through the daemon: wall, and CPU of the daemon's process."""
    with daemon() as running, running.client() as client:
        client.call("vm.getOrCreate", vm="exec")
        content = {"base64": base64.b64encode((PROGRAMS / "exit_code.wasm").read_bytes()).decode()}
        client.call("writeFile", vm="exec", path="/bin/code", content=content)
        walls, used = [], []
        for round_ in range(EXEC_ROUNDS + 1):
            before = running.cpu_seconds()
            found = timed(lambda: client.call("exec", vm="exec", argv=["/bin/code", "0"]), EXECS, warmup=0)
            if round_:
                walls += found
                used.append((running.cpu_seconds() - before) * 1000 / EXECS)
        yield Figure("exec of a small C program", walls, "ms")
        yield Figure("exec of a small C program: CPU of the daemon", used, "ms", f"{EXECS} execs each")


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
