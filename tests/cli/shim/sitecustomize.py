"""On PYTHONPATH of a command under test: `runtime.daemon.main` is the daemon without VMs."""

import importlib.abc
import importlib.util
import sys
from pathlib import Path

FAKE = Path(__file__).with_name("fake_daemon.py")


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        return importlib.util.spec_from_file_location(fullname, FAKE) if fullname == "runtime.daemon.main" else None


sys.meta_path.insert(0, Finder())
