"""The single executable of `make dist` as people start it: each figure is the wall time of a process from its start."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from bench.harness import Figure, Skipped, model, timed
from runtime.client.sync import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

DIST = Path(__file__).resolve().parents[1] / "dist"
RUNS = 20

FIRST_RUNS = 5
"""Each unpacks 150 MB."""

SLEEPING = 10_000
TIMEOUT_SECONDS = 60


def executable() -> Iterator[Figure]:
    """The executable in dist/ with private folders for all that it keeps: wall time of whole processes, warm page cache.

    `serve` counts until its readiness line; the cold start is `torpor run pi` with no daemon, against the scripted model.
    """
    program = DIST / f"torpor-{version('torpor')}-linux-x86_64"
    if not program.is_file():
        raise Skipped(f"{program.relative_to(DIST.parent)} is not there: `make dist` builds it")
    with tempfile.TemporaryDirectory(prefix="torpor-bench-") as directory:
        place = _Place(program, Path(directory))
        yield Figure("size", [program.stat().st_size / 1e6], "MB")
        yield Figure("first start (unpacks), --version", [place.first_start(run) for run in range(FIRST_RUNS)], "ms")
        yield Figure("--version", timed(lambda: place.run("--version"), RUNS), "ms", "goal 80")
        with place.serving():
            yield Figure(
                "a command against a running daemon", timed(lambda: place.run("sessions"), RUNS), "ms", "goal 100"
            )
        yield Figure("serve, to ready", [place.serve() for _ in range(RUNS)], "ms", "goal 400")
        with place.serving(), connect(place.socket) as client:
            for number in range(SLEEPING):
                client.call("vm.getOrCreate", vm=f"asleep{number}")
            client.call("vm.sleep", vm="asleep0")
        filled = [place.serve() for _ in range(RUNS)]
        yield Figure(f"serve, to ready, {SLEEPING} sleeping VMs in the file", filled, "ms", "goal 400")
        with model() as url:
            cold = [place.cold_start(url, run) for run in range(RUNS)]
        yield Figure("no daemon, to pi's first prompt answered", cold, "ms", "goal 1000")


class _Place:
    """Folders of its own for what the executable unpacks and keeps."""

    def __init__(self, program: Path, directory: Path) -> None:
        self._program = program
        self._directory = directory
        self.socket = directory / "run" / "torpor.sock"
        self._state = directory / "state.db"

    def run(self, *arguments: str, unpack: str = "unpack") -> str:
        """One command; its stdout."""
        done = subprocess.run(
            [self._program, *arguments],
            env=self._environment(unpack),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=True,
        )
        return done.stdout

    def first_start(self, run: int) -> float:
        """Milliseconds of `--version` where nothing is unpacked yet."""
        started = time.perf_counter()
        self.run("--version", unpack=f"unpack{run}")
        return (time.perf_counter() - started) * 1000

    @contextmanager
    def serving(self) -> Iterator[float]:
        """A daemon; milliseconds until it was ready."""
        started = time.perf_counter()
        arguments = ["serve", "--socket", str(self.socket), "--state", str(self._state)]
        with subprocess.Popen(
            [self._program, *arguments], env=self._environment(), stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            try:
                for line in process.stderr:
                    if "ready on" in line:
                        break
                yield (time.perf_counter() - started) * 1000
            finally:
                process.terminate()
                process.communicate(timeout=TIMEOUT_SECONDS)

    def serve(self) -> float:
        """Milliseconds from the start of `torpor serve` until it is ready."""
        with self.serving() as milliseconds:
            return milliseconds

    def cold_start(self, url: str, run: int) -> float:
        """Milliseconds of `torpor run pi` where no daemon runs and no state is kept."""
        state = self._directory / f"cold{run}.db"
        given = ("ANTHROPIC_API_KEY=bench", f"ANTHROPIC_BASE_URL={url}")
        options = [each for variable in given for each in ("--env", variable)]
        started = time.perf_counter()
        self.run("run", "pi", "Hello", "--state", str(state), "--allow", url.removeprefix("http://"), *options)
        milliseconds = (time.perf_counter() - started) * 1000
        self.run("stop")
        return milliseconds

    def _environment(self, unpack: str = "unpack") -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._directory),
            "TORPOR_SOCKET": str(self.socket),
            "TORPOR_UNPACK": str(self._directory / unpack),
        }
