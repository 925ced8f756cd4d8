"""The built client, a Node.js to run it, and a daemon for it to talk to."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

from tests.patience import WAIT
from tests.system.daemon import Daemon, environment, running

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[3]


@attrs.frozen
class Node:
    """A Node.js, npm beside it, and the environment of what they run."""

    node: Path
    npm: tuple[Path, ...]
    variables: dict[str, str]

    def run(self, *words: str | Path, cwd: Path = ROOT, **variables: str) -> str:
        """Run `node WORDS`; its output. Fails the test when it fails."""
        return self._run([self.node, *words], cwd, variables)

    def run_npm(self, *words: str | Path, cwd: Path, **variables: str) -> str:
        """Run `npm WORDS`; its output. Fails the test when it fails."""
        return self._run([*self.npm, *words], cwd, variables)

    def _run(self, words: list[str | Path], cwd: Path, variables: dict[str, str]) -> str:
        done = subprocess.run(
            [str(word) for word in words],
            cwd=cwd,
            env={**self.variables, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )
        assert done.returncode == 0, f"{words[1]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="session")
def toolchain() -> Any:
    """`build/toolchain.py`, which is a script's module and in no package."""
    sys.path.insert(0, str(ROOT / "build"))
    try:
        return importlib.import_module("toolchain")
    finally:
        sys.path.pop(0)


@pytest.fixture(scope="session")
def client(toolchain: Any) -> Path:
    """The client's folder, built."""
    done = subprocess.run(
        [sys.executable, ROOT / "build" / "typescript.py"], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "clients" / "typescript"


@pytest.fixture(scope="session")
def node(toolchain: Any, client: Path, daemon: Daemon, component_cache: Path) -> Node:
    """Node.js as the build finds it; the default socket of what it runs is the shared daemon's."""
    found = toolchain.find_node()
    path = f"{found.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    variables = environment(
        component_cache, PATH=path, TORPOR_SOCKET=str(daemon.socket), TORPOR_TEST_PYTHON=sys.executable
    )
    return Node(found.node, found.npm, variables)


@pytest.fixture(scope="session")
def daemon(component_cache: Path) -> Iterator[Daemon]:
    """A daemon for all tests that leave it alone, on its socket and over HTTP."""
    directory = Path(tempfile.mkdtemp(prefix="torpor-"))
    made = Daemon(directory, environment(component_cache))
    made.arguments = ["--http=127.0.0.1:0"]
    with running(made) as daemon:
        yield daemon
        assert daemon.stop() == 0
    assert "Traceback" not in daemon.log.read_text(), daemon.log.read_text()
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def http_url(daemon: Daemon) -> str:
    """Where the shared daemon serves HTTP."""
    match = re.search(r"torpor: ready on .* and (http://\S+)", daemon.log.read_text())
    assert match is not None
    return match[1]
