"""Agents that are compiled before they start, when people at a terminal are told, and nobody else is; and ahead of that."""

from __future__ import annotations

import fcntl
import json
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from wasmtime import wat2wasm

from runtime.cli import exits
from runtime.doctor.machine import TINY
from tests.cli.places import COMMAND, a_place
from tests.cli.test_progress import hasty, on_a_terminal
from tests.patience import WAIT
from tests.system.daemon import Daemon, environment, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.places import Place


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Where nothing is compiled yet."""
    (tmp_path / "cache").mkdir(mode=0o700)
    return tmp_path / "cache"


@pytest.fixture
def fresh(cache: Path) -> Iterator[Place]:
    with a_place(cache) as place:
        yield place


@pytest.fixture
def own(tmp_path: Path, cache: Path) -> Iterator[Daemon]:
    with running(Daemon(tmp_path / "d", environment(cache))) as daemon:
        yield daemon


def test_a_person_is_told_once(fresh: Place, own: Daemon) -> None:
    said = r"\r\x1b\[Kcompiling echo\.wasm, once: \d+ s"
    code, shown = on_a_terminal(fresh, hasty("run", "echo", "hi"), own.socket)
    assert code == 0, shown
    assert re.search(said, shown)
    assert re.fullmatch(r"torpor: session .*\r\n", shown.rpartition("\r\x1b[K")[2]), "the line was wiped away"
    code, shown = on_a_terminal(fresh, hasty("run", "echo", "hi"), own.socket)
    assert code == 0, shown
    assert not re.search(said, shown)


def test_a_program_is_not(fresh: Place, own: Daemon) -> None:
    done = subprocess.run(
        [*COMMAND, "run", "echo", "hi"],
        capture_output=True,
        env={**fresh.environment, "TORPOR_SOCKET": str(own.socket)},
        timeout=WAIT,
        check=True,
    )
    assert b"compiling" not in done.stderr
    assert "compiling a component of" in own.log.read_text()


def test_agents_are_compiled_ahead(fresh: Place) -> None:
    done = fresh.run("compile", "echo")
    assert re.fullmatch(r"echo: compiling \d+\.\d MB\necho: compiled in \d+\.\d s\n", done.stdout), done.stderr
    assert fresh.run("compile", "echo").stdout == "echo: is compiled already\n"
    assert fresh.run("run", "echo", "hi").stdout == "echo: hi\n"
    assert not [line for line in fresh.log() if "compiling a component" in str(line)]


def test_components_are_compiled_ahead_by_their_paths(fresh: Place, tmp_path: Path, cache: Path) -> None:
    path, broken = tmp_path / "tiny.wasm", tmp_path / "broken.wasm"
    path.write_bytes(wat2wasm(TINY))
    broken.write_bytes(b"")
    done = fresh.run("compile", "--json", str(broken), str(path), str(tmp_path / "missing"))
    assert done.returncode == exits.FAILED
    assert done.stderr.splitlines() == [
        f"torpor: {broken}: this is not a WebAssembly component",
        f"torpor: {tmp_path / 'missing'}: No such file or directory",
    ]
    told = json.loads(done.stdout)
    assert (told["agent"], told["bytes"], told["compiled"]) == (str(path), path.stat().st_size, True)
    assert len(list(cache.glob("*.recipe"))) == 1


def test_compiling_can_be_interrupted(fresh: Place, cache: Path) -> None:
    with (cache / "lock").open("w") as lock:  # as if another process were compiling
        fcntl.flock(lock, fcntl.LOCK_EX)
        with fresh.popen("compile", "echo") as command:
            assert command.stdout is not None
            assert command.stdout.readline().startswith("echo: compiling")
            command.send_signal(signal.SIGINT)
            assert command.wait(WAIT) == exits.INTERRUPTED


def test_an_agent_that_is_not_there_is_not_compiled(fresh: Place) -> None:
    done = fresh.run("compile", "nobody")
    assert done.returncode == exits.FAILED
    assert "no agent 'nobody'" in done.stderr
