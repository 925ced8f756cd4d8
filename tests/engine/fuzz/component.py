"""Components of random functions: a guest that calls them in a loop, straight or through another component beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmtime import wat2wasm

from runtime.engine.abi.layout import flatten, lifted, lowered
from runtime.engine.component.types import FuncType
from tests.engine.fuzz.guest import Guest
from tests.engine.fuzz.library import LIBRARY
from tests.engine.fuzz.shapes import INTERFACE, RESOURCES, Written, lends_deeply, resource_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.engine.fuzz.shapes import Function

_OWN: Final = {
    "setting": '(param "which" u32) (result u64)',
    "check": '(param "hash" u64)',
    **{f"make-{name}": f"(result (own ${name}))" for name in RESOURCES},
}
"""The functions that are the same for all guests."""
OWN_TYPES: Final = {
    "setting": FuncType((("which", "u32"),), "u64"),
    "check": FuncType((("hash", "u64"),), None),
    **{f"make-{name}": FuncType((), ("own", f"{INTERFACE}#{name}")) for name in RESOURCES},
}
"""The same as data."""


def component(functions: Sequence[Function]) -> bytes:
    """A command that calls the host's functions."""
    return bytes(wat2wasm(f'(component (import "{INTERFACE}@0.2.0" {_instance(functions)}) {_body(functions)})'))


def composed(functions: Sequence[Function], encodings: Sequence[str]) -> bytes:
    """As `component`, but each call goes through a component beside the caller, whose strings are in these encodings."""
    instance = _instance(functions)
    through = [f for f in functions if not lends_deeply(f.type)]
    exports = [f'(export "{name}" (type ${name}-again))' for name in (*RESOURCES, *_written(functions).names.values())]
    exports += [f'(export "{name}" (func $h "{name}"))' for name in _OWN]
    exports += [f'(export "{f.name}" (func {"$middle" if f in through else "$h"} "{f.name}"))' for f in functions]
    aliases = [
        f'(alias export $h "{name}" (type ${name}-again))' for name in (*RESOURCES, *_written(functions).names.values())
    ]
    text = f"""
    (component
      (import "{INTERFACE}@0.2.0" {instance})
      {" ".join(aliases)}
      (component $m (import "{INTERFACE}@0.2.0" {instance}) {_middle(functions, through, encodings)})
      (instance $middle (instantiate $m (with "{INTERFACE}@0.2.0" (instance $h))))
      (instance $seen {" ".join(exports)})
      (component $c (import "{INTERFACE}@0.2.0" {instance}) {_body(functions)})
      (instance $caller (instantiate $c (with "{INTERFACE}@0.2.0" (instance $seen))))
      (export "wasi:cli/run@0.2.0" (instance $caller "wasi:cli/run@0.2.0")))
    """
    return bytes(wat2wasm(text))


def _written(functions: Sequence[Function]) -> Written:
    written = Written()
    for function in functions:
        written.signature(function.type)
    return written


def _instance(functions: Sequence[Function]) -> str:
    """The type of the imported interface."""
    written = Written()
    signatures = {f.name: written.signature(f.type) for f in functions} | _OWN
    resources = [f'(export "{name}" (type ${name} (sub resource)))' for name in RESOURCES]
    exported = [f'(export "{name}" (func {signature}))' for name, signature in signatures.items()]
    return f"(instance $h {' '.join([*resources, *written.declared, *exported])})"


def _aliases(functions: Sequence[Function]) -> str:
    """Whatever is imported, in a component's own index spaces."""
    lines = [f'(alias export $h "{name}" (type ${name}))' for name in (*RESOURCES, *_written(functions).names.values())]
    lines += [f'(alias export $h "{name}" (func $i-{name}))' for name in (*_OWN, *(f.name for f in functions))]
    lines += [f"(core func $d-{name} (canon resource.drop ${name}))" for name in RESOURCES]
    return " ".join(lines)


def _memory(instance: str) -> str:
    return f'(memory (core memory ${instance} "memory")) (realloc (core func ${instance} "realloc"))'


def _encoding(encoding: str) -> str:
    return f"string-encoding={encoding}"


def _body(functions: Sequence[Function]) -> str:
    """The caller."""
    lowers = [f"(core func $l-{name} (canon lower (func $i-{name})))" for name in _OWN]
    lowers += [
        f"(core func $l-{f.name} (canon lower (func $i-{f.name}) {_memory('l')} {_encoding(f.encoding)}))"
        for f in functions
    ]
    given = [f'(export "{name}" (func $l-{name}))' for name in (*_OWN, *(f.name for f in functions))]
    given += [f'(export "drop-{name}" (func $d-{name}))' for name in RESOURCES]
    return f"""
      {_aliases(functions)}
      {LIBRARY}
      (core instance $l (instantiate $library))
      {" ".join(lowers)}
      {Guest(functions).module()}
      (core instance $g (instantiate $guest (with "l" (instance $l)) (with "h" (instance {" ".join(given)}))))
      (func $run (result (result)) (canon lift (core func $g "run")))
      (instance $r (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $r))
    """


def _middle(functions: Sequence[Function], through: Sequence[Function], encodings: Sequence[str]) -> str:
    """A component that has the same functions, which pass on what they get."""
    code, imports, lowers, lifts = [], [], [], []
    given = [f'(export "drop-{name}" (func $d-{name}))' for name in RESOURCES]
    imports += [f'(import "h" "drop-{name}" (func $drop-{name} (param i32)))' for name in RESOURCES]
    written = _written(functions)
    for function, encoding in zip(through, encodings, strict=False):
        name, outer, inner = function.name, lowered(function.type), lifted(function.type)
        options = f"{_memory('l')} {_encoding(encoding)}"
        lowers.append(f"(core func $l-{name} (canon lower (func $i-{name}) {options}))")
        given.append(f'(export "{name}" (func $l-{name}))')
        params, results = " ".join(inner.params), " ".join(inner.results)
        imports.append(
            f'(import "h" "{name}" (func $h-{name} (param {" ".join(outer.params)}) (result {" ".join(outer.results)})))'
        )
        arguments = " ".join(f"(local.get {n})" for n, _ in enumerate(inner.params))
        call = f"(call $h-{name} {arguments})"
        if outer.indirect_result:
            call = f"(call $h-{name} {arguments} (i32.const 64)) (i32.const 64)"
        returned = ""
        place = 0
        for _, t in function.type.params:  # a borrow must be dropped before the call ends
            if not inner.indirect_params and t[0] == "borrow":
                returned += f"(call $drop-{resource_of(t)} (local.get {place}))"
            place += len(flatten(t))
        code.append(f'(func (export "{name}") (param {params}) (result {results}) {call} {returned})')
        lifts.append(
            f'(func $f-{name} {written.signature(function.type)} (canon lift (core func $g "{name}") {options}))'
            f'(export "{name}" (func $f-{name}))'
        )
    return f"""
      {_aliases(functions)}
      (core module $library
        (memory (export "memory") 4)
        (global $next (mut i32) (i32.const 4096))
        (func (export "realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
          (local $at i32)
          (if (i32.gt_u (global.get $next) (i32.const 130000)) (then (global.set $next (i32.const 4096))))
          (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
          (if (i32.gt_u (local.get $size) (i32.const 65536)) (then unreachable))
          (memory.copy (local.get $at) (local.get $old)
            (select (local.get $had) (local.get $size) (i32.lt_u (local.get $had) (local.get $size))))
          (global.set $next (i32.add (local.get $at) (local.get $size)))
          (local.get $at)))
      (core instance $l (instantiate $library))
      {" ".join(lowers)}
      (core module $guest {" ".join(imports)} {" ".join(code)})
      (core instance $g (instantiate $guest (with "h" (instance {" ".join(given)}))))
      {" ".join(lifts)}
    """
