"""How long one guest can hold the event loop with a single call."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import trio

from bench.harness import Figure
from bench.inside import PROGRAMS, inside

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS = 10


class Hold(NamedTuple):
    """A way to call the host, and how much is given to it."""

    label: str
    name: str
    size: int


HOLDS: Final = (
    Hold("fields.from-list of 1,000 entries", "fields", 1000),
    Hold("poll of 4,090 pollables", "poll", 4090),
    Hold("descriptor.write of 1 MiB, 8 in a row", "write", 8),
    Hold("stat-at with a path of 2 MiB", "string", 2 * 2**20 - 1),
)
"""As much as the engine takes (runtime.engine.abi.context)."""


class _Steps(trio.abc.Instrument):
    """The longest step of any task: CPU of the loop's thread, so that the machine's other work does not count."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._began: float | None = None  # the step in which the measuring begins does not count

    def before_task_step(self, task: Any) -> None:  # noqa: ARG002 - trio's signature
        self._began = time.thread_time()

    def after_task_step(self, task: Any) -> None:  # noqa: ARG002 - trio's signature
        if self._began is not None:
            self.longest = max(self.longest, time.thread_time() - self._began)


def holds() -> Iterator[Figure]:
    """The longest step of the event loop (CPU of its thread) in the life of a guest that passes the largest arguments.

    With a guest that passes next to nothing beside it, since a turn of a guest on the loop is 2 ms long in any case.
    """
    figures = trio.run(_measure)
    for label, least, most in figures:
        yield Figure(label, most, "ms", f"worst {max(most):.2f}; with 1 instead {sorted(least)[len(least) // 2]:.2f}")


async def _measure() -> list[tuple[str, list[float], list[float]]]:
    found: list[tuple[str, list[float], list[float]]] = [(hold.label, [], []) for hold in HOLDS]
    async with inside() as guests:
        program = guests.engine.load_bytes((PROGRAMS / "bench_hold.wasm").read_bytes())
        for run in range(RUNS + 1):
            for hold, (_, least, most) in zip(HOLDS, found, strict=True):
                for count, values in ((1, least), (hold.size, most)):
                    steps = _Steps()
                    trio.lowlevel.add_instrument(steps)
                    await trio.lowlevel.checkpoint()
                    await guests.run(program, (hold.name, str(count)))
                    await trio.lowlevel.checkpoint()
                    trio.lowlevel.remove_instrument(steps)
                    if run:
                        values.append(steps.longest * 1000)
    return found
