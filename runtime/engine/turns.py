"""Turns at what all guests share: fair between VMs first, and then between the guests of each.

Start-time fair queuing (Goyal, Vin and Cheng, SIGCOMM 1996): each VM has an account of what it has had of a thing, and whoever
waits on the account that has had least goes next. An account that was idle begins where the others are: nobody saves up
turns, and nobody pays for having been alone. So a VM with a hundred guests that spin has the weight of one, and a short
burst of another VM goes before all of theirs.
"""

from __future__ import annotations

import math
import os
from heapq import heappop, heappush, heapreplace
from itertools import count
from time import perf_counter
from typing import Final

import trio

LOOP_SHARE: Final = 0.25
"""Of the loop's time: a VM that has less goes on at once when something is answered to it, and one that has more queues. An
agent that is busy has some hundredths; queuing costs a round of the loop."""
LOOP_BURST: Final = 0.02
"""Seconds of the loop's time that a VM may have at once before it queues: a long turn of an agent on SpiderMonkey."""

LOOP_TURN_SECONDS: Final = 0.002
"""How long a guest keeps the loop's thread with host calls, which use hardly any fuel, before the other tasks get their
turn."""

THREADS: Final = 4
"""Of one VM at a time, for work that blocks: several hosts are looked up while a program is read."""


class Account:
    """What one VM has had of one line, in the line's own unit."""

    __slots__ = ("had", "reached", "waiting")

    def __init__(self) -> None:
        self.had = 0.0
        self.reached = 0.0
        """The `order` of whoever was served last on it."""
        self.waiting: list[tuple[float, int, _Turn]] = []


class _Turn:
    __slots__ = ("given", "wanted")

    def __init__(self) -> None:
        self.given = trio.Event()
        self.wanted = True


class _Rounds(trio.abc.Instrument):
    """Counts the rounds of an event loop."""

    def __init__(self) -> None:
        self.count = 0

    def before_io_wait(self, timeout: float) -> None:  # noqa: ARG002 - trio's
        """See `trio.abc.Instrument`."""
        self.count += 1


_rounds: Final = trio.lowlevel.RunVar[_Rounds]("rounds")


def _this_round() -> tuple[_Rounds, int]:
    """What is the same in one round of one event loop only."""
    try:
        rounds = _rounds.get()
    except LookupError:
        rounds = _Rounds()
        _rounds.set(rounds)
        trio.lowlevel.add_instrument(rounds)
    return rounds, rounds.count


class Line:
    """A queue for a thing that `at_once` can have at a time."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._had_in: tuple[_Rounds, int] | None = None
        """The round in which somebody has had a turn last."""
        self._reached = 0.0  # what the account had that was served last
        self._accounts: list[tuple[float, int, Account]] = []
        """Those with somebody waiting, by what they had; by now an account may have had more."""
        self._numbers = count()

    async def take(self, account: Account, order: float) -> None:
        """Wait for a turn: on each account the lowest order is first. When cancelled, none was taken.

        Whoever finds nobody there, and nobody who has had a turn in this round of the loop, goes on at once. For all others it
        is a checkpoint. The turn may be held while this waits: of many who come in one round of the loop, only `at_once` go on
        in the next.
        """
        this_round = _this_round()
        if not account.waiting:
            account.had = max(account.had, self._reached)
        if self._free and not self._accounts and self._had_in != this_round:
            self._free -= 1
            self._had_in = this_round
            self._reached = account.had
            account.reached = order
            return
        turn = _Turn()
        if not account.waiting:
            heappush(self._accounts, (account.had, next(self._numbers), account))
        heappush(account.waiting, (order, next(self._numbers), turn))
        self._hand_out()
        try:
            await turn.given.wait()
        except BaseException:
            turn.wanted = False
            if turn.given.is_set():
                self.give(account, 0)
            raise

    def give(self, account: Account, used: float) -> None:
        """End a turn that has used so much."""
        account.had += used
        self._free += 1
        self._had_in = _this_round()
        self._hand_out()

    def _hand_out(self) -> None:
        accounts = self._accounts
        while self._free and accounts:
            had, number, account = accounts[0]
            if account.had > had:  # others of it have ended their turns meanwhile
                heapreplace(accounts, (account.had, number, account))
                continue
            order, _, turn = heappop(account.waiting)
            if account.waiting:  # behind those that had as much
                heapreplace(accounts, (had, next(self._numbers), account))
            else:
                heappop(accounts)
            if turn.wanted:
                self._free -= 1
                self._reached = had
                account.reached = order
                turn.given.set()


class Member:
    """A guest that queues in a line on its VM's account, where those who have had least go first, too."""

    __slots__ = ("_account", "_had", "_line")

    def __init__(self, line: Line, account: Account) -> None:
        self._line = line
        self._account = account
        self._had = 0.0

    async def take(self) -> None:
        """As `Line.take`."""
        self._had = max(self._had, self._account.reached)
        await self._line.take(self._account, self._had)

    def give(self, used: float) -> None:
        """End its turn."""
        self._had += used
        self._line.give(self._account, used)


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

    def __init__(self, line: Line, share: Share) -> None:
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
            if queued or self._share.is_ahead(began):
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
            self._share.charge_loop(now - began, now)
            if self._has_queued:
                self._has_queued = False
                self._member.give(now - began)

    async def pause(self) -> None:
        """Let others have their turns, and begin another one."""
        self.end()
        await trio.lowlevel.checkpoint()
        await self.begin()


class Processors:
    """Where the guests of an engine compute: on the loop's thread, in turn with everybody else, or on worker threads."""

    def __init__(self, workers: int | None = None) -> None:
        self.loop = Line(1)
        """For those who go on computing, and those whose VM is ahead: however many, a round of the loop has one of them."""
        # One core is left for the event loop.
        self.workers = Line(workers or max(1, (os.cpu_count() or 2) - 1))
        self.threads = trio.CapacityLimiter(math.inf)  # turns are what bounds them
