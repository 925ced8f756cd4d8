"""Tiny command components in text form, for what the engine does around a guest's code."""

from __future__ import annotations

from wasmtime import wat2wasm


def command(body: str, *, functions: dict[str, str] | None = None, memory: str = "1", start: str = "") -> bytes:
    """A component whose `wasi:cli/run` has this body (`(result i32)`: 0 is ok) and which imports `test:host/calls`.

    `functions` are the imported functions: name to component-level signature; parameters and results must be u32. `start` is
    the body of its module's start function.
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
        (func $start (local $i i32) {start}) (start $start)
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


BUMP = """
    (global.set $next (i32.and (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get 2))))
    (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 3)))"""
"""A `cabi_realloc` that gives memory from 4096 on and takes none back."""
RUN = '(instance $r (export "run" (func $run))) (export "wasi:cli/run@0.2.0" (instance $r))'
"""Of a component's text: what makes its function `$run` the one that is called."""


def caller(
    types: str,
    functions: dict[str, str],
    body: str,
    *,
    realloc: str = BUMP,
    encoding: str = "utf8",
    pages: int = 1,
    drops: tuple[str, ...] = (),
    post: str | None = None,
    out: str = "",
) -> bytes:
    """A component whose `run` has this body, with locals `$i` and `$j`, and returns ok after it.

    `types` is the text of what it imports from `test:host/calls`. `functions` are those of it that are called `$name`, with
    their core types; `$drop-name` drops a resource. `out` is the body of a function that `cabi_realloc`, which has another
    module's instance, may call as `(call_indirect (type $out) (i32.const 0))`. `post` is the body of a post-return function.
    """
    options = f"(memory (core memory $mem)) (realloc (core func $re)) string-encoding={encoding}"
    lowered = "\n".join(
        f'(alias export $h "{name}" (func $c-{name})) (core func $l-{name} (canon lower (func $c-{name}) {options}))'
        for name in functions
    )
    lowered += "\n".join(
        f'(alias export $h "{name}" (type $t-{name})) (core func $l-drop-{name} (canon resource.drop $t-{name}))'
        for name in drops
    )
    core = functions | {f"drop-{name}": "(param i32)" for name in drops}
    imports = "\n".join(f'(import "h" "{name}" (func ${name} {signature}))' for name, signature in core.items())
    exports = " ".join(f'(export "{name}" (func $l-{name}))' for name in core)
    text = f"""
    (component
      (import "test:host/calls@0.2.0" (instance $h {types}))
      (core module $libc
        (type $out (func))
        (memory (export "memory") {pages})
        (table (export "table") 1 funcref)
        (tag $tag)
        (global $next (mut i32) (i32.const 4096))
        (func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32) {realloc}))
      (core instance $libc (instantiate $libc))
      (alias core export $libc "memory" (core memory $mem))
      (alias core export $libc "realloc" (core func $re))
      {lowered}
      (core module $m
        (import "libc" "memory" (memory {pages}))
        (import "libc" "table" (table 1 funcref))
        {imports}
        (tag $tag)
        (global $kept (mut i32) (i32.const 0))
        (func $out {out})
        (elem (i32.const 0) func $out)
        (func (export "post") (param i32) {post or ""})
        (func (export "run") (result i32) (local $i i32) (local $j i32) {body} (i32.const 0)))
      (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "h" (instance {exports}))))
      (func $run (result (result))
        (canon lift (core func $i "run") {'(post-return (core func $i "post"))' if post is not None else ""}))
      {RUN})
    """
    return bytes(wat2wasm(text))
