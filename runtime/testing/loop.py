"""A trio event loop on a thread of its own, for tests that have no loop, or another one.

Everything that the harness owns (hosts, links, scripted models) lives on this one loop, and is reached from any thread.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from runtime.client.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

T = TypeVar("T")


class Loop:
    """The loop, from `start` to `stop`. `run` blocks the calling thread, which may be any but the loop's own."""

    def __init__(self) -> None:
        self._thread = threading.Thread(target=self._main, name="torpor-testing", daemon=True)
        self._started: Future[trio.Nursery] = Future()
        self._token: trio.lowlevel.TrioToken

    def start(self) -> Loop:
        """Start the thread; returns when the loop runs."""
        self._thread.start()
        self._started.result()
        return self

    def stop(self) -> None:
        """Cancel what still runs, and wait for the thread's end."""
        self._token.run_sync_soon(self._started.result().cancel_scope.cancel)
        self._thread.join()

    def run(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Run an async function on the loop; return or raise what it does. Interrupted, the function is cancelled."""
        __tracebackhide__ = True
        return self._begin(function, *arguments)

    @contextmanager
    def entered(self, manager: AbstractAsyncContextManager[T]) -> Iterator[T]:
        """Hold an async context manager open: one task enters and leaves it."""
        opened: Future[T] = Future()
        leave = trio.Event()

        async def hold() -> None:
            try:
                async with manager as value:
                    opened.set_result(value)
                    await leave.wait()
            except BaseException as error:
                if opened.done():
                    raise
                opened.set_exception(error)
                if not isinstance(error, Exception):
                    raise

        closed = self._submit(hold)[0]
        value = opened.result()
        try:
            yield value
        finally:
            self._token.run_sync_soon(leave.set)
            closed.result()

    def _begin(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        __tracebackhide__ = True
        future, scope = self._submit(function, *arguments)
        try:
            return future.result()
        except ClientError as error:  # an answer of the API: how it came here says nothing
            raise error.with_traceback(None) from None
        except BaseException:
            if not future.done():
                self._token.run_sync_soon(scope.cancel)
            raise

    def _submit(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> tuple[Future[T], trio.CancelScope]:
        if threading.current_thread() is self._thread:
            raise RuntimeError("the harness's own loop cannot wait for itself")
        future: Future[T] = Future()
        scope = trio.CancelScope()

        async def job() -> None:
            try:
                with scope:
                    result = await function(*arguments)
                    future.set_result(result)
                if not future.done():
                    future.cancel()
            except trio.Cancelled:
                future.cancel()
                raise
            except BaseException as error:  # it is the caller's, who waits for the future
                future.set_exception(error)

        self._token.run_sync_soon(self._started.result().start_soon, job)
        return future, scope

    def _main(self) -> None:
        trio.run(self._serve)

    async def _serve(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        async with trio.open_nursery() as nursery:
            self._started.set_result(nursery)
            await trio.sleep_forever()
