"""`process`: under steady writes the log is synced at least every second, off the loop and beside the commits."""

from __future__ import annotations

import itertools
import re
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.system.daemon import Daemon, Vm, environment, fresh_name, running

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 5.0
LONGEST = 2.0  # seconds without a sync: the promise is one, and this machine has other things to do


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace, which sees the daemon's calls")
def test_steady_writes_are_synced_every_second(component_cache: Path, scratch: Path) -> None:
    directory = scratch / fresh_name("syncs")
    daemon, trace = Daemon(directory, environment(component_cache)), directory / "trace"
    daemon.arguments = ["--durability", "process"]
    command = ["strace", "-f", "-ttt", "-y", "-e", "trace=fsync,fdatasync", "-o", trace, "-p"]
    with running(daemon), daemon.connect() as api:
        main = str(daemon.pid)
        vm = Vm(api, "steady")
        with subprocess.Popen([*command, main], stderr=subprocess.PIPE) as tracer:
            assert tracer.stderr is not None
            assert b"attached" in tracer.stderr.readline()
            begun, told = time.time(), []
            while time.time() < begun + SECONDS:
                vm.write("/file", str(len(told)))
                told.append(time.time())
            tracer.send_signal(signal.SIGINT)
    calls = re.findall(r"^(\d+) +(\d+\.\d+) f(?:data)?sync\(\d+<[^>]*state\.db-wal>", trace.read_text(), re.MULTILINE)
    times = [begun, *(float(when) for _, when in calls), told[-1]]
    assert max(after - before for before, after in itertools.pairwise(times)) < LONGEST, times
    assert len(calls) < len(told)  # and not once for each
    assert main not in {thread for thread, _ in calls}, "the loop's own thread waits for the disk"
