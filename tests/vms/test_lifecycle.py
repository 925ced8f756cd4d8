"""The table of a VM's life, and that the host lives by it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.api.errors import ApiError, ErrorCode
from runtime.store import open_store
from runtime.vms.catalogue import Catalogue
from runtime.vms.host import open_host
from runtime.vms.lifecycle import MOVES, REASONS, TRANSITIONS, Effect, Life, Signal, State
from runtime.vms.vm import Vm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from runtime.vms.host import Host


def test_the_table_is_total() -> None:
    assert set(TRANSITIONS) == set(itertools.product(State, Signal))
    assert set(MOVES) < set(TRANSITIONS)
    assert all(move == (state, None) for (state, signal), move in TRANSITIONS.items() if (state, signal) not in MOVES)


def test_every_state_is_reached_and_left_but_the_last() -> None:
    reached = {State.ASLEEP}
    for _ in State:
        reached |= {after for (state, _), (after, _) in MOVES.items() if state in reached}
    assert reached == set(State)
    assert {state for state, _ in MOVES} == set(State) - {State.GONE}


def test_each_move_says_what_is_to_be_done() -> None:
    effects = {after: effect for (state, _), (after, effect) in MOVES.items() if after is not state}
    assert effects[State.WAKING] is Effect.START
    assert effects[State.FALLING_ASLEEP] is Effect.SUSPEND
    assert effects[State.STOPPING] is Effect.STOP
    assert effects[State.GONE] is Effect.TELL


@pytest.mark.parametrize(
    ("signals", "told"),
    [
        ([Signal.WAKE, Signal.READY], [("awake", "wake")]),
        ([Signal.WAKE, Signal.FAULT], []),
        ([Signal.WAKE, Signal.FAULT, Signal.READY], []),
        *(
            (
                [Signal.WAKE, Signal.READY, why, Signal.SUSPENDED, Signal.STOPPED],
                [("awake", "wake"), ("asleep", reason)],
            )
            for why, reason in (
                (Signal.IDLE, "idle"),
                (Signal.SLEEP, "request"),
                (Signal.RESTORE, "restore"),
                (Signal.SHUTDOWN, "shutdown"),
            )
        ),
        ([Signal.WAKE, Signal.READY, Signal.FAULT], [("awake", "wake"), ("asleep", "fault")]),
        ([Signal.WAKE, Signal.READY, Signal.SLEEP, Signal.ABANDONED], [("awake", "wake")]),
        (
            [Signal.WAKE, Signal.READY, Signal.SLEEP, Signal.FAULT, Signal.SUSPENDED, Signal.STOPPED],
            [("awake", "wake"), ("asleep", "fault")],
        ),
        (
            [Signal.WAKE, Signal.READY, Signal.SLEEP, Signal.SUSPENDED, Signal.FAULT, Signal.STOPPED],
            [("awake", "wake"), ("asleep", "request")],
        ),
        (
            [Signal.WAKE, Signal.READY, Signal.DESTROY, Signal.SUSPENDED, Signal.STOPPED, Signal.DELETED],
            [("awake", "wake"), ("destroyed", "request")],
        ),
        ([Signal.IMPORTED], [("asleep", "import")]),
        ([Signal.DELETED, *Signal], [("destroyed", "request")]),
    ],
)
def test_what_clients_are_told(signals: list[Signal], told: list[tuple[str, str]]) -> None:
    life = Life()
    found = [(life.shown, life.reason) for signal in signals if life.signal(signal) is Effect.TELL]
    assert [(shown, reason) for shown, reason in found if reason is not None] == told


def test_whoever_is_told_hears_a_reason_that_is_documented() -> None:
    causes = {signal for (_, signal), (_, effect) in MOVES.items() if effect is Effect.TELL}
    causes |= {signal for (_, signal), (_, effect) in MOVES.items() if effect in {Effect.START, Effect.SUSPEND}}
    assert causes - {Signal.READY, Signal.STOPPED} == set(REASONS)


# The host


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    no_engine: Any = None  # no guest runs here
    async with open_store(tmp_path / "state.db") as store, open_host(store, no_engine, Catalogue(tmp_path)) as host:
        await host.get_or_create("vm", {})
        yield host


@pytest.fixture
def heard(host: Host) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    host.hub.attach("vm", lambda notice: told.append((notice.params["state"], notice.params["reason"])))
    return told


async def test_what_is_recorded_is_what_is_told(host: Host, heard: list[tuple[str, str]]) -> None:
    await host.vm("vm")
    await host.sleep("vm", 0, force=False)
    record = host.store.vms.find("vm")
    assert record.state == "asleep"
    await host.destroy("vm")
    assert heard == [("awake", "wake"), ("asleep", "request"), ("destroyed", "request")]


async def test_a_fault_is_told_once_even_of_a_vm_that_falls_asleep(host: Host, heard: list[tuple[str, str]]) -> None:
    vm = await host.vm("vm")

    async with trio.open_nursery() as nursery:
        vm.commands.wait_idle = trio.sleep_forever  # type: ignore[method-assign] # some command goes on
        nursery.start_soon(host.sleep, "vm", 1000, False)
        await wait_all_tasks_blocked()
        assert vm.life.falling_asleep
        vm._scope.cancel()
        await wait_all_tasks_blocked()
        assert vm.life.state is State.ASLEEP
        assert (await host.queries.get("vm"))["state"] == "asleep"
        nursery.cancel_scope.cancel()
    assert heard == [("awake", "wake"), ("asleep", "fault")]


async def test_one_that_cannot_wake_stays_asleep(
    host: Host, heard: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        await trio.lowlevel.checkpoint()
        raise ApiError(ErrorCode.IO_ERROR, "no")

    with monkeypatch.context() as patch:
        patch.setattr(Vm, "run", fail)
        with pytest.raises(ApiError):
            await host.vm("vm")
    assert heard == []
    assert (await host.queries.get("vm"))["state"] == "asleep"
    await host.vm("vm")
    assert heard == [("awake", "wake")]
