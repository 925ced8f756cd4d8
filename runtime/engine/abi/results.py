"""What a host function answers, on its way into the guest: as lines of its callback, or by closures where it comes later.

Source: Canonical ABI, "Flat Lowering" and "Storing".
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, Any

from runtime.engine.abi.context import Context, aligned
from runtime.engine.abi.layout import flatten, layout, payload_offset
from runtime.engine.abi.load import LETTERS
from runtime.engine.abi.status import DONE, RAW_BYTES
from runtime.engine.abi.store import Block, Source, chooser, is_plain, packer, plain, plain_writer, storer

if TYPE_CHECKING:
    from runtime.engine.abi.strings import Allocation
    from runtime.engine.component.types import Type

Lower = Callable[[Context, int, Any], "bytes | Allocation | Block | None"]
"""A result's case, to its place: the core result's 8 bytes, or something that needs memory, or None when it is written."""


def lines(source: Source, result: Any, pointer: str, *, glued: bool) -> list[str]:
    """Lines of a callback that write what it has in `value`, the common cases at once; `pointer` says where, or is "0"."""
    status_at = RAW_BYTES if pointer == "0" and result is not None else 0
    done = [f"put_status(host, raw + {status_at}, {DONE})"] if glued else []
    if result is None:
        return done
    is_result = result[0] == "result"
    payload = result[1] if is_result else result
    if pointer == "0":
        codec = Struct(_single_format(result) + ("8xQ" if glued else ""))
        core = "0" if is_result else _single(source, result, "value")
        status = f", {DONE}" if glued else ""
        return [f"{source.name(codec.pack_into)}(host, raw, {core}{status})"]
    if payload == ("list", "u8"):
        size, align = layout(result)
        return [
            f"if {pointer} & {align - 1}: aligned({pointer}, {align}, 'the pointer to the result')",
            f"view = context.view if {pointer} + {size} <= len(context.view) else context.reach({pointer} + {size})",
            *([f"view[{pointer}] = 0"] if is_result else []),
            f"status = guest.allocate(Block(context, {pointer} + {payload_offset(result) if is_result else 0}, value))",
            f"put_status(host, raw + {status_at}, status)",
        ]
    if not (payload is None or is_plain(payload)):
        return [f"return call.settle(guest, context, raw, {pointer}, True, value)"]
    offset = payload_offset(result) if is_result else 0
    places, values = ([], []) if payload is None else plain(source, payload, "value", offset)
    if is_result:
        places, values = [(0, "B"), *places], ["0", *values]
    codec, begin = packer(places)
    size, align = layout(result)
    return [
        f"packed = ({', '.join(values)},)",  # before anything can fail: what is handed over is in the table then
        f"if {pointer} & {align - 1}: aligned({pointer}, {align}, 'the pointer to the result')",
        f"view = context.view if {pointer} + {size} <= len(context.view) else context.reach({pointer} + {size})",
        f"{source.name(codec.pack_into)}(view, {pointer} + {begin}, *packed)",
        *done,
    ]


def _single(source: Source, t: Any, value: str) -> str:
    """The one core value of a type that has one."""
    if isinstance(t, str):
        return f"ord({value})" if t == "char" else value
    match t[0]:
        case "own":
            return f"context.handles.add({value}, {source.name(t[1])})"
        case "flags":
            table = source.name({name: 1 << place for place, name in enumerate(t[1])})
            return f"sum([{table}[name] for name in {value}])"
        case "record" | "tuple":
            field = t[1][0]
            return _single(source, field[1] if t[0] == "record" else field, f"{value}[0]")
        case _:
            return f"{source.name(chooser(t))}({value})[0]"


def _single_format(t: Any) -> str:
    """How it is packed into a raw value's first 8 bytes, which also checks its range."""
    while not isinstance(t, str) and t[0] in {"record", "tuple"}:
        t = t[1][0][1] if t[0] == "record" else t[1][0]
    if t in {"s8", "s16"}:
        return "<i4x"  # sign-extended
    letter = LETTERS[t] if isinstance(t, str) else "I"
    return f"<{letter}{8 - Struct('<' + letter).size}x"


# Results that are not written by the callback itself: those of waits, errors, and what needs memory


def cases(result: Any, encoding: str) -> tuple[Lower | None, Lower | None]:
    """The lowerings of the result, or of the `ok` case of a WIT result, and of its `err` case if it is one."""
    if result is None:
        return (lambda _context, _pointer, _value: None), None
    is_result = result[0] == "result"
    if len(flatten(result)) == 1:
        if is_result:
            return (lambda _context, _pointer, _value: bytes(8)), (lambda _context, _pointer, _value: b"\1" + bytes(7))
        return _one_value(result), None
    if not is_result:
        return _in_memory(result, result, None, 0, encoding), None
    offset = payload_offset(result)
    return (
        _in_memory(result, result[1], 0, offset, encoding),
        _in_memory(result, result[2], 1, offset, encoding),
    )


def _one_value(result: Type) -> Lower:
    source = Source()
    core = _single(source, result, "value")
    scope = {**source.names, "pack": Struct(_single_format(result)).pack}
    exec(f"def lower(context, pointer, value):\n    return pack({core})\n", scope)  # noqa: S102 - made of numbers and names of our own alone
    made: Lower = scope["lower"]
    return made


def _in_memory(result: Type, payload: Any, which: int | None, offset: int, encoding: str) -> Lower:
    """To where the caller's pointer says."""
    size, align = layout(result)
    write = plain_writer(payload) if payload is not None and is_plain(payload) else None
    store: Any = storer(payload, encoding) if payload is not None and write is None else None
    if payload == ("list", "u8"):
        store = Block

    def lower(context: Context, pointer: int, value: Any) -> Any:
        aligned(pointer, align, "the pointer to the result")
        view = context.reach(pointer + size)
        if which is not None:
            view[pointer] = which
        if write is not None:
            write(context, view, pointer + offset, value)
        return None if store is None else store(context, pointer + offset, value)

    return lower
