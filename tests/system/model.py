"""The scripted model on a thread of its own, for tests that talk to the daemon without trio."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import trio

from runtime.testing.loopback import Exchange, HttpServer, http_server
from runtime.testing.scripted_model import Script, ScriptedModel
from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.testing.messages_api import ModelRequest


class Model:
    """A model that runs; `requests` is what it was sent."""

    def __init__(self, script: Script) -> None:
        self._model = ScriptedModel(script)
        self._token = trio.lowlevel.current_trio_token()
        self._ended = trio.lowlevel.ParkingLot()
        self.stopped = trio.Event()
        self.server: HttpServer

    @property
    def requests(self) -> list[ModelRequest]:
        """What it was asked so far."""
        return self._model.requests

    @property
    def last(self) -> ModelRequest:
        """The last request."""
        return self._model.requests[-1]

    @property
    def host(self) -> str:
        """What a VM that may reach it has in `network.allow`."""
        return f"{self.server.host}:{self.server.port}"

    @property
    def env(self) -> dict[str, str]:
        """What pi needs to find it."""
        return {"ANTHROPIC_BASE_URL": self.server.url, "ANTHROPIC_API_KEY": "sk-scripted"}

    def wait_for_outcome(self, number: int) -> Any:
        """Wait for the end of an exchange."""
        return trio.from_thread.run(self._outcome, number, trio_token=self._token)

    def stop(self) -> None:
        """End it."""
        trio.from_thread.run_sync(self.stopped.set, trio_token=self._token)

    async def handle(self, exchange: Exchange) -> None:
        """Answer, and tell those who wait for it."""
        try:
            await self._model.handle(exchange)
        finally:
            self._ended.unpark_all()

    async def _outcome(self, number: int) -> Any:
        with trio.fail_after(WAIT):
            while (outcome := self._model.requests[number].outcome) is None:
                await self._ended.park()
        return outcome


@contextlib.contextmanager
def model(script: Script) -> Iterator[Model]:
    """Serve a script while the block runs."""
    started: list[Model] = []
    ready = threading.Event()

    async def serve() -> None:
        served = Model(script)
        async with http_server(served.handle) as served.server:
            started.append(served)
            ready.set()
            await served.stopped.wait()

    thread = threading.Thread(target=trio.run, args=(serve,), daemon=True)
    thread.start()
    assert ready.wait(WAIT)
    try:
        yield started[0]
    finally:
        started[0].stop()
        thread.join(WAIT)
