"""pi's view of MCP tools, tested where it is written in: JavaScript."""

from __future__ import annotations

import subprocess
import sys

from tests.mcp.conftest import BUILD_TIMEOUT_S, HERE, ROOT

RUN = """
import sys
from toolchain import find_node
find_node().run(["--test", *sys.argv[1:]])
"""


def test_names_schemas_and_results() -> None:
    command = [sys.executable, "-c", RUN, str(HERE / "tools.test.mjs")]
    done = subprocess.run(
        command, cwd=ROOT / "build", timeout=BUILD_TIMEOUT_S, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
