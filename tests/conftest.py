"""What holds for all tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Hear SIGINT: a shell has what runs in its background ignore it, and every process under test would inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
