"""Stands in for `runtime.daemon`: serves the fake host, or fails as a daemon fails that cannot open its state."""

import importlib.util
import sys
from pathlib import Path

HOST = Path(__file__).parents[2] / "rpc" / "fake_host.py"


def main(socket: Path, state: Path, http: object = None) -> int:
    if state.name == "broken.db":
        sys.stderr.write("torpor: the state file is broken\n")
        return 1
    state.write_text("opened")
    spec = importlib.util.spec_from_file_location("fake_host", HOST)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    code: int = module.main(socket)
    return code
