"""Runs an operation again and again, cancelled at its first await, at its second, and so on to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

MOST: Final = 500
"""Awaits of one operation: none has nearly as many, and a count that goes on has lost its end."""


@attrs.define(eq=False)
class Attempt:
    """One run of an operation, to be cancelled at its `at`-th await."""

    at: int
    steps: int = 0
    cancelled: bool = False
    """Whether the operation ended as cancelled; else it has answered."""
    result: Any = None
    _task: trio.lowlevel.Task | None = None
    _cancel: Callable[[], None] | None = None
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)

    async def run(self, operation: Callable[[], Awaitable[Any]], cancel: Callable[[], None] | None = None) -> None:
        """Run the operation, and cancel it when its time has come, by `cancel` if that is given."""
        self._task = trio.lowlevel.current_task()
        self._cancel = self._scope.cancel if cancel is None else cancel
        trio.lowlevel.add_instrument(self)
        try:
            with self._scope:
                self.result = await operation()
        finally:
            trio.lowlevel.remove_instrument(self)
        self.cancelled = self._scope.cancelled_caught

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count where the task waits; trio calls this (trio.abc.Instrument)."""
        if task is self._task:
            self.steps += 1
            if self.steps == self.at and self._cancel is not None:
                self._cancel()


def attempts() -> Iterator[Attempt]:
    """Attempts that are cancelled later and later; the last one is not cancelled at all."""
    for at in range(1, MOST):
        attempt = Attempt(at)
        yield attempt
        if attempt.steps < at:
            assert not attempt.cancelled
            assert at > 1, "it does not wait for anything"
            return
    raise AssertionError("it never ends")
