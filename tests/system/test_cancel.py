"""Requests that are given up, at many moments: what they asked for is there as a whole, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.daemon import RpcError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.daemon import Api, Daemon, Pending, Vm

CANCELLED = -32800
MOMENTS = range(0, 60, 4)
"""How many other requests are answered before the cancel: a session is made in about the time of forty."""


def made(api: Api, pending: Pending) -> set[str]:
    """The session that a request has made, if it was not cancelled."""
    try:
        return {api.result(pending)["sessionId"]}
    except RpcError as error:
        if error.rpc_code != CANCELLED:
            raise
        return set()


def test_a_session_that_is_given_up_is_not_there(vm: Vm) -> None:
    vm.session()  # the component is compiled, and the VM awake
    told = set(vm.rows())
    for moment in MOMENTS:
        pending = vm.start("createSession", agentType="echo")
        for _ in range(moment):
            vm.api.call("vm.get", vm=vm.name)
        vm.api.client.cancel(pending)
        told |= made(vm.api, pending)
        assert set(vm.rows()) == told
    assert vm.call("vm.stats")["processes"]["count"] == len(told)


def test_a_fork_that_is_given_up_is_not_there(vm: Vm) -> None:
    session = vm.session()
    session.say("hello")
    told = set(vm.rows())
    for moment in range(8):
        pending = session.start("forkSession")
        for _ in range(moment):
            vm.api.call("hello", protocol=1)
        vm.api.client.cancel(pending)
        told |= made(vm.api, pending)
        assert set(vm.rows()) == told


def test_a_connection_that_is_closed_leaves_nothing_half_made(daemon: Daemon, make_vm: Callable[..., Vm]) -> None:
    vm = make_vm()
    vm.session()
    for moment in MOMENTS:
        with daemon.connect() as gone:
            gone.start("createSession", vm=vm.name, agentType="echo", options={"sessionId": f"s{moment}"})
            for _ in range(moment):
                gone.call("vm.get", vm=vm.name)
        session = vm.session(sessionId=f"s{moment}")
        assert session.say("say here") == "here"
    assert vm.call("vm.stats")["sessions"] == {"total": len(MOMENTS) + 1, "live": len(MOMENTS) + 1, "running": 0}


@pytest.mark.parametrize("closed", [False, True])
def test_a_prompt_that_is_given_up_goes_on(daemon: Daemon, api: Api, vm: Vm, closed: bool) -> None:
    session = vm.session()
    session.subscribe()
    with daemon.connect() as other:
        pending = session.through(other).start("sendPrompt", prompt="say begun; stream 20 10", idempotencyKey="k")
        session.until_update()
        if not closed:
            other.client.cancel(pending)
            assert other.failure(pending).rpc_code == CANCELLED
    session.until_update("_torpor/turn_ended")
    answer = session.call("sendPrompt", prompt="say begun; stream 20 10", idempotencyKey="k")
    assert answer["text"].endswith("chunk 20\n")
    assert session.types().count("_torpor/turn_started") == 1
