"""The descriptors of a process: numbers, what they stand for, and which of them a program that is started does not get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from runtime.posix.errnos import Errno, PosixError

if TYPE_CHECKING:
    from runtime.posix.descriptions import Description

MAX_DESCRIPTORS: Final = 1024
"""Of a process, the numbers below: what Linux lets one have unless told otherwise."""


@attrs.define(eq=False)
class Entry:
    """A descriptor."""

    description: Description
    closes: bool
    """FD_CLOEXEC: not for the next program."""


class Table:
    """See the module's docstring."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}

    def copy(self) -> Table:
        """As a child has it."""
        copied = Table()
        for number, entry in self._entries.items():
            entry.description.hold()
            copied._entries[number] = Entry(entry.description, entry.closes)
        return copied

    def __getitem__(self, number: int) -> Entry:
        entry = self._entries.get(number)
        if entry is None:
            raise PosixError(Errno.EBADF)
        return entry

    def get(self, number: int) -> Description | None:
        """What a descriptor stands for, if it is open."""
        entry = self._entries.get(number)
        return None if entry is None else entry.description

    def numbers(self) -> list[int]:
        """Those that are open, the lowest first."""
        return sorted(self._entries)

    def free(self, least: int = 0) -> int:
        """The lowest number from `least` on that is free. PosixError EMFILE, EINVAL."""
        if not 0 <= least < MAX_DESCRIPTORS:
            raise PosixError(Errno.EINVAL)
        number = least
        while number in self._entries:
            number += 1
        if number >= MAX_DESCRIPTORS:
            raise PosixError(Errno.EMFILE)
        return number

    def check_room(self, count: int) -> None:
        """PosixError EMFILE where there is none for so many more."""
        if MAX_DESCRIPTORS - len(self._entries) < count:
            raise PosixError(Errno.EMFILE)

    def add(self, description: Description, *, closes: bool, least: int = 0) -> int:
        """The lowest free number is to stand for it. PosixError EMFILE, EINVAL."""
        number = self.free(least)
        self.set(number, description, closes=closes)
        return number

    def set(self, number: int, description: Description, *, closes: bool) -> None:
        """Have a number stand for it, whatever it stood for. PosixError EBADF where there is no such number."""
        if not 0 <= number < MAX_DESCRIPTORS:
            raise PosixError(Errno.EBADF)
        description.hold()
        before = self._entries.get(number)
        self._entries[number] = Entry(description, closes)
        if before is not None:
            before.description.release()

    def close(self, number: int) -> None:
        """PosixError EBADF."""
        entry = self._entries.pop(number, None)
        if entry is None:
            raise PosixError(Errno.EBADF)
        entry.description.release()

    def close_for_next(self) -> None:
        """Another program takes over."""
        for number in [number for number, entry in self._entries.items() if entry.closes]:
            self.close(number)

    def close_all(self) -> None:
        """The process is gone."""
        for number in list(self._entries):
            self.close(number)
