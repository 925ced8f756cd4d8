"""What one guest holds handles to."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from runtime.engine.interface import Err, GuestTrap, Ok, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runtime.engine.program import ResourceTypes

_log = logging.getLogger(__name__)

# A program has a few dozen handles open at a time; a leak is stopped long before it matters to the host.
MAX_RESOURCES: Final = 100_000


class ResourceTable:
    """The objects behind a guest's handles, by the number (rep) that wasmtime keeps for each. See values.Scope."""

    def __init__(self, types: ResourceTypes) -> None:
        self.context = 0
        self._types = types
        self._objects: dict[int, Resource] = {}
        self._next = 1
        self._dropped: list[Resource] = []

    def take_resource(self, rep: int, *, owned: bool) -> Resource:
        """The object behind a handle; an owned one leaves the table."""
        return self._objects.pop(rep) if owned else self._objects[rep]

    def add_resource(self, resource: Resource) -> tuple[int, int]:
        """(rep, host type id) of an object that the guest is given. Raises GuestTrap when it holds too many."""
        if len(self._objects) >= MAX_RESOURCES:
            resource.drop()  # nobody else will
            raise GuestTrap(f"the guest holds {MAX_RESOURCES} resources")
        rep = self._next
        while rep in self._objects:
            rep = rep % 0xFFFF_FFFF + 1
        self._next = rep % 0xFFFF_FFFF + 1
        self._objects[rep] = resource
        return rep, self._types.of(type(resource))

    def drop(self, rep: int, *, now: bool) -> None:
        """The guest has dropped its handle; without `now`, on a thread that may not call the object."""
        if resource := self._objects.pop(rep, None):
            if now:
                resource.drop()
            else:
                self._dropped.append(resource)

    def drop_pending(self) -> None:
        """Drop what was put off."""
        while self._dropped:
            self._dropped.pop().drop()

    def drop_all(self, unplaced: Iterable[Any]) -> None:
        """The guest has ended; `unplaced` are values on their way between it and the host, which may hold more objects."""
        held = {id(resource) for resource in self._objects.values()}  # of which a value may be a borrow
        self._dropped += [resource for resource in _within(unplaced) if id(resource) not in held]
        self._dropped += self._objects.values()
        self._objects.clear()
        while self._dropped:
            try:
                self._dropped.pop().drop()
            except Exception:  # the others must still be dropped
                _log.exception("a resource could not be dropped at the end of its guest")


def _within(values: Iterable[Any]) -> Iterator[Resource]:
    """The resources in Python's side of WIT values."""
    for value in values:
        if isinstance(value, Resource):
            yield value
        elif isinstance(value, Ok | Err):
            yield from _within((value.value,))
        elif isinstance(value, tuple | list):
            yield from _within(value)
