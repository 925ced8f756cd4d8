"""What a guest has beside files and network: arguments, streams, time and randomness."""

# ruff: noqa: S108, S311 - /tmp is the VM's, and content needs no secrecy

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.engine import Exit
from runtime.engine.guest import SLICE_FUEL
from runtime.wasi.state import Ambient
from runtime.wasi.streams import PIPE_CAPACITY

from .conftest import finish, read_all

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .conftest import Machine, Outcome, World

    Run = Callable[..., Awaitable[Outcome]]

MIB = 1024 * 1024
HOUR_MS = 3_600_000


class OnMockClock(Ambient):
    """The monotonic clock that trio has in a test."""

    def __init__(self, clock: trio.testing.MockClock) -> None:
        self._clock = clock

    def now_monotonic_ns(self) -> int:
        return int(self._clock.current_time() * 1_000_000_000)


class Scripted(Ambient):
    """Time that stands still and randomness from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def now_wall_ns(self) -> int:
        return 1_234_567_890_987_654_321

    def random(self, count: int) -> bytes:
        return self._random.randbytes(count)


# Arguments and environment


@pytest.mark.guest("args_env")
async def test_arguments_environment_and_directory(run_guest: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_DAEMON", "x")
    outcome = await run_guest("args_env", "one", "", "drei ü", env={"A": "1", "PATH": "/opt", "B": "ä=b"}, cwd="/tmp")
    assert outcome.lines == [
        "arg 0 args_env",
        "arg 1 one",
        "arg 2 ",
        "arg 3 drei ü",
        "env PATH=/opt",
        "env HOME=/home/user",
        "env USER=user",
        "env LANG=C.UTF-8",
        "env A=1",
        "env B=ä=b",
        "cwd /",  # preview 1 has no working directory: its libc starts at the root
    ]


@pytest.mark.guest("args_env")
async def test_long_arguments(run_guest: Run) -> None:
    many = [str(number) * 50 for number in range(500)]
    assert [line.split()[2] for line in (await run_guest("args_env", *many)).lines[1:501]] == many


# Standard streams


@pytest.mark.guest("copy_stdin")
@pytest.mark.parametrize("size", [0, 1, PIPE_CAPACITY - 1, PIPE_CAPACITY, PIPE_CAPACITY + 1, 3 * MIB])
async def test_stdin_to_stdout(run_guest: Run, size: int) -> None:
    content = random.Random(size).randbytes(size)
    outcome = await run_guest("copy_stdin", stdin=content)
    assert (outcome.exit, outcome.stdout) == (Exit("exit", 0), content)


@pytest.mark.guest("copy_stdin")
async def test_each_piece_of_stdin_arrives_at_once(machine: Machine) -> None:
    process = await machine.spawn("copy_stdin")
    for piece in (b"x", b"\0", b"y" * 4096, "ü\r\n".encode()):
        await process.send(piece)
        assert await process.receive() == piece
    process.stdin.end()
    assert await process.receive() == b""
    assert await process.wait() == Exit("exit", 0)


@pytest.mark.guest("stdin_eof")
async def test_the_end_of_stdin_stays_the_end(run_guest: Run) -> None:
    assert (await run_guest("stdin_eof", stdin=b"x" * 10_000)).lines == ["10000 bytes, then end", "again: end"]
    assert (await run_guest("stdin_eof")).lines == ["0 bytes, then end", "again: end"]


@pytest.mark.guest("clocks")
async def test_a_guest_that_never_reads_holds_up_the_sender(machine: Machine) -> None:
    process = await machine.spawn("clocks", str(HOUR_MS))
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            with pytest.raises(trio.BrokenResourceError):
                await process.send(bytes(10 * MIB))

        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        assert len(process.stdin._buffer) == PIPE_CAPACITY
        process.kill()
        assert (await process.wait()).reason == "killed"
    with pytest.raises(trio.BrokenResourceError):
        await process.send(b"late")


@pytest.mark.guest("copy_stdin")
async def test_a_guest_whose_stdout_nobody_reads_waits(machine: Machine) -> None:
    process = await machine.spawn("copy_stdin")
    content = random.Random(0).randbytes(MIB)
    accepted = 0
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            nonlocal accepted
            for start in range(0, MIB, 1024):
                await process.send(content[start : start + 1024])
                accepted += 1024
            process.stdin.end()

        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        assert len(process.stdout._buffer) == PIPE_CAPACITY
        assert accepted <= 3 * PIPE_CAPACITY  # stdin's pipe, the guest's own buffer, stdout's pipe
        assert await read_all(process.receive) == content
    assert await process.wait() == Exit("exit", 0)


@pytest.mark.guest("stderr")
async def test_a_flood_on_stderr_waits_for_its_reader(machine: Machine) -> None:
    lines = [f"{number:04} {'e' * 95}" for number in range(2000)]
    process = await machine.spawn("stderr", *lines)
    await wait_all_tasks_blocked()
    assert len(process.stderr._buffer) <= PIPE_CAPACITY
    outcome = await finish(process)
    assert outcome.stderr.decode().splitlines() == lines
    assert outcome.stdout == b"to stdout\n"


@pytest.mark.guest("copy_stdin", "stderr", "poll")
@pytest.mark.parametrize("name", ["copy_stdin", "stderr", "poll"])
async def test_killed_while_it_waits_for_a_stream(machine: Machine, name: str) -> None:
    arguments = {"stderr": ["x" * 1000] * 100, "poll": ["-1"]}.get(name, [])
    await kill_when_settled(machine, name, *arguments)
    for other in ("copy_stdin", "stderr", "poll"):
        await machine.run(other)


@pytest.mark.guest("copy_stdin")
async def test_when_a_process_has_ended_nothing_goes_on_beside_it(machine: Machine) -> None:
    """Such as a save that one of its streams waits for: by then, no task is left that has what was the process's."""
    process = await machine.spawn("copy_stdin")
    await wait_all_tasks_blocked()
    state, left = process.record.state, []

    async def beside(number: int) -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                for _ in range(number):
                    await trio.lowlevel.checkpoint()
            left.append(number)

    assert state is not None
    for number in (1, 20):
        state.start_soon(beside, number)
    await wait_all_tasks_blocked()
    process.kill()
    await process.wait()
    assert left == [1, 20]


async def kill_when_settled(machine: Machine, name: str, *arguments: str) -> None:
    process = await machine.spawn(name, *arguments)
    await wait_all_tasks_blocked()
    assert len(machine.processes) == 1
    process.kill()
    process.kill()
    assert await process.wait() == Exit("killed", message="killed")
    await read_all(process.receive)  # what it had written, then the end
    await read_all(process.receive_stderr)
    await wait_all_tasks_blocked()
    assert len(machine.processes) == 0


@pytest.mark.guest("copy_stdin")
async def test_many_guests_at_once_keep_their_bytes_apart(machine: Machine) -> None:
    """Each is suspended and goes on in turn with all the others."""
    contents = [bytes([number]) * 50_000 for number in range(20)]
    outcomes: dict[int, Outcome] = {}

    async def run(number: int) -> None:
        process = await machine.spawn("copy_stdin")
        outcomes[number] = await finish(process, contents[number])

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(run, number)
    assert [outcomes[number].stdout for number in range(20)] == contents


# Time


@pytest.mark.guest("clocks")
async def test_clocks_and_sleep(world: World, autojump_clock: trio.testing.MockClock) -> None:
    machine = await world.machine(ambient=OnMockClock(autojump_clock))
    lines = (await machine.run("clocks", str(HOUR_MS))).lines
    assert lines[:1] + lines[2:] == [
        "wall clock: ok",
        "resolution: ok",
        "sleep: ok",
        f"slept {HOUR_MS} ms",
        "monotonic ok",
    ]
    assert autojump_clock.current_time() >= HOUR_MS / 1000


@pytest.mark.guest("clocks")
async def test_a_sleep_of_real_time_is_not_too_short(run_guest: Run) -> None:
    assert (await run_guest("clocks", "5")).lines[-1] == "monotonic ok"


@pytest.mark.guest("clocks")
async def test_wall_time_is_the_vms(world: World) -> None:
    machine = await world.machine(ambient=Scripted(1))
    assert (await machine.run("clocks", "0")).lines[1] == "wall 1234567890"


@pytest.mark.guest("poll")
async def test_poll_with_timeouts(machine: Machine, autojump_clock: trio.testing.MockClock) -> None:
    process = await machine.spawn("poll", str(HOUR_MS))

    async def line() -> bytes:
        said = b""
        while not said.endswith(b"\n"):  # its libc may write the line ending alone
            more = await process.receive()
            assert more, "it has ended"
            said += more
        return said

    assert await line() == b"timeout\n"
    assert await line() == b"timeout\n"
    elapsed = autojump_clock.current_time()
    assert elapsed == pytest.approx(2 * HOUR_MS / 1000)
    await process.send(b"12345")
    assert await line() == b"data 5\n"
    process.stdin.end()
    assert await line() == b"end\n"
    assert autojump_clock.current_time() == pytest.approx(elapsed)
    assert await process.wait() == Exit("exit", 0)


@pytest.mark.guest("poll")
async def test_poll_without_patience(run_guest: Run) -> None:
    assert (await run_guest("poll", "0", "1", stdin=b"x")).lines in (["data 1"], ["timeout"])


# Randomness


@pytest.mark.guest("random")
async def test_randomness_is_the_vms(world: World) -> None:
    machines = [await world.machine(name, ambient=Scripted(seed)) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    first, same, other = [(await machine.run("random", "300")).lines for machine in machines]
    source = random.Random(1)
    assert first == [(source.randbytes(256) + source.randbytes(44)).hex() for _ in range(2)]
    assert first == same
    assert first != other


@pytest.mark.guest("file_rw")
async def test_files_have_the_times_of_the_vms_clock(world: World) -> None:
    machine = await world.machine(ambient=Scripted(1))
    await machine.run("file_rw", "/tmp")
    attributes = await machine.files.stat("/tmp/rw.txt")
    assert attributes["mtimeMs"] == pytest.approx(Scripted(1).now_wall_ns() / 1_000_000)


@pytest.mark.guest("random")
async def test_a_guest_that_computes_between_its_calls(world: World) -> None:
    """Printing so much takes many slices of fuel, so that some of its calls come from a worker thread."""
    machine = await world.machine(ambient=Scripted(3))
    process = await machine.spawn("random", "100000")
    source = random.Random(3)
    blocks = [b"".join(source.randbytes(min(256, 100_000 - at)) for at in range(0, 100_000, 256)) for _ in range(2)]
    assert (await finish(process)).lines == [block.hex() for block in blocks]
    assert process.fuel_used > 4 * SLICE_FUEL


@pytest.mark.guest("random")
async def test_randomness_differs_without_a_script(run_guest: Run) -> None:
    blocks = (await run_guest("random", "32")).lines + (await run_guest("random", "32")).lines
    assert len({len(block) for block in blocks}) == 1
    assert len(set(blocks)) == 4


@pytest.mark.guest("random", "exit_code")
async def test_a_failing_host_ends_one_guest_and_tells_it_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Ambient):
        def random(self, count: int) -> bytes:
            raise OSError("a secret of the host")

    machine = await world.machine(ambient=Broken())
    outcome = await machine.run("random")
    assert outcome == type(outcome)(Exit("fault", message=outcome.exit.message), b"", b"")
    assert "secret" not in outcome.exit.message
    assert "a secret of the host" in caplog.text
    assert (await machine.run("exit_code")).lines == ["leaving with 0"]
