"""The daemon: store, engine, host and socket, put together and taken apart in order."""

from __future__ import annotations

import logging
import signal
import sys
from typing import TYPE_CHECKING, Final

import trio

from runtime.client.endpoint import EndpointError
from runtime.engine import CacheDirectoryError, open_cache
from runtime.errors import ApiError
from runtime.rpc.server import serve
from runtime.store.store import open_store
from runtime.vms.catalogue import Catalogue, built_in_directory, user_directories
from runtime.vms.host import open_host
from runtime.wasi.host import make_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from runtime.rpc.http_listener import HttpOptions
    from runtime.rpc.server import Server

DRAIN_SECONDS: Final = 2.0  # for clients to read the last answers: one that does not is not waited for

_log = logging.getLogger("torpor")


async def run(socket: Path, state: Path, http: HttpOptions | None, on_ready: Callable[[Server], None]) -> None:
    """Serve until SIGTERM or SIGINT; then running turns end as `cancelled`, everything is committed, and this returns.

    Raises ApiError (the state file), CacheDirectoryError, EndpointError and OSError (the socket).
    """
    engine = make_engine(open_cache())
    agents = Catalogue(built_in_directory(), user_directories())
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with open_store(state) as store, trio.open_nursery() as nursery:
            async with open_host(store, engine, agents) as host:
                server: Server = await nursery.start(serve, host, socket, http)
                stop = trio.Event()
                nursery.start_soon(_listen, signals, stop)
                on_ready(server)
                await stop.wait()
                server.refuse()
            await server.drain(DRAIN_SECONDS)
            nursery.cancel_scope.cancel()


async def _listen(signals: AsyncIterator[int], stop: trio.Event) -> None:
    """Take every signal: trio raises those that nobody took once more, and the second would end what the first began."""
    async for number in signals:
        _log.info("received %s: shutting down", signal.Signals(number).name)
        stop.set()


def main(socket: Path, state: Path, http: HttpOptions | None = None) -> int:
    """Run the daemon in the foreground. The readiness line on stderr says where it listens. 0 after an orderly end."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    def announce(server: Server) -> None:
        places = str(socket) if server.http is None else f"{socket} and {server.http}"
        sys.stderr.write(f"torpor: ready on {places}\n")
        sys.stderr.flush()

    # Short: with a computing thread beside it, a writer or a loop that has to wait for the lock waits this long.
    sys.setswitchinterval(0.0005)
    failures: list[BaseException] = []
    try:
        trio.run(run, socket, state, http, announce)
    except* (ApiError, CacheDirectoryError, EndpointError, OSError) as group:
        failures = _leaves(group)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # all is done: a second one would only spoil the exit code
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    for failure in failures:
        sys.stderr.write(f"torpor: {failure}\n")
    return 1 if failures else 0


def _leaves(group: BaseExceptionGroup[Exception]) -> list[BaseException]:
    flat: list[BaseException] = []
    for error in group.exceptions:
        flat += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return flat
