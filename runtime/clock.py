"""The time as records and answers have it."""

from __future__ import annotations

import time


def epoch_ms() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000
