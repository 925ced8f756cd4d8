"""The daemon: store, engine, host and socket, put together and taken apart in order."""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.api.endpoint import EndpointError
from runtime.api.errors import ApiError, ErrorCode
from runtime.daemon.collector import Collector
from runtime.daemon.idle import until_idle
from runtime.daemon.logs import leave_stderr, log_to_file, start_logging
from runtime.daemon.places import last_words_path, log_path
from runtime.daemon.settings import Ending
from runtime.daemon.systemd import Notifier
from runtime.engine import CacheDirectoryError, open_cache
from runtime.memory import MemoryBound
from runtime.posix.host import make_engine
from runtime.rpc.listener import SocketInUseError
from runtime.rpc.server import serve
from runtime.store.store import open_store
from runtime.version import VERSION
from runtime.vms.catalogue import Catalogue, built_in_directory, user_directories
from runtime.vms.host import open_host

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from runtime.daemon.settings import Settings
    from runtime.rpc.server import Server

DRAIN_SECONDS: Final = 2.0
"""For clients to read the last answers: one that does not is not waited for."""

MAX_DESCRIPTORS: Final = 65536
"""File descriptors of the daemon, where it may have so many: twenty for each of a few thousand VMs."""

ALIVE_SHARE: Final = 0.4
"""Of the time that the manager allows between two signs of life: one may come late."""

logger = logging.getLogger("torpor")

_ENDING: Final = (signal.SIGTERM, signal.SIGINT)


async def run(settings: Settings) -> None:
    """Serve until SIGTERM, SIGINT or idleness; then running turns end as `cancelled`, and everything is committed.

    Raises ApiError (the state file), CacheDirectoryError, EndpointError and OSError (the socket, the log).
    """
    manager = Notifier()
    log = log_path(settings.state)
    bound = MemoryBound.of(settings.max_memory)
    facts: dict[str, Any] = {
        "log": os.fspath(log),
        "durability": settings.durability.value,
        "idleExitSeconds": settings.idle_exit,
        "maxMemoryBytes": bound.limit,
        "activated": settings.passed is not None,
        "managed": manager.managed,
        "supervisor": None if settings.life is None else os.getppid(),
        "arguments": list(settings.arguments),
    }
    engine = make_engine(open_cache())
    agents = Catalogue(built_in_directory(), user_directories())
    # The receiver restores these handlers and raises the signal again at its end, where a second signal would change the
    # exit code.
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    with trio.open_signal_receiver(*_ENDING) as signals:
        async with open_store(settings.state, durability=settings.durability) as store, trio.open_nursery() as nursery:
            log_to_file(log)
            if settings.life is not None and settings.life.ended:
                logger.error("%s; started again, restart %d in a row", settings.life.ended, settings.life.restarts)
            async with open_host(store, engine, agents, bound) as host:
                listen = {"passed": settings.passed, "facts": facts}
                server: Server = await nursery.start(_serve, host, settings, listen)
                stop = trio.Event()
                nursery.start_soon(_listen, signals, stop)
                if settings.idle_exit is not None:
                    nursery.start_soon(_end_when_idle, server, settings.idle_exit, stop)
                if manager.watched_seconds is not None:
                    nursery.start_soon(_show_life, manager, manager.watched_seconds)
                _announce(server, settings, manager)
                with Collector().installed() as collector:
                    nursery.start_soon(collector.collect, server.service.is_quiet)
                    await stop.wait()
                manager.stopping()
                server.refuse()
            await server.drain(DRAIN_SECONDS)
            nursery.cancel_scope.cancel()
        logger.info("ended in order")


async def _serve(host: Any, settings: Settings, listen: dict[str, Any], task_status: trio.TaskStatus[Server]) -> None:
    await serve(host, settings.socket_path, settings.http, **listen, task_status=task_status)


def _announce(server: Server, settings: Settings, manager: Notifier) -> None:
    http = server.service.http
    places = str(settings.socket_path) if http is None else f"{settings.socket_path} and {http}"
    if settings.background:
        leave_stderr()  # first: the program that started this one reads up to the line below, and nothing after it
    sys.stderr.write(f"torpor: ready on {places}\n")
    sys.stderr.flush()
    if settings.background:
        _let_go(settings.state)
    logger.info("torpor %s, process %d, is ready on %s", VERSION, os.getpid(), places)
    manager.ready(f"ready on {places}")
    if settings.life is not None:
        os.write(settings.life.ready, b"1")
        os.close(settings.life.ready)


def _let_go(state: Path) -> None:
    """Detach from the program that started this one. Output of a library that aborts goes to a file beside the log; the
    file of the last run is kept too."""
    last_words = last_words_path(state)
    if last_words.exists() and last_words.stat().st_size:
        last_words.replace(last_words.with_name(last_words.name + ".1"))
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(last_words, flags, 0o600)
    os.dup2(descriptor, sys.stdout.fileno())
    os.dup2(descriptor, sys.stderr.fileno())
    os.close(descriptor)


async def _listen(signals: AsyncIterator[int], stop: trio.Event) -> None:
    """Take every signal: trio raises the others again at the end, and a second one would break off the orderly end."""
    async for number in signals:
        logger.info("received %s: shutting down", signal.Signals(number).name)
        stop.set()


async def _end_when_idle(server: Server, seconds: float, stop: trio.Event) -> None:
    await until_idle(server, seconds)
    logger.info("idle for %g s: shutting down", seconds)
    stop.set()


async def _show_life(manager: Notifier, watched_seconds: float) -> None:
    """From a task of the loop that serves: when it hangs, the signs of life stop."""
    while True:
        manager.alive()
        await trio.sleep(watched_seconds * ALIVE_SHARE)


def main(settings: Settings) -> Ending:
    """Run the daemon in the foreground; say how it ended. A line on stderr says when it is ready."""
    start_logging(settings.log_level)
    _raise_descriptors()
    # Short: with a computing thread beside it, a writer or a loop that has to wait for the lock waits this long.
    sys.setswitchinterval(0.0005)
    failures: list[BaseException] = []
    try:
        trio.run(run, settings)
    except* (ApiError, CacheDirectoryError, EndpointError, OSError) as group:
        failures = _leaves(group)
    for failure in failures:
        sys.stderr.write(f"torpor: {failure}\n")
    if any(_is_taken(failure) for failure in failures):
        return Ending.TAKEN
    return Ending.FAILED if failures else Ending.ORDERLY


def _raise_descriptors() -> None:
    """Have as many descriptors as this process may: the lower limit that it starts with is for programs that use select(2)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < MAX_DESCRIPTORS:
        most = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _is_taken(failure: BaseException) -> bool:
    """Whether another daemon was there before."""
    return isinstance(failure, SocketInUseError) or (isinstance(failure, ApiError) and failure.code is ErrorCode.BUSY)


def _leaves(group: BaseExceptionGroup[Exception]) -> list[BaseException]:
    flat: list[BaseException] = []
    for error in group.exceptions:
        flat += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return flat
