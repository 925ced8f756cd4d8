"""Records of numbers, lowered by cloning.

To build a descriptor-stat takes some twenty allocations through ctypes, most of them for names of fields that never change.
So the first one is kept: the next is made by poking its numbers into the kept one, at addresses found once, and letting
wasmtime clone the whole in one call. 21 us become 3.

That works for values whose shape is known from a few facts: records, options and enums over integers. The facts (which enum
case, which options are present) are the key that a kept value is found by; there are as many as an interface has
combinations of them, a dozen for a stat.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable
from ctypes import string_at
from struct import Struct
from typing import Any, Final, NamedTuple

from wasmtime import component as wit

from runtime.engine import native

# struct letters of the integer types that are poked
INTEGERS: Final[dict[type, str]] = {
    wit.S8: "b",
    wit.U8: "B",
    wit.S16: "h",
    wit.U16: "H",
    wit.S32: "i",
    wit.U32: "I",
    wit.S64: "q",
    wit.U64: "Q",
}
_POINTER: Final = Struct("<Q")

Flatten = Callable[[Any, list[Any], list[int]], None]
Locate = Callable[[Any, int, list["_Poke"]], None]


class _Poke(NamedTuple):
    """Where one number of a kept value goes."""

    pack_into: Callable[..., None]
    view: memoryview


class _Plan(NamedTuple):
    flatten: Flatten
    """Append the facts of a Python value to the key, its numbers to the numbers."""
    locate: Locate
    """Find the places of those numbers in the same value, lowered at an address, in the same order."""


class KeptValue:
    """A lowered value to be cloned into place; wasmtime's part of it is freed with its last user."""

    def __init__(self, lower: Callable[[int], object]) -> None:
        buffer = ctypes.create_string_buffer(native.VALUE_SIZE)
        self.address = ctypes.addressof(buffer)
        lower(self.address)
        weakref.finalize(self, _free, buffer).atexit = False

    def copy_to(self, address: int) -> None:
        """Write a copy, which is wasmtime's to free."""
        native.value_clone(self.address, address)


def _free(buffer: ctypes.Array[ctypes.c_char]) -> None:
    native.value_delete(ctypes.addressof(buffer))


class _Kept(NamedTuple):
    value: KeptValue
    pokes: list[_Poke]


def clone_lowering(
    value_type: wit.RecordType, lower: Callable[[Any, Any, int], object]
) -> Callable[[Any, Any, int], object]:
    """`lower` itself, or one with the same effect that clones, where the record's type allows it."""
    plan = _plan(value_type)
    if plan is None:
        return lower
    flatten, locate = plan
    kept: dict[tuple[Any, ...], _Kept] = {}
    lock = threading.Lock()  # instant functions lower on worker threads too

    def keep(scope: Any, value: Any) -> _Kept:
        whole = KeptValue(lambda address: lower(scope, value, address))
        pokes: list[_Poke] = []
        locate(value, whole.address, pokes)
        return _Kept(whole, pokes)

    def lower_by_cloning(scope: Any, value: Any, address: int) -> None:
        key: list[Any] = []
        numbers: list[int] = []
        flatten(value, key, numbers)
        with lock:
            found = kept.get(tuple(key))
            if found is None:
                found = kept[tuple(key)] = keep(scope, value)
            for (pack_into, view), number in zip(found.pokes, numbers, strict=True):
                pack_into(view, 0, number)
            found.value.copy_to(address)

    return lower_by_cloning


def _plan(value_type: wit.ValType) -> _Plan | None:
    if letter := INTEGERS.get(type(value_type)):
        return _integer(letter)
    if isinstance(value_type, wit.EnumType):
        return _Plan(lambda value, key, _numbers: key.append(value), lambda _value, _address, _pokes: None)
    if isinstance(value_type, wit.OptionType):
        inner = _plan(value_type.payload)
        return None if inner is None else _option(inner)
    if isinstance(value_type, wit.RecordType):
        fields = [_plan(field) for _, field in value_type.fields]
        plans = [field for field in fields if field is not None]
        return _record(plans) if len(plans) == len(fields) else None
    return None


def _integer(letter: str) -> _Plan:
    codec = Struct(f"<{letter}")

    def locate(_value: int, address: int, pokes: list[_Poke]) -> None:
        place = (ctypes.c_char * codec.size).from_address(address + native.PAYLOAD)
        pokes.append(_Poke(codec.pack_into, memoryview(place)))

    return _Plan(lambda value, _key, numbers: numbers.append(value), locate)


def _option(inner: _Plan) -> _Plan:
    def flatten(value: Any, key: list[Any], numbers: list[int]) -> None:
        key.append(value is None)
        if value is not None:
            inner.flatten(value, key, numbers)

    def locate(value: Any, address: int, pokes: list[_Poke]) -> None:
        if value is not None:
            inner.locate(value, _read(address + native.PAYLOAD), pokes)

    return _Plan(flatten, locate)


def _record(fields: list[_Plan]) -> _Plan:
    flattens = [field.flatten for field in fields]

    def flatten(value: Any, key: list[Any], numbers: list[int]) -> None:
        for flatten_field, item in zip(flattens, value, strict=True):
            flatten_field(item, key, numbers)

    def locate(value: Any, address: int, pokes: list[_Poke]) -> None:
        entries = _read(address + native.PAYLOAD + 8)
        for index, (field, item) in enumerate(zip(fields, value, strict=True)):
            field.locate(item, entries + index * native.RECORD_ENTRY_SIZE + native.FLAG_SIZE, pokes)

    return _Plan(flatten, locate)


def _read(address: int) -> int:
    pointer: int = _POINTER.unpack(string_at(address, 8))[0]
    return pointer
