"""A program that finds no daemon has one started, by `torpor` on the PATH."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

import torpor
from runtime.client.errors import ConnectError
from tests.system.daemon import environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = [sys.executable, "-P", "-m", "runtime.cli"]


@pytest.fixture
def place(tmp_path, monkeypatch, component_cache, scratch) -> Iterator[Path]:
    """A socket that nobody serves, with a `torpor` on the PATH and a state of its own."""
    socket = scratch / f"{tmp_path.name[-20:]}.s"
    write_torpor(tmp_path, f'exec {sys.executable} -P -m runtime.cli "$@"')
    variables = environment(
        component_cache, PATH=f"{tmp_path}:{os.environ['PATH']}", TORPOR_STATE=str(tmp_path / "s.db")
    )
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    yield socket
    subprocess.run([*COMMAND, "stop", "--socket", socket], capture_output=True, check=False)


def write_torpor(folder, text):
    program = folder / "torpor"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def test_many_programs_at_once_start_one_daemon(place):
    pids = []

    def use():
        with torpor.connect_sync(place) as client:
            pids.append(client.status()["pid"])

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 3
    assert len(set(pids)) == 1


def test_the_asynchronous_client_has_one_started_too(run, place):
    async def main():
        async with torpor.connect(place) as client:
            assert (await client.status())["socket"] == str(place)

    run(main)


def test_where_none_is_to_be_started(run, place, tmp_path, monkeypatch):
    with pytest.raises(ConnectError, match=r"there is no socket$"):
        torpor.connect_sync(place, autostart=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConnectError, match=r"`torpor` is not on the PATH.*torpor serve"):
        torpor.connect_sync(place)

    async def main():
        async with torpor.connect(place):
            pytest.fail("connected")

    with pytest.raises(ConnectError, match="`torpor` is not on the PATH"):
        run(main)
    write_torpor(tmp_path, "echo torpor: it does not want to >&2; exit 3")
    monkeypatch.setenv("PATH", str(tmp_path))
    for call in (lambda: torpor.connect_sync(place), lambda: run(main)):
        with pytest.raises(ConnectError, match="`torpor start` failed: it does not want to"):
            call()
    write_torpor(tmp_path, "for i in 1 2 3 4 5 6 7; do echo $i; done >&2; exit 3")
    with pytest.raises(ConnectError, match=r"failed: 3 / 4 / 5 / 6 / 7$"):
        torpor.connect_sync(place)
