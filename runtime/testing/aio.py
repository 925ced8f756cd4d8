"""The async face of what blocks: the same methods, awaited, under trio and under asyncio.

A call runs on a worker thread. Cancelling one ends the wait at once; a turn goes on until its VM is closed.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio.to_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


class Aio(Generic[T]):
    """The methods of an object, each to be awaited: `await session.aio.prompt("...")`."""

    def __init__(self, target: T) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._target, name)
        if not callable(method):
            raise AttributeError(  # noqa: TRY004 - that is what a missing method is
                f"{name} is no method: it needs no await"
            )
        return partial(in_thread, method)


async def in_thread(function: Callable[..., T], /, *arguments: Any, **named: Any) -> T:
    """Run a blocking function on a worker thread."""
    return await anyio.to_thread.run_sync(partial(function, *arguments, **named), abandon_on_cancel=True)
