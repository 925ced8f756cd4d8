"""The process interface, torpor:posix/sys: fork, signals, groups, and what of all that is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.engine import Exit
from runtime.posix.life import signal
from runtime.posix.signals import Signal, killed
from runtime.posix.table import MAX_DESCRIPTORS

from .conftest import finish, read_until

if TYPE_CHECKING:
    from .conftest import Machine, World


@pytest.mark.guest("bare_fork")
async def test_a_child_is_a_copy_that_shares_what_is_open(machine: Machine) -> None:
    await machine.install("bare_fork")
    outcome = await machine.command("bare_fork")
    assert outcome.exit == Exit("exit", 3)
    assert outcome.stdout.decode().splitlines() == [
        "forked: 1",
        "waited for the child: 1",
        "SIGCHLD has come: 1",
        f"status: {42 << 8}",
        "no other: -12",
        "read: 14",
        "end: 0",
        "value: 1",
        "offset: 5",
    ]
    assert machine.processes.live() == ()


@pytest.mark.guest("bare_lent")
async def test_a_child_in_its_parents_place_ends_with_the_memory_that_it_has(machine: Machine) -> None:
    """The parent's timer is a task that has to end before the parent has ended; signals may come all that time."""
    process = await machine.spawn("bare_lent")
    pid = int((await process.receive()).split()[1])
    child = process.record.kernel.get(pid)
    await wait_all_tasks_blocked()
    process.record.end(killed(Signal.KILL))
    while process.exit is None:
        signal(child, Signal.HUP)
        await trio.lowlevel.checkpoint()
    assert child.status == killed(Signal.KILL)


AFTERWARDS = ["wrong signal: -28", "no process: -71", "init: -71"]


@pytest.mark.guest("bare_signals")
@pytest.mark.parametrize(
    ("scenario", "lines"),
    [
        ("spins", ["kill: 0", "spinning: 15"]),
        ("handles", ["kill: 0", f"handled: {5 << 8}"]),
        ("p", [f"stopped: {19 << 8 | 0x7F}", "nothing else: 0", "continued: 65535", "killed: 9"]),
        (
            "group",
            ["group: 0", "its group: 1", "other session: 1", "look: 0", "kill: 0", "of the group: 2", "gone: -71"],
        ),
        ("alarm", ["none before: 0", "left: 1", "pause: -27", f"pending: {1 << 13}", "killed: 9"]),
        ("exits", [f"stopped: {19 << 8 | 0x7F}", f"exited: {5 << 8}"]),
        ("blocked", [f"pending: {1 << 14}", "killed: 9"]),
    ],
)
async def test_signals(machine: Machine, scenario: str, lines: list[str]) -> None:
    await machine.install("bare_signals")
    outcome = await machine.command("bare_signals", scenario)
    assert outcome.exit == Exit("exit", 0)
    assert outcome.stdout.decode().splitlines() == [*lines, *AFTERWARDS]


@pytest.mark.guest("bare_signals")
async def test_who_is_stopped_is_hung_up_when_nobody_can_continue_it_any_more(machine: Machine) -> None:
    await machine.install("bare_signals")
    outcome = await machine.command("bare_signals", "orphan")
    lines = [f"stopped: {19 << 8 | 0x7F}", *AFTERWARDS[:1], "no process: 0", *AFTERWARDS[2:], "hung up: 1"]
    assert outcome.stdout.decode().splitlines() == lines
    assert machine.processes.live() == ()


@pytest.mark.guest("bare_bomb")
async def test_a_fork_bomb_is_refused_and_ends_with_its_command(world: World) -> None:
    machine = await world.machine(processes=16)
    await machine.install("bare_bomb")
    bomb = await machine.processes.spawn(["bare_bomb"], {}, "/")
    await read_until(bomb.receive, b"refused: -6")
    await wait_all_tasks_blocked()
    assert len(machine.processes) == 16
    bomb.kill()
    outcome = await finish(bomb)
    assert outcome.exit == Exit("killed", message="killed")
    await wait_all_tasks_blocked()
    assert machine.processes.live() == ()


@pytest.mark.guest("bare_limits")
async def test_what_a_process_may_have_is_bounded(machine: Machine) -> None:
    await machine.install("bare_limits")
    outcome = await machine.command("bare_limits")
    assert outcome.exit.reason == "trap", "of an address beyond its memory"
    pipes = (MAX_DESCRIPTORS - 3) // 2
    assert outcome.stdout.decode().splitlines() == [
        f"last descriptor: {MAX_DESCRIPTORS - 1}",
        "one more: -33",
        "a number beyond: -8",
        f"pipes: {pipes}",
        "one more: -33",
        "polled: -28",
        "vectors: -28",
        "as many as there may be: 0",
        "bytes: -28",
        "path: -37",
        "arguments: -1",
        "actions: -1",
        "a wrong text: -25",
    ]
