"""Small modules of wasm between a guest and the host, written here byte by byte: what a host function cannot do itself.

A host function is called straight and can neither suspend the guest nor call it. So it returns a status (see
`runtime.engine.abi.calls`), and the glue does what that says: calls the function that suspends the fiber, or the guest's
`cabi_realloc`, or another component's function. All of it is ordinary code of the guest's store: metered, pre-empted, killable.
An exception of wasm does not cross it: what has called the glue belongs to somebody else, and must not catch it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Place = tuple[str, str]
"""Module and field under which something is in a store's linker."""

HOST: Final = "h"
GLUE: Final = "g"
TABLE: Final = "t"
"""The glue's table: functions of the guest that the glue calls, each put there by the host as soon as it exists."""
WAIT: Final = "wait"
RESUME: Final = "resume"
THROWN: Final = "thrown"

_CODES: Final = {"i32": b"\x7f", "i64": b"\x7e", "f32": b"\x7d", "f64": b"\x7c"}

_FROM_I64: Final = {"i32": b"\xa7", "i64": b"", "f32": b"\xa7\xbe", "f64": b"\xbf"}
"""Wrap, reinterpret."""

_HEADER: Final = b"\0asm\x01\0\0\0"
_TYPES, _IMPORTS, _FUNCTIONS, _TABLES, _EXPORTS, _CODE = 1, 2, 3, 4, 7, 10

_BLOCK, _LOOP, _IF, _IF_I32, _ELSE, _END = b"\x02\x40", b"\x03\x40", b"\x04\x40", b"\x04\x7f", b"\x05", b"\x0b"
_UNREACHABLE, _DROP = b"\x00", b"\x1a"
_FUNCREF: Final = b"\x70"
_VOID = b"\x40"
_I64_EQZ, _I64_EQ, _I32_WRAP, _I32_SHR_U, _I32_AND, _I64_SHR_U = b"\x50", b"\x51", b"\xa7", b"\x76", b"\x71", b"\x88"


class HostFunction(NamedTuple):
    """A glued host function."""

    name: str
    """Under which the glue exports it."""
    field: str
    """Its name in the host's module."""
    params: tuple[str, ...]
    """The core type that the guest sees."""
    result: str | None
    realloc: int | None
    """The element of the glue's table that gives it memory for its result."""


class LateFunction(NamedTuple):
    """A function that is there only after who imports it: called through the glue's table."""

    name: str
    """Under which the glue exports it."""
    element: int
    params: tuple[str, ...]
    results: tuple[str, ...]


class Crossing(NamedTuple):
    """A call from one component instance into another: where its parts are, and both sides' core types."""

    enter: str
    """Host function: lifts the caller's parameters, begins to lower them into the callee."""
    arguments: str
    """Host function: the callee's core parameters."""
    leave: str
    """Host function: lifts the callee's result, begins to lower it into the caller."""
    done: str
    """Host function: the caller's core result."""
    params: tuple[str, ...]
    results: tuple[str, ...]
    callee: Place
    callee_params: tuple[str, ...]
    callee_results: tuple[str, ...]
    callee_realloc: int | None
    """An element of the glue's table."""
    caller_realloc: int | None
    post_return: Place | None


def leb(number: int) -> bytes:
    """Unsigned LEB128."""
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _vector(items: Sequence[bytes]) -> bytes:
    return leb(len(items)) + b"".join(items)


def _sized(content: bytes) -> bytes:
    return leb(len(content)) + content


def _get(local: int) -> bytes:
    return b"\x20" + leb(local)


def _set(local: int) -> bytes:
    return b"\x21" + leb(local)


def _call(function: int) -> bytes:
    return b"\x10" + leb(function)


def _i32(number: int) -> bytes:
    """i32.const of a number that is not negative: signed LEB128, so with a bit to spare."""
    low = leb(number)
    return b"\x41" + (low if low[-1] < 0x40 else bytes([*low[:-1], low[-1] | 0x80, 0]))  # noqa: PLR2004 - the sign


class _Module:
    """A module under construction. Imports come before functions of its own."""

    def __init__(self) -> None:
        self._types: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
        self._imports: dict[Place, tuple[int, bytes]] = {}
        self._tables: list[bytes] = []
        self._table_imports: list[bytes] = []
        self._functions: list[tuple[str, int, bytes]] = []

    def _type(self, params: Iterable[str], results: Iterable[str]) -> int:
        return self._types.setdefault((tuple(params), tuple(results)), len(self._types))

    def import_function(self, place: Place, params: Sequence[str], results: Sequence[str]) -> int:
        """The function's index; the same for the same place."""
        if place not in self._imports:
            named = _sized(place[0].encode()) + _sized(place[1].encode())
            self._imports[place] = len(self._imports), named + b"\0" + leb(self._type(params, results))
        return self._imports[place][0]

    def table(self, size: int) -> None:
        """Define and export the glue's table, of exactly so many functions."""
        self._tables.append(_FUNCREF + b"\x01" + leb(size) + leb(size))

    def import_table(self) -> None:
        """Have the glue's table from its own module."""
        self._table_imports.append(_sized(GLUE.encode()) + _sized(TABLE.encode()) + b"\x01" + _FUNCREF + b"\x00\x00")

    def call_element(self, element: int, params: Sequence[str], results: Sequence[str]) -> bytes:
        """The code that calls an element of the table, whose parameters are on the stack."""
        return _i32(element) + b"\x11" + leb(self._type(params, results)) + b"\x00"

    def function(
        self, name: str, params: Sequence[str], results: Sequence[str], locals_: Sequence[str], body: bytes
    ) -> None:
        """Define and export a function."""
        declared = _vector([b"\x01" + _CODES[local] for local in locals_])
        self._functions.append((name, self._type(params, results), _sized(declared + body + _END)))

    def content(self) -> bytes:
        """The whole module."""
        first = len(self._imports)
        types = [
            b"\x60" + _vector([_CODES[p] for p in params]) + _vector([_CODES[r] for r in results])
            for params, results in self._types
        ]
        exports = [_sized(name.encode()) + b"\0" + leb(first + n) for n, (name, _, _) in enumerate(self._functions)]
        exports += [_sized(TABLE.encode()) + b"\1\0" for _ in self._tables]
        sections = (
            (_TYPES, _vector(types)),
            (_IMPORTS, _vector([*(item for _, item in self._imports.values()), *self._table_imports])),
            (_FUNCTIONS, _vector([leb(index) for _, index, _ in self._functions])),
            (_TABLES, _vector(self._tables)),
            (_EXPORTS, _vector(exports)),
            (_CODE, _vector([body for _, _, body in self._functions])),
        )
        return _HEADER + b"".join(bytes([number]) + _sized(body) for number, body in sections)


def _guarded(call: bytes, results: Sequence[str], thrown: int) -> bytes:
    """Call a function of the guest; where that throws, the host function `thrown` traps."""
    block = _CODES[results[0]] if results else _VOID  # of at most one result, as all have
    body = b"\x1f" + block + b"\x01\x02\x00" + call + _END + b"\x0c\x01"
    return b"\x02" + block + _BLOCK + body + _END + _call(thrown) + _UNREACHABLE + _END


def _allocation(module: _Module, status: int, realloc: int | None, thrown: int) -> bytes:
    """What calls cabi_realloc(0, 0, align, size) as the status in a local says, and leaves the pointer."""
    if realloc is None:
        return _UNREACHABLE
    align = _get(status) + _I32_WRAP + _i32(8) + _I32_SHR_U + _i32(0xFF) + _I32_AND
    size = _get(status) + b"\x42\x20" + _I64_SHR_U + _I32_WRAP
    call = module.call_element(realloc, ("i32",) * 4, ("i32",))
    return _guarded(_i32(0) + _i32(0) + align + size + call, ("i32",), thrown)


def _until_done(status: int, step: bytes) -> bytes:
    """Repeat `step`, which renews the status, until that is 0."""
    return _BLOCK + _LOOP + _get(status) + _I64_EQZ + b"\x0d\x01" + step + b"\x0c\x00" + _END + _END


def glue(functions: Sequence[HostFunction], late: Sequence[LateFunction], elements: int) -> bytes:
    """The first module of a component, with all host functions that are glued, the late functions, and the table of them."""
    module = _Module()
    module.table(elements)
    called = [
        module.import_function((HOST, f.field), f.params, (*((f.result,) if f.result else ()), "i64"))
        for f in functions
    ]
    wait = module.import_function((HOST, WAIT), (), ())
    resume = module.import_function((HOST, RESUME), ("i32",), ("i64", "i64"))
    thrown = module.import_function((HOST, THROWN), (), ())
    for function, index in zip(functions, called, strict=True):
        count = len(function.params)
        status, value = count, count + 1
        waits = _get(status) + b"\x42\x01" + _I64_EQ
        step = (
            waits
            + _IF_I32
            + _call(wait)
            + _i32(0)
            + _ELSE
            + _allocation(module, status, function.realloc, thrown)
            + _END
        )
        step += _call(resume) + _set(status)
        step += _FROM_I64[function.result] + _set(value) if function.result else _DROP
        body = b"".join(map(_get, range(count))) + _call(index) + _set(status)
        body += _set(value) if function.result else b""
        body += _until_done(status, step)
        body += _get(value) if function.result else b""
        results = (function.result,) if function.result else ()
        module.function(function.name, function.params, results, ("i64", *results), body)
    for f in late:
        call = b"".join(map(_get, range(len(f.params)))) + module.call_element(f.element, f.params, f.results)
        module.function(f.name, f.params, f.results, (), call)
    return module.content()


def drop(name: str, take: str, left: str, destructor: Place) -> bytes:
    """A module that exports `resource.drop` of a resource with a destructor, under `name`.

    `take` (i32) -> (i32 representation, i32 whether to destroy it) and `left` () -> () are host functions.
    """
    module = _Module()
    taken = module.import_function((HOST, take), ("i32",), ("i32", "i32"))
    ended = module.import_function((HOST, left), (), ())
    thrown = module.import_function((HOST, THROWN), (), ())
    destroy = module.import_function(destructor, ("i32",), ())
    body = _get(0) + _call(taken) + _set(flag := 1) + _set(0)
    body += _get(flag) + _IF + _guarded(_get(0) + _call(destroy), (), thrown) + _call(ended) + _END
    module.function(name, ("i32",), (), ("i32",), body)
    return module.content()


def crossing(name: str, c: Crossing) -> bytes:
    """A module that exports, under `name`, one component's function as another calls it."""
    module = _Module()
    enter = module.import_function((HOST, c.enter), c.params, ("i64",))
    arguments = module.import_function((HOST, c.arguments), (), c.callee_params)
    leave = module.import_function((HOST, c.leave), c.callee_results, ("i64",))
    done = module.import_function((HOST, c.done), (), c.results)
    resume = module.import_function((HOST, RESUME), ("i32",), ("i64", "i64"))
    thrown = module.import_function((HOST, THROWN), (), ())
    callee = module.import_function(c.callee, c.callee_params, c.callee_results)
    if c.callee_realloc is not None or c.caller_realloc is not None:
        module.import_table()
    post_return = None if c.post_return is None else module.import_function(c.post_return, c.callee_results, ())
    status = len(c.params)
    results = range(status + 1, status + 1 + len(c.callee_results))

    def allocate(realloc: int | None) -> bytes:
        return _until_done(status, _allocation(module, status, realloc, thrown) + _call(resume) + _set(status) + _DROP)

    body = b"".join(map(_get, range(len(c.params)))) + _call(enter) + _set(status) + allocate(c.callee_realloc)
    body += _guarded(_call(arguments) + _call(callee), c.callee_results, thrown) + b"".join(
        map(_set, reversed(results))
    )
    body += b"".join(map(_get, results)) + _call(leave) + _set(status) + allocate(c.caller_realloc)
    if post_return is not None:
        body += _guarded(b"".join(map(_get, results)) + _call(post_return), (), thrown)
    module.function(name, c.params, c.results, ("i64", *c.callee_results), body + _call(done))
    return module.content()
