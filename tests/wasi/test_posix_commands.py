"""What belongs to a command of a client: its children, until none has its output, and what others may do to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.api.errors import ApiError
from runtime.engine import Exit
from runtime.vms.commands import Commands
from runtime.vms.lifecycle import Life

from .conftest import finish

if TYPE_CHECKING:
    from .conftest import Machine


@pytest.mark.guest("bare_background")
async def test_a_child_keeps_the_output_of_its_command(machine: Machine) -> None:
    await machine.install("bare_background")
    command = await machine.processes.spawn(["bare_background", "now"], {}, "/")
    assert await command.wait() == Exit("exit", 4)
    (child,) = machine.processes.live()
    assert (child.kind, child.argv, child.parent_pid) == ("command", ["bare_background", "now"], None)
    assert child.pid != command.pid
    assert machine.processes.commands == 1, "it keeps the VM awake"
    outcome = await finish(command, b"12345")
    assert outcome.stdout == b"late: 5\nnobody's: 1\n"
    await wait_all_tasks_blocked()
    assert machine.processes.live() == ()


@pytest.mark.guest("bare_background")
async def test_to_end_a_command_ends_what_has_come_from_it(machine: Machine) -> None:
    await machine.install("bare_background")
    command = await machine.processes.spawn(["bare_background"], {}, "/")
    await command.wait()
    command.kill()
    assert (await finish(command)).stdout == b""
    await wait_all_tasks_blocked()
    assert machine.processes.live() == ()


@pytest.mark.guest("bare_background")
async def test_a_client_waits_for_the_last_of_the_output(machine: Machine) -> None:
    await machine.install("bare_background")
    async with trio.open_nursery() as nursery:
        commands = Commands(
            nursery,
            machine.processes,
            machine.volume,
            life=Life(),
            output_bytes=lambda: 1000,
            publish=lambda _method, _params: None,
            touch=lambda: None,
        )
        told = await commands.execute(["bare_background"], env={}, cwd="/", stdin=b"123", timeout_ms=None)
        assert told["exitCode"] == 4
        assert told["stdout"].startswith("late: 3\n")

        started = await commands.start(["bare_background"], env={}, cwd="/", stdin=None, timeout_ms=None)
        await started.process.wait()
        assert not started.ended.is_set()
        assert [row["pid"] for row in commands.known()] == [
            told["pid"],
            started.process.pid,
            started.process.pid + 1,
        ]
        started.kill()
        await started.ended.wait()
        assert started.exit_code == 4, "its first process had exited"
        await wait_all_tasks_blocked()
        assert machine.processes.live() == ()


@pytest.mark.guest("bare_kill", "copy_stdin")
async def test_commands_end_each_other_and_no_agents(machine: Machine) -> None:
    for name in ("bare_kill", "copy_stdin"):
        await machine.install(name)
    agent = await machine.spawn("copy_stdin")
    command = await machine.processes.spawn(["copy_stdin"], {}, "/")
    assert (await machine.command("bare_kill", str(agent.pid), "9")).lines == ["kill: -63"]
    assert (await machine.command("bare_kill", str(command.pid), "15")).lines == ["kill: 0"]
    assert (await finish(command)).exit == Exit("killed", message="killed by SIGTERM")
    outcome = await finish(agent, b"still here")
    assert (outcome.exit, outcome.stdout) == (Exit("exit", 0), b"still here")


def _script(machine: Machine, path: str, content: str, mode: int = 0o755) -> None:
    machine.volume.filesystem.write_file(path, content.encode(), mode=mode)


@pytest.mark.guest("args_env")
async def test_a_script_is_run_by_its_interpreter(machine: Machine) -> None:
    await machine.install("args_env")
    machine.volume.filesystem.mkdir("/src")
    _script(machine, "/src/one", "#! /bin/args_env -x y \nwhatever\n")
    _script(machine, "/src/two", "#!./one\n")
    _script(machine, "/bin/three", "#!args_env")
    for command, cwd, words in (
        ("/src/one", "/", ["/bin/args_env", "-x y", "/src/one", "a", "b c"]),
        ("./two", "/src", ["/bin/args_env", "-x y", "./one", "./two", "a", "b c"]),
        ("three", "/bin", ["args_env", "/bin/three", "a", "b c"]),
    ):
        lines = (await machine.command(command, "a", "b c", cwd=cwd, env={"KEY": "value"})).lines
        assert lines[: len(words)] == [f"arg {number} {word}" for number, word in enumerate(words)]
        assert "env KEY=value" in lines
        assert "env HOME=/home/user" in lines


@pytest.mark.guest("args_env")
async def test_why_a_script_cannot_be_run_is_said(machine: Machine) -> None:
    await machine.install("args_env", mode=0o644)
    _script(machine, "/bin/modest", "#!/bin/true\n", mode=0o644)
    _script(machine, "/bin/lost", "#!/usr/bin/nothing\n")
    _script(machine, "/bin/into", "#!/home\n")
    _script(machine, "/bin/plain", "echo\n")
    _script(machine, "/bin/over", "#!/bin/plain\n")
    _script(machine, "/bin/empty", "#! \n")
    _script(machine, "/bin/round", "#!/bin/round\n")
    _script(machine, "/bin/idle", "#!/bin/args_env\n")
    for command, why in (
        ("modest", "nobody may execute /bin/modest (chmod +x)"),
        ("lost", "its interpreter /usr/bin/nothing is not there"),
        ("into", "its interpreter /home is no file"),
        ("over", "its interpreter /bin/plain is no component, and does not begin with #!"),
        ("empty", "its first line names no interpreter"),
        ("round", "more than 4 scripts are each the interpreter of the one before"),
        ("idle", "nobody may execute its interpreter /bin/args_env (chmod +x)"),
    ):
        with pytest.raises(ApiError) as refused:
            await machine.command(command)
        assert refused.value.message == f"{command} cannot be run: {why}"
    assert (await machine.command("args_env")).lines, "a program needs no such bit"
