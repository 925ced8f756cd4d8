"""What a coding agent's day is made of, in a VM and beside this machine's own: git, python3, rg."""

from __future__ import annotations

import subprocess
import tempfile
import zipfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.harness import Figure, Skipped, daemon, timed
from bench.shell import beside, inside
from tests.commands.built import DIST
from tests.commands.git_server import GitServer, repository
from tests.commands.web import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.client.sync import Client

RUNS = 7
MANY = "mkdir many && cd many && for d in {1..20}; do mkdir $d; for f in {1..50}; do echo $d/$f > $d/$f; done; done"
COMMIT = "git init -q && git add . && git -c user.name=A -c user.email=a@example.com commit -qm all"
CASES = "import pytest\n@pytest.mark.parametrize('number', range(10))\ndef test_it(number): assert number < 10\n"


def git() -> Iterator[Figure]:
    """git in a VM over 1,000 files in 20 directories, and a clone of them over HTTP from this machine's `git http-backend`."""
    _need("git", "bash")
    with _shell(MANY) as (client, folder):
        yield beside("git init, add and commit", client, f"cd many && {COMMIT}", folder, "rm -rf many/.git", RUNS)
        yield beside("git status", client, "cd many && git status --short", folder, runs=RUNS)
        yield beside("git log", client, "cd many && git log", folder, runs=RUNS)
    yield from _clone()


def _clone() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="torpor-bench-") as folder:
        repository(Path(folder), "many", {f"{number % 20}/{number}": f"{number}\n" for number in range(1000)})
        with (
            serving(GitServer(Path(folder) / "served")) as server,
            daemon() as running,
            running.client() as client,
        ):
            client.call("vm.getOrCreate", vm="shell", options={"network": {"allow": [server.host]}})
            clone = f"git clone -q http://{server.host}/many.git many"
            yield beside("git clone of 1,000 files over HTTP", client, clone, folder, "rm -rf many", RUNS)


def python() -> Iterator[Figure]:
    """python3 in a VM: its start, what is imported most, ten tests, and a pure wheel from a folder."""
    _need("python3", "bash")
    with _shell(f"cat > test_ten.py <<'END'\n{CASES}END\n") as (client, folder):
        yield beside("python3 -c pass", client, "python3 -c pass", folder)
        modules = "import json, re, sqlite3, asyncio"
        yield beside(f"python3: {modules}", client, f"python3 -c '{modules}'", folder)
        yield beside(
            "pytest of 10 tests", client, "python3 -m pytest -q -p no:cacheprovider test_ten.py", folder, runs=RUNS
        )
        yield _pip(client, folder)


def _pip(client: Client, folder: str) -> Figure:
    about = "pure-1.dist-info"
    with zipfile.ZipFile(Path(folder) / "pure-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("pure.py", "")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: pure\nVersion: 1\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    client.call("vm.getOrCreate", vm="pip", options={"mounts": [{"path": "/wheels", "host": folder, "readOnly": True}]})
    install = "pip install -q --no-index --find-links /wheels --target $(mktemp -d) pure"
    values = timed(partial(inside, client, install, vm="pip"), RUNS)
    return Figure("pip install of a pure wheel from a folder", values, "ms")


def _need(*names: str) -> None:
    for name in names:
        if not (DIST / f"{name}.wasm").exists():
            raise Skipped("the commands are not built: make commands")


@contextmanager
def _shell(prepare: str) -> Iterator[tuple[Client, str]]:
    """A VM "shell" and a folder of this machine in which a script has made the same."""
    with daemon() as running, running.client() as client, tempfile.TemporaryDirectory(prefix="torpor-bench-") as folder:
        client.call("vm.getOrCreate", vm="shell")
        inside(client, prepare)
        subprocess.run(["bash", "-c", prepare], cwd=folder, check=True)
        yield client, folder
