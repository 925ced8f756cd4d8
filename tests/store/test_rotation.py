from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.api.errors import ApiError, ErrorCode
from runtime.store import Store, open_store
from runtime.store.rotation import PAGE, KeyRotation, Rotated, SealingTurns
from runtime.store.sql import run
from tests.patience import WAIT

if TYPE_CHECKING:
    from pathlib import Path

ENV = {"API_KEY": "sk-plain-secret"}


async def fill(store: Store, sessions: int = 2) -> int:
    record, _ = await store.vms.get_or_create("vm", {}, 0)
    for number in range(sessions):
        await store.sessions.create(record.row, f"s{number}", "echo", 0, options={}, env={**ENV, "N": str(number)})
    await store.sessions.create(record.row, "without", "echo", 0, options={}, env={})
    return record.row


async def envs(store: Store) -> list[dict[str, str]]:
    record = store.vms.get("vm")
    assert record is not None
    return [await store.sessions.env(session) for session in store.sessions.list(record.row)]


def expected(sessions: int = 2) -> list[dict[str, str]]:
    return [*({**ENV, "N": str(number)} for number in range(sessions)), {}]


async def test_a_new_key_opens_everything(tmp_path: Path) -> None:
    state, key = tmp_path / "state.db", tmp_path / "key"
    async with open_store(state) as store:
        await fill(store, PAGE + 1)
        old = key.read_bytes()
        assert await store.sessions.rotate_key() == Rotated(PAGE + 1, 0)
        assert key.read_bytes() != old
        assert await envs(store) == expected(PAGE + 1)
        assert await store.sessions.rotate_key() == Rotated(PAGE + 1, 0)
    async with open_store(state) as store:
        assert await envs(store) == expected(PAGE + 1)
    assert {path.name for path in tmp_path.iterdir()} == {"state.db", "state.db.lock", "key"}  # noqa: ASYNC240
    assert key.stat().st_mode & 0o777 == 0o600


async def test_a_change_leaves_the_locks_of_the_state_file_alone(tmp_path: Path) -> None:
    # A process that closes any descriptor of a file gives up all its locks on it: another one would take itself for the last
    # to close the state file, and remove the log that is being written.
    async with open_store(tmp_path / "state.db") as store:
        await fill(store)
        await store.sessions.rotate_key()
        program = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM vm').fetchall(); c.close()"
        )
        command = [sys.executable, "-c", program, str(tmp_path / "state.db")]
        await trio.run_process(command)
        await store.vms.get_or_create("later", {}, 0)
        assert (tmp_path / "state.db-wal").stat().st_size > 0


async def test_what_the_old_key_does_not_open_stays_as_it_is(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db") as store:
        row = await fill(store)
        (tmp_path / "key").unlink()
        await store.sessions.create(row, "new", "echo", 0, options={}, env=ENV)
        damaged = await store.sessions.create(row, "damaged", "echo", 0, options={}, env=ENV)
        sql = "UPDATE session SET env_sealed = substr(env_sealed, 1, 30) WHERE id = ?"
        await store.writer.commit(lambda connection: run(connection, sql, damaged.row))
        assert await store.sessions.rotate_key() == Rotated(resealed=1, unreadable=3)
        first, *_, last, _ = store.sessions.list(row)
        assert await store.sessions.env(last) == ENV
        with pytest.raises(ApiError) as caught:
            await store.sessions.env(first)
        assert caught.value.code is ErrorCode.SECRETS_REQUIRED


async def test_a_change_that_fails_leaves_the_old_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_store(tmp_path / "state.db") as store:
        await fill(store)
        old = (tmp_path / "key").read_bytes()

        def fail(*_: Any) -> None:
            raise ApiError(ErrorCode.IO_ERROR, "no")

        monkeypatch.setattr("runtime.store.rotation.reseal", fail)
        with pytest.raises(ApiError):
            await store.sessions.rotate_key()
        assert (tmp_path / "key").read_bytes() == old
        assert not (tmp_path / "key.new").exists()
        assert await envs(store) == expected()
        monkeypatch.undo()

        monkeypatch.setattr(KeyRotation, "_adopt", fail)
        with pytest.raises(ApiError):  # the environments are sealed with the new key, which is not in its place yet
            await store.sessions.rotate_key()
        monkeypatch.undo()
        await store.sessions.rotate_key()
        assert await envs(store) == expected()


CRASH = """
import os, signal, sys, trio
from runtime.store import open_store
from runtime.store import rotation

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def dies_after(function):
    def run(*args):
        function(*args)
        die()
    return run

where = sys.argv[2]
if where == "writing the key":
    write = rotation.write_key
    rotation.write_key = lambda path, key: (write(path, key[:7]), die())
elif where == "before the transaction":
    rotation.reseal = die
elif where == "in the transaction":
    rotation.reseal = dies_after(rotation.reseal)
elif where == "after the commit":
    rotation.KeyRotation._adopt = die
elif where == "before the rename":
    sync = rotation._sync
    rotation._sync = dies_after(sync)
elif where == "after the rename":
    rotation.sync_directory = lambda path: path.name == "key" and die()

async def main():
    async with open_store(sys.argv[1]) as store:
        await store.sessions.rotate_key()

trio.run(main)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "changed"),
    [
        ("writing the key", False),
        ("before the transaction", False),
        ("in the transaction", False),
        ("after the commit", True),
        ("before the rename", True),
        ("after the rename", True),
    ],
)
async def test_a_kill_at_any_moment_leaves_a_key_that_fits(tmp_path: Path, where: str, changed: bool) -> None:
    state, key = tmp_path / "state.db", tmp_path / "key"
    async with open_store(state) as store:
        await fill(store)
    old = key.read_bytes()
    command = [sys.executable, "-c", CRASH, str(state), where]
    killed = await trio.to_thread.run_sync(lambda: subprocess.run(command, timeout=WAIT, check=False))
    assert killed.returncode == -signal.SIGKILL
    async with open_store(state) as store:
        assert await envs(store) == expected()
        assert (key.read_bytes() != old) is changed
        assert not (tmp_path / "key.new").exists()
        assert await store.sessions.rotate_key() == Rotated(2, 0)
        assert await envs(store) == expected()


async def test_the_key_changes_only_while_nobody_uses_it(nursery: trio.Nursery) -> None:
    turns, order = SealingTurns(), []
    go_on = trio.Event()

    async def use(name: str) -> None:
        async with turns.shared():
            order.append(name)
            await go_on.wait()

    async def change() -> None:
        async with turns.exclusive():
            order.append("change")

    nursery.start_soon(use, "one")
    nursery.start_soon(use, "two")
    await wait_all_tasks_blocked()
    nursery.start_soon(change)
    await wait_all_tasks_blocked()
    nursery.start_soon(use, "three")
    await wait_all_tasks_blocked()
    assert sorted(order) == ["one", "two"]
    go_on.set()
    await wait_all_tasks_blocked()
    assert order[2:] == ["change", "three"]


async def test_environments_that_are_made_meanwhile_open_with_the_new_key(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db") as store:
        row = await fill(store)

        async def create(number: int) -> None:
            await store.sessions.create(row, f"c{number}", "echo", 0, options={}, env=ENV)

        async with trio.open_nursery() as creating:
            for number in range(20):
                creating.start_soon(create, number)
                if number % 5 == 0:
                    creating.start_soon(store.sessions.rotate_key)
        assert [env["API_KEY"] for env in await envs(store) if env] == [ENV["API_KEY"]] * 22
