"""The executable as a server over HTTP, with packages that only this loads."""

from __future__ import annotations

import http.client
import subprocess
import tempfile
from typing import TYPE_CHECKING

from tests.patience import WAIT

if TYPE_CHECKING:
    from pathlib import Path


def test_it_serves_over_http(executable: Path, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="torpor-") as short:
        command = [
            executable,
            "serve",
            "--socket",
            f"{short}/s",
            "--state",
            f"{short}/state/db",
            "--http",
            "127.0.0.1:0",
        ]
        environment = {"TORPOR_UNPACK": str(tmp_path / "unpack"), "TORPOR_CACHE": f"{short}/cache"}
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as daemon:
            assert daemon.stderr is not None
            line = daemon.stderr.readline()
            place = line.rpartition("http://")[2].strip().removesuffix("/rpc")
            connection = http.client.HTTPConnection(place, timeout=WAIT)
            connection.request("GET", "/rpc")
            status = connection.getresponse().status
            connection.close()
            daemon.terminate()
            daemon.communicate(timeout=WAIT)
    assert line.startswith(f"torpor: ready on {short}/s and http://127.0.0.1:")
    assert status == http.HTTPStatus.UNAUTHORIZED
    assert daemon.returncode == 0
