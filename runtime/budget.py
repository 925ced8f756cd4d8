"""A bound on the bytes that many peers together may make us hold, where each alone may hold many.

A bound for each peer alone would have to be so small that no honest one could send a large file, or so large that a few hundred
hostile ones end the daemon. So each counts what it holds, and when all together hold too much, the one that holds the most
is cut off, whoever asked for the last byte: an honest peer beside greedy ones is never hit before them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Budget:
    """The bound for all shares together."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._shares: set[Share] = set()

    def share(self, cut_off: Callable[[], None]) -> Share:
        """A share for one more peer, which `cut_off` ends: at once, without raising, or in the next moment."""
        share = Share(self, cut_off)
        self._shares.add(share)
        return share

    def add(self, share: Share, size: int) -> None:
        """Count `size` bytes more, or fewer, for a share; may cut off any."""
        if share not in self._shares:  # it was cut off, and gives back its bytes
            return
        share.used += size
        self.used += size
        while self.used > self.limit:
            greediest = max(self._shares, key=lambda each: each.used)
            self.forget(greediest)
            greediest.cut_off()

    def forget(self, share: Share) -> None:
        """The peer is gone, with all that it held. Idempotent."""
        if share in self._shares:
            self._shares.remove(share)
            self.used -= share.used


def uncounted(_size: int) -> None:
    """Count nothing: for a peer that has no share."""


class Share:
    """The bytes of one peer."""

    def __init__(self, budget: Budget, cut_off: Callable[[], None]) -> None:
        self.used = 0
        self.cut_off = cut_off
        self._budget = budget

    def add(self, size: int) -> None:
        """Count `size` bytes more or, below zero, fewer."""
        self._budget.add(self, size)

    def set(self, size: int) -> None:
        """Count `size` bytes in all."""
        self._budget.add(self, size - self.used)

    def close(self) -> None:
        """It holds nothing any more. Idempotent."""
        self._budget.forget(self)
