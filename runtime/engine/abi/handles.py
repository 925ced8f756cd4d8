"""The handle tables of a guest: a component instance's numbers for the resources that it holds.

The rules are the Canonical ABI's "Table State" and "Resource State". An index is the guest's word for a resource; it is looked
up in a Python list and compared with the type that the function wants, so a wrong one traps and can do nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.engine.interface import GuestTrap, Resource

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from runtime.engine.component.types import Resource as ResourceType

MAX_HANDLES: Final = 100_000
"""A program has a few dozen handles open at a time; a leak is stopped long before it matters to the host."""


class Room:
    """How many places the tables of one guest may have, together."""

    __slots__ = ("left", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = self.left = limit

    def take(self) -> None:
        """One place more. GuestTrap."""
        if self.left <= 0:
            raise GuestTrap(f"the guest holds {self.limit} resources")
        self.left -= 1


class Loans:
    """What one call from a component instance into another has lent and borrowed."""

    __slots__ = ("borrowed", "lent")

    def __init__(self) -> None:
        self.borrowed = 0
        """Handles of the callee that stand for a loan, and must be dropped before it returns."""
        self.lent: list[tuple[HandleTable, int]] = []
        """Handles of the caller that may not be dropped or given away until then."""

    def end(self) -> None:
        """The callee has returned. GuestTrap when it has kept a borrow."""
        if self.borrowed:
            raise GuestTrap("borrow handles still remain at the end of the call")
        for table, index in self.lent:
            table.returned(index)


class HandleTable:
    """Indices of one component instance. An entry is (value, type), of a borrow (value, type, Loans).

    The value is the host's object, or the representation (an i32) of a resource that a component defines itself.
    """

    __slots__ = ("_entries", "_free", "_lends", "_room", "moved")

    def __init__(self, room: Room) -> None:
        self._entries: list[Any] = [None]  # 0 is never an index
        self._free: list[int] = []
        self._lends: dict[int, int] = {}
        self._room = room
        self.moved: list[Any] = []
        """What `take` has taken out and nobody has got yet; whoever hands it on clears this."""

    def add(self, value: Any, resource: ResourceType) -> int:
        """The index of a resource that the guest owns from now on. GuestTrap when it holds too many."""
        return self._place((value, resource))

    def add_borrow(self, value: Any, resource: ResourceType, loans: Loans) -> int:
        """The index of a resource that is lent for one call. GuestTrap as for `add`."""
        index = self._place((value, resource, loans))
        loans.borrowed += 1
        return index

    def _place(self, entry: tuple[Any, ...]) -> int:
        if self._free:
            index = self._free.pop()
            self._entries[index] = entry
            return index
        self._room.take()
        self._entries.append(entry)
        return len(self._entries) - 1

    def _entry(self, index: int, resource: ResourceType) -> Any:
        try:
            entry = self._entries[index]
        except IndexError:
            entry = None
        if entry is None:
            raise GuestTrap(f"unknown handle index {index}")
        if entry[1] != resource:
            raise GuestTrap(f"handle index {index} is of another type: used with the wrong type of resource")
        return entry

    def look(self, index: int, resource: ResourceType) -> Any:
        """What is borrowed by the host for one call, in which the guest itself cannot do anything. GuestTrap."""
        try:  # the commonest thing that a call does
            entry = self._entries[index]
            if entry[1] == resource:
                return entry[0]
        except (IndexError, TypeError):
            pass
        return self._entry(index, resource)[0]

    def lend(self, index: int, resource: ResourceType, loans: Loans) -> Any:
        """As `look`; until the loans end, the handle can be neither dropped nor given away."""
        entry = self._entry(index, resource)
        if len(entry) == 2:  # noqa: PLR2004 - an owned one
            self._lends[index] = self._lends.get(index, 0) + 1
            loans.lent.append((self, index))
        return entry[0]

    def returned(self, index: int) -> None:
        """A loan has ended."""
        left = self._lends.pop(index) - 1
        if left:
            self._lends[index] = left

    def take(self, index: int, resource: ResourceType) -> Any:
        """What the guest gives away: its handle is gone. GuestTrap also for what it does not own or has lent."""
        entry = self._entry(index, resource)
        if len(entry) != 2:  # noqa: PLR2004 - as in `lend`
            raise GuestTrap(f"handle index {index} is borrowed: cannot lift own resource from a borrow")
        self._remove(index)
        self.moved.append(entry[0])
        return entry[0]

    def drop(self, index: int, resource: ResourceType) -> tuple[Any, bool]:
        """(value, whether it was owned) of a handle that the guest drops. GuestTrap as for `take`."""
        entry = self._entry(index, resource)
        self._remove(index)
        if len(entry) == 2:  # noqa: PLR2004 - as in `lend`
            return entry[0], True
        entry[2].borrowed -= 1
        return entry[0], False

    def _remove(self, index: int) -> None:
        if index in self._lends:
            raise GuestTrap(f"handle index {index} is lent: cannot remove owned resource while borrowed")
        self._entries[index] = None
        self._free.append(index)

    def owned(self) -> Iterator[Resource]:
        """The host's objects that the guest owns, and those on their way out of the table."""
        for entry in self._entries:
            if entry is not None and len(entry) == 2 and isinstance(entry[0], Resource):  # noqa: PLR2004 - as in `lend`
                yield entry[0]
        for value in self.moved:
            if isinstance(value, Resource):
                yield value


class Lender:
    """A caller's table for the time of one call into another component instance: what it lets borrow is lent."""

    __slots__ = ("_loans", "_table")

    def __init__(self, table: HandleTable, loans: Loans) -> None:
        self._table = table
        self._loans = loans

    def look(self, index: int, resource: ResourceType) -> Any:
        """See HandleTable.lend."""
        return self._table.lend(index, resource, self._loans)

    def take(self, index: int, resource: ResourceType) -> Any:
        """See HandleTable."""
        return self._table.take(index, resource)


class Borrower:
    """The callee's table for the same time."""

    __slots__ = ("_loans", "_own", "_table")

    def __init__(self, table: HandleTable, loans: Loans, own: Container[ResourceType]) -> None:
        self._table = table
        self._loans = loans
        self._own = own  # the resource types that the callee defines itself

    def add(self, value: Any, resource: ResourceType) -> int:
        """See HandleTable."""
        return self._table.add(value, resource)

    def add_borrow(self, value: Any, resource: ResourceType) -> int:
        """The callee's handle, or of a resource of its own the representation itself."""
        if resource in self._own:
            return int(value)
        return self._table.add_borrow(value, resource, self._loans)
