"""Calls from one component instance of a guest into another: lifted from the caller, lowered into the callee, and back.

The glue (`glue.crossing`) calls the four steps of a `Call` in turn, and the callee between them. It is the Canonical ABI's
`canon_lower` over `canon_lift`, with values of Python in between.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from runtime.engine import native
from runtime.engine.abi import flat
from runtime.engine.abi.context import MAX_LIFT_BYTES, Context, aligned
from runtime.engine.abi.handles import Borrower, Lender, Loans
from runtime.engine.abi.layout import Signature, layout, lifted, lowered
from runtime.engine.abi.load import loader
from runtime.engine.abi.status import RAW_BYTES
from runtime.engine.abi.store import storer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.engine.abi.strings import Allocation
    from runtime.engine.boundary import Boundary
    from runtime.engine.recipe import CrossingOf

_LETTERS: Final = {"i32": "I", "i64": "Q", "f32": "f", "f64": "d"}

_REMEMBERED: Final = 1024
"""As in `abi.layout`."""


class Call:
    """One call that has not returned."""

    def __init__(self, boundary: Boundary, crossing: CrossingOf) -> None:
        self._boundary = boundary
        self._crossing = crossing
        self._loans = Loans()
        contexts = boundary.recipe.contexts
        self._caller, self._callee = contexts[crossing.caller].owner, contexts[crossing.callee].owner
        self._outer, self._inner = signatures(crossing.type)
        self._pointer = 0
        self._core: list[flat.Core] = []

    def enter(self, raw: int) -> int:
        """The caller's core parameters are at `raw`. The status of lowering them into the callee."""
        boundary, crossing, function = self._boundary, self._crossing, self._crossing.type
        boundary.check_leave()
        boundary.enter(crossing.enters)
        types = tuple(t for _, t in function.params)
        core = _unpack(raw, self._outer.params, () if self._outer.indirect_params else types)
        if self._outer.indirect_result:
            self._pointer = int(core.pop())
        context = self._context(crossing.caller, Lender(boundary.tables[self._caller], self._loans))
        if self._outer.indirect_params:
            values = _load(context, int(core[0]), ("tuple", types), crossing.caller_encoding)
        else:
            values = flat.lifter(types, crossing.caller_encoding)(context, *core)
        boundary.calls.append(self)
        return boundary.allocate(self._lower_arguments(types, values))

    def _lower_arguments(self, types: tuple[Any, ...], values: tuple[Any, ...]) -> Allocation:
        homes = self._boundary.recipe.homes
        own = frozenset(number for number, home in enumerate(homes) if home == self._callee)
        table = Borrower(self._boundary.tables[self._callee], self._loans, own)
        context = self._context(self._crossing.callee, table)
        core: list[flat.Core] = []
        if self._inner.indirect_params:
            core.append((yield from _store(context, ("tuple", types), values, self._crossing.callee_encoding)))
        else:
            for t, value in zip(types, values, strict=True):
                core += yield from flat.lower(t, self._crossing.callee_encoding)(context, value)
        self._boundary.tables[self._caller].moved.clear()
        self._core = core

    def arguments(self, raw: int) -> None:
        """The callee's core parameters, to `raw`."""
        _pack(raw, self._inner.params, self._core)

    def leave(self, raw: int) -> int:
        """The callee's core result is at `raw`. The status of lowering it into the caller."""
        boundary, result, encoding = self._boundary, self._crossing.type.result, self._crossing.callee_encoding
        context = self._context(self._crossing.callee, boundary.tables[self._callee])
        value = None
        if result is not None and self._inner.indirect_result:
            (pointer,) = _unpack(raw, ("i32",), ())
            value = _load(context, int(pointer), result, encoding)
        elif result is not None:
            (value,) = flat.lifter((result,), encoding)(context, *_unpack(raw, (), (result,)))
        self._loans.end()
        return boundary.allocate(self._lower_result(value))

    def _lower_result(self, value: Any) -> Allocation:
        result, encoding = self._crossing.type.result, self._crossing.caller_encoding
        context = self._context(self._crossing.caller, self._boundary.tables[self._caller])
        core: list[flat.Core] = []
        if result is not None and self._outer.indirect_result:
            size, align = layout(result)
            aligned(self._pointer, align, "the pointer to the result")
            context.reach(self._pointer + size)
            yield from storer(result, encoding)(context, self._pointer, value)
        elif result is not None:
            core = yield from flat.lower(result, encoding)(context, value)
        self._boundary.tables[self._callee].moved.clear()
        self._core = core
        if self._crossing.post_return:
            self._boundary.clean_up(returning=True)

    def done(self, raw: int) -> None:
        """The caller's core result, to `raw`; the call is over."""
        self._boundary.clean_up(returning=False)
        self._boundary.leave(self._crossing.enters)
        self._boundary.calls.pop()
        _pack(raw, self._outer.results, self._core)

    def _context(self, number: int, handles: Any) -> Context:
        base = self._boundary.contexts[number]
        context = Context(handles)
        context.memory, context.view, context.left = base.memory, base.view, MAX_LIFT_BYTES
        return context


@lru_cache(_REMEMBERED)
def signatures(function: Any) -> tuple[Signature, Signature]:
    """The core types of both sides of a call: as the caller has it, and the callee."""
    return lowered(function), lifted(function)


def _unpack(raw: int, core: Sequence[str], types: Sequence[Any]) -> list[Any]:
    """Raw values: those of these types, signed where they are, and what is left of the core types after them."""
    letters = flat.letters(types)
    letters += [_LETTERS[c] for c in core[len(letters) :]]
    codec = Struct("<" + "".join(f"{letter}{RAW_BYTES - Struct(letter).size}x" for letter in letters))
    return list(codec.unpack_from(native.HOST_MEMORY, raw))


def _pack(raw: int, core: Sequence[str], values: Sequence[flat.Core]) -> None:
    codec = Struct("<" + "".join(f"{_LETTERS[c]}{RAW_BYTES - Struct(_LETTERS[c]).size}x" for c in core))
    codec.pack_into(native.HOST_MEMORY, raw, *values)


def _load(context: Context, pointer: int, t: Any, encoding: str) -> Any:
    size, align = layout(t)
    aligned(pointer, align, "a pointer to parameters or a result")
    return loader(t, encoding)(context, context.reach(pointer + size), pointer)


def _store(context: Context, t: Any, value: Any, encoding: str) -> Allocation:
    size, align = layout(t)
    pointer = yield align, size
    aligned(pointer, align, "the memory that cabi_realloc gave")
    context.reach(pointer + size)
    yield from storer(t, encoding)(context, pointer, value)
    return pointer
