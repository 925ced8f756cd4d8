"""What a process that was killed has left goes with the next use."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from runtime.scratch import scratch_directory
from tests.patience import WAIT

KILLED = """
import os, subprocess, sys
from runtime.scratch import scratch_directory
with scratch_directory("torpor-this-") as (directory, lock):
    (directory / "state").write_text("much")
    print(directory, flush=True)
    if sys.argv[1] == "daemon":
        subprocess.Popen(["cat"], pass_fds=(lock,), stdin=0, stdout=2)
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("survivor", ["none", "daemon"])
def test_the_directory_of_a_killed_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survivor: str) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, survivor],
        env={"TMPDIR": str(tmp_path)},
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as run:
        assert run.stdin is not None
        assert run.stdout is not None
        left = Path(run.stdout.read().decode().strip())
        assert run.wait(WAIT) == -9
        with scratch_directory("torpor-this-") as (own, _):
            assert own.is_dir()
            assert left.is_dir() == (survivor == "daemon")  # in use as long as its daemon runs
        run.stdin.close()
        if survivor == "daemon":
            with (left / ".lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # when the last of them has ended
    with scratch_directory("torpor-this-") as (own, _):
        assert list(tmp_path.iterdir()) == [own]
    assert list(tmp_path.iterdir()) == []
