"""`process`: the log is synced again and again under steady writes, off the loop and beside the commits.

How long after a commit a sync begins: tests/store/test_durability.py.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.patience import WAIT
from tests.system.daemon import Daemon, Vm, environment, fresh_name, running

if TYPE_CHECKING:
    from pathlib import Path

SYNCS = 4


def syncing_threads(trace: Path) -> list[str]:
    """The thread of each sync of the log so far, by strace."""
    return re.findall(r"^(\d+) +f(?:data)?sync\(\d+<[^>]*state\.db-wal>", trace.read_text(), re.MULTILINE)


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace, which sees the daemon's calls")
def test_steady_writes_are_synced_all_the_time(component_cache: Path, scratch: Path) -> None:
    directory = scratch / fresh_name("syncs")
    daemon, trace = Daemon(directory, environment(component_cache)), directory / "trace"
    daemon.arguments = ["--durability", "process"]
    command = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", trace, "-p"]
    with running(daemon), daemon.connect() as api:
        main = str(daemon.pid)
        vm = Vm(api, "steady")
        with subprocess.Popen([*command, main], stderr=subprocess.PIPE) as tracer:
            assert tracer.stderr is not None
            assert b"attached" in tracer.stderr.readline()
            deadline, writes = time.monotonic() + WAIT, 0
            while len(syncing_threads(trace)) < SYNCS:
                assert time.monotonic() < deadline, "writes that never pause put the syncs off"
                vm.write("/file", str(writes))
                writes += 1
            tracer.send_signal(signal.SIGINT)
    threads = syncing_threads(trace)
    assert len(threads) < writes  # and not once for each
    assert main not in threads, "the loop's own thread waits for the disk"
