"""Components that are being compiled for whoever waits: each once, the small ones before the large.

There is no task for it: of those who wait for a component, one sees to it (it waits for its turn, gives the order, waits for
the answer), and if that one is cancelled the next takes over where it was. When nobody waits any more the order is withdrawn.
"""

from __future__ import annotations

import heapq
import logging
import os
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

import trio

from runtime.engine.artefacts import SMALL_BYTES
from runtime.engine.errors import InvalidComponentError
from runtime.engine.order import MAX_ANSWER_BYTES, Answer, take_unkept, write_order
from runtime.engine.workshop import Workshop

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from runtime.engine.order import Order

# A large one uses all processors by itself, and memory. Two small ones, so that one that is hard to compile holds up no other.
LARGE_AT_ONCE: Final = 1
SMALL_AT_ONCE: Final = 2
# What takes a second or more to compile, and is worth a line in the log.
LOGGED_BYTES: Final = 1024 * 1024
# The process may have ended of idleness when an order was on its way; and once more, since it is the last word otherwise.
ATTEMPTS: Final = 3

_log = logging.getLogger(__name__)


class _Lane:
    """Turns to compile, the smallest component first."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: list[tuple[int, int, trio.Event]] = []
        self._numbers = count()

    async def take(self, size: int) -> None:
        """Wait for a turn. When cancelled, none was taken."""
        if self._free:
            self._free -= 1
            return
        turn = trio.Event()
        entry = size, next(self._numbers), turn
        heapq.heappush(self._waiting, entry)
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():
                self.give()
            else:
                self._waiting.remove(entry)
                heapq.heapify(self._waiting)
            raise

    def give(self) -> None:
        """End a turn."""
        if self._waiting:
            heapq.heappop(self._waiting)[-1].set()
        else:
            self._free += 1


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

    def __init__(self, order: Order, content: bytes, lane: _Lane) -> None:
        self.order = order
        self.content = content
        self.lane = lane
        self.waiting = 0
        self.driving = trio.Lock()  # held by the one who sees to it
        self.has_turn = False
        self.given: _Given | None = None
        self.attempts = 0
        self.answer: Answer | None = None
        self.unkept: dict[str, bytes] = {}

    def end(self) -> None:
        """Withdraw what is not done."""
        if self.given is not None:
            self.given.withdraw()
            self.given = None
        if self.has_turn:
            self.has_turn = False
            self.lane.give()


class Compiling:
    """What one engine has compiled in the compiler's process."""

    def __init__(self) -> None:
        self._workshop = Workshop()
        self._jobs: dict[str, _Job] = {}
        self._small = _Lane(SMALL_AT_ONCE)
        self._large = _Lane(LARGE_AT_ONCE)

    async def run(self, digest: str, content: bytes, order: Callable[[], Order]) -> dict[str, bytes]:
        """Have a component compiled into the cache; what could not be kept there, as `Artefacts.prepare`.

        Raises InvalidComponentError, UnsupportedComponentError; OSError if no process can be started.
        """
        job = self._jobs.get(digest)
        if job is None:
            lane = self._large if len(content) > SMALL_BYTES else self._small
            job = self._jobs[digest] = _Job(order(), content, lane)
        job.waiting += 1
        try:
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

    async def _drive(self, job: _Job) -> Answer:
        if not job.has_turn:
            await job.lane.take(len(job.content))
            job.has_turn = True
        while True:
            if job.given is None:
                if not job.attempts and len(job.content) >= LOGGED_BYTES:
                    _log.info("compiling a component of %.1f MB", len(job.content) / 1e6)
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
        answer = Answer.unpack(message)
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
