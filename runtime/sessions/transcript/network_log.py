"""The network record of a session: every HTTP request of its agent and of the commands that it starts, in the transcript.

* `_torpor/http_request` {method, scheme, host, port, path, status?, error?, bytesOut, bytesIn, durationMs, secrets?}: one
  request that is over. `path` is without the query; `error` is wasi:http's code ("HTTP-request-denied": no grant names the
  host); bytes are of bodies; `secrets` names those that were put in place of placeholders. No header, no query, no body.
* `_torpor/http_requests` {count, errors: {code: n}, hosts: {host:port: n}, bytesOut, bytesIn}: requests beyond the rate, in
  one event, at the next chance or at the end of the turn.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from runtime.api.events import HTTP_REQUEST, HTTP_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.network import HttpExchange


BURST: Final = 200
"""Requests that are recorded one by one however fast they come: a turn of a busy agent."""

PER_SECOND: Final = 5.0
"""What may come for ever: a guest that sends requests in a loop fills the disk at this rate and no faster."""

MAX_HOSTS: Final = 20
"""Hosts that are named in one event; the others are counted as "other"."""

MAX_PATH: Final = 1024
"""Characters of a path: a guest may write 32 KiB of them into a request that is refused."""

MAX_NAME: Final = 256
"""The same of names."""

OTHER: Final = "other"


class NetworkLog:
    """Records exchanges through `append`, which never waits. `clock` is in seconds."""

    def __init__(self, append: Callable[[str, dict[str, Any]], object], clock: Callable[[], float]) -> None:
        self._append = append
        self._clock = clock
        self._budget = float(BURST)
        self._time = clock()
        self._clear()

    def observe(self, exchange: HttpExchange) -> None:
        """Record a request that is over."""
        now = self._clock()
        self._budget = min(BURST, self._budget + (now - self._time) * PER_SECOND)
        self._time = now
        if self._budget < 1:
            self._add(exchange)
            return
        self._budget -= 1
        self.flush()
        self._append(HTTP_REQUEST, _described(exchange))

    def flush(self) -> None:
        """Record the requests that were only counted so far."""
        if not self._count:
            return
        hosts = dict(self._hosts.most_common(MAX_HOSTS))
        params = {
            "count": self._count,
            "errors": dict(self._errors),
            "hosts": hosts,
            "bytesOut": self._bytes_out,
            "bytesIn": self._bytes_in,
        }
        self._clear()
        self._append(HTTP_REQUESTS, params)

    def _clear(self) -> None:
        self._count = self._bytes_out = self._bytes_in = 0
        self._errors: Counter[str] = Counter()
        self._hosts: Counter[str] = Counter()

    def _add(self, exchange: HttpExchange) -> None:
        self._count += 1
        self._bytes_out += exchange.bytes_out
        self._bytes_in += exchange.bytes_in
        host = f"{exchange.host[:MAX_NAME]}:{exchange.port}"
        self._hosts[host if host in self._hosts or len(self._hosts) < MAX_HOSTS - 1 else OTHER] += 1
        if exchange.error is not None:
            self._errors[exchange.error] += 1


def _described(exchange: HttpExchange) -> dict[str, Any]:
    described: dict[str, Any] = {
        "method": exchange.method[:MAX_NAME],
        "scheme": exchange.scheme[:MAX_NAME],
        "host": exchange.host[:MAX_NAME],
        "port": exchange.port,
        "path": exchange.path[:MAX_PATH],
        "bytesOut": exchange.bytes_out,
        "bytesIn": exchange.bytes_in,
        "durationMs": round(exchange.seconds * 1000),
    }
    if exchange.status is not None:
        described["status"] = exchange.status
    if exchange.error is not None:
        described["error"] = exchange.error
    if exchange.secrets:
        described["secrets"] = list(exchange.secrets)
    return described
