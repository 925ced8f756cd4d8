"""Components that are being compiled for whoever waits: each once, by turns between VMs, and a VM's small ones first.

There is no task for it: of those who wait for a component, one sees to it (it waits for its turn, gives the order, waits for
the answer), and if that one is cancelled the next takes over where it was. When nobody waits any more the order is withdrawn.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Final, NamedTuple

import trio

from runtime.engine.artefacts import SMALL_BYTES
from runtime.engine.errors import InvalidComponentError
from runtime.engine.lines import Line
from runtime.engine.order import MAX_ANSWER_BYTES, CompilerAnswer, take_unkept, write_order
from runtime.engine.workshop import Workshop

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from runtime.engine.lines import Account
    from runtime.engine.order import Order
    from runtime.engine.turns import Share

LARGE_AT_ONCE: Final = 1
"""A large one uses all processors by itself, and memory."""

SMALL_AT_ONCE: Final = 2
"""So that one that is hard to compile holds up no other."""

LOGGED_BYTES: Final = 1024 * 1024
"""What takes a second or more to compile, and is worth a line in the log."""

ATTEMPTS: Final = 3
"""The process may have ended of idleness when an order was on its way; and once more, since it is the last word otherwise."""

logger = logging.getLogger(__name__)


class _Given(NamedTuple):
    """An order that was given."""

    file: int
    answers: socket.socket

    def withdraw(self) -> None:
        """Or end it, once it is answered."""
        self.answers.close()
        os.close(self.file)


class _Job:
    """One component that is being compiled."""

    def __init__(self, order: Order, content: bytes, line: Line) -> None:
        self.order = order
        self.content = content
        self.line = line
        self.account: Account | None = None
        """Whose turn it has, while it has one."""
        self.queuing: set[trio.CancelScope] = set()
        self.waiting = 0
        self.driving = trio.Lock()  # held by the one who sees to it
        self.given: _Given | None = None
        self.attempts = 0
        self.answer: CompilerAnswer | None = None
        self.unkept: dict[str, bytes] = {}

    async def take_turn(self, account: Account) -> None:
        """Wait until it has a turn: all who want it queue, each for its own VM, and the first one's turn is for all."""
        with trio.CancelScope() as scope:
            if self.account is not None:
                return
            self.queuing.add(scope)
            try:
                await self.line.take(account, len(self.content))
            finally:
                self.queuing.discard(scope)
            if scope.cancel_called:  # two had theirs in the same round of the loop
                self.line.give(account, 0)
                return
            self.account = account
            for other in self.queuing:
                other.cancel()

    def end(self) -> None:
        """Withdraw what is not done."""
        if self.given is not None:
            self.given.withdraw()
            self.given = None
        if self.account is not None:
            self.line.give(self.account, len(self.content))
            self.account = None


class Compiling:
    """What one engine has compiled in the compiler's process."""

    def __init__(self) -> None:
        self._workshop = Workshop()
        self._jobs: dict[str, _Job] = {}
        self._small = Line(SMALL_AT_ONCE)
        self._large = Line(LARGE_AT_ONCE)

    async def run(self, digest: str, content: bytes, order: Callable[[], Order], share: Share) -> dict[str, bytes]:
        """Have a component compiled into the cache; what could not be kept there, as `Artefacts.prepare`.

        Raises InvalidComponentError, UnsupportedComponentError; OSError if no process can be started.
        """
        large = len(content) > SMALL_BYTES
        job = self._jobs.get(digest)
        if job is None:
            job = self._jobs[digest] = _Job(order(), content, self._large if large else self._small)
        job.waiting += 1
        try:
            await job.take_turn(share.large if large else share.small)
            async with job.driving:
                if job.answer is None:
                    job.answer = await self._drive(job)
        finally:
            job.waiting -= 1
            if job.answer is not None or not job.waiting:
                job.end()
                if self._jobs.get(digest) is job:
                    del self._jobs[digest]
        job.answer.check()
        return job.unkept

    async def _drive(self, job: _Job) -> CompilerAnswer:
        while True:
            if job.given is None:
                if not job.attempts and len(job.content) >= LOGGED_BYTES:
                    logger.info("compiling a component of %.1f MB", len(job.content) / 1e6)
                if job.attempts == ATTEMPTS:
                    raise InvalidComponentError("the compiler's process has ended")
                job.attempts += 1
                job.given = await trio.to_thread.run_sync(self._give, job.order, job.content)
            await trio.lowlevel.wait_readable(job.given.answers)
            message = job.given.answers.recv(MAX_ANSWER_BYTES)
            if message:
                break
            job.given.withdraw()
            job.given = None
        answer = CompilerAnswer.unpack(message)
        if answer.kind == "unkept":
            job.unkept = await trio.to_thread.run_sync(take_unkept, job.given.file)
        return answer

    def _give(self, order: Order, content: bytes) -> _Given:
        file = write_order(order, content)
        try:
            return _Given(file, self._workshop.order(file))
        except BaseException:
            os.close(file)
            raise
