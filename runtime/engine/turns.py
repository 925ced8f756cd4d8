"""Turns of guests, on the loop's thread and on workers, and what each VM has had of both.

Most turns on the loop's thread pass by its line: a guest that makes a call, gets its answer in the next round of the loop and
calls again would wait for a long turn of another VM each time, and hardly get anywhere. They are counted all the same, and
while a VM that has had less goes on like that, those that have had more are held back in the line.
"""

from __future__ import annotations

import math
import os
from time import perf_counter
from typing import TYPE_CHECKING, Final

import trio

from runtime.engine.lines import Account, Line, Member, this_round

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.engine.lines import Rounds

LOOP_SHARE: Final = 0.25
"""Of the loop's time: a VM that has less goes on at once when something is answered to it, and one that has more queues. An
agent that is busy has some hundredths; queuing costs a round of the loop."""
LOOP_BURST: Final = 0.02
"""Seconds of the loop's time that a VM may have at once before it queues: a long turn of an agent on SpiderMonkey."""

LOOP_TURN_SECONDS: Final = 0.002
"""How long a guest keeps the loop's thread with host calls, which use hardly any fuel, before the other tasks get their
turn."""

LOOP_LEAD: Final = 2 * LOOP_TURN_SECONDS
"""How much more of the loop's time than a VM that is active beside it a VM may have had before it is held back. Two turns, so
that nobody is held back for one who comes and is gone: whether he comes again shows only when he does not."""

THREADS: Final = 4
"""Of one VM at a time, for work that blocks: several hosts are looked up while a program is read."""


class LoopLine(Line):
    """The line for the loop's thread, in seconds of the `clock`.

    A VM is active until a round of the loop has had no turn of it.
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        super().__init__(1)
        self._clock = clock
        self._active: dict[Account, tuple[Rounds, int]] = {}
        """The round in which each has had its last turn; of those that wait in the line, in which they came."""
        self._looked_in: tuple[Rounds, int] | None = None
        self._even = 0.0
        """What the one of them had that has had least, at the beginning of this round."""
        self._held: tuple[Account, float] | None = None
        """Which is held back, and until when at most."""

    def pass_by(self, account: Account, used: float) -> None:
        """It has used so much outside of the line."""
        now = this_round()
        if now == self._looked_in and account in self._active:
            self._active[account] = now
        else:
            self._join(account)
        account.had += used

    def give(self, account: Account, used: float) -> None:
        """See Line."""
        self._active[account] = this_round()
        super().give(account, used)

    def is_ahead(self, account: Account) -> bool:
        """Whether it has to queue, since it has had more than another one that is active."""
        self._look()
        return account.had > self._even + LOOP_LEAD

    def _join(self, account: Account) -> None:
        self._look()
        if account not in self._active:
            account.had = max(account.had, self._even)
        self._active[account] = this_round()

    def _look(self) -> None:
        """Find out who is active, and where a VM begins that was not."""
        now = rounds, count = this_round()
        if now == self._looked_in:
            return
        self._looked_in = now
        for account, (last_rounds, last) in list(self._active.items()):
            if not account.waiting and (last_rounds is not rounds or last < count - 1):
                del self._active[account]
        self._even = max(self._even, min((account.had for account in self._active), default=0.0))

    def _is_early(self, account: Account) -> bool:
        """See Line. What they did not use in the time that they were let go first is not saved up."""
        self._look()
        others = [other for other in self._active if not other.waiting and other is not account]
        least = min((other.had for other in others), default=math.inf) + LOOP_LEAD
        if least >= account.had:
            self._held = None
            return False
        now = self._clock()
        if self._held is None or self._held[0] is not account:
            self._held = account, now + account.had - least
        if now < self._held[1]:
            return True
        self._held = None
        for other in others:
            other.had = max(other.had, account.had - LOOP_LEAD)
        return False


class Share:
    """One VM's share of what its engine has. Guests that are given none have one each."""

    def __init__(self) -> None:
        self.loop = Account()
        self.workers = Account()
        self.small = Account()
        """Of small components that are compiled for it, in bytes; `large`, of the others."""
        self.large = Account()
        self.threads = trio.CapacityLimiter(THREADS)
        """For whatever blocks, each with its own: what never answers one VM (a name server, a host directory on a network)
        holds up no other."""
        self._even_at = -math.inf

    def is_ahead(self, now: float) -> bool:
        """Whether it has had more of the loop's time than its share, and has to queue. `now` is a `perf_counter`."""
        return self._even_at > now + LOOP_BURST / LOOP_SHARE

    def charge_loop(self, seconds: float, now: float) -> None:
        """It has had the loop for so long, up to `now`."""
        self._even_at = max(self._even_at, now) + seconds / LOOP_SHARE


class LoopTurn:
    """The turns of a guest on the loop's thread."""

    def __init__(self, line: LoopLine, share: Share) -> None:
        self._line = line
        self._member = Member(line, share.loop)
        self._share = share
        self._began: float | None = None
        self._has_queued = False

    async def begin(self, *, queued: bool = False) -> float:
        """Have a turn, perhaps the one that goes on: when it has begun, a `perf_counter`.

        A new one comes after those who wait where it is to be `queued`, and where the VM is ahead.
        """
        began = perf_counter()
        if self._began is not None:
            if began < self._began + LOOP_TURN_SECONDS:
                return self._began
            await self.pause()
        if self._began is None:
            if queued or self._share.is_ahead(began) or self._line.is_ahead(self._share.loop):
                await self._member.take()
                self._has_queued = True
                began = perf_counter()
            self._began = began
        return self._began

    def end(self) -> None:
        """It is over, if there is one."""
        if self._began is not None:
            began, self._began = self._began, None
            now = perf_counter()
            this_round()[0].has_paid(now - began)
            if self._has_queued:
                self._has_queued = False
                self._share.charge_loop(now - began, now)
                self._member.give(now - began)
            else:
                self.pay(now - began, now)

    def pay(self, seconds: float, now: float) -> None:
        """Have the VM pay for what was no turn in the line, up to `now`."""
        self._share.charge_loop(seconds, now)
        self._line.pass_by(self._share.loop, seconds)

    async def pause(self) -> None:
        """Let others have their turns, and begin another one."""
        self.end()
        await trio.lowlevel.checkpoint()
        await self.begin()


class Processors:
    """Where the guests of an engine compute: on the loop's thread, in turn with everybody else, or on worker threads."""

    def __init__(self, workers: int | None = None) -> None:
        self.loop = LoopLine()
        """For those who go on computing, and those whose VM is ahead: however many, a round of the loop has one of them."""
        # One core is left for the event loop.
        self.workers = Line(workers or max(1, (os.cpu_count() or 2) - 1))
        self.threads = trio.CapacityLimiter(math.inf)  # turns are what bounds them
