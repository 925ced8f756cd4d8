"""`power`: what was answered is there when all that was not synced is thrown away. `process`: the last second may be lost.

A daemon under load is recorded (recorder.c); then the disk is taken as a power cut may have left it (disk.py), at one sync
after the other, and opened.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import apsw
import attrs
import pytest

from runtime.store import Store, open_store
from runtime.store.durability import Durability
from runtime.store.foreign import open_foreign
from tests.patience import WAIT
from tests.system.daemon import Daemon, Vm, environment, fresh_name, running
from tests.system.disk import Disk, Record, Rest, acknowledge, build, records
from tests.system.test_commands import install
from wasi_fs import FileSystem, FsError, Limits
from wasi_fs.errors import FsCode

if TYPE_CHECKING:
    from pathlib import Path

CUTS: Final = int(os.environ.get("TORPOR_SOAK_CUTS", "40"))  # `make soak` asks for many more
TURNS: Final = 8 + CUTS // 50
CLIENTS: Final = 3
SYNCS: Final = ("fsync", "fdatasync")


@attrs.define
class Recorded:
    """A daemon with what it does to its files written down."""

    daemon: Daemon
    log: Path

    @property
    def root(self) -> Path:
        return self.daemon.directory / "disk"

    def told(self, kind: str, *what: Any) -> None:
        acknowledge(self.log, json.dumps([kind, *what]))


@pytest.fixture
def recorded(component_cache: Path, scratch: Path) -> Recorded:
    directory = scratch / fresh_name("recorded")
    variables = environment(component_cache)
    daemon = Daemon(directory, variables)
    daemon.state = directory / "disk" / "some" / "where" / "state.db"
    (directory / "disk").mkdir()
    log = directory / "recording"
    variables |= {
        "LD_PRELOAD": str(build(directory)),
        "RECORD_ROOT": str(directory / "disk"),
        "RECORD_LOG": str(log),
    }
    daemon._environment = variables
    return Recorded(daemon, log)


def rage(recorded: Recorded) -> None:
    """Have some clients talk, write and export, and note all that they are told. Ends with a kill."""
    with running(recorded.daemon), ThreadPoolExecutor() as pool:
        clients = [pool.submit(talk, recorded, number) for number in range(CLIENTS)]
        clients += [pool.submit(sync, recorded, word) for word in SYNCS]
        for client in clients:
            client.result()


def talk(recorded: Recorded, number: int) -> None:
    with recorded.daemon.connect() as api:
        vm = Vm(api, f"vm{number % 2}")
        recorded.told("vm", vm.name)
        session = vm.session(sessionId=f"s{number}", env={"KEY": "value"})
        recorded.told("session", vm.name, session.id)
        session.subscribe(after=-1)
        for turn in range(TURNS):
            path = f"/home/user/{number}-{turn}.txt"  # a new one: the agent empties a file before it writes it
            prompt = session.start("sendPrompt", prompt=f"stream 5 1; fswrite {path} {turn}; stream 2")
            for notification in api.client.notifications(until=prompt, timeout=WAIT):
                if notification.method == "sessionEvent":
                    seen = notification.params
                    recorded.told("event", vm.name, session.id, seen["seq"], seen["event"])
            assert prompt.result()["stopReason"] == "end_turn"
            recorded.told("file", vm.name, path, turn)
            vm.write(f"/other{number}", str(turn))
            recorded.told("file", vm.name, f"/other{number}", turn)
            if turn in (number, number + 4):
                vm.call("snapshot", name=f"{number}-{turn}")
                recorded.told("snapshot", vm.name, f"{number}-{turn}")
                name = f"export-{number}-{turn}"
                vm.call("vm.export", path=str(recorded.root / name))
                recorded.told("export", name)
        vm.call("closeSession", sessionId=session.id)


def sync(recorded: Recorded, word: str) -> None:
    """Have a guest write and sync, and note what it says as soon as it does: its end would make all of it durable."""
    with recorded.daemon.connect() as api:
        vm = install(Vm(api, word), sync_lines="sync_lines")
        api.call("subscribe", vm=word)
        path = f"/home/user/{word}"
        pid = vm.call("spawn", argv=["sync_lines", path, *(["x"] if word == "fdatasync" else [])])["pid"]
        for turn in range(TURNS):
            vm.call("writeProcessStdin", pid=pid, data=f"{turn}\n")
            api.until(lambda n: n.method == "processOutput" and n.params["data"] == f"synced {turn}\n")  # noqa: B023
            recorded.told("file", word, path, turn)
        vm.call("killProcess", pid=pid)


async def check(cut: Path, told: list[list[Any]]) -> list[list[Any]]:
    """Open what a power cut has left; return the things that somebody was told and that are not there."""
    exports = [what[1] for what in told if what[0] == "export"]
    missing: list[list[Any]] = []
    for name in exports:
        if (cut / name).exists():
            with open_foreign(cut / name):
                pass
        else:
            missing.append(["export", name])
    state = cut / "some" / "where" / "state.db"
    if not state.exists():
        return missing + [what for what in told if what[0] != "export"]
    async with open_store(state, durability=Durability.NONE) as store:
        missing += await missing_in(store, told)
    with contextlib.closing(apsw.Connection(str(state))) as connection:
        assert connection.pragma("integrity_check") == "ok"
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    return missing


async def missing_in(store: Store, told: list[list[Any]]) -> list[list[Any]]:
    vms = {record.name: record for record in store.vms.list()}
    sessions = {s.session_id: s for vm in vms.values() for s in store.sessions.list(vm.row)}
    events = {
        name: [json.loads(event.body) for event in await store.transcript.history(record.row)]
        for name, record in sessions.items()
    }
    trees = {
        name: FileSystem(store.files.backend(vm.layer), Limits(bytes=10**9, entries=10**6), lambda: 0)
        for name, vm in vms.items()
    }
    snapshots = {(name, each.label) for name, vm in vms.items() for each in store.snapshots.list(vm.row)}
    missing: list[list[Any]] = []
    for kind, *what in told:
        match kind, what:
            case "vm", [name]:
                there = name in vms
            case "session", [_, name]:
                there = name in sessions
            case "snapshot", [name, label]:
                there = (name, label) in snapshots
            case "event", [_, session, seq, event]:
                found = events.get(session, [])
                there = seq < len(found) and found[seq] == event
            case "file", [name, path, turn]:
                there = name in trees and written(trees[name], path) >= turn
            case _:
                there = True
        if not there:
            missing.append([kind, *what])
    return missing


def written(tree: FileSystem, path: str) -> int:
    """What the file holds: a later turn may have come, which nobody has been told of yet."""
    try:
        return int(tree.read_file(path) or b"-1")
    except FsError as error:
        if error.code is FsCode.NO_ENTRY:
            return -1
        raise


def chosen(log: Path, chance: random.Random) -> set[int]:
    """The positions in the recording at which to cut: before and after the end of a sync, all of them or a sample."""
    ends = [at for at, record in enumerate(records(log)) if record.kind == "E"]
    places = [place for end in ends for place in (end, end + 1)]
    return set(places if len(places) <= CUTS else chance.sample(places, CUTS))


async def test_power_loses_nothing_that_was_answered(recorded: Recorded, tmp_path: Path) -> None:
    recorded.daemon.arguments = ["--durability", "power"]
    rage(recorded)
    chance = random.Random(CUTS)  # noqa: S311
    places = chosen(recorded.log, chance)
    disk, told, done = Disk(recorded.root), [], 0
    for at, record in enumerate(records(recorded.log)):
        if at in places:
            rest = list(Rest)[done % len(Rest)]
            disk.cut(tmp_path / "cut", rest, chance)
            missing = await check(tmp_path / "cut", told)
            assert missing == [], (at, rest)
            done += 1
        if record.kind == "A":
            told.append(json.loads(record.data))
        else:
            disk.apply(record)
    assert done >= min(CUTS, len(places)) - 1
    kinds = Counter(kind for kind, *_ in told)
    assert kinds["event"] > TURNS
    assert kinds["file"] == (2 * CLIENTS + len(SYNCS)) * TURNS
    assert kinds["export"] == kinds["snapshot"] > 0
    print(f"{done} cuts; told: {dict(kinds)}")  # noqa: T201 - for `make soak`


async def test_process_loses_what_came_after_the_last_sync_and_nothing_else(recorded: Recorded, tmp_path: Path) -> None:
    recorded.daemon.arguments = ["--durability", "process"]
    rage(recorded)
    chance = random.Random(CUTS)  # noqa: S311
    count = sum(1 for _ in records(recorded.log))
    places = set(chance.sample(range(count), min(CUTS, count)))
    disk, told, lost = Disk(recorded.root), [], 0
    begun: dict[int, int] = {}
    certain = 0
    for at, record in enumerate(records(recorded.log)):
        if at in places:
            disk.cut(tmp_path / "cut", Rest.LOST, chance)
            assert await check(tmp_path / "cut", [what for what in told[:certain] if what[0] != "export"]) == [], at
            lost += len(await check(tmp_path / "cut", told))
        if record.kind == "A":
            told.append(json.loads(record.data))
        else:
            certain = certain_after(record, begun, len(told), certain)
            disk.apply(record)
    assert lost > 0  # or else nothing was thrown away, here and above


def certain_after(record: Record, begun: dict[int, int], told: int, certain: int) -> int:
    """How many of the things that were told are on the disk, by the syncs of the log."""
    if record.path.endswith("-wal"):
        if record.kind == "B":
            begun[record.offset] = told
        elif record.kind == "E":
            return max(certain, begun.pop(record.offset))
    return certain
