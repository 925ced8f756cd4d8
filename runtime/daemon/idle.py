"""Ending a daemon that nobody needs: nothing runs, nobody is connected, and nothing is in memory that is not in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from runtime.rpc.server import Server

LOOKS: Final = 20
"""Within the span, so that it is over by a twentieth of it at most."""

LONGEST_PAUSE: Final = 30.0
"""Seconds between idle checks at most: a check is cheap, and this is the longest that the end can come late."""

SHORTEST_PAUSE: Final = 0.01
"""Seconds: only tests set spans that are so short."""


async def until_idle(server: Server, seconds: float) -> None:
    """Return once the daemon has been idle for `seconds`.

    It looks again and again: a look costs microseconds, and there is no event for "the last turn of all VMs is over". A
    connection between two looks counts as one that is there (`Server.used_at`).
    """
    pause = min(LONGEST_PAUSE, max(SHORTEST_PAUSE, seconds / LOOKS))
    since = trio.current_time()
    while True:
        now = trio.current_time()
        since = now if _in_use(server) else max(since, server.used_at)
        if now - since >= seconds:
            return
        await trio.sleep(pause)


def _in_use(server: Server) -> bool:
    """Whether the daemon must go on: a client is connected, a turn or command runs, or memory holds secrets of sessions."""
    if server.connected:
        return True
    figures = server.service.host.status()
    return bool(figures["busy"] or figures["secrets"])
