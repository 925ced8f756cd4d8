"""How host interfaces are written: plain Python functions in a table that is keyed by WIT names.

    streams = HostInterface("wasi:io/streams")

    @streams.function("[method]input-stream.read")
    def read(state, stream, length): ...

A function is called as `f(state, *arguments)`, where `state` is what the guest was started with, on the event loop's thread
and never twice at once. What it returns or raises is the answer:

* a value: the result, or the `ok` case where the WIT type is a result;
* `WitError(value)`: the `err` case;
* `Wait(async_function, *arguments)`: the guest sleeps until the function has returned (or raised WitError);
* `GuestTrap(message)`: the guest has broken the interface's rules, and is ended;
* any other exception: a fault of the host, which ends that guest and no other.

Python's side of WIT values: bool, int, float, str; list<u8> is bytes, and a bytearray or memoryview will do as an answer;
list, tuple; a record is a tuple of its fields in their order; a variant is (case, payload), or the bare case name where there
is no payload; an enum is its name; flags are a frozenset of names; an option is None or the value; a result inside another
value is Ok or Err; a resource is the object itself, a subclass of Resource.

The functions of a `raw` interface take numbers alone, some of which are addresses: they are called as
`f(state, memory, *arguments)`, where `memory` is the Context (`runtime.engine.abi.context`) of the component's one linear
memory. A component that has none, or several, and imports such an interface is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs

HostFunction = Callable[..., Any]
F = TypeVar("F", bound=HostFunction)


class Resource:
    """Base of everything that a guest can hold a handle to."""

    def drop(self) -> None:
        """Called exactly once: when the guest drops its handle, or when the guest ends."""


@attrs.frozen
class Ok:
    """The `ok` case of a result that is part of another value."""

    value: Any = None


@attrs.frozen
class Err:
    """The `err` case of a result that is part of another value."""

    value: Any = None


class WitError(Exception):
    """The `err` case as a host function's answer; `value` is lowered as the WIT type says."""

    def __init__(self, value: Any = None) -> None:
        super().__init__(value)
        self.value = value


class Wait:
    """An answer that is not there yet: the guest is suspended while `await function(*arguments)` runs.

    When the guest is killed the wait is cancelled. The function must pass a checkpoint, as all in trio do: between waits
    that do not, the guest would keep the event loop.
    """

    __slots__ = ("arguments", "function")

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.function = function
        self.arguments = arguments


class GuestTrap(Exception):  # noqa: N818 - what it does, not what it is
    """Raised by a host function where an interface says that a call traps; the message tells what the guest did."""


class GuestExit(BaseException):
    """Raised by a host function to end its guest at once, as wasi:cli/exit does.

    `code` is the process's exit code. Not an Exception, so that no host function swallows it by accident.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class HostInterface:
    """The host's side of one WIT interface: its functions and resources by their WIT names."""

    def __init__(self, name: str, *, version: str = r"0\.2\.\d+", raw: bool = False) -> None:
        self.name: Final = name
        self.version: Final = version
        """A pattern for the versions of it that a component may import."""
        self.raw: Final = raw
        self.functions: dict[str, HostFunction] = {}
        self.instant: set[str] = set()
        self.views: set[str] = set()
        self.resources: dict[str, type[Resource]] = {}

    def function(self, name: str, *, instant: bool = False, views: bool = False) -> Callable[[F], F]:
        """Register the decorated function as the WIT function `name`, such as `[method]fields.get`.

        An `instant` one is answered on whichever thread runs the guest, so it must be quick, safe in any thread, and never
        wait: a guest that computes and looks at the clock need not come back to the loop for that.

        One with `views` may be given read-only memoryviews of the guest's memory in place of bytes, for those of its parameters
        that are a list<u8>. They hold what the guest has passed only until the function returns: the guest may change it then,
        and its memory is unmapped when it ends. Whatever is kept is copied first (`bytes(view)`), for a Wait as well.
        """

        def register(function: F) -> F:
            assert name not in self.functions, name
            self.functions[name] = function
            if instant:
                self.instant.add(name)
            if views:
                self.views.add(name)
            return function

        return register

    def resource(self, name: str, resource_class: type[Resource]) -> None:
        """Say which Python class stands for the WIT resource `name`.

        One class under several names (headers and trailers are fields) is one resource type.
        """
        self.resources[name] = resource_class
