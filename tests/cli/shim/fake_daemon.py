"""Stands in for `runtime.daemon.main`: serves the fake host, or fails as a daemon fails that cannot open its state."""

import importlib.util
import sys
from pathlib import Path

from runtime.daemon.settings import Ending, Settings

HOST = Path(__file__).parents[2] / "rpc" / "fake_host.py"


def main(settings: Settings) -> Ending:
    if settings.state.name == "broken.db":
        sys.stderr.write("torpor: the state file is broken\n")
        return Ending.FAILED
    settings.state.write_text("opened")
    spec = importlib.util.spec_from_file_location("fake_host", HOST)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(settings.socket_path, ready=f"torpor: ready on {settings.socket_path}")
    return Ending.ORDERLY
