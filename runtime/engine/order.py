"""What is said between a process that wants a component compiled and the compiler's (`workshop`, `workbench`).

An order is a file in memory without a name, so that nobody else can change it: its head, then the component. The same file
comes back with what could not be kept in the cache. The answer is one message on a socket of the order's own; closing that
socket withdraws the order.
"""

from __future__ import annotations

import json
import marshal
import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runtime.engine.errors import ComponentError, InvalidComponentError, UnsupportedComponentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.engine.artefacts import Basis
    from runtime.engine.cache import Place
    from runtime.engine.component import InterfaceType
    from runtime.engine.recipe import Host

MAX_TEXT: Final = 8 * 1024
"""The longest text of an error in an answer: names of imports, say, which a component can make long."""

MAX_ANSWER_BYTES: Final = 128 * 1024
"""An answer is one message of a socket: twelve bytes for each character of its text, which JSON writes as two escapes
at most."""

_CPU_SECONDS: Final = 30
"""What any component may take: a small program takes a quarter of a second."""

_CPU_SECONDS_PER_MIB: Final = 10
"""Beside these: 28 MB (an agent with a JavaScript engine) take 34 s of CPU on a slow machine, and 500 MB."""

_MAX_CPU_SECONDS: Final = 600
"""However large it is: some eighteen times as long as that agent takes."""

_WALL_FACTOR: Final = 4
"""Seconds of the clock for each of CPU: the machine has other things to do."""

_MEMORY_BYTES: Final = 3 * 1024**3
"""Six times the largest agent's, and what a machine of 4 GiB can give for a while."""

_HEAD: Final = 8
"""Bytes that say how long the head is."""

_KINDS: Final = {"invalid": InvalidComponentError, "unsupported": UnsupportedComponentError}


class HostOutline(NamedTuple):
    """What a recipe's writer wants to know of the host's interfaces: their names."""

    interfaces: tuple[tuple[str, str, bool, tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...]
    """(name, version, whether it is raw, functions, those that are instant, resources)"""
    types: dict[str, InterfaceType]

    @staticmethod
    def of(host: Host) -> HostOutline:
        """The outline of a host."""
        interfaces = tuple(
            (one.name, one.version, one.raw, tuple(one.functions), tuple(one.instant), tuple(one.resources))
            for one in host.interfaces.values()
        )
        return HostOutline(interfaces, dict(host.types))


class Bounds(NamedTuple):
    """What compiling a component may take."""

    memory: int
    """Bytes of private memory. Addresses are not counted: allocators reserve them for each thread."""
    cpu: int
    """Seconds, of all threads."""
    wall: float
    """Seconds."""


def bounds_for(size: int) -> Bounds:
    """The bounds for a component of this many bytes."""
    seconds = min(_CPU_SECONDS + _CPU_SECONDS_PER_MIB * size // 2**20, _MAX_CPU_SECONDS)
    return Bounds(_MEMORY_BYTES, seconds, seconds * _WALL_FACTOR)


class Order(NamedTuple):
    """An order's head."""

    digest: str
    place: Place
    basis: Basis
    portable: bool
    host: HostOutline
    bounds: Bounds


def write_order(order: Order, content: bytes) -> int:
    """The descriptor of a new order, for the caller to close. Raises OSError."""
    import pickle  # noqa: PLC0415 - a daemon that has all it needs compiled starts without it

    descriptor = os.memfd_create("component")
    head = pickle.dumps(order)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(len(head).to_bytes(_HEAD, "little") + head)
        file.write(content)
    return descriptor


def read_head(descriptor: int) -> Order:
    """The head of an order that `write_order` has made."""
    import pickle  # noqa: PLC0415 - as above

    head = os.pread(descriptor, int.from_bytes(os.pread(descriptor, _HEAD, 0), "little"), _HEAD)
    order: Order = pickle.loads(head)  # noqa: S301 - from the process that has started this one, and nobody else
    return order


def read_component(descriptor: int) -> bytes:
    """Its component."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(_HEAD + int.from_bytes(os.pread(descriptor, _HEAD, 0), "little"))
        return file.read()


def return_unkept(descriptor: int, unkept: Mapping[str, bytes]) -> None:
    """Put into an order what the cache would not keep."""
    os.ftruncate(descriptor, 0)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.seek(0)
        marshal.dump(dict(unkept), file)


def take_unkept(descriptor: int) -> dict[str, bytes]:
    """What `return_unkept` has put there."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        found: dict[str, bytes] = marshal.load(file)  # noqa: S302 - as trustworthy as what the same process puts into the cache
        return found


class CompilerAnswer(NamedTuple):
    """How an order ended."""

    kind: str
    """`made`; `unkept`, where the order has it; `invalid`, `unsupported`; `machine`, with an errno as its text."""
    text: str = ""

    def pack(self) -> bytes:
        """As a message."""
        return json.dumps((self.kind, self.text[:MAX_TEXT])).encode()

    @staticmethod
    def unpack(message: bytes) -> CompilerAnswer:
        """The way back."""
        values: Any = json.loads(message)
        return CompilerAnswer(*values)

    @staticmethod
    def of(error: ComponentError) -> CompilerAnswer:
        """The answer that stands for an error."""
        return CompilerAnswer("unsupported" if isinstance(error, UnsupportedComponentError) else "invalid", str(error))

    def check(self) -> None:
        """Raise the error that it stands for, if any: InvalidComponentError, UnsupportedComponentError, OSError."""
        if self.kind == "machine":
            raise OSError(int(self.text), os.strerror(int(self.text)))
        if (error := _KINDS.get(self.kind)) is not None:
            raise error(self.text)
