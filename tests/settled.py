"""When nothing happens any more, exactly: no task can run, and no thread works for one.

trio sees its tasks alone: while the store commits on its thread, or a worker thread reads, all of them wait. A test would
take that for rest, and a mock clock for the moment to jump. So what threads have to do is counted where it is handed over.
No cushion of real time is needed then, and none would be long enough on a busy machine.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable


@attrs.define
class _Work:
    """What threads have to do for the tasks of one `trio.run`; a clock that jumps stands still meanwhile."""

    under_way: int = 0
    done: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot)
    threshold: float = math.inf
    """The clock's own."""

    def begin(self) -> None:
        clock = trio.lowlevel.current_clock()
        if not self.under_way and isinstance(clock, MockClock):
            self.threshold, clock.autojump_threshold = clock.autojump_threshold, math.inf
        self.under_way += 1

    def end(self, count: int = 1) -> None:
        self.under_way -= count
        if self.under_way:
            return
        clock = trio.lowlevel.current_clock()
        if isinstance(clock, MockClock):
            clock.autojump_threshold = self.threshold
        self.done.unpark_all()


_WORK: Final[trio.lowlevel.RunVar[_Work]] = trio.lowlevel.RunVar("work")


def _work() -> _Work:
    try:
        return _WORK.get()
    except LookupError:
        _WORK.set(_Work())
        return _WORK.get()


def count_work() -> None:
    """Count from now on: the writes to stores, and what runs on trio's worker threads."""
    run_sync, submit, deliver = trio.to_thread.run_sync, Writer.submit, Writer._deliver

    async def counted_run_sync(*arguments: Any, abandon_on_cancel: bool = False, **options: Any) -> Any:
        if abandon_on_cancel:  # nobody relies on its end, and there are tests in which it has none
            return await run_sync(*arguments, abandon_on_cancel=True, **options)
        work = _work()
        work.begin()
        try:
            return await run_sync(*arguments, **options)
        finally:
            work.end()

    def counted_submit(writer: Writer, *arguments: Any, **options: Any) -> None:
        submit(writer, *arguments, **options)
        _work().begin()

    def counted_deliver(writer: Writer, group: list[Any]) -> None:
        deliver(writer, group)
        _work().end(len(group))

    trio.to_thread.run_sync = counted_run_sync  # type: ignore[assignment]
    Writer.submit = counted_submit  # type: ignore[method-assign, assignment]
    Writer._deliver = counted_deliver  # type: ignore[method-assign, assignment]


async def settled() -> None:
    """Wait until nothing happens any more. A mock clock does not move meanwhile."""
    work = _work()
    await wait_all_tasks_blocked()
    while work.under_way:
        await work.done.park()
        await wait_all_tasks_blocked()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until nothing happens any more: the condition holds then, or never will."""
    await settled()
    assert condition(), "it never happened"
