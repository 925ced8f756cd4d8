"""The garbage collector, so that nobody waits for it.

A full collection looks at every object that may be in a cycle, and the loop stands still meanwhile: 80 ms of it when 2,000
requests are under way. So what has survived one is put aside (`gc.freeze`), and the next one looks only at what is new since:
a few milliseconds, however much there is. What is put aside is still freed as soon as nothing leads to it; only cycles among
it stay, until a moment in which nobody waits for anything: then all is looked at.
"""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING, Any, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

YOUNG_ROUNDS: Final = 3
"""Collections of the middle generation to one of what is new: some 20,000 objects at most, where Python has ten."""

LOOK_SECONDS: Final = 60.0
"""Between two looks for a quiet moment: cycles of what has lived long are few."""

PUT_ASIDE: Final = 64
"""Collections after which a daemon that is never quiet looks at all of it anyway: a million objects by then, 100 MB if all of
them are garbage."""


class Collector:
    """Puts aside what survives a collection. To be made once all that a daemon begins with is there."""

    def __init__(self) -> None:
        self._rounds = 0

    @contextlib.contextmanager
    def installed(self) -> Iterator[Collector]:
        """Have the process collect its garbage in this way."""
        before = gc.get_threshold()
        gc.set_threshold(before[0], before[1], YOUNG_ROUNDS)
        gc.callbacks.append(self._heard)
        self._begin_anew()
        try:
            yield self
        finally:
            gc.callbacks.remove(self._heard)
            gc.set_threshold(*before)
            gc.unfreeze()

    async def collect(self, quiet: Callable[[], bool]) -> None:
        """Look at everything now and then, when `quiet` says that nobody waits; until cancelled."""
        while True:
            await trio.sleep(LOOK_SECONDS)
            if self._rounds and (self._rounds >= PUT_ASIDE or quiet()):
                gc.unfreeze()
                gc.collect()
                self._begin_anew()
                self._rounds = 0

    def _begin_anew(self) -> None:
        """Python also waits until a quarter as much is new as there was the last time: let that be nothing."""
        gc.freeze()
        gc.collect()

    def _heard(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "stop" and info["generation"] == len(gc.get_threshold()) - 1:
            gc.freeze()
            self._rounds += 1
