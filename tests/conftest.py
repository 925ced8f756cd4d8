"""What holds for all tests."""

from __future__ import annotations

import os
import signal
import sys

from tests.settled import count_work


def pytest_configure() -> None:
    """Hear SIGINT: a shell has what runs in its background ignore it, and every process under test would inherit that.

    Keep compiled modules, too, whatever the environment says: this process and hundreds of others begin with them.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    count_work()
