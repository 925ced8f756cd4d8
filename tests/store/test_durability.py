"""The thread that syncs the log."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from runtime.store import durability
from runtime.store.durability import LogSyncer
from tests.patience import WAIT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_it_ends_when_it_is_closed_in_the_moment_of_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durability, "SYNC_SECONDS", 0.0)
    (tmp_path / "log").touch()
    syncer = LogSyncer(str(tmp_path / "log"))
    event = syncer._committed
    clear, set_ = event.clear, event.set
    clearing, closing = threading.Event(), threading.Event()

    def clear_late() -> None:
        clearing.set()
        assert closing.wait(WAIT)
        clear()

    def set_and_tell() -> None:
        set_()
        closing.set()

    monkeypatch.setattr(event, "clear", clear_late)
    syncer.committed()
    assert clearing.wait(WAIT)
    monkeypatch.setattr(event, "set", set_and_tell)
    closer = threading.Thread(target=syncer.close, daemon=True)
    closer.start()
    closer.join(WAIT)
    assert not closer.is_alive()


def test_a_sync_begins_half_a_second_after_a_commit_however_many_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log").touch()
    syncer = LogSyncer(str(tmp_path / "log"))
    done: list[str | float] = []
    over = threading.Event()

    def wait(seconds: float) -> bool:
        done.append(seconds)
        for _ in range(100):
            syncer.committed()
        return False

    def sync(_descriptor: int) -> None:
        done.append("sync")
        if done.count("sync") == 1:
            syncer.committed()  # too late for this one
        else:
            over.set()

    monkeypatch.setattr(syncer._closing, "wait", wait)
    monkeypatch.setattr(durability.os, "fdatasync", sync)
    syncer.committed()
    assert over.wait(WAIT)
    syncer.close()
    assert done[:4] == [0.5, "sync", 0.5, "sync"]
