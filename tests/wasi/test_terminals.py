"""ACP terminals over real processes: with children, with both outputs, and however they end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest
from trio.testing import wait_all_tasks_blocked

from runtime.acp.messages import CreateTerminal
from runtime.network import Egress
from runtime.sessions.services.terminals import Terminal, Terminals

if TYPE_CHECKING:
    from .conftest import Machine


@attrs.define
class Board:
    """The terminals of one agent in a machine, and how many bytes of output are held for it."""

    machine: Machine
    held: int = 0
    terminals: Terminals = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        vm = SimpleNamespace(spawn=self.machine.processes.spawn, output_bytes=1000)
        self.terminals = Terminals(cast("Any", vm), "t", "/", Egress(), self._hold)

    async def create(self, command: str, *args: str, limit: int | None = None) -> tuple[str, Terminal]:
        request = CreateTerminal("s", command, list(args), output_byte_limit=limit)
        id_, terminal = await self.terminals.create(request)
        self.machine.nursery.start_soon(terminal.run)
        return id_, terminal

    def _hold(self, count: int) -> None:
        self.held += count


@pytest.mark.guest("bare_pipeline")
async def test_killing_a_terminal_ends_the_whole_pipeline(machine: Machine) -> None:
    await machine.install("bare_pipeline")
    board = Board(machine)
    id_, terminal = await board.create("bare_pipeline")
    await wait_all_tasks_blocked()
    assert len(machine.processes.live()) == 3
    in_order = "out 1\nerr 1\nout 2\nerr 2\n"
    assert terminal.output() == {"output": in_order, "truncated": False}
    terminal.process.kill()
    await terminal.ended.wait()
    status = {"exitCode": None, "signal": "SIGKILL"}
    assert terminal.output() == {"output": in_order, "truncated": False, "exitStatus": status}
    await wait_all_tasks_blocked()
    assert machine.processes.live() == ()
    assert board.held == len(in_order)
    board.terminals.release(id_)
    assert board.held == 0


@pytest.mark.parametrize("end", ["release", "close"])
@pytest.mark.guest("bare_pipeline")
async def test_nothing_of_a_terminal_is_left_when_nobody_has_it(machine: Machine, end: str) -> None:
    await machine.install("bare_pipeline")
    board = Board(machine)
    id_, terminal = await board.create("bare_pipeline", limit=6)
    await wait_all_tasks_blocked()
    assert terminal.output() == {"output": "err 2\n", "truncated": True}
    if end == "release":
        board.terminals.release(id_)
    else:
        board.terminals.close()
    await terminal.ended.wait()
    await wait_all_tasks_blocked()
    assert machine.processes.live() == ()
    assert board.held == 0


@pytest.mark.guest("bare_background")
async def test_a_terminal_has_ended_when_its_output_has(machine: Machine) -> None:
    """And its stdin is at its end: the child in the background reads that."""
    await machine.install("bare_background")
    _, terminal = await Board(machine).create("bare_background")
    await terminal.ended.wait()
    assert terminal.exit_status == {"exitCode": 4, "signal": None}
    assert terminal.output()["output"].startswith("late: 0\n")


@pytest.mark.guest("stderr")
async def test_a_program_that_knows_only_wasi_has_one_output_too(machine: Machine) -> None:
    await machine.install("stderr")
    _, terminal = await Board(machine).create("stderr", "a", "b")
    await terminal.ended.wait()
    assert terminal.output()["output"] == "a\nb\nto stdout\n"


@pytest.mark.parametrize(("number", "name"), [("6", "SIGABRT"), ("15", "SIGTERM"), ("40", "signal 40")])
@pytest.mark.guest("bare_kill")
async def test_a_terminal_says_which_signal_has_ended_it(machine: Machine, number: str, name: str) -> None:
    await machine.install("bare_kill")
    _, terminal = await Board(machine).create("bare_kill", "0", number)
    await terminal.ended.wait()
    assert terminal.exit_status == {"exitCode": None, "signal": name}


@pytest.mark.guest("trap")
async def test_a_terminal_that_crashes_has_ended_as_it_would_for_a_parent(machine: Machine) -> None:
    await machine.install("trap")
    _, terminal = await Board(machine).create("trap")
    await terminal.ended.wait()
    assert terminal.exit_status == {"exitCode": None, "signal": "SIGSEGV"}
