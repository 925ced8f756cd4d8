"""Components for the parser's tests: the built ones in the tree, some in text form, and bytes put together by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wasmtime import wat2wasm

from runtime.engine.component import parse
from runtime.engine.component.core_module import leb128
from runtime.engine.errors import InvalidComponentError, UnsupportedComponentError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.engine.component import Plan

ROOT = Path(__file__).resolve().parents[3]
AGENTS = sorted((ROOT / "agents" / "dist").glob("*.wasm"))
GUESTS = sorted(
    [*(ROOT / "tests" / "guests" / "dist").glob("*.wasm"), *(ROOT / "agents" / "examples").glob("**/dist/*.wasm")]
)
NOT_COMPONENTS = {"core_module", "truncated"}
"""Programs of tests/guests that are there to be refused."""

HEAD = b"\0asm\x0d\0\x01\0"


def component(text: str) -> bytes:
    """A component of this text; it need not be a valid one."""
    return bytes(wat2wasm(f"(component {text})"))


def parsed(text: str) -> Plan:
    return parse(component(text))


def section(number: int, *items: bytes) -> bytes:
    """A section with a vector of items in it."""
    return part(number, vector(items))


def part(number: int, body: bytes) -> bytes:
    """A section of this body."""
    return bytes([number]) + leb128(len(body)) + body


def vector(items: Iterable[bytes]) -> bytes:
    items = list(items)
    return leb128(len(items)) + b"".join(items)


def name(text: str) -> bytes:
    return leb128(len(text.encode())) + text.encode()


def answer(content: bytes) -> str:
    """What comes of it: "plan", or the kind of refusal. Any other exception is a failure of the test."""
    try:
        parse(content)
    except InvalidComponentError as error:
        return "invalid" if str(error).startswith("not a valid component: ") else "invalid, without saying so"
    except UnsupportedComponentError:
        return "unsupported"
    return "plan"


RICH = """
  (type $color (enum "red" "green"))
  (import "a:b/types@0.2.3" (instance $types
    (export "stream" (type $stream (sub resource)))
    (export "other-name" (type (eq $stream)))
    (type $size' (record (field "width" u32) (field "height" f64)))
    (export "size" (type $size (eq $size')))
    (type $shape' (variant (case "none") (case "circle" f32) (case "text" string) (case "box" $size)))
    (export "shape" (type $shape (eq $shape')))
    (alias outer 1 $color (type $c))
    (export "color" (type $color (eq $c)))
    (type $mode' (flags "fast" "safe"))
    (export "mode" (type $mode (eq $mode')))
    (export "[method]stream.read" (func
      (param "self" (borrow $stream)) (param "len" u64) (param "how" $mode)
      (result (result (list u8) (error $color)))))
    (export "open" (func (param "shape" $shape) (param "where" (tuple s8 char bool)) (result (own $stream))))
    (export "plain" (func (param "a" (option s64)) (result u32)))))
  (alias export $types "stream" (type $stream))
  (alias export $types "[method]stream.read" (func $read))
  (alias export $types "plain" (func $plain))
  (component $inner
    (import "types" (instance $types
      (export "stream" (type $s (sub resource)))
      (export "plain" (func (param "a" (option s64)) (result u32)))))
    (import "stream" (type $stream (sub resource)))
    (alias export $types "plain" (func $plain))
    (core func $plain (canon lower (func $plain)))
    (core func $drop (canon resource.drop $stream))
    (core module $m
      (import "host" "plain" (func (param i32 i64) (result i32)))
      (import "host" "drop" (func (param i32)))
      (memory (export "memory") 1 2)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (unreachable))
      (func (export "dtor") (param i32))
      (func (export "double") (param i32 i32) (result i32) (unreachable))
      (func (export "post") (param i32)))
    (core instance $i (instantiate $m (with "host" (instance
      (export "plain" (func $plain)) (export "drop" (func $drop))))))
    (alias core export $i "dtor" (core func $dtor))
    (type $thing (resource (rep i32) (dtor (core func $dtor))))
    (core func $new (canon resource.new $thing))
    (core func $rep (canon resource.rep $thing))
    (alias core export $i "memory" (core memory $memory))
    (alias core export $i "realloc" (core func $realloc))
    (alias core export $i "double" (core func $double))
    (alias core export $i "post" (core func $post))
    (type $double (func (param "s" string) (result string)))
    (func $f (type $double) (canon lift (core func $double)
      (memory $memory) (realloc (core func $realloc)) (post-return (core func $post)) string-encoding=utf16))
    (export $exported "thing" (type $thing))
    (export "double" (func $f)))
  (instance $one (instantiate $inner (with "types" (instance $types)) (with "stream" (type $stream))))
  (instance $two (instantiate $inner (with "types" (instance $types)) (with "stream" (type $stream))))
  (alias export $two "double" (func $double))
  (core module $libc
    (memory (export "memory") 1)
    (table (export "table") 1 funcref)
    (global (export "base") i32 (i32.const 0))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (unreachable)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $double (canon lower (func $double) (memory $memory) (realloc (core func $realloc))))
  (core func $read (canon lower (func $read) (memory $memory) (realloc (core func $realloc)) string-encoding=latin1+utf16))
  (core module $main
    (import "env" "memory" (memory 1))
    (import "env" "table" (table 1 funcref))
    (import "env" "base" (global i32))
    (import "inner" "double" (func (param i32 i32 i32)))
    (import "host" "read" (func (param i32 i64 i32 i32)))
    (func (export "run") (result i32) (i32.const 0)))
  (core instance $main (instantiate $main
    (with "env" (instance $libc))
    (with "inner" (instance (export "double" (func $double))))
    (with "host" (instance (export "read" (func $read))))))
  (alias core export $main "run" (core func $run))
  (func $run (result (result)) (canon lift (core func $run)))
  (component $wrapper
    (import "run" (func $run (result (result))))
    (type (component (import "x" (func)) (export "y" (instance (export "t" (type (sub resource)))))))
    (export "run" (func $run)))
  (instance $run (instantiate $wrapper (with "run" (func $run))))
  (export "wasi:cli/run@0.2.0" (instance $run))
  (instance $made (export "double" (func $double)))
  (export "a:b/made" (instance $made))
"""
"""Something of everything that the parser takes."""
