"""A daemon with little memory for guests: who runs goes on, and no other starts until there is room again."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING

import pytest
from wasmtime import wat2wasm

from runtime.cli import exits
from tests.patience import WAIT
from tests.system.daemon import Vm

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.daemon import Daemon

MIB = 1024 * 1024

HOG = f"""
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "run") (result i32)
      (drop (memory.grow (i32.const {200 * 16})))
      (memory.fill (i32.const 0) (i32.const 1) (i32.const {200 * MIB}))
      (loop $l (br $l))
      (i32.const 0)))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $r (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $r)))
"""
"""Has 200 MiB, writes to all of it, and spins."""


def until(condition: Callable[[], bool]) -> None:
    """Ask again and again until it holds."""
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"


def put(vm: Vm, path: str, content: bytes) -> None:
    vm.call("writeFile", path=path, content={"base64": base64.b64encode(content).decode()})


@pytest.mark.parametrize("by", ["option", "environment"])
def test_no_guest_starts_above_the_bound(own_daemon: Daemon, by: str) -> None:
    own_daemon.stop()
    if by == "option":
        own_daemon.arguments = ["--max-memory", "160M"]
        own_daemon.start(TORPOR_MAX_MEMORY="1")
    else:
        own_daemon.start(TORPOR_MAX_MEMORY="160M")
    with own_daemon.connect() as api:
        vm, other = Vm(api, "vm"), Vm(api, "other")
        assert api.call("daemon.status")["maxMemoryBytes"] == 160 * MIB
        session, sleeper = vm.session(), other.session()
        other.call("vm.sleep")
        put(vm, "/bin/hog", wat2wasm(HOG))
        pid = vm.call("spawn", argv=["hog"])["pid"]
        until(lambda: api.call("daemon.status")["memoryBytes"] > 200 * MIB)

        for refused in (
            vm.error("spawn", argv=["hog"]),
            vm.error("exec", argv=["hog"]),
            other.error("createSession", agentType="echo"),
            sleeper.error("sendPrompt", prompt="say hello"),
            sleeper.error("resumeSession"),
        ):
            assert (refused.name, refused.data["limit"]) == ("limit_exceeded", "maxMemory")
            assert refused.data["memoryBytes"] > refused.data["maxMemoryBytes"] == 160 * MIB
            assert "no other guest starts" in refused.message
            assert "raise serve --max-memory" in refused.message
        assert session.say("say I am here") == "I am here"
        # A guest that computes is told of as it was when its turn began.
        until(lambda: vm.call("getProcess", pid=pid)["memoryBytes"] == 200 * MIB + 65536)
        assert vm.call("vm.stats")["memoryBytes"] > 200 * MIB
        assert [row["sessionId"] for row in other.call("listPersistedSessions")] == [sleeper.id]

        over = vm.call("killProcess", pid=pid)
        assert over["reason"] == "killed"
        until(lambda: api.call("daemon.status")["memoryBytes"] < 160 * MIB)
        assert sleeper.say("say hello") == "hello"
        assert vm.call("vm.stats")["peakMemoryBytes"] > 200 * MIB > vm.call("vm.stats")["memoryBytes"]


def test_without_a_bound(own_daemon: Daemon) -> None:
    own_daemon.stop()
    own_daemon.arguments = ["--max-memory", "0"]
    with own_daemon.start().connect() as api:
        status = api.call("daemon.status")
        assert status["maxMemoryBytes"] is None
        assert status["arguments"][-2:] == ["--max-memory", "0"]
        assert Vm(api, "vm").session().say("say hello") == "hello"


def test_what_is_no_size(own_daemon: Daemon) -> None:
    own_daemon.stop()
    own_daemon.arguments = ["--max-memory", "much"]
    with pytest.raises(
        AssertionError, match=rf"ended with {exits.USAGE}: [^$]*torpor: --max-memory: 'much' is not a size"
    ):
        own_daemon.start()
