"""`torpor fs` with files that no single answer holds."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from typing import TYPE_CHECKING

from runtime.cli.files import PIECE_BYTES
from tests.system.daemon import SERVE, Vm

if TYPE_CHECKING:
    from tests.system.daemon import Daemon


def test_cat_writes_a_file_of_any_size_byte_for_byte(daemon: Daemon) -> None:
    def cat(*arguments: str) -> bytes:
        command = [*SERVE[:-1], "fs", "cat", *arguments, "--vm", "large"]
        environment = {**os.environ, "TORPOR_SOCKET": str(daemon.socket)}
        return subprocess.run(command, capture_output=True, env=environment, timeout=60, check=True).stdout

    content = bytes(range(256)) * (PIECE_BYTES // 256) * 2 + b"end"
    with daemon.connect() as api:
        vm = Vm(api, "large")
        vm.call("writeFile", path="/exact", content={"base64": base64.b64encode(content[:PIECE_BYTES]).decode()})
        vm.call("writeFile", path="/large", content={"base64": base64.b64encode(content).decode()})
        vm.call("writeFile", path="/empty", content="")
    assert cat("/large") == content
    assert cat("/exact") == content[:PIECE_BYTES]
    assert cat("/empty") == b""
    assert base64.b64decode(json.loads(cat("/large", "--json"))["content"]["base64"]) == content
