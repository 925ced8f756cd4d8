"""What an editor knows of the clients: a program is checked by mypy, in which a mark that nothing needs is an error, too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("typed.py")


def checked(program: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", "--config-file=", "--strict", f"--cache-dir={cache}", program]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.slow
def test_methods_have_types(tmp_path):
    done = checked(PROGRAM, tmp_path)
    assert done.returncode == 0, done.stdout
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        PROGRAM.read_text().replace("assert_type(session, torpor.SessionInfo)", "assert_type(session, int)")
    )
    assert checked(wrong, tmp_path).stdout.count("[assert-type]") == 2
