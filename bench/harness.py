"""What the rows share: a daemon of their own, a scripted model, clocks and memory readings."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from runtime.client.sync import Client, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_SECONDS = 120.0
"""A first start compiles the agents."""

SERVE = [sys.executable, "-m", "runtime.cli", "serve"]


class Skipped(Exception):  # noqa: N818 - no error: the message says what is missing, and where it comes from
    """A row that cannot be measured here."""


@attrs.frozen
class Figure:
    """One row of the report."""

    name: str
    values: list[float]
    unit: str
    note: str = ""

    def __str__(self) -> str:
        ordered = sorted(self.values)
        if len(ordered) == 1:
            text = f"{ordered[0]:10.2f} {self.unit}"
        else:
            p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
            text = f"{statistics.median(ordered):10.2f} {self.unit:<8} p95 {p95:9.2f}   n {len(ordered)}"
        return f"{self.name:<58}{text}" + (f"   ({self.note})" if self.note else "")


class Daemon:
    """A daemon in a process of its own, with a state directory that ends with it."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.socket = directory / "run" / "torpor.sock"
        self.state = directory / "state" / "state.db"
        started = time.perf_counter()
        self._process = subprocess.Popen(
            [*SERVE, f"--socket={self.socket}", f"--state={self.state}"],
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        while line and "ready on" not in line:
            line = self._process.stderr.readline()
        assert line, "the daemon did not start"
        self.start_seconds = time.perf_counter() - started

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def client(self) -> Client:
        """A new connection."""
        return connect(self.socket)

    def private_kib(self) -> int:
        """Private dirty memory of the daemon's process."""
        return private_kib(self.pid)

    def cpu_seconds(self) -> float:
        """CPU that its process has used, all threads, in steps of a hundredth."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """SIGTERM, and wait."""
        self._process.terminate()
        self._process.communicate(timeout=60)


def private_kib(process: int | str = "self") -> int:
    """Private dirty memory of a process."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1])
    raise RuntimeError("no Private_Dirty in smaps_rollup")


@contextlib.contextmanager
def daemon(**environment: str) -> Iterator[Daemon]:
    """A fresh daemon on a fresh state file, with these variables beside our own."""
    with tempfile.TemporaryDirectory(prefix="torpor-bench-") as directory:
        running = Daemon(Path(directory), **environment)
        try:
            yield running
        finally:
            running.close()


@contextlib.contextmanager
def model(script: Path | None = None) -> Iterator[str]:
    """The scripted model in a process of its own; its URL. It answers at once."""
    command = [sys.executable, "-m", "runtime.testing.scripted_model"]
    process = subprocess.Popen(
        command + (["--script", str(script)] if script else []), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait(timeout=30)


def timed(function: Callable[[], Any], runs: int, *, warmup: int = 2) -> list[float]:
    """Milliseconds of each counted run."""
    for _ in range(warmup):
        function()
    values = []
    for _ in range(runs):
        started = time.perf_counter()
        function()
        values.append((time.perf_counter() - started) * 1000)
    return values


def pi_options(url: str) -> dict[str, Any]:
    """Session options with which pi talks to the scripted model."""
    return {"env": {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "bench"}}


def pi_vm(client: Client, name: str, url: str) -> str:
    """A VM that may reach the model."""
    client.call("vm.getOrCreate", vm=name, options={"network": {"allow": [url.removeprefix("http://")]}})
    return name


def machine() -> str:
    """One line on where this ran."""
    return f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}"
