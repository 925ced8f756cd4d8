"""Programs over the C library for POSIX processes (agents/sdk/c), which check themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Machine

SOURCES = Path(__file__).resolve().parents[1] / "guests" / "src" / "libc"
ALONE = sorted({path.stem for path in SOURCES.glob("*.c")} - {"exit", "shell", "terminal"})


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.guest(f"libc_{name}")) for name in ALONE])
async def test_every_step(machine: Machine, name: str) -> None:
    await machine.install(f"libc_{name}")
    outcome = await machine.command(f"libc_{name}", f"/bin/libc_{name}")
    *steps, last = outcome.lines
    assert [step for step in steps if not step.endswith(": ok")] == []
    assert last == "done"
