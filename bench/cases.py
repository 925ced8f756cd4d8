"""What a test case costs that puts pi under test with the pytest plugin."""

from __future__ import annotations

import os
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
# Each case: a VM, a model, a session of pi, one turn with one tool call (two requests to the model), its file read.
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


def cases() -> Iterator[Figure]:
    """200 test cases of pi against the scripted model: the wall time of `pytest`, its start included, for each case."""
    with tempfile.TemporaryDirectory(prefix="torpor-bench-") as directory:
        _run(Path(directory), 1)  # compiles, if need be
        for workers in (1, 2):
            options = [] if workers == 1 else ["-n", str(workers)]
            start = _run(Path(directory), workers, *options)
            values = [_run(Path(directory), CASES, *options) * 1000 / CASES for _ in range(RUNS)]
            name = f"a test case of pi, {workers} worker{'s' if workers > 1 else ''}"
            yield Figure(name, values, "ms", f"{workers} case{'s' if workers > 1 else ''} alone: {start:.2f} s")


def _run(directory: Path, number: int, *options: str) -> float:
    """Run so many cases; the seconds."""
    (directory / "test_cases.py").write_text(SOURCE.format(cases=number))
    loaded = [] if entry_points(group="pytest11", name="torpor") else ["-p", "runtime.testing.plugin"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *loaded, *options]
    started = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=directory,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    seconds = time.perf_counter() - started
    assert f"{number} passed" in done.stdout, done.stdout + done.stderr
    return seconds
