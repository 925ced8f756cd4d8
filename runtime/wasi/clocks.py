"""wasi:clocks: monotonic-clock and wall-clock (WASI 0.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from runtime.engine import HostInterface
from runtime.wasi.streams import Pollable, Timer, pollable_of

if TYPE_CHECKING:
    from runtime.wasi.state import WasiState

SECOND_NS: Final = 1_000_000_000

monotonic_clock = HostInterface("wasi:clocks/monotonic-clock")
wall_clock = HostInterface("wasi:clocks/wall-clock")
monotonic_clock.resource("pollable", Pollable)


@monotonic_clock.function("now", instant=True)
def monotonic_now(state: WasiState) -> int:
    """Nanoseconds since some point in the past."""
    return state.ambient.now_monotonic_ns()


@monotonic_clock.function("resolution", instant=True)
def monotonic_resolution(_state: WasiState) -> int:
    """Nanoseconds."""
    return 1


@monotonic_clock.function("subscribe-instant")
def subscribe_instant(state: WasiState, when: int) -> Pollable:
    """Ready when the clock has reached `when`."""
    return _timer(when - state.ambient.now_monotonic_ns())


@monotonic_clock.function("subscribe-duration")
def subscribe_duration(_state: WasiState, duration: int) -> Pollable:
    """Ready after `duration` nanoseconds."""
    return _timer(duration)


def _timer(duration: int) -> Pollable:
    return pollable_of(Timer(trio.current_time() + max(0, duration) / SECOND_NS))


@wall_clock.function("now", instant=True)
def wall_now(state: WasiState) -> tuple[int, int]:
    """(seconds, nanoseconds) since the Unix epoch."""
    return divmod(state.ambient.now_wall_ns(), SECOND_NS)


@wall_clock.function("resolution", instant=True)
def wall_resolution(_state: WasiState) -> tuple[int, int]:
    """(seconds, nanoseconds)."""
    return (0, 1)


INTERFACES: Final = (monotonic_clock, wall_clock)
