"""A line on stderr that tells how far long work has come; none where stderr is no terminal, or the work is short."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final, Self

from runtime.api.events import COMPILING, PROGRESS
from runtime.cli import output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runtime.client.sync import Client

PATIENCE: Final = 0.5
"""Seconds: nothing is shown of what takes less."""

TICK: Final = 0.2
"""Seconds between two looks at the clock."""

CLEAR: Final = "\r\033[K"


class Line:
    """The line; a context manager that wipes it away."""

    def __init__(self, doing: str, patience: float = PATIENCE) -> None:
        self.live = sys.stderr.isatty()
        self._doing = output.one_line(doing)
        self._patience = patience
        self._started = time.monotonic()
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            sys.stderr.write(CLEAR)
            sys.stderr.flush()

    def turn_to(self, doing: str) -> None:
        """Tell from now on that this is being done."""
        self._doing = output.one_line(doing)

    def show(self, done: int = 0, total: int = 0) -> None:
        """Write it anew; `done` of `total` bytes, where these are known."""
        seconds = time.monotonic() - self._started
        if self.live and seconds >= self._patience:
            share = f" {done / 1e6:.1f} MB," if done else ""
            if total:
                share = f" {100 * done // total} % of {total / 1e6:.1f} MB,"
            sys.stderr.write(f"{CLEAR}{self._doing}:{share} {seconds:.0f} s")
            sys.stderr.flush()
            self._shown = True

    def watch(self, pieces: Iterable[bytes], done: int = 0, total: int = 0) -> Iterator[bytes]:
        """Pass the pieces on, and show how many bytes of them have been dealt with, after `done` others."""
        for piece in pieces:
            yield piece
            done += len(piece)
            self.show(done, total)


def compiling(params: dict[str, Any]) -> str:
    """What a `compiling` notification with these params tells people."""
    return f"compiling {params['program']}, once"


def call(client: Client, doing: str, method: str, /, *, measured: bool = False, **params: Any) -> Any:
    """Call a method and show how it goes on. One that is `measured` is asked to tell how far it has come.

    Raises RpcError, ConnectionLostError. Notifications that come meanwhile are dropped, but for `compiling`: it is for
    connections that have subscribed to nothing else.
    """
    with Line(doing) as line:
        token = "1" if measured and line.live else None
        pending = client.start(method, progressToken=token, **params)
        done = total = 0
        while line.live and not pending.done:
            for notification in client.notifications(until=pending, timeout=TICK):
                if notification.method == PROGRESS:
                    done, total = notification.params["done"], notification.params["total"]
                    line.show(done, total)
                elif notification.method == COMPILING:
                    line.turn_to(compiling(notification.params))
            line.show(done, total)
        client.wait(pending)
    return pending.result()
