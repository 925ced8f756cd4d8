"""The project that newcomers copy, copied and tested."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "testing-an-agent"
BUILD_TIMEOUT_S = 120  # ten seconds on an idle machine


def built(component: Path, cache: Path) -> Path:
    """Build the agent as the Makefile says, once for each state of its sources."""
    command = next(
        line.strip() for line in (EXAMPLE / "Makefile").read_text().splitlines() if "componentize-py" in line
    )
    sources = [command.encode(), *(path.read_bytes() for path in sorted(component.parent.glob("*.[pw]*")))]
    kept = cache / f"{hashlib.sha256(b'|'.join(sources)).hexdigest()}.wasm"
    if not kept.exists():
        tool, *arguments = command.replace("$@", str(kept)).split()
        program = Path(sys.executable).with_name(tool)
        subprocess.run([program, *arguments], cwd=component.parents[1], check=True, timeout=BUILD_TIMEOUT_S)
    return kept


def test_the_example(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    pytest.importorskip("componentize_py")
    assert request.config.cache is not None
    project = tmp_path / "project"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("__pycache__", "*.wasm", "torpor-report"))
    component = project / "agent" / "todo.wasm"
    shutil.copy(built(component, request.config.cache.mkdir("torpor-example")), component)
    loaded = [] if entry_points(group="pytest11", name="torpor") else ["-p", "runtime.testing.plugin"]
    assert "9 passed" in run(project, "pytest", "-q", *loaded)
    assert "4 passed, 0 failed" in run(project, "runtime.cli", "test", "tests/todo.yaml")


def run(project: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
