"""A daemon without VMs, in a process of its own, for clients that block."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

FAKE_DAEMON = Path(__file__).parent.parent / "rpc" / "fake_host.py"


@pytest.fixture(scope="module")
def socket_path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="torpor-") as directory:
        path = Path(directory) / "t.sock"
        command = [sys.executable, "-P", str(FAKE_DAEMON), str(path)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as daemon:
            assert daemon.stderr is not None
            try:
                assert daemon.stderr.readline() == "ready\n"
                yield path
            finally:
                daemon.terminate()
            assert daemon.wait(10) == 0
