"""Host functions as core functions: each import becomes one generated Python function, made when it is first called.

A callback gets the address of its raw values, 16 bytes each; results replace the arguments from the first on. What cannot be
answered at once is left to the glue, a module of wasm between the guest and the callback (see `runtime.engine.glue`), to
which a *glued* callback returns a status beside the result:

    0                            answered
    1                            wait: the glue calls the one function that suspends the fiber, then `resume`
    size << 32 | align << 8 | 2  the glue calls cabi_realloc, and gives `resume` the pointer

So no Python frame is ever on a suspended fiber, and `cabi_realloc` is run as ordinary code of the guest: metered, and moved to
a worker when it takes long.
"""

from __future__ import annotations

from struct import Struct
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Protocol

from runtime.engine import native
from runtime.engine.abi import flat, results
from runtime.engine.abi.context import MAX_LIFT_BYTES, Context, aligned
from runtime.engine.abi.handles import Lender, Loans
from runtime.engine.abi.layout import field_offsets, holds, layout, lowered, needs_memory
from runtime.engine.abi.load import loader
from runtime.engine.abi.status import DONE, RAW_BYTES, WAIT
from runtime.engine.abi.store import Block, Source
from runtime.engine.interface import Wait, WitError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FunctionType

    from runtime.engine.abi.strings import Allocation
    from runtime.engine.component.types import FuncType, Type

_CALLBACK_HEAD: Final = "def callback(env, _caller, raw, _count):"


class Caller(Protocol):
    """What a call needs of the guest that makes it."""

    contexts: list[Context]
    park_at: float
    """From when on (`perf_counter`) a call that may wait is put off until the guest's task has come to it."""
    hurry_at: float
    """From when on an instant call tells the guest to give up its turn."""
    state: Any

    def park(self, call: HostCall, values: tuple[Any, ...], context: Context, pointer: int) -> None:
        """Take the lifted arguments of a call that is put off. GuestTrap where the guest may not call."""

    def wait(self, call: HostCall, wait: Wait, context: Context, pointer: int) -> None:
        """Take what the guest has to wait for."""

    def hurry(self) -> None:
        """Let the turn end at the guest's next step. GuestTrap where the guest may not call."""

    def allocate(self, allocation: Allocation | Block, value: Any = None) -> int:
        """Begin to write what needs memory; the status. Resources in the value may be nobody's as long as that lasts."""

    def fail(self, name: str, error: BaseException, value: Any) -> int:
        """A call has failed: the guest ends. `value` may hold resources that nobody has. Returns a trap."""


class Current(Protocol):
    """The guest that this thread is running."""

    guest: Any


_STATUS: Final = Struct("<Q")


class HostCall:
    """One import as a core function."""

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        type_: FuncType,
        encoding: str,
        current: Current,
        *,
        instant: bool,
        views: bool,
        raw: bool = False,
    ) -> None:
        self.name: Final = name
        """Interface and function, for messages: `wasi:io/poll#poll`."""
        self.function: Final = function
        signature = lowered(type_)
        self.params: Final = signature.params
        self.result: Final = signature.results[0] if signature.results else None
        self.allocates: Final = needs_memory(type_.result)
        self.glued: Final = not instant or self.allocates
        """Called through the glue, else straight."""
        self.lower_ok, self.lower_error = results.cases(type_.result, encoding)
        status_at = RAW_BYTES if self.result else 0
        self._status_at = status_at

        def make() -> FunctionType:
            return _compile(self, type_, encoding, current, instant=instant, views=views, raw=raw)

        def fail(error: BaseException) -> int:
            guest: Caller = current.guest
            return guest.fail(name, error, None)

        self.callback: Final = native.UNCHECKED_FUNCTION(_made_when_called(make, fail))

    def settle(self, guest: Caller, context: Context, raw: int, pointer: int, ok: bool, value: Any) -> int:
        """Write what the function has answered as the callback's results; a trap, or 0."""
        status = self._write(guest, context, raw, pointer, ok, value)
        if self.glued:
            native.put_quad(raw + self._status_at, status)
        return 0

    def answer(self, guest: Caller, context: Context, raw: int, pointer: int, ok: bool, value: Any) -> None:
        """As `settle`, for the glue's `resume`, whose results are always an i64 for the value and the status."""
        native.put_quad(raw + RAW_BYTES, self._write(guest, context, raw, pointer, ok, value))

    def _write(self, guest: Caller, context: Context, raw: int, pointer: int, ok: bool, value: Any) -> int:
        lower = self.lower_ok if ok else self.lower_error
        if lower is None:
            raise TypeError(f"{self.name} has no error case, but failed with {value!r}")
        out = lower(context, pointer, value)
        if out is None:
            return DONE
        if isinstance(out, bytes):
            native.HOST_MEMORY[raw : raw + 8] = out
            return DONE
        return guest.allocate(out, value)


def _made_when_called(make: Callable[[], FunctionType], fail: Callable[[BaseException], int]) -> FunctionType:
    """A function that becomes what `make` makes when it is first called: a program calls a third of its imports, most once."""

    def first(env: int, caller: int, raw: int, count: int) -> Any:
        try:
            made = make()
        except BaseException as error:  # nothing is ever raised into wasm
            return fail(error)
        stub.__globals__.update(made.__globals__)
        stub.__code__ = made.__code__
        return made(env, caller, raw, count)

    scope: dict[str, Any] = {"first": first}
    exec(f"{_CALLBACK_HEAD}\n    return first(env, _caller, raw, _count)\n", scope)  # noqa: S102 - a constant
    stub: FunctionType = scope["callback"]
    return stub


# The callback's source


def _compile(
    call: HostCall, type_: FuncType, encoding: str, current: Current, *, instant: bool, views: bool, raw: bool
) -> FunctionType:
    source = Source()
    types = tuple(t for _, t in type_.params)
    signature = lowered(type_)
    pointer = f"a{len(signature.params) - 1}" if signature.indirect_result else "0"
    lines = ["    guest = current.guest", "    value = None", "    try:"]
    arguments = _arguments(source, types, encoding, pointer, indirect=signature.indirect_params, views=views)
    lines += [f"        {line}" for line in arguments]
    values = [*(["context"] if raw else []), *(f"v{place}" for place, _ in enumerate(types))]
    given = "".join(f"{value}, " for value in values)
    if instant:
        lines += ["        if perf_counter() > guest.hurry_at: guest.hurry()"]
    else:
        lines += [
            "        if perf_counter() > guest.park_at:",
            f"            guest.park(call, ({given}), context, {pointer})",
            f"            put_status(host, raw + {RAW_BYTES if call.result else 0}, {WAIT})",
            "            return 0",
        ]
    if any(holds(t, "own") for t in types):
        lines += ["        context.handles.moved.clear()"]
    lines += [
        "        try:",
        f"            value = function(guest.state, {given})",
        "        except WitError as error:",
        "            value = error.value",
        f"            return call.settle(guest, context, raw, {pointer}, False, value)",
    ]
    if views and not signature.indirect_params:  # whoever keeps one must fail, not see memory that is gone
        lines += [f"        v{place}.release()" for place, t in enumerate(types) if t == ("list", "u8")]
    if not instant:
        lines += [
            "        if value.__class__ is Wait:",
            f"            guest.wait(call, value, context, {pointer})",
            f"            put_status(host, raw + {RAW_BYTES if call.result else 0}, {WAIT})",
            "            return 0",
        ]
    lines += [f"        {line}" for line in results.lines(source, type_.result, pointer, glued=call.glued)]
    lines += [
        "        return 0",
        "    except BaseException as error:",
        "        return guest.fail(call.name, error, value)",
    ]
    scope = {
        "current": current, "call": call, "function": call.function, "perf_counter": perf_counter,
        "host": native.HOST_MEMORY, "put_status": _STATUS.pack_into, "WitError": WitError, "Wait": Wait, "aligned": aligned,
        "Block": Block, "Loans": Loans, "Lender": Lender,
        **source.names,
    }  # fmt: skip
    code = compile("\n".join([_CALLBACK_HEAD, *lines, ""]), f"<{call.name}>", "exec")
    exec(code, scope)  # noqa: S102 - made of numbers and names of our own alone
    made: FunctionType = scope["callback"]
    return made


def _arguments(
    source: Source, types: tuple[Type, ...], encoding: str, pointer: str, *, indirect: bool, views: bool
) -> list[str]:
    """Lines that set `context` and the values `v0` ..."""
    formats = ["I"] if indirect else flat.letters(types)
    formats += ["I"] if pointer != "0" else []
    lines = []
    if formats:
        codec = Struct("<" + "".join(letter + ("8x" if letter in "Qqd" else "12x") for letter in formats))
        names = "".join(f"a{place}, " for place, _ in enumerate(formats))
        lines.append(f"{names}= {source.name(codec.unpack_from)}(host, raw)")
    lines.append("context = guest.contexts[env]")
    if lends := any(holds(t, "borrow") for t in types) and any(holds(t, "own") for t in types):
        lines += ["handles, loans = context.handles, Loans()", "context.handles = Lender(handles, loans)"]
    lines += _values(source, types, encoding, indirect=indirect, views=views)
    if lends:  # from here on the guest can do nothing with its handles before it has the answer
        lines += ["context.handles = handles", "loans.end()"]
    return lines


def _values(source: Source, types: tuple[Type, ...], encoding: str, *, indirect: bool, views: bool) -> list[str]:
    lines = []
    if any(holds(t, "string") or holds(t, "list") for t in types):
        lines.append(f"context.left = {MAX_LIFT_BYTES}")
    if indirect:
        whole = ("tuple", types)
        size, align = layout(whole)
        lines += [f"aligned(a0, {align}, 'the pointer to the parameters')", f"view = context.reach(a0 + {size})"]
        lines += [
            f"v{place} = {source.name(loader(t, encoding))}(context, view, a0 + {offset})"
            for place, (t, offset) in enumerate(zip(types, field_offsets(whole), strict=True))
        ]
        return lines
    at = 0
    for place, t in enumerate(types):
        core = [f"a{at + n}" for n, _ in enumerate(flat.letters((t,)))]
        at += len(core)
        if views and t == ("list", "u8"):
            lines.append(f"v{place} = context.window({core[0]}, {core[1]})")
        else:
            lines.append(f"v{place} = {flat.lift(source, t, core, encoding)}")
    return lines
