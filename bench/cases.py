"""What a test case costs that puts pi under test with the pytest plugin."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from bench.harness import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = 200
RUNS = 3
TIMEOUT_S = 600

SOURCE = """
import pytest
from torpor.testing import call, say

@pytest.mark.parametrize("number", range({cases}))
def test_it_writes(torpor_session, scripted_model, number):
    scripted_model.script(call("write", path="a.txt", content=f"{{number}}"), say("Done."))
    session = torpor_session("pi")
    turn = session.prompt("Write it.")
    turn.expect_text("Done.")
    turn.expect_tool_calls("write")
    session.vm.expect_file("a.txt", f"{{number}}")
"""
"""Each case: a VM, a model, a session of pi, one turn with one tool call (two requests to the model), its file read."""


def cases() -> Iterator[Figure]:
    """200 test cases of pi against the scripted model: `pytest`'s wall and CPU time, its start included, for each case."""
    with tempfile.TemporaryDirectory(prefix="torpor-bench-") as directory:
        _run(Path(directory), 1)  # compiles, if need be
        for workers in (1, 2):
            options = [] if workers == 1 else ["-n", str(workers)]
            start, _ = _run(Path(directory), workers, *options)
            runs = [_run(Path(directory), CASES, *options) for _ in range(RUNS)]
            many = "s" if workers > 1 else ""
            name = f"a test case of pi, {workers} worker{many}"
            yield Figure(f"{name}: wall", [wall * 1000 / CASES for wall, _ in runs], "ms", f"start {start:.2f} s")
            yield Figure(f"{name}: CPU", [busy * 1000 / CASES for _, busy in runs], "ms")


def _run(directory: Path, number: int, *options: str) -> tuple[float, float]:
    """Run so many cases; the seconds that it took, and those of the CPU."""
    (directory / "test_cases.py").write_text(SOURCE.format(cases=number))
    loaded = [] if entry_points(group="pytest11", name="torpor") else ["-p", "runtime.testing.plugin"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *loaded, *options]
    started, before = time.perf_counter(), _children()
    done = subprocess.run(
        command,
        cwd=directory,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    seconds, busy = time.perf_counter() - started, _children() - before
    assert f"{number} passed" in done.stdout, done.stdout + done.stderr
    return seconds, busy


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
