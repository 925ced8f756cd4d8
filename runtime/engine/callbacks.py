"""Where wasm enters Python beside the imports themselves (`abi.calls`): waiting, resources, calls between components.

The same few callbacks serve all guests; `env` says which resource or crossing of the guest's program is meant. Nothing is ever
raised out of a callback: what goes wrong ends the guest by a trap, and is kept in its boundary.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from runtime.engine import native
from runtime.engine.abi.status import RAW_BYTES
from runtime.engine.crossings import Call
from runtime.engine.current import current
from runtime.engine.interface import GuestTrap, Resource

if TYPE_CHECKING:
    from runtime.engine.boundary import Boundary
    from runtime.engine.recipe import ResourceOf

Step = Callable[["Boundary", int, int], None]
"""`step(boundary, env, raw)`."""


def _callback(name: str, step: Step) -> Any:
    def callback(env: int, _caller: int, raw: int, _count: int) -> int:
        boundary = current.guest
        try:
            step(boundary, env, raw)
        except BaseException as error:  # see the module's docstring
            return boundary.fail(name, error)
        return 0

    return native.UNCHECKED_FUNCTION(callback)


@native.CONTINUATION  # type: ignore[untyped-decorator]  # ctypes
def _is_answered(_env: int) -> bool:
    return current.guest.answer is not None


_address = ctypes.cast(_is_answered, ctypes.c_void_p).value
assert _address is not None
_SUSPENDED: Final = _address.to_bytes(8, "little") + bytes(native.CONTINUATION_SIZE - 8)


@native.ASYNC_FUNCTION  # type: ignore[untyped-decorator]  # ctypes
def _wait(_env: int, _caller: int, _args: int, _n: int, _results: int, _m: int, _trap: int, continuation: int) -> None:
    """The fiber is suspended until its answer is there."""
    native.HOST_MEMORY[continuation : continuation + native.CONTINUATION_SIZE] = _SUSPENDED


@native.UNCHECKED_FUNCTION  # type: ignore[untyped-decorator]  # ctypes
def _resume(_env: int, _caller: int, raw: int, _count: int) -> int:
    """The glue goes on: with memory that the guest has allocated, or with the answer that was waited for."""
    boundary = current.guest
    name, value = "cabi_realloc", None
    try:
        if boundary.allocation is not None:
            native.put_quad(raw + RAW_BYTES, boundary.allocated(native.get_word(raw)))
            return 0
        answer, boundary.answer = boundary.answer, None
        assert answer is not None, "the fiber goes on only when it is there"
        name, value = answer.call.name, answer.value
        answer.call.answer(boundary, answer.context, raw, answer.pointer, answer.ok, value)
    except BaseException as error:  # see the module's docstring
        return boundary.fail(name, error, value)
    return 0


def _thrown(_boundary: Boundary, _env: int, _raw: int) -> None:
    """What the glue has called ended by an exception of wasm: Canonical ABI, `call_and_trap_on_throw`."""
    raise GuestTrap("uncaught exception propagated out of component")


# Resources: Canonical ABI, `canon resource.new` and so on


def _resource(boundary: Boundary, number: int) -> ResourceOf:
    return boundary.recipe.resources[number]


def _drop(boundary: Boundary, number: int, raw: int) -> None:
    boundary.check_leave()
    of = _resource(boundary, number)
    value, owned = boundary.tables[of.owner].drop(native.get_word(raw), of.resource)
    if owned and isinstance(value, Resource):
        boundary.drop(value)
    elif owned:  # there is no destructor, but the rules of a call are kept as if there were one
        boundary.enter(of.enters)
        boundary.leave(of.enters)


def _take(boundary: Boundary, number: int, raw: int) -> None:
    """`resource.drop` of a resource with a destructor: (representation, whether the glue has to call it)."""
    boundary.check_leave()
    of = _resource(boundary, number)
    value, owned = boundary.tables[of.owner].drop(native.get_word(raw), of.resource)
    if owned:
        boundary.enter(of.enters)
    native.put_quad(raw, int(value))
    native.put_quad(raw + RAW_BYTES, owned)


def _left(boundary: Boundary, number: int, _raw: int) -> None:
    """The destructor has returned."""
    boundary.leave(_resource(boundary, number).enters)


def _new(boundary: Boundary, number: int, raw: int) -> None:
    boundary.check_leave()
    of = _resource(boundary, number)
    index = boundary.tables[of.owner].add(native.get_word(raw), of.resource)
    native.put_quad(raw, index)


def _rep(boundary: Boundary, number: int, raw: int) -> None:
    of = _resource(boundary, number)
    value = boundary.tables[of.owner].look(native.get_word(raw), of.resource)
    native.put_quad(raw, int(value))


# Calls between component instances: see `crossings`


def _enter(boundary: Boundary, number: int, raw: int) -> None:
    native.put_quad(raw, Call(boundary, boundary.recipe.crossings[number]).enter(raw))


def _arguments(boundary: Boundary, _number: int, raw: int) -> None:
    boundary.calls[-1].arguments(raw)


def _leave(boundary: Boundary, _number: int, raw: int) -> None:
    native.put_quad(raw, boundary.calls[-1].leave(raw))


def _done(boundary: Boundary, _number: int, raw: int) -> None:
    boundary.calls[-1].done(raw)


WAIT_CALLBACK: Final = _wait
RESUME_CALLBACK: Final = _resume
THROWN_CALLBACK: Final = _callback("a call of the guest", _thrown)
CALLBACKS: Final = {
    "drop": _callback("resource.drop", _drop),
    "take": _callback("resource.drop", _take),
    "left": _callback("resource.drop", _left),
    "new": _callback("resource.new", _new),
    "rep": _callback("resource.rep", _rep),
    "enter": _callback("a call between components", _enter),
    "arguments": _callback("a call between components", _arguments),
    "leave": _callback("a call between components", _leave),
    "done": _callback("a call between components", _done),
}
"""By the kinds of recipe.HostImport."""
