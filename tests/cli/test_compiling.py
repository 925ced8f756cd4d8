"""An agent that is compiled before it starts: people at a terminal are told; nobody else is."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.places import COMMAND, a_place
from tests.cli.test_progress import hasty, on_a_terminal
from tests.system.daemon import WAIT, Daemon, environment, running

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
