"""Figures for Prometheus, in its text format: what the daemon is doing now, and what it has done since it began.

They name no VM and no session, so that their number does not grow with these. No library: the format is a line a figure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import msgspec

from runtime.api.events import SESSION_EVENT, TURN_ENDED
from runtime.wire_json import encoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runtime.hub import Hub, Notice

BUCKETS: Final = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0, 600.0)
"""Upper bounds in seconds: most calls take a millisecond or two, turns seconds to minutes."""

_GAUGES: Final = {
    "vms": ("torpor_vms", "VMs, awake and asleep."),
    "awake": ("torpor_vms_awake", "VMs that are awake."),
    "busy": ("torpor_vms_busy", "VMs in which a turn, a command or a shell runs."),
    "sessions": ("torpor_sessions_live", "Sessions whose agent runs."),
    "processes": ("torpor_processes", "Guests in memory: agents, their MCP servers and commands."),
    "connections": ("torpor_connections", "Peers that are connected."),
    "subscriptions": ("torpor_subscriptions", "Subscriptions of these."),
    "requests": ("torpor_requests_running", "Requests under way."),
    "memoryBytes": ("torpor_memory_bytes", "Memory of the daemon that it shares with nobody, all guests included."),
}
"""By the members of `daemon.status`."""


class _End(msgspec.Struct, rename="camel"):
    end: str
    fuel_used: int = 0


class _TurnEnded(msgspec.Struct):
    """The event, as far as it is counted."""

    params: _End


class Meters:
    """The counts of one daemon since it began to serve HTTP; it listens to `hub`."""

    def __init__(self, hub: Hub) -> None:
        self._events = 0
        self._turns: Counter[str] = Counter()
        self._fuel = 0
        self._requests: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}
        hub.observe(self._hear)

    def _hear(self, notice: Notice) -> None:
        if notice.method != SESSION_EVENT:
            return
        self._events += 1
        if notice.type == TURN_ENDED:
            ended = msgspec.json.decode(encoded(notice.params["event"]), type=_TurnEnded).params
            self._turns[ended.end] += 1
            self._fuel += ended.fuel_used

    def took(self, method: str, seconds: float) -> None:
        """Count a request for a method of the API, which was answered after so long."""
        counts = self._requests.setdefault(method, [0] * (len(BUCKETS) + 1))
        counts[bisect_left(BUCKETS, seconds)] += 1
        self._seconds[method] = self._seconds.get(method, 0.0) + seconds

    def text(self, status: dict[str, Any], usage: dict[str, dict[str, float]]) -> bytes:
        """Return all figures, with those of `daemon.status` and `HostQueries.usage`."""
        lines = [*self._now(status, usage), *self._since(status["version"])]
        return "".join(f"{line}\n" for line in lines).encode()

    def _now(self, status: dict[str, Any], usage: dict[str, dict[str, float]]) -> Iterator[str]:
        for member, (name, text) in _GAUGES.items():
            if status.get(member) is not None:
                yield from _family(name, "gauge", text, [("", status[member])])
        for member, label, text in (
            ("sessions", "status", "Sessions that there are, by what they do."),
            ("tokens", "kind", "Tokens that agents have told of, of the sessions that there are."),
            ("cost", "currency", "Cost that agents have told of, of the sessions that there are."),
        ):
            samples = [(f'{{{label}="{value}"}}', amount) for value, amount in sorted(usage[member].items())]
            yield from _family(f"torpor_{member}", "gauge", text, samples)

    def _since(self, version: str) -> Iterator[str]:
        yield from _family("torpor_info", "gauge", "The daemon's version.", [(f'{{version="{version}"}}', 1)])
        yield from _family("torpor_events_total", "counter", "Events of transcripts, committed.", [("", self._events)])
        turns = [(f'{{end="{end}"}}', count) for end, count in sorted(self._turns.items())]
        yield from _family("torpor_turns_total", "counter", "Turns that have ended, by how.", turns)
        yield from _family("torpor_turn_fuel_total", "counter", "Fuel that agents used in turns.", [("", self._fuel)])
        yield from _family("torpor_request_seconds", "histogram", "From a request to its answer.", self._histograms())

    def _histograms(self) -> Iterator[tuple[str, float]]:
        for method, counts in sorted(self._requests.items()):
            *sums, total = accumulate(counts)
            for bound, count in zip(BUCKETS, sums, strict=True):
                yield f'_bucket{{method="{method}",le="{bound:g}"}}', count
            yield f'_bucket{{method="{method}",le="+Inf"}}', total
            yield f'_sum{{method="{method}"}}', self._seconds[method]
            yield f'_count{{method="{method}"}}', total


def _family(name: str, kind: str, text: str, samples: Iterable[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for suffix, value in samples:
        yield f"{name}{suffix} {value}"
