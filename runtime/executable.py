"""The single executable: how a process knows that it is one, and the word that makes it the compiler's process."""

from __future__ import annotations

import sys
from typing import Final

COMPILER: Final = "compiler-process"
"""What the single executable is called with, before the number of a descriptor, to be what `runtime.compiler` describes."""


def is_single_executable() -> bool:
    """Whether this process is the single executable, which is no Python and takes the commands itself."""
    return bool(getattr(sys, "frozen", False))  # set by PyInstaller's start-up code
