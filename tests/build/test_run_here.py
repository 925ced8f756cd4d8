"""Programs of VMs that run while something is built, and images of what they leave in their memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasmtime import wat2wasm

from tests.build.conftest import module

if TYPE_CHECKING:
    from pathlib import Path

REMEMBERS = """
(module
  (import "torpor:posix/sys@0.1.0" "exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "\\01")
  (func (export "wasi:cli/run@0.2.12#run") (result i32)
    (if (i32.load (i32.const 0)) (then (call $exit (i32.load (i32.const 65536)))))
    (drop (memory.grow (i32.const 1)))
    (i32.store (i32.const 0) (i32.const 1))
    (i32.store (i32.const 65536) (i32.const 7))
    (i32.const 0)))
"""

READS = """
(module
  (import "torpor:posix/sys@0.1.0" "open" (func $open (param i32 i32 i32 i32 i32) (result i32)))
  (import "torpor:posix/sys@0.1.0" "read" (func $read (param i32 i32 i32) (result i32)))
  (import "torpor:posix/sys@0.1.0" "kill" (func $kill (param i32 i32) (result i32)))
  (import "torpor:posix/sys@0.1.0" "exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "/inside/text")
  (func (export "wasi:cli/run@0.2.12#run") (result i32)
    (if (i32.ne (call $kill (i32.const 1) (i32.const 9)) (i32.const -52)) (then (call $exit (i32.const 99))))
    (call $exit (call $read (call $open (i32.const -100) (i32.const 0) (i32.const 12) (i32.const 1) (i32.const 0))
                            (i32.const 64) (i32.const 64)))
    (i32.const 0)))
"""


def test_an_image_goes_on_from_where_the_program_has_ended(tmp_path: Path) -> None:
    program, image = tmp_path / "program", tmp_path / "image"
    program.write_bytes(wat2wasm(REMEMBERS))
    run_here = module("run_here")
    assert run_here.main(["--image", str(image), str(program)]) == 0
    assert run_here.main([str(image)]) == 7


def test_a_program_finds_files_where_they_are_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("four")
    (tmp_path / "program").write_bytes(wat2wasm(READS))
    assert module("run_here").main(["--place", f"/inside={tmp_path}", str(tmp_path / "program")]) == 4
