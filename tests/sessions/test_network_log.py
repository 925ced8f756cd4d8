from __future__ import annotations

from typing import Any

import attrs

from runtime.api.events import HTTP_REQUEST, HTTP_REQUESTS
from runtime.network import HttpExchange
from runtime.sessions.transcript.network_log import BURST, MAX_HOSTS, MAX_NAME, MAX_PATH, NetworkLog

EXCHANGE = HttpExchange("GET", "https", "example.com", 443, "/a", 200, None, 1, 20, 0.5)


class Bench:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.now = 0.0
        self.log = NetworkLog(lambda method, params: self.events.append((method, params)), lambda: self.now)

    def observe(self, **changes: Any) -> None:
        self.log.observe(attrs.evolve(EXCHANGE, **changes))


def test_what_is_recorded_of_a_request() -> None:
    b = Bench()
    b.observe()
    b.observe(status=None, error="HTTP-request-denied", secrets=("KEY",))
    common = {"method": "GET", "scheme": "https", "host": "example.com", "port": 443, "path": "/a"}
    counts = {"bytesOut": 1, "bytesIn": 20, "durationMs": 500}
    assert b.events == [
        (HTTP_REQUEST, {**common, **counts, "status": 200}),
        (HTTP_REQUEST, {**common, **counts, "error": "HTTP-request-denied", "secrets": ["KEY"]}),
    ]
    b.log.flush()
    assert len(b.events) == 2


def test_a_flood_is_counted() -> None:
    b = Bench()
    for number in range(BURST + 1000):
        b.observe(host=f"h{number % 50}", error="HTTP-request-denied" if number % 2 else None)
    assert [method for method, _ in b.events] == [HTTP_REQUEST] * BURST
    b.now += 1
    b.observe()
    assert [method for method, _ in b.events[BURST:]] == [HTTP_REQUESTS, HTTP_REQUEST]
    params = b.events[BURST][1]
    assert params["count"] == sum(params["hosts"].values()) == 1000
    assert params["errors"] == {"HTTP-request-denied": 500}
    assert len(params["hosts"]) == MAX_HOSTS
    assert (params["bytesOut"], params["bytesIn"]) == (1000, 20_000)
    for _ in range(10):
        b.observe()
    b.log.flush()
    assert b.events[-1][1]["count"] == 6
    b.now += 1e6
    for _ in range(2 * BURST):
        b.observe()
    assert len(b.events) == 2 * BURST + 7


def test_what_a_guest_makes_up_is_cut() -> None:
    b = Bench()
    b.observe(method="M" * 10_000, scheme="s" * 10_000, host="h" * 10_000, path="/" * 40_000)
    ((_, params),) = b.events
    assert [len(params[name]) for name in ("method", "scheme", "host", "path")] == [MAX_NAME] * 3 + [MAX_PATH]
