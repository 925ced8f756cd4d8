"""Work that outlives whoever asked for it."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from runtime.api.errors import FallingAsleepError
from runtime.sessions.services.detached import run_detached


async def test_its_result_and_its_failure_are_handed_over(nursery: trio.Nursery) -> None:
    async def divide(by: int) -> int:
        await trio.lowlevel.checkpoint()
        return 6 // by

    assert await run_detached(nursery, divide, 2) == 3
    with pytest.raises(ZeroDivisionError):
        await run_detached(nursery, divide, 0)


async def test_a_cancelled_wait_leaves_it_running(nursery: trio.Nursery) -> None:
    go, gone = trio.Event(), trio.Event()

    async def work() -> None:
        await go.wait()
        gone.set()

    with trio.CancelScope() as scope:
        scope.cancel()
        await run_detached(nursery, work)
    assert scope.cancelled_caught
    go.set()
    await gone.wait()


async def test_the_end_of_the_nursery_is_told_and_never_spreads() -> None:
    failures: list[BaseException] = []

    async with trio.open_nursery() as outer:
        inner = await outer.start(_nursery)

        async def ask() -> None:
            try:
                await run_detached(inner, trio.sleep_forever)
            except BaseException as error:
                failures.append(error)

        outer.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        inner.cancel_scope.cancel()
    assert [type(failure) for failure in failures] == [FallingAsleepError]


async def _nursery(task_status: trio.TaskStatus[trio.Nursery]) -> None:
    async with trio.open_nursery() as nursery:
        task_status.started(nursery)
        await trio.sleep_forever()
