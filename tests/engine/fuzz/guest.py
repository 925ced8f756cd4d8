"""The part of a fuzzing guest that its functions' types make: code that writes arguments, calls, and digests answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runtime.engine.abi.layout import (
    cases,
    discriminant_size,
    field_offsets,
    fields,
    flatten,
    layout,
    lowered,
    payload_offset,
)
from tests.engine.fuzz.shapes import RESOURCES, resource_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.engine.component.types import Type
    from tests.engine.fuzz.shapes import Function

LIBRARY_FUNCTIONS: Final = {
    "rand": "(result i32)", "below": "(param i32) (result i32)", "evil": "(result i32)", "seed": "(param i64 i32)", "begin": "",
    "number": "(result i64)", "scalar": "(result i32)", "alloc": "(param i32 i32) (result i32)",
    "count": "(param i32) (result i32)", "spoil": "(param i32)", "utf8": "(param i32)", "utf16": "(param i32)",
    "latin1+utf16": "(param i32)", "mix": "(param i64)", "hash": "(result i64)", "mix_utf8": "(param i32)",
    "mix_utf16": "(param i32)", "mix_latin1+utf16": "(param i32)",
}  # fmt: skip
# What `setting` tells.
SEED, CALLS, EVIL, PACE = range(4)
_MOST_NUMBERS: Final = 64
_MOST_ITEMS: Final = 5
_KEPT: Final = 24
"""Handles of each resource that the guest keeps to use them later."""
_NARROW: Final = frozenset(("bool", "u8", "s8", "u16", "s16"))
_LOADS: Final = {
    "bool": "i32.load8_u", "u8": "i32.load8_u", "s8": "i32.load8_s", "u16": "i32.load16_u", "s16": "i32.load16_s",
    "f32": "f32.load", "f64": "f64.load", "u64": "i64.load", "s64": "i64.load",
}  # fmt: skip
_DISCRIMINANTS: Final = {1: "8", 2: "16", 4: ""}
_WIDEN: Final = {
    ("i32", "i64"): "(i64.or (i64.extend_i32_u {}) (i64.shl (i64.extend_i32_u (call $rand)) (i64.const 32)))",
    ("f32", "i32"): "(i32.reinterpret_f32 {})",
    ("f32", "i64"): "(i64.extend_i32_u (i32.reinterpret_f32 {}))",
    ("f64", "i64"): "(i64.reinterpret_f64 {})",
}
"""How a core value is passed where other cases have wider ones; what is above it is not looked at."""


class Slot(NamedTuple):
    """A local, and its core type."""

    name: str
    core: str


class Guest:
    """The code for some functions."""

    def __init__(self, functions: Sequence[Function]) -> None:
        self._made: dict[tuple[str, Type, str], str] = {}
        self._code: list[str] = []
        self._functions = functions

    def module(self) -> str:
        """The core module, in the text format; imports all of the library, and `h`: see `component`."""
        calls = [self._call(function) for function in self._functions]
        imports = [f'(import "l" "{name}" (func ${name} {type_}))' for name, type_ in LIBRARY_FUNCTIONS.items()]
        imports += [
            '(import "l" "memory" (memory 2))', '(import "l" "table" (table 1 funcref))',
            '(import "h" "setting" (func $setting (param i32) (result i64)))', '(import "h" "check" (func $check (param i64)))',
        ]  # fmt: skip
        for name in RESOURCES:
            imports += [
                f'(import "h" "make-{name}" (func $make-{name} (result i32)))',
                f'(import "h" "drop-{name}" (func $drop-{name} (param i32)))',
            ]
        for function in self._functions:
            signature = lowered(function.type)
            params, results = " ".join(signature.params), " ".join(signature.results)
            imports.append(
                f'(import "h" "{function.name}" (func $h-{function.name} (param {params}) (result {results})))'
            )
        ends = [f"(block ${n}" for n, _ in reversed(list(enumerate(calls)))]
        arms = [f"){call} (br $next)" for call in calls]
        table = " ".join(f"${n}" for n, _ in enumerate(calls))
        return f"""
        (core module $guest
          {" ".join(imports)}
          (global $lent (mut i32) (i32.const 0)) ;; the handle that this call has borrowed last
          (global $gone (mut i32) (i32.const 1))
          (elem (i32.const 0) $out)
          (func $out (drop (call $setting (i32.const 0))))
          (func $point (param $at i32) (param $size i32) (result i32)
            (if (call $evil) (then
              (if (i32.and (call $rand) (i32.const 1)) (then (return (i32.add (local.get $at) (i32.const 1)))))
              (return (i32.and (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.div_u (local.get $size) (i32.const 2)))
                (i32.const -8)))))
            (local.get $at))
          {" ".join(map(_handles, RESOURCES))}
          {" ".join(self._code)}
          (func (export "run") (result i32) (local $left i64) (local $pace i64)
            (call $seed (call $setting (i32.const {SEED})) (i32.wrap_i64 (call $setting (i32.const {EVIL}))))
            (local.set $left (call $setting (i32.const {CALLS})))
            (local.set $pace (call $setting (i32.const {PACE})))
            (block $done (loop $next
              (if (i64.eqz (i64.rem_u (local.get $left) (local.get $pace))) (then (call $check (call $hash))))
              (br_if $done (i64.eqz (local.get $left)))
              (local.set $left (i64.sub (local.get $left) (i64.const 1)))
              (call $begin)
              (global.set $lent (i32.const 0))
              {" ".join(ends)} (br_table {table} (call $below (i32.const {len(calls)})))
              {" ".join(arms)}
              unreachable))
            (i32.const 0)))
        """

    def _function(self, kind: str, t: Type, encoding: str, body: str, locals_: str = "") -> str:
        name = self._made[kind, t, encoding]
        self._code.append(f"(func ${name} (param $at i32) {locals_} {body})")
        return name

    def _name(self, kind: str, t: Type, encoding: str) -> str | None:
        """The name of a function that is there already; a new one is given a name, and to be made."""
        if (kind, t, encoding) in self._made:
            return None
        self._made[kind, t, encoding] = f"{kind}{len(self._made)}"
        return self._made[kind, t, encoding]

    # Writing a random value to memory

    def _write(self, t: Any, encoding: str, at: str) -> str:
        """Code that does, at an address."""
        if isinstance(t, str):
            return _write_primitive(t, encoding, at)
        if t[0] in {"own", "borrow"}:
            return f"(i32.store {at} (call ${t[0]}-{resource_of(t)}))"
        if self._name("w", t, encoding):
            locals_, body = self._write_body(t, encoding)
            self._function("w", t, encoding, body, locals_)
        return f"(call ${self._made['w', t, encoding]} {at})"

    def _write_body(self, t: Any, encoding: str) -> tuple[str, str]:
        match t[0]:
            case "list":
                size, align = layout(t[1])
                most = _MOST_NUMBERS if isinstance(t[1], str) and t[1] != "string" else _MOST_ITEMS
                return (
                    "(local $p i32) (local $n i32) (local $end i32)",
                    f"""
                    (local.set $n (call $count (i32.const {most})))
                    (local.set $p (call $alloc (i32.mul (local.get $n) (i32.const {size})) (i32.const {align})))
                    (i32.store (local.get $at) (local.get $p)) (i32.store offset=4 (local.get $at) (local.get $n))
                    (local.set $end (i32.add (local.get $p) (i32.mul (local.get $n) (i32.const {size}))))
                    (block $done (loop $more
                      (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
                      {self._write(t[1], encoding, "(local.get $p)")}
                      (local.set $p (i32.add (local.get $p) (i32.const {size})))
                      (br $more)))
                    (call $spoil (local.get $at))""",
                )
            case "record" | "tuple":
                parts = zip(fields(t), field_offsets(t), strict=True)
                return "", " ".join(self._write(field, encoding, _offset(offset)) for field, offset in parts)
            case "flags":
                return "", f"(i32.store{_DISCRIMINANTS[layout(t).size]} (local.get $at) (call $rand))"
        payloads = [payload for _, payload in cases(t)]
        store = f"i32.store{_DISCRIMINANTS[discriminant_size(len(payloads))]}"
        body = f"""
            (local.set $which (call $below (i32.const {len(payloads)})))
            ({store} (local.get $at) (local.get $which))
            (if (call $evil) (then
              ({store} (local.get $at) (i32.add (call $below (i32.const 4)) (i32.const {len(payloads)})))))"""
        at = _offset(payload_offset(t))
        return "(local $which i32)", body + _switch(
            {n: self._write(payload, encoding, at) for n, payload in enumerate(payloads) if payload is not None}
        )

    # From memory to core values

    def _flat(self, t: Any, offset: int, slots: Sequence[Slot]) -> str:
        """Code that sets locals to what is so many bytes from `$at`."""
        place = f"offset={offset} (local.get $at)"
        if isinstance(t, str) and t != "string":
            load = f"({_LOADS.get(t, 'i32.load')} {place})"
            if t in _NARROW:  # what is above the type's bits is not looked at
                above = 8 if layout(t).size == 1 else 16
                some = f"(i32.shl (i32.and (call $rand) (i32.const -4)) (i32.const {above}))"
                load = f"(i32.or {load} {some})" if t != "bool" else f"(i32.and {load} (i32.const 3))"
            return _set(slots[0], load, flatten(t)[0])
        if t == "string" or t[0] == "list":
            second = f"(i32.load offset={offset + 4} (local.get $at))"
            return _set(slots[0], f"(i32.load {place})") + _set(slots[1], second)
        match t[0]:
            case "own" | "borrow":
                return _set(slots[0], f"(i32.load {place})")
            case "flags":
                return _set(slots[0], f"(i32.load{_unsigned(layout(t).size)} {place})")
            case "record" | "tuple":
                code, at = "", 0
                for field, begin in zip(fields(t), field_offsets(t), strict=True):
                    count = len(flatten(field))
                    code += self._flat(field, offset + begin, slots[at : at + count])
                    at += count
                return code
        count = len(cases(t))
        load = f"(i32.load{_unsigned(discriminant_size(count))} {place})"
        code = f"(local.set $which {load})"
        code += _set(slots[0], "(select (call $rand) (local.get $which) (call $evil))")
        payload_at = offset + payload_offset(t)
        return code + _switch(
            {
                n: self._flat(payload, payload_at, slots[1:])
                for n, (_, payload) in enumerate(cases(t))
                if payload is not None
            },
            load,
        )

    # Digesting what the host has answered

    def _digest(self, t: Any, encoding: str, at: str) -> str:
        if isinstance(t, str):
            if t == "string":
                return f"(call $mix_{encoding} {at})"
            size = layout(t).size
            return f"(call $mix (i64.load{'' if size == 8 else f'{size * 8}_u'} {at}))"
        if t[0] == "own":
            return f"(call $keep-{resource_of(t)} (i32.load {at}))"
        if self._name("d", t, encoding):
            locals_, body = self._digest_body(t, encoding)
            self._function("d", t, encoding, body, locals_)
        return f"(call ${self._made['d', t, encoding]} {at})"

    def _digest_body(self, t: Any, encoding: str) -> tuple[str, str]:
        match t[0]:
            case "list":
                size = layout(t[1]).size
                return (
                    "(local $p i32) (local $n i32)",
                    f"""
                    (local.set $p (i32.load (local.get $at)))
                    (local.set $n (i32.load offset=4 (local.get $at)))
                    (call $mix (i64.extend_i32_u (local.get $n)))
                    (block $done (loop $more
                      (br_if $done (i32.eqz (local.get $n)))
                      {self._digest(t[1], encoding, "(local.get $p)")}
                      (local.set $p (i32.add (local.get $p) (i32.const {size})))
                      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                      (br $more)))""",
                )
            case "record" | "tuple":
                parts = zip(fields(t), field_offsets(t), strict=True)
                return "", " ".join(self._digest(field, encoding, _offset(offset)) for field, offset in parts)
            case "flags":
                return "", f"(call $mix (i64.extend_i32_u (i32.load{_unsigned(layout(t).size)} (local.get $at))))"
        payloads = [payload for _, payload in cases(t)]
        at = _offset(payload_offset(t))
        body = f"""
            (local.set $which (i32.load{_unsigned(discriminant_size(len(payloads)))} (local.get $at)))
            (call $mix (i64.extend_i32_u (local.get $which)))"""
        return "(local $which i32)", body + _switch(
            {n: self._digest(payload, encoding, at) for n, payload in enumerate(payloads) if payload is not None}
        )

    # A call

    def _call(self, function: Function) -> str:
        """Code that makes the function's arguments, calls it, and digests its answer."""
        signature = lowered(function.type)
        params = ("tuple", tuple(t for _, t in function.type.params))
        size, align = layout(params) if function.type.params else (0, 1)
        slots = [Slot(f"a{n}", core) for n, core in enumerate(signature.params)]
        code = f"(local.set $at (call $alloc (i32.const {size}) (i32.const {align})))"
        if function.type.params:
            code += self._write(params, function.encoding, "(local.get $at)")
        if signature.indirect_params:
            code += _set(slots[0], f"(call $point (local.get $at) (i32.const {size}))")
        elif function.type.params:
            code += "".join(_set(slot, _anything(slot.core), slot.core) for slot in slots)
            code += self._flat(params, 0, slots)
        if signature.indirect_result:
            size, align = layout(function.type.result)  # type: ignore[arg-type]  # there is one
            code += f"(local.set $to (call $alloc (i32.const {size}) (i32.const {align})))"
            code += _set(slots[-1], f"(call $point (local.get $to) (i32.const {size}))")
        call = f"(call $h-{function.name} {' '.join(f'(local.get ${slot.name})' for slot in slots)})"
        if signature.results:
            call = self._digest_flat(function.type.result, call, signature.results[0])
        elif signature.indirect_result:
            call += self._digest(function.type.result, function.encoding, f"(local.get ${slots[-1].name})")
        locals_ = " ".join(f"(local ${slot.name} {slot.core})" for slot in slots)
        self._code.append(
            f"(func $call-{function.name} (local $at i32) (local $to i32) (local $which i32) {locals_} {code} {call})"
        )
        return f"(call $call-{function.name})"

    def _digest_flat(self, t: Any, call: str, core: str) -> str:
        while not isinstance(t, str) and t[0] in {"record", "tuple"}:  # of one field
            t = fields(t)[0]
        if t[0] == "own":
            return f"(call $keep-{resource_of(t)} {call})"
        bits = {"i32": "(i64.extend_i32_u {})", "i64": "{}", "f32": "(i64.extend_i32_u (i32.reinterpret_f32 {}))"}
        return f"(call $mix {bits.get(core, '(i64.reinterpret_f64 {})').format(call)})"


def _handles(name: str) -> str:
    """Functions of one resource: handles that are kept are below 1 KiB, their count in front of them."""
    base = RESOURCES.index(name) * 256
    other = RESOURCES[1 - RESOURCES.index(name)]
    count = f"(i32.load (i32.const {base}))"
    place = f"(i32.add (i32.const {base + 4}) (i32.shl (local.get $n) (i32.const 2)))"
    return f"""
      (func $keep-{name} (param $h i32) (local $n i32)
        (call $mix (i64.extend_i32_u (local.get $h)))
        (local.set $n {count})
        (if (i32.ge_u (local.get $n) (i32.const {_KEPT})) (then ;; instead of another, which is dropped
          (local.set $n (call $below (local.get $n)))
          (global.set $gone (i32.load {place}))
          (i32.store {place} (local.get $h))
          (return (call $drop-{name} (global.get $gone)))))
        (i32.store {place} (local.get $h))
        (i32.store (i32.const {base}) (i32.add (local.get $n) (i32.const 1))))
      (func $borrow-{name} (result i32) (local $n i32)
        (if (call $evil) (then (return (call $bad-{name}))))
        (if (i32.eqz {count}) (then (call $keep-{name} (call $make-{name}))))
        (local.set $n (call $below {count}))
        (global.set $lent (i32.load {place}))
        (global.get $lent))
      (func $own-{name} (result i32) (local $n i32)
        (if (call $evil) (then (return (call $bad-{name}))))
        ;; One that this call borrows, too, may not be given away.
        (if (i32.or (i32.or (global.get $lent) (i32.eqz {count})) (i32.and (call $rand) (i32.const 1)))
          (then (return (call $make-{name}))))
        (local.set $n (call $below {count}))
        (global.set $gone (i32.load {place}))
        (i32.store (i32.const {base}) (i32.sub {count} (i32.const 1)))
        (i32.store {place} (i32.load (i32.add (i32.const {base + 4}) (i32.shl {count} (i32.const 2)))))
        (global.get $gone))
      (func $bad-{name} (result i32) (local $n i32)
        (local.set $n (i32.and (call $rand) (i32.const 3)))
        (if (select (global.get $lent) (i32.const 0) (i32.and (call $rand) (i32.const 1))) (then (return (global.get $lent))))
        (if (i32.eqz (local.get $n)) (then (return (call $rand))))
        (if (i32.eq (local.get $n) (i32.const 1)) (then (return (call $below (i32.const 40)))))
        (if (i32.eq (local.get $n) (i32.const 2)) (then (return (global.get $gone))))
        (return (call $make-{other})))
    """


def _write_primitive(t: str, encoding: str, at: str) -> str:
    match t:
        case "string":
            return f"(call ${encoding} {at})"
        case "char":
            return f"(i32.store {at} (call $scalar))"
        case _:
            size = layout(t).size
            return f"(i64.store{'' if size == 8 else size * 8} {at} (call $number))"


def _offset(offset: int) -> str:
    return f"(i32.add (local.get $at) (i32.const {offset}))"


def _unsigned(size: int) -> str:
    return {1: "8_u", 2: "16_u", 4: ""}[size]


def _set(slot: Slot, value: str, core: str = "i32") -> str:
    return f"(local.set ${slot.name} {_WIDEN.get((core, slot.core), '{}').format(value)})"


def _anything(core: str) -> str:
    return {"i32": "(call $rand)", "i64": "(call $number)", "f32": "(f32.const 1)"}.get(core, "(f64.const 1)")


def _switch(arms: dict[int, str], which: str = "(local.get $which)") -> str:
    return "".join(f"(if (i32.eq {which} (i32.const {n})) (then {code}))" for n, code in arms.items())
