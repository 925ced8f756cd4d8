"""Queues for what all guests share: fair between VMs first, and then between the guests of each.

Start-time fair queuing (Goyal, Vin and Cheng, SIGCOMM 1996): each VM has an account of what it has had of a thing, and whoever
waits on the account that has had least goes next. An account that was idle begins where the others are: nobody saves up
turns, and nobody pays for having been alone. So a VM with a hundred guests that spin has the weight of one, and a short
burst of another VM goes before all of theirs.
"""

from __future__ import annotations

from contextvars import ContextVar
from heapq import heappop, heappush, heapreplace
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable


class Account:
    """What one VM has had of one line, in the line's own unit."""

    __slots__ = ("had", "reached", "waiting")

    def __init__(self) -> None:
        self.had = 0.0
        self.reached = 0.0
        """The `order` of whoever was served last on it."""
        self.waiting: list[tuple[float, int, _Turn]] = []


class _Turn:
    __slots__ = ("called", "given", "wanted")

    def __init__(self) -> None:
        self.called = trio.Event()
        """Set when it is given, and when it would be, but for those that go before the line."""
        self.given = False
        self.wanted = True


class Rounds(trio.abc.Instrument):
    """Counts the rounds of an event loop, and has whoever is to pay for the steps of a task do so."""

    def __init__(self) -> None:
        self.count = 0
        self._began = perf_counter()  # in the middle of a step
        self._paid = 0.0

    def before_io_wait(self, timeout: float) -> None:  # noqa: ARG002 - trio's
        """See `trio.abc.Instrument`."""
        self.count += 1

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002 - trio's
        """See `trio.abc.Instrument`."""
        self._began = perf_counter()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """See `trio.abc.Instrument`."""
        pay = task.context.get(paying)
        if pay is not None:
            now = perf_counter()
            pay(now - self._began - self._paid, now)
        self._paid = 0.0

    def has_paid(self, seconds: float) -> None:
        """So much of the step that is being done is paid for."""
        self._paid += seconds


paying: Final[ContextVar[Callable[[float, float], None] | None]] = ContextVar("paying", default=None)
"""Who pays for the steps of a task and of those that it starts: called with the seconds of each, and a `perf_counter` at its
end."""

_rounds: Final = trio.lowlevel.RunVar[Rounds]("rounds")


def this_round() -> tuple[Rounds, int]:
    """What is the same in one round of one event loop only."""
    try:
        rounds = _rounds.get()
    except LookupError:
        rounds = Rounds()
        _rounds.set(rounds)
        trio.lowlevel.add_instrument(rounds)
    return rounds, rounds.count


class Line:
    """A queue for a thing that `at_once` can have at a time."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._had_in: tuple[Rounds, int] | None = None
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
        now = this_round()
        if not account.waiting:
            self._join(account)
        if self._free and not self._accounts and self._had_in != now and not self._is_early(account):
            self._free -= 1
            self._had_in = now
            self._reached = account.had
            account.reached = order
            return
        turn = _Turn()
        if not account.waiting:
            heappush(self._accounts, (account.had, next(self._numbers), account))
        heappush(account.waiting, (order, next(self._numbers), turn))
        self._hand_out()
        try:
            await turn.called.wait()
            while not turn.given:  # it would be early: whoever is first looks in each round
                turn.called = trio.Event()
                self._hand_out()
                await turn.called.wait()
        except BaseException:
            turn.wanted = False
            if turn.given:
                self.give(account, 0)
            else:
                self._hand_out()  # somebody else is first now, and looks
            raise

    def give(self, account: Account, used: float) -> None:
        """End a turn that has used so much."""
        account.had += used
        self._free += 1
        self._had_in = this_round()
        self._hand_out()

    def _hand_out(self) -> None:
        accounts = self._accounts
        while self._free and accounts:
            had, number, account = accounts[0]
            if account.had > had:  # others of it have ended their turns meanwhile
                heapreplace(accounts, (account.had, number, account))
                continue
            order, _, turn = account.waiting[0]
            if turn.wanted and self._is_early(account):
                turn.called.set()
                return
            heappop(account.waiting)
            if account.waiting:  # behind those that had as much
                heapreplace(accounts, (had, next(self._numbers), account))
            else:
                heappop(accounts)
            if turn.wanted:
                self._free -= 1
                self._reached = had
                account.reached = order
                turn.given = True
                turn.called.set()

    def _join(self, account: Account) -> None:
        """It wants a turn, and nobody waits on it: have it begin where the others are."""
        account.had = max(account.had, self._reached)

    def _is_early(self, account: Account) -> bool:  # noqa: ARG002 - `runtime.engine.turns.LoopLine` has others
        """Whether those that are not in the line go before this account, which is first in it."""
        return False


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
