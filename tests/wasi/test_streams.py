"""The streams and pollables behind wasi:io, without a guest."""

from __future__ import annotations

import math
from typing import Any

import pytest
import trio
from trio.testing import assert_checkpoints, wait_all_tasks_blocked

from runtime.engine import GuestTrap
from runtime.wasi.io import MAX_POLLED, poll
from runtime.wasi.streams import (
    PIPE_CAPACITY,
    PipeInput,
    PipeOutput,
    Source,
    StreamClosed,
    Timer,
    pollable_of,
    wait_any,
)


class Flag(Source):
    ready = False

    def is_ready(self) -> bool:
        return self.ready


async def test_waiting_for_what_is_ready_is_a_checkpoint() -> None:
    """Else a guest that waits only for such things would keep the event loop."""
    ended = PipeInput()
    ended.end()
    with assert_checkpoints():
        await wait_any([Flag(), ended])
    with trio.CancelScope() as scope:
        scope.cancel()
        await wait_any([ended])
    assert scope.cancelled_caught


async def test_one_of_several_is_enough() -> None:
    flags = [Flag(), Flag()]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_any, flags)
        await wait_all_tasks_blocked()
        flags[0].notify()  # a notification too many
        await wait_all_tasks_blocked()
        assert len(flags[0].waiters) == len(flags[1].waiters) == 1
        flags[1].ready = True
        flags[1].notify()
    assert flags[0].waiters == flags[1].waiters == set()


async def test_cancelled_waits_leave_nothing(autojump_clock: trio.testing.MockClock) -> None:
    flag = Flag()
    assert flag.deadline == math.inf
    with trio.move_on_after(10):
        await wait_any([flag])
    assert flag.waiters == set()
    assert autojump_clock.current_time() == pytest.approx(10)


async def test_the_earliest_timer_counts(autojump_clock: trio.testing.MockClock) -> None:
    await wait_any([Timer(30), Flag(), Timer(20)])
    assert autojump_clock.current_time() == pytest.approx(20)
    await wait_any([Timer(5)])  # it has passed
    assert autojump_clock.current_time() == pytest.approx(20)


async def test_input_pipe() -> None:
    pipe = PipeInput()
    assert (pipe.read(10), pipe.is_ready()) == (b"", False)
    await pipe.send(b"hello")
    assert pipe.is_ready()
    assert (pipe.read(2), pipe.read(0), pipe.read(100)) == (b"he", b"", b"llo")
    await pipe.send(b"rest")
    pipe.end()
    with pytest.raises(trio.ClosedResourceError):
        await pipe.send(b"x")
    assert pipe.read(100) == b"rest"
    assert pipe.is_ready()
    for _ in range(2):
        with pytest.raises(StreamClosed):
            pipe.read(1)


async def test_senders_to_a_full_pipe_take_turns_and_are_told_of_its_end() -> None:
    pipe = PipeInput()
    await pipe.send(bytes(PIPE_CAPACITY))
    ended = 0

    async def send() -> None:
        nonlocal ended
        with pytest.raises(trio.BrokenResourceError):
            await pipe.send(bytes(PIPE_CAPACITY))
        ended += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        assert pipe.read(100) == bytes(100)
        await wait_all_tasks_blocked()
        assert len(pipe._buffer) == PIPE_CAPACITY
        pipe.break_()
    assert ended == 2


async def test_what_was_read_of_a_pipe_stays_as_it_was() -> None:
    pipe = PipeInput()
    await pipe.send(b"first, second")
    first, second = pipe.read(7), pipe.read(100)
    await pipe.send(b"third")
    pipe.break_()
    assert (first, second) == (b"first, ", b"second")


async def test_pipes_keep_what_memory_held_then() -> None:
    linear, pipe = bytearray(b"one"), PipeOutput()
    pipe.write(memoryview(linear).toreadonly())
    linear[:] = b"two"
    assert await pipe.receive() == b"one"


async def test_output_pipe() -> None:
    pipe = PipeOutput()
    assert pipe.check_write() == PIPE_CAPACITY
    pipe.write(bytes(PIPE_CAPACITY))
    assert (pipe.check_write(), pipe.is_ready()) == (0, False)
    with trio.move_on_after(0):
        assert await pipe.receive() == b"nothing is lost to a cancelled receive"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_any, [pipe])
        await wait_all_tasks_blocked()
        assert await pipe.receive() == bytes(PIPE_CAPACITY)
    pipe.write(b"rest")
    pipe.end()
    assert [await pipe.receive() for _ in range(3)] == [b"rest", b"", b""]


def test_so_many_things_are_polled() -> None:
    flag = Flag()
    flag.ready = True
    polled = [pollable_of(flag)] * MAX_POLLED
    state: Any = None
    assert poll(state, polled) == list(range(MAX_POLLED))
    for count in (0, MAX_POLLED + 1):
        with pytest.raises(GuestTrap, match=f"poll takes 1 to 4096 pollables, not {count}"):
            poll(state, (polled * 2)[:count])
