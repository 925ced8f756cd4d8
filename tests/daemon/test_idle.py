"""A daemon that nobody needs ends, and one that somebody needs does not, however long that takes."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
import trio

from runtime.daemon.idle import LOOKS, until_idle
from runtime.rpc.server import Server
from runtime.rpc.service import Service
from runtime.store import open_store
from runtime.vms.catalogue import Catalogue
from runtime.vms.host import open_host
from tests.settled import settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trio.testing import MockClock

SPAN = 60.0
LONG = 10 * SPAN


class Watch:
    """A server, and when it was found to have been idle for the span."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.ended: float | None = None

    async def run(self) -> None:
        await until_idle(self.server, SPAN)
        self.ended = trio.current_time()

    async def ends_after(self, since: float) -> None:
        """It ends once the span is over, give or take one of the looks."""
        await trio.sleep(2 * SPAN)
        assert self.ended is not None
        assert self.ended - since == pytest.approx(SPAN, abs=1.01 * SPAN / LOOKS)


@pytest.fixture
async def watch(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[Watch]:
    no_engine: Any = None  # no guest runs here
    async with open_store(tmp_path / "state.db") as store, open_host(store, no_engine, Catalogue(tmp_path)) as host:
        watch = Watch(Server(Service(host, tmp_path / "socket")))
        nursery.start_soon(watch.run)
        yield watch


async def test_an_idle_one_ends_when_the_span_is_over(watch: Watch, autojump_clock: MockClock) -> None:
    await watch.ends_after(trio.current_time())


async def test_secrets_in_memory_keep_it(watch: Watch, autojump_clock: MockClock) -> None:
    secrets = watch.server.service.host._secrets.setdefault("vm", {})
    secrets["session"] = {"TOKEN": "only-in-memory"}
    await trio.sleep(LONG)
    assert watch.ended is None
    del secrets["session"]
    await watch.ends_after(trio.current_time())


async def test_what_goes_on_keeps_it(watch: Watch, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = watch.server.service.host.status()
    with monkeypatch.context() as busy:
        busy.setattr(watch.server.service.host, "status", lambda: {**figures, "busy": 1})
        await trio.sleep(LONG)
    assert watch.ended is None
    await watch.ends_after(trio.current_time())


async def test_a_connection_keeps_it(watch: Watch, autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        nursery.start_soon(watch.server.serve_stream, trio.SocketStream(trio.socket.from_stdlib_socket(theirs)))
        await trio.sleep(LONG)
        assert watch.ended is None
    await settled()
    assert not watch.server.connected
    await watch.ends_after(trio.current_time())


async def test_a_connection_between_two_looks_counts(
    watch: Watch, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    await trio.sleep(SPAN - 0.001)
    ours, theirs = socket.socketpair()
    with ours:
        nursery.start_soon(watch.server.serve_stream, trio.SocketStream(trio.socket.from_stdlib_socket(theirs)))
        await settled()
    await settled()
    assert watch.ended is None
    await watch.ends_after(trio.current_time())
