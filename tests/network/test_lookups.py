"""The system's DNS, which blocks a thread for as long as nobody answers."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import trio

from runtime.network.backend import LOOKUPS, SystemResolver
from tests.patience import WAIT

if TYPE_CHECKING:
    import pytest

ANSWER = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("192.0.2.1", 80))]


async def test_names_that_nobody_answers_for_hold_up_that_vm_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    asked = trio.Semaphore(0)
    token = trio.lowlevel.current_trio_token()

    def look_up(host: str, *_: Any, **__: Any) -> Any:
        if host == "never":
            token.run_sync_soon(asked.release)
            answered.wait()
        return ANSWER

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    hostile, other = SystemResolver(), SystemResolver()
    try:
        with trio.fail_after(WAIT):
            async with trio.open_nursery() as nursery:
                for _ in range(100):
                    nursery.start_soon(hostile, "never", 80)
                for _ in range(LOOKUPS):
                    await asked.acquire()
                assert await other("there", 80) == ["192.0.2.1"]
                assert await trio.to_thread.run_sync(lambda: 1) == 1
                nursery.cancel_scope.cancel()
            assert asked.value == 0  # none but those
    finally:
        answered.set()
    with trio.fail_after(WAIT):
        assert await hostile("there", 80) == ["192.0.2.1"]
