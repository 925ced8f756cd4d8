"""A process's timer: SIGALRM at a time, and then every so often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from runtime.posix.life import signal
from runtime.posix.signals import Signal

if TYPE_CHECKING:
    from runtime.posix.process import PosixProcess

SECOND_NS: Final = 1_000_000_000

LEAST_INTERVAL: Final = 0.001
"""Seconds between two signals of all timers of a VM, where each of its processes has one: a shorter interval would keep the
event loop busy with nothing else."""

LONGEST: Final = 10.0**9
"""Seconds: thirty years, where trio's clock is still exact."""


class Alarm:
    """A timer that runs. `run` is a task of the process."""

    def __init__(self, process: PosixProcess, first: int, interval: int) -> None:
        """`first` and `interval` in nanoseconds, 0 for no interval."""
        self._process = process
        self._due = trio.current_time() + min(first / SECOND_NS, LONGEST)
        self._interval = interval / SECOND_NS if interval else None
        self._scope = trio.CancelScope()

    @property
    def left(self) -> int:
        """Nanoseconds to the next signal; at least one."""
        return max(1, round((self._due - trio.current_time()) * SECOND_NS))

    async def run(self) -> None:
        """Send the signals."""
        with self._scope:
            while True:
                await trio.sleep_until(self._due)
                if self._interval is None:
                    break
                least = LEAST_INTERVAL * len(self._process.kernel.processes)
                self._due = trio.current_time() + min(max(self._interval, least), LONGEST)
                signal(self._process, Signal.ALRM)
            self._process.alarm = None
            signal(self._process, Signal.ALRM)

    def stop(self) -> None:
        """No more signals."""
        self._scope.cancel()
