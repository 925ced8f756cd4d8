"""Tiny command components in text form, for what the engine does around a guest's code."""

from __future__ import annotations

from wasmtime import wat2wasm


def command(body: str, *, functions: dict[str, str] | None = None, memory: str = "1") -> bytes:
    """A component whose `wasi:cli/run` has this body (`(result i32)`: 0 is ok) and which imports `test:host/calls`.

    `functions` are the imported functions: name to component-level signature; parameters and results must be u32.
    """
    functions = functions or {}
    imported = " ".join(f'(export "{name}" (func {signature}))' for name, signature in functions.items())
    lowered = "\n".join(
        f'(alias export $h "{name}" (func $c_{name})) (core func $l_{name} (canon lower (func $c_{name})))'
        for name in functions
    )
    core_imports = "\n".join(
        f'(import "h" "{name}" (func ${name} {_core(signature)}))' for name, signature in functions.items()
    )
    exports = " ".join(f'(export "{name}" (func $l_{name}))' for name in functions)
    text = f"""
    (component
      (import "test:host/calls@0.2.0" (instance $h {imported}))
      {lowered}
      (core module $m
        {core_imports}
        (memory (export "memory") {memory})
        (global $g (mut i32) (i32.const 0))
        (func $deep (param i32) (result i32) (call $deep (i32.add (local.get 0) (i32.const 1))))
        (func (export "run") (result i32) (local $i i32) {body}))
      (core instance $i (instantiate $m (with "h" (instance {exports}))))
      (func $run (result (result)) (canon lift (core func $i "run")))
      (instance $r (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $r)))
    """
    return bytes(wat2wasm(text))


def _core(signature: str) -> str:
    params = signature.count("(param")
    result = "(result i32)" if "(result" in signature else ""
    return f"(param {'i32 ' * params})" * bool(params) + result


SPIN = "(loop $l (br $l)) (i32.const 0)"
