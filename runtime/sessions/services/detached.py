"""Work that goes on when its caller is cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import outcome
import trio

from runtime.api.errors import FallingAsleepError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


async def run_detached(nursery: trio.Nursery, function: Callable[..., Awaitable[T]], *args: Any) -> T:
    """Run `function(*args)` as a task of `nursery` and wait for its result or its exception.

    Cancelling the wait leaves it running. Raises `FallingAsleepError` when the nursery is cancelled first.
    """
    results: list[outcome.Outcome[T]] = []
    done = trio.Event()

    async def run() -> None:
        try:
            results.append(outcome.Value(await function(*args)))
        except Exception as error:  # but not Cancelled: that is this task's own, and must not reach the caller
            results.append(outcome.Error(error))
        finally:
            done.set()

    nursery.start_soon(run)
    await done.wait()
    if not results:
        raise FallingAsleepError
    return results[0].unwrap()
