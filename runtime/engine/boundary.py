"""The line between a guest and the host: what crosses it, and where a call stands that has not been answered yet.

The code that `abi.calls` generates and the `callbacks` work on the boundary of the guest that their thread runs. No Python
frame stays on a suspended fiber: a host function that has to wait leaves a note here (`parked` or `waiting`); the guest's own
task does the waiting, and puts the answer here, where the guest picks it up. A Python exception never crosses into wasm
either: it is kept here as the way in which the guest has ended.
"""

from __future__ import annotations

import logging
import math
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import attrs

from runtime.engine import native
from runtime.engine.abi import status
from runtime.engine.abi.context import Context
from runtime.engine.abi.handles import MAX_HANDLES, HandleTable, Room
from runtime.engine.abi.store import Block
from runtime.engine.interface import Err, GuestExit, GuestTrap, Ok, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runtime.engine.abi.calls import HostCall
    from runtime.engine.abi.strings import Allocation
    from runtime.engine.interface import Wait
    from runtime.engine.recipe import Recipe

logger = logging.getLogger(__name__)
_CANNOT_LEAVE: Final = "cannot leave component instance: it was called to allocate or to clean up, and calls out"


@attrs.frozen
class Exit:
    """How a guest ended. `code` is set for `exit` alone; `message` is prose for people."""

    reason: str
    """`exit`, `trap`, `out_of_fuel`, `fault` (the host's own failure) or `killed`."""
    code: int | None = None
    message: str = ""


class Parked(NamedTuple):
    """A call whose turn on the loop is over before it has begun."""

    call: HostCall
    values: tuple[Any, ...]
    context: Context
    pointer: int


class Waiting(NamedTuple):
    """A call that has begun, and waits."""

    call: HostCall
    wait: Wait
    context: Context
    pointer: int


class HostAnswer(NamedTuple):
    """What the guest picks up when it goes on."""

    call: HostCall
    context: Context
    pointer: int
    ok: bool
    value: Any


class Unreturned(Protocol):
    """A call from one component instance into another that has not returned; `crossings` makes them."""

    def arguments(self, raw: int) -> None:
        """Put the callee's core parameters to `raw`."""
        ...

    def leave(self, raw: int) -> int:
        """The callee's core result is at `raw`; the next status."""
        ...

    def done(self, raw: int) -> None:
        """Put the caller's core result to `raw`."""
        ...


class Boundary:
    """See the module's docstring."""

    __slots__ = (
        "allocation", "answer", "calls", "contexts", "dropped", "ended", "entered", "hurried", "hurry_at", "lost",
        "on_loop", "park_at", "parked", "recipe", "returning", "state", "store", "tables", "turn_ends", "waiting",
        "written",
    )  # fmt: skip

    def __init__(self, recipe: Recipe, state: Any) -> None:
        self.recipe = recipe
        self.state = state
        self.store = 0
        """The context of the guest's store, once it has one."""
        room = Room(MAX_HANDLES)
        self.tables = [HandleTable(room) for _ in range(recipe.instances)]
        self.contexts = [Context(self.tables[context.owner]) for context in recipe.contexts]
        self.entered = [False] * recipe.instances
        """Which component instances are in a call, and may not be entered again."""
        self.calls: list[Unreturned] = []
        """Calls from one component instance into another that have not returned, the innermost last."""
        self.parked: Parked | None = None
        self.waiting: Waiting | None = None
        self.answer: HostAnswer | None = None
        self.allocation: Any = None  # an Allocation or a Block
        """What is being written into the guest's memory, and waits for `cabi_realloc`."""
        self.written: Any = None
        """The host's value that is being written so."""
        self.returning = False
        """The guest cleans up after a call (post-return), and may not call out."""
        self.ended: Exit | None = None
        self.on_loop = True
        self.turn_ends = 0.0
        self.park_at = 0.0
        self.hurry_at = 0.0
        self.hurried = False
        self.dropped: list[Resource] = []
        """Resources whose handles were dropped on a worker thread."""
        self.lost: list[Any] = []
        """Values of calls that have failed, with the resources in them."""

    # Turns

    def begin_turn(self, turn_ends: float, *, on_loop: bool) -> None:
        """The guest is about to run on this thread until `turn_ends`; on a worker its calls are put off, and never hurried."""
        self.on_loop = on_loop
        self.turn_ends = turn_ends
        self._set_marks()

    def _set_marks(self) -> None:
        if self.allocation is not None or self.returning:  # any call ends in `park` or `hurry`, which refuse it
            self.park_at = self.hurry_at = 0.0
        else:
            self.park_at = self.turn_ends if self.on_loop else 0.0
            self.hurry_at = self.turn_ends if self.on_loop and not self.hurried else math.inf

    def clean_up(self, *, returning: bool) -> None:
        """Whether the guest runs a post-return function."""
        self.returning = returning
        self._set_marks()

    def enter(self, instances: Iterable[int]) -> None:
        """A call enters these component instances. GuestTrap where one may not be entered: Canonical ABI, `may_enter`."""
        for instance in instances:
            if self.entered[instance]:
                raise GuestTrap("cannot enter component instance: it is in a call already")
            self.entered[instance] = True

    def leave(self, instances: Iterable[int]) -> None:
        """That call has returned."""
        for instance in instances:
            self.entered[instance] = False

    def check_leave(self) -> None:
        """GuestTrap where the guest may not call out: Canonical ABI, `may_leave`."""
        if self.allocation is not None or self.returning:
            raise GuestTrap(_CANNOT_LEAVE)

    def park(self, call: HostCall, values: tuple[Any, ...], context: Context, pointer: int) -> None:
        """See abi.calls.Caller."""
        self.check_leave()
        self.parked = Parked(call, values, context, pointer)
        context.handles.moved.clear()  # they are in `parked` now

    def wait(self, call: HostCall, wait: Wait, context: Context, pointer: int) -> None:
        """See abi.calls.Caller."""
        self.waiting = Waiting(call, wait, context, pointer)

    def hurry(self) -> None:
        """See abi.calls.Caller. The guest cannot be suspended here, but finds at its next step that its slice is used up."""
        self.check_leave()
        self._give_up_turn()

    def _give_up_turn(self) -> None:
        self.hurried = True
        self._set_marks()
        native.take_error(native.set_yield_interval(self.store, 1))

    # Allocations

    def allocate(self, allocation: Allocation | Block, value: Any = None) -> int:
        """See abi.calls.Caller."""
        if self.allocation is not None or self.returning:
            raise GuestTrap(_CANNOT_LEAVE)
        self.allocation = allocation
        self.written = value
        self.park_at = self.hurry_at = 0.0
        return allocation.status if allocation.__class__ is Block else self._advance(None)

    def allocated(self, pointer: int) -> int:
        """The guest's `cabi_realloc` has given a pointer; the next status."""
        allocation = self.allocation
        if allocation.__class__ is not Block:
            return self._advance(pointer)
        allocation.place(pointer)
        self.allocation = self.written = None
        self._set_marks()
        return status.DONE

    def _advance(self, pointer: int | None) -> int:
        allocation = self.allocation
        assert allocation is not None
        if self.on_loop and not self.hurried and perf_counter() > self.turn_ends:
            self._give_up_turn()  # a long list of strings is written in many steps
        try:
            align, size = next(allocation) if pointer is None else allocation.send(pointer)
        except StopIteration:
            self.allocation = self.written = None
            self._set_marks()
            return status.DONE
        return status.allocate(align, size)

    # The end

    def fail(self, name: str, error: BaseException, value: Any = None) -> int:
        """See abi.calls.Caller."""
        self.ended = ended_by(name, error)
        self.lost.append(value)
        return native.new_trap()

    def drop(self, resource: Resource) -> None:
        """The guest has dropped its handle; the object is called on the loop's thread alone."""
        if self.on_loop:
            resource.drop()
        else:
            self.dropped.append(resource)

    def drop_pending(self) -> None:
        """Drop what was put off."""
        while self.dropped:
            self.dropped.pop().drop()

    def close(self) -> None:
        """The guest has ended: drop all that it held, what is on its way between it and the host included."""
        # Arguments that no function has got, answers that the guest has not.
        unplaced: list[Any] = [*self.lost, self.written]
        unplaced += self.parked.values if self.parked else ()
        unplaced += (self.answer.value,) if self.answer else ()
        held = {id(resource): resource for table in self.tables for resource in table.owned()}
        held |= {id(resource): resource for resource in _within(unplaced)}
        self.parked = self.waiting = self.answer = None
        self.allocation = self.written = None
        self.calls.clear()
        self.lost.clear()
        for context in self.contexts:
            context.forget()
        self.tables.clear()
        for resource in (*self.dropped, *held.values()):
            try:
                resource.drop()
            except Exception:  # the others must still be dropped
                logger.exception("a resource could not be dropped at the end of its guest")
        self.dropped.clear()


def ended_by(name: str, error: BaseException) -> Exit:
    """How a guest ends whose call of `name` has raised this."""
    if isinstance(error, GuestExit):
        return Exit("exit", code=error.code)
    if isinstance(error, GuestTrap):
        return Exit("trap", message=f"{name}: {error}")
    logger.error("host function %s failed; its guest is ended", name, exc_info=error)
    return Exit("fault", message=f"internal error in {name}")


def _within(values: Iterable[Any]) -> Iterator[Resource]:
    """The resources in Python's side of WIT values."""
    for value in values:
        if isinstance(value, Resource):
            yield value
        elif isinstance(value, Ok | Err):
            yield from _within((value.value,))
        elif isinstance(value, tuple | list):
            yield from _within(value)
