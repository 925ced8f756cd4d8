"""Programs over the C library for POSIX processes (agents/sdk/c), which check themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.engine import Exit
from runtime.vms.base.commands import built_in_commands, read_manifest

if TYPE_CHECKING:
    from .conftest import Machine

SOURCES = Path(__file__).resolve().parents[1] / "guests" / "src" / "libc"
ALONE = sorted({path.stem for path in SOURCES.glob("*.c")} - {"exit", "http", "shell", "terminal"})


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.guest(f"libc_{name}")) for name in ALONE])
async def test_every_step(machine: Machine, name: str) -> None:
    await machine.install(f"libc_{name}")
    outcome = await machine.command(f"libc_{name}", f"/bin/libc_{name}")
    *steps, last = outcome.lines
    assert [step for step in steps if not step.endswith(": ok")] == []
    assert last == "done"


@pytest.mark.parametrize(("status", "code"), [("0", 0), ("7", 7), ("255", 255), ("256", 0), ("-1", 255)])
@pytest.mark.guest("libc_exit")
async def test_the_status_is_one_byte(machine: Machine, status: str, code: int) -> None:
    await machine.install("libc_exit")
    outcome = await machine.command("/bin/libc_exit", status)
    assert (outcome.exit, outcome.stdout, outcome.stderr) == (Exit("exit", code), b"", b"")


@pytest.mark.guest("libc_shell")
async def test_every_step_with_a_shell(machine: Machine) -> None:
    folder = built_in_commands()
    shells = [name for name, each in read_manifest(folder).commands.items() if "sh" in each.names]
    if not shells:
        pytest.skip("no shell has been built: what libc does by one was not tested")
    await machine.files.write_file("/bin/sh", (folder / shells[0]).read_bytes())
    machine.volume.filesystem.chmod("/bin/sh", 0o755)
    await machine.install("libc_shell")
    *steps, last = (await machine.command("/bin/libc_shell")).lines
    assert [step for step in steps if not step.endswith(": ok")] == []
    assert last == "done"


@pytest.mark.guest("libc_terminal")
async def test_without_a_terminal(machine: Machine) -> None:
    """With one: tests/system/test_shells.py."""
    await machine.install("libc_terminal")
    lines = await machine.command("/bin/libc_terminal", "lines", stdin=b"one\ntwo\n")
    assert (lines.exit, lines.stdout) == (Exit("exit", 7), b"ready\ngot one\ngot two\nend\n")
    assert (await machine.command("/bin/libc_terminal", "bytes")).exit == Exit("exit", 1)  # no attributes
