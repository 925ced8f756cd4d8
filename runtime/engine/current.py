"""Which guest a thread is running: where its calls enter Python, the C callbacks know nothing else of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from runtime.engine.boundary import Boundary


class _Current(threading.local):
    """Set around every entry into wasm."""

    guest: Boundary


current: Final = _Current()
