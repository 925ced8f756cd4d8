"""How signals get to a process: the record that it shares with the host, and what it has inherited before there is one.

The record lies in the program's memory (`start` of torpor:posix/sys): what has come, what is blocked, and what is done with
each signal. The program takes bits out of `pending`, and the host puts them in, but never while another thread runs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from runtime.posix.numbers import ACTIONS, BLOCKED, DEFAULT, HANDLED, IGNORED, PENDING, RECORD_BYTES
from runtime.posix.signals import LAST, UNBLOCKABLE

if TYPE_CHECKING:
    from runtime.engine.abi.context import Context

_UNBLOCKABLE_BITS: Final = sum(1 << signal - 1 for signal in UNBLOCKABLE)
_ONLY_IGNORED: Final = bytes(IGNORED if action == IGNORED else DEFAULT for action in range(256))


class Inherited(NamedTuple):
    """What a program finds set when it begins (POSIX, exec); in masks, bit n - 1 is for signal n."""

    blocked: int = 0
    pending: int = 0
    actions: bytes = bytes(LAST)
    """As in the record. Handled is what one handles that goes on in a program which has begun, until its memory is there."""

    @property
    def ignored(self) -> int:
        """The mask of the ignored signals."""
        return self._having(IGNORED)

    @property
    def handled(self) -> int:
        """That of the handled ones."""
        return self._having(HANDLED)

    def _having(self, wanted: int) -> int:
        mask = sum([1 << place for place, action in enumerate(self.actions) if action == wanted])
        return mask & ~_UNBLOCKABLE_BITS

    def for_next(self) -> Inherited:
        """What another program begins with: nothing is handled."""
        actions = bytearray(self.actions.translate(_ONLY_IGNORED))
        for signal in UNBLOCKABLE:
            actions[signal - 1] = DEFAULT
        return self._replace(actions=bytes(actions))


class Delivery:
    """Of one process."""

    def __init__(self, inherited: Inherited) -> None:
        self._inherited = inherited
        self._memory: Context | None = None
        self._at: int | None = None
        self.queued = inherited.pending
        """Signals that are to be put into the record."""
        self._withdrawn = 0
        """Signals that are to be taken out of it."""

    def attach(self, memory: Context, at: int) -> None:
        """The program has said where its record is: fill in what it has inherited. GuestTrap for no such address."""
        view = memory.reach(at + RECORD_BYTES)
        inherited = self._inherited
        view[at : at + ACTIONS] = bytes(8) + inherited.blocked.to_bytes(8, "little")
        view[at + ACTIONS : at + RECORD_BYTES] = inherited.actions
        self._memory, self._at = memory, at
        self.flush()

    def fork(self) -> Delivery:
        """The child's: the record is in the memory that is copied; `adopt` tells where that is. Nothing pends in it."""
        child = Delivery(self.state()._replace(pending=0))
        child._at = self._at
        return child

    def lend(self) -> Delivery:
        """A child's that has the record for a while, as it is but for what pends; `adopt` takes it back."""
        child = self.fork()
        self._inherited = self.state()
        self.queued, self._withdrawn = self._inherited.pending, 0
        self._memory = None
        return child

    def adopt(self, memory: Context) -> None:
        """This memory has the record: copied from the parent's, or lent and given back."""
        if self._at is None or self._memory is not None:
            return
        self._memory = memory
        memory.reach(self._at + 8)[self._at : self._at + 8] = bytes(8)
        self.flush()

    def detach(self) -> None:
        """The program ends, and another one takes over, or none."""
        self._inherited = self.state().for_next()
        self.queued, self._withdrawn = self._inherited.pending, 0
        self._memory = self._at = None

    def forget(self) -> None:
        """The program has ended, and its memory is gone."""
        self._inherited = Inherited()
        self.queued = self._withdrawn = 0
        self._memory = self._at = None

    def inherited(self) -> Inherited:
        """What a child that runs another program begins with."""
        return self.state().for_next()._replace(pending=0)

    def action(self, signal: int) -> int:
        """DEFAULT, IGNORED or HANDLED."""
        if _UNBLOCKABLE_BITS >> signal - 1 & 1:
            return DEFAULT
        if self._memory is None or self._at is None:
            return self._inherited.actions[signal - 1]
        place = self._at + ACTIONS + signal - 1
        return self._memory.reach(place + 1)[place]

    def blocks(self, signal: int) -> bool:
        """Whether it has to wait."""
        return bool((self._blocked & ~_UNBLOCKABLE_BITS) >> signal - 1 & 1)

    def add(self, signal: int) -> None:
        """It has come; `flush` is to follow, when no thread runs the program."""
        self.queued |= 1 << signal - 1

    def take_away(self, *signals: int) -> None:
        """They have not come after all; `flush` is to follow, as after `add`."""
        mask = sum(1 << signal - 1 for signal in signals)
        self.queued &= ~mask
        self._withdrawn |= mask

    def flush(self) -> None:
        """Bring the record up to date, if there is one."""
        if (self.queued or self._withdrawn) and self._memory is not None:
            self._set_pending(self._pending)
            self.queued = self._withdrawn = 0

    @property
    def interrupts(self) -> bool:
        """Something has come that the program is to handle now."""
        return bool(self._pending & ~self._blocked)

    @property
    def _pending(self) -> int:
        return self.queued | (0 if self._memory is None else self._word(PENDING) & ~self._withdrawn)

    @property
    def _blocked(self) -> int:
        return self._inherited.blocked if self._memory is None else self._word(BLOCKED)

    def state(self) -> Inherited:
        """As it is now."""
        if self._memory is None:
            return self._inherited._replace(pending=self.queued)
        assert self._at is not None
        end = self._at + RECORD_BYTES
        return Inherited(self._blocked, self._pending, bytes(self._memory.reach(end)[self._at + ACTIONS : end]))

    def _word(self, offset: int) -> int:
        assert self._memory is not None
        assert self._at is not None
        place = self._at + offset
        return int.from_bytes(self._memory.reach(place + 8)[place : place + 8], "little")

    def _set_pending(self, value: int) -> None:
        assert self._memory is not None
        assert self._at is not None
        self._memory.reach(self._at + 8)[self._at : self._at + 8] = value.to_bytes(8, "little")
