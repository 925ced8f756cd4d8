"""Timers of processes."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from runtime.posix import alarm
from runtime.posix.alarm import LEAST_INTERVAL, LONGEST, SECOND_NS, Alarm


class Process:
    """What a timer works on."""

    def __init__(self, others: int = 0) -> None:
        self.alarm: Any = None
        self.kernel = self
        self.processes = range(1 + others)


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When signals came."""
    found: list[float] = []
    monkeypatch.setattr(alarm, "signal", lambda _process, _number: found.append(trio.current_time()))
    return found


async def test_once(autojump_clock: trio.testing.MockClock, signals: list[float]) -> None:
    process: Any = Process()
    process.alarm = Alarm(process, 2 * SECOND_NS, 0)
    assert process.alarm.left == 2 * SECOND_NS
    began = trio.current_time()
    await process.alarm.run()
    assert (signals, process.alarm) == ([began + 2], None)


@pytest.mark.parametrize("others", [0, 100])
async def test_again_and_again_but_not_without_end(
    autojump_clock: trio.testing.MockClock, signals: list[float], others: int
) -> None:
    process: Any = Process(others)
    timer = Alarm(process, 1, 1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(timer.run)
        await trio.sleep(10.5 * LEAST_INTERVAL * (1 + others))
        timer.stop()
    assert len(signals) == 11


async def test_a_time_that_never_comes(autojump_clock: trio.testing.MockClock) -> None:
    process: Any = Process()
    assert Alarm(process, (1 << 63) - 1, 0).left <= LONGEST * SECOND_NS
