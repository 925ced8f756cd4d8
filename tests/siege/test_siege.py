"""A session that works while the daemon is attacked from all sides."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.patience import WAIT
from tests.system.daemon import Vm

if TYPE_CHECKING:
    from tests.system.daemon import Api, Daemon, Session

SECONDS = float(os.environ.get("TORPOR_SIEGE_SECONDS", "8"))
SEED = os.environ.get("TORPOR_SIEGE_SEED", "1")
PAUSE = 0.02
"""Seconds between two prompts of the session that works."""


def holds(daemon: Daemon) -> tuple[int, int, int]:
    """Descriptors, threads, MiB of memory. Without those of programs that are kept loaded: they are bounded by MAX_MODULES."""
    process = Path(f"/proc/{daemon.pid}")
    descriptors = [descriptor.readlink().name for descriptor in (process / "fd").iterdir()]
    programs = sum(name.startswith("memfd:") or name.partition(" ")[0].endswith(".cwasm") for name in descriptors)
    return len(descriptors) - programs, len(list((process / "task").iterdir())), daemon.rss() >> 20


def work(session: Session, attackers: subprocess.Popen[bytes], daemon: Daemon) -> tuple[list[float], list[int]]:
    """Prompts until the attackers have had enough: the seconds of each, and the daemon's MiB at each."""
    times: list[float] = []
    memory: list[int] = []
    chance = random.Random(SEED)  # noqa: S311 - seeded on purpose
    while attackers.poll() is None:
        word = f"{chance.random()}"
        begun = time.monotonic()
        assert session.say(f"say {word}") == word
        times.append(time.monotonic() - begun)
        memory.append(daemon.rss() >> 20)
        try:
            attackers.wait(PAUSE)
        except subprocess.TimeoutExpired:
            continue
    return times, memory


def besiege(daemon: Daemon, folder: Path, seconds: float) -> subprocess.Popen[bytes]:
    """Each kind of attack for so long, and once at least."""
    command = [sys.executable, "-m", "tests.siege", str(daemon.socket), str(folder), str(seconds), SEED]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def told(attackers: subprocess.Popen[bytes]) -> dict[str, int]:
    """The rounds of each kind; nothing went wrong in them that should not have."""
    assert attackers.stdout is not None
    answer = json.loads(attackers.stdout.read())
    assert answer["failures"] == []
    rounds: dict[str, int] = answer["rounds"]
    assert all(rounds.values())
    return rounds


def test_a_session_works_while_others_attack(own_daemon: Daemon, tmp_path: Path) -> None:
    with own_daemon.connect() as api:
        session = Vm(api, "calm").session()
        # What is kept for later is there after the first round.
        with besiege(own_daemon, tmp_path, 0) as attackers:
            work(session, attackers, own_daemon)
            told(attackers)
        settle(api)
        before = holds(own_daemon)
        with besiege(own_daemon, tmp_path, SECONDS) as attackers:
            times, memory = work(session, attackers, own_daemon)
            rounds = told(attackers)
        settle(api)
        after = holds(own_daemon)
        half = len(memory) // 2
        times.sort()
        print(  # noqa: T201 - for make soak
            f"{len(times)} prompts under {sum(rounds.values())} attacks: median {statistics.median(times) * 1000:.1f}, "
            f"99 % {times[len(times) * 99 // 100] * 1000:.0f}, worst {times[-1] * 1000:.0f} ms; the daemon's memory "
            f"{max(memory[:half])} MiB at most in the first half, {max(memory[half:])} in the second; "
            f"descriptors, threads, MiB before {before}, after {after}; rounds {rounds}"
        )
        assert list(tmp_path.iterdir()) == [], "exports that were given up leave nothing"
        assert after[0] <= before[0] + 4, "the store opens readers as they are wanted"
        assert max(memory[half:]) <= max(memory[:half]) * 1.25 + 32


def settle(api: Api) -> None:
    """All that the attackers had is gone: nobody but the one session is left."""
    deadline = time.monotonic() + WAIT
    while (status := api.call("daemon.status"))["awake"] > 1 or status["connections"] > 1:
        assert time.monotonic() < deadline, status
        time.sleep(0.05)
