"""What tests of built commands share: where those are, and how long a script may take."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

DIST: Final = Path(__file__).parents[2] / "commands" / "dist"
LONGEST_MS: Final = 110_000


def needs(*names: str) -> list[pytest.MarkDecorator]:
    """The `pytestmark` of a module whose tests run these commands."""
    there = all((DIST / f"{name}.wasm").exists() for name in names)
    return [
        pytest.mark.slow,
        pytest.mark.skipif(not there, reason=f"not all built of {', '.join(names)}: make commands"),
    ]
