"""Where wasm enters Python: the host functions' and destructors' C callbacks, the same few for all guests.

wasmtime tells them which import is called, not which guest calls. That is the guest that the thread is polling just then:
`current`, set around every entry into wasm. Nothing is ever raised out of a callback.
"""

from __future__ import annotations

import ctypes
import logging
import threading
from ctypes import memmove
from typing import TYPE_CHECKING, Any, Final

from runtime.engine import native
from runtime.engine.program import Callbacks

if TYPE_CHECKING:
    from runtime.engine.guest import Guest

_log = logging.getLogger(__name__)


class _Current(threading.local):
    """The guest that this thread is polling, and whether the thread is the event loop's."""

    guest: Guest
    on_loop: bool


current: Final = _Current()


@native.CONTINUATION  # type: ignore[untyped-decorator]  # ctypes
def _is_ready(_env: int) -> bool:
    return True


@native.CONTINUATION  # type: ignore[untyped-decorator]  # ctypes
def _is_answered(_env: int) -> bool:
    return current.guest.resume()


def _continuation(callback: Any) -> bytes:
    address = ctypes.cast(callback, ctypes.c_void_p).value
    return address.to_bytes(8, "little") + bytes(16) if address else b""


_ANSWERED: Final = _continuation(_is_ready)
_SUSPENDED: Final = _continuation(_is_answered)


@native.HOST_FUNCTION  # type: ignore[untyped-decorator]  # ctypes
def _call(
    index: int,
    context: int,
    _type: int,
    arguments: int,
    count: int,
    results: int,
    _nresults: int,
    error_out: int,
    continuation: int,
) -> None:
    """Every host call of every guest enters Python here, but those of instant functions."""
    guest = current.guest
    try:
        answered = guest.call(index, context, arguments, count, results)
        memmove(continuation, _ANSWERED if answered else _SUSPENDED, 24)
    except BaseException as error:  # see the module's docstring
        guest.fail(index, error)
        memmove(continuation, _ANSWERED, 24)
        memmove(error_out, native.error_new(b"host").to_bytes(8, "little"), 8)


@native.INSTANT_FUNCTION  # type: ignore[untyped-decorator]  # ctypes
def _instant(index: int, context: int, _type: int, arguments: int, count: int, results: int, _nresults: int) -> int:
    """As `_call`, for the functions that are answered on any thread; 0 or an error."""
    guest = current.guest
    try:
        guest.call_instant(index, context, arguments, count, results)
    except BaseException as error:  # see the module's docstring
        guest.fail(index, error)
        failed: int = native.error_new(b"host")
        return failed
    return 0


@native.DESTRUCTOR  # type: ignore[untyped-decorator]  # ctypes
def _drop(_data: int, _context: int, rep: int) -> int:
    """A guest has dropped a handle of a host resource."""
    try:
        current.guest.drop(rep)
    except BaseException:  # see the module's docstring
        _log.exception("a resource could not be dropped")
    return 0


CALLBACKS: Final = Callbacks(call=_call, instant=_instant, drop=_drop)
