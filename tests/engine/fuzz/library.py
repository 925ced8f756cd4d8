"""The part of a fuzzing guest that is the same in all: memory, `cabi_realloc`, random numbers, text, and a digest.

What is random here comes from a seed that the host gives, so both engines run the same program. `evil` is the chance, of 65536,
that something is made wrong on purpose; at 0 no call may trap. What `cabi_realloc` does was settled before the call (`mode`),
and values are digested by what they are, not by where they lie: how often an engine allocates does not matter.
"""

from __future__ import annotations

from typing import Final

# Handles are below 1 KiB, arguments follow, and from 64 KiB on what the host is given by `cabi_realloc`.
_ARGUMENTS: Final = 1024
_ARGUMENTS_END: Final = 60_000
_GIVEN: Final = 65_536
_TAIL: Final = 4096
"""Bytes at the end of memory that one argument of a call may take, to lie as near to it as it can."""
_BEYOND: Final = 1024
"""More bytes than anything reaches beyond what was allocated for it."""
BUDGET: Final = 120
"""Items of lists in the arguments of one call."""

# How cabi_realloc works in one call of the host.
GROW, TOO_FAR, MISALIGNED, TRAP, CALL, WRAP, PARTLY_OUT = range(1, 8)

LIBRARY: Final = f"""
(core module $library
  (type $nothing (func))
  (memory (export "memory") 2 40)
  (table (export "table") 1 funcref)
  (global $state (mut i64) (i64.const 1))
  (global $evil (mut i32) (i32.const 0))
  (global $hash (mut i64) (i64.const 0))
  (global $next (mut i32) (i32.const {_ARGUMENTS}))
  (global $given (mut i32) (i32.const {_GIVEN}))
  (global $end (mut i32) (i32.const 131072))
  (global $budget (mut i32) (i32.const 0))
  (global $tail (mut i32) (i32.const 0))
  (global $mode (mut i32) (i32.const 0))

  (func $rand (export "rand") (result i32) (local $s i64)
    (local.set $s (global.get $state))
    (local.set $s (i64.xor (local.get $s) (i64.shl (local.get $s) (i64.const 13))))
    (local.set $s (i64.xor (local.get $s) (i64.shr_u (local.get $s) (i64.const 7))))
    (local.set $s (i64.xor (local.get $s) (i64.shl (local.get $s) (i64.const 17))))
    (global.set $state (local.get $s))
    (i32.wrap_i64 (i64.shr_u (i64.mul (local.get $s) (i64.const 0x2545F4914F6CDD1D)) (i64.const 32))))
  (func $below (export "below") (param $n i32) (result i32) (i32.rem_u (call $rand) (local.get $n)))
  (func $evil (export "evil") (result i32)
    (i32.lt_u (i32.and (call $rand) (i32.const 0xffff)) (global.get $evil)))
  (func $size (result i32) (i32.mul (memory.size) (i32.const 65536)))
  (func (export "seed") (param $seed i64) (param $evil i32)
    (global.set $state (i64.or (local.get $seed) (i64.const 1)))
    (global.set $evil (local.get $evil)))
  (func (export "begin") ;; one call of the host
    ;; What the last one has left is cleared: a length that is too large would show bytes between values, which nobody defines.
    (memory.fill (i32.const {_ARGUMENTS}) (i32.const 0)
      (i32.sub (global.get $next) (i32.const {_ARGUMENTS - _BEYOND})))
    (memory.fill (i32.sub (call $size) (i32.const {_TAIL})) (i32.const 0) (i32.const {_TAIL}))
    (global.set $next (i32.const {_ARGUMENTS}))
    (global.set $given (i32.const {_GIVEN}))
    (global.set $end (i32.sub (call $size) (i32.const {_TAIL})))
    (global.set $budget (i32.const {BUDGET}))
    (global.set $tail (i32.and (call $rand) (i32.const 7)))
    (global.set $mode (i32.eqz (i32.and (call $rand) (i32.const 127))))
    (if (call $evil) (then (global.set $mode (call $below (i32.const {PARTLY_OUT + 1}))))))

  ;; The next number that is not all random: often an edge.
  (func $number (export "number") (result i64) (local $pick i32) (local $n i64)
    (local.set $pick (i32.and (call $rand) (i32.const 7)))
    (if (i32.eqz (local.get $pick)) (then (return (i64.const 0))))
    (if (i32.eq (local.get $pick) (i32.const 1)) (then (return (i64.const -1))))
    (local.set $n (i64.shl (i64.const 1) (i64.extend_i32_u (i32.and (call $rand) (i32.const 63)))))
    (if (i32.eq (local.get $pick) (i32.const 2)) (then (return (local.get $n))))
    (if (i32.eq (local.get $pick) (i32.const 3)) (then (return (i64.sub (local.get $n) (i64.const 1)))))
    (i64.or (i64.extend_i32_u (call $rand)) (i64.shl (i64.extend_i32_u (call $rand)) (i64.const 32))))

  ;; A character, as often as not at the edge of a length of its encoding; not always one when evil.
  (func $scalar (export "scalar") (result i32) (local $pick i32)
    (if (call $evil) (then
      (local.set $pick (call $below (i32.const 4)))
      (if (i32.eqz (local.get $pick)) (then (return (call $rand))))
      (if (i32.eq (local.get $pick) (i32.const 1)) (then (return (i32.const 0x110000))))
      (if (i32.eq (local.get $pick) (i32.const 2)) (then (return (i32.const 0xd800))))
      (return (i32.const 0xdfff))))
    (local.set $pick (call $below (i32.const 24)))
    (if (i32.lt_u (local.get $pick) (i32.const 12)) (then (return (call $below (i32.const 0x80)))))
    (if (i32.lt_u (local.get $pick) (i32.const 14)) (then (return (call $below (i32.const 0x100)))))
    (if (i32.lt_u (local.get $pick) (i32.const 16)) (then (return (call $below (i32.const 0xd800)))))
    (if (i32.lt_u (local.get $pick) (i32.const 17))
      (then (return (i32.add (i32.const 0xe000) (call $below (i32.const 0x102000))))))
    (block $a (block $b (block $c (block $d (block $e (block $f
      (br_table $a $b $c $d $e $f (call $below (i32.const 6))))
      (return (i32.const 0x7f))) (return (i32.const 0x80))) (return (i32.const 0x7ff)))
      (return (i32.const 0xd7ff))) (return (i32.const 0xe000)))
    (i32.const 0x10ffff))

  ;; Memory for an argument, now and then at the very end.
  (func $alloc (export "alloc") (param $size i32) (param $align i32) (result i32) (local $at i32)
    (if (i32.and (i32.eq (global.get $tail) (i32.const 1)) (i32.lt_u (local.get $size) (i32.const {_TAIL}))) (then
      (if (i32.and (call $rand) (i32.const 1)) (then
        (global.set $tail (i32.const 0))
        (return (i32.and (i32.sub (call $size) (local.get $size)) (i32.sub (i32.const 0) (local.get $align))))))))
    (local.set $at (call $up (global.get $next) (local.get $align)))
    (if (i32.gt_u (i32.add (local.get $at) (local.get $size)) (i32.const {_ARGUMENTS_END})) (then unreachable))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (local.get $at))
  (func $up (param $at i32) (param $align i32) (result i32)
    (i32.and (i32.sub (i32.add (local.get $at) (local.get $align)) (i32.const 1)) (i32.sub (i32.const 0) (local.get $align))))

  ;; How many items, at most `most`.
  (func $count (export "count") (param $most i32) (result i32) (local $n i32)
    (local.set $n (call $below (i32.const 4)))
    (if (i32.eqz (i32.and (call $rand) (i32.const 15)))
      (then (local.set $n (call $below (i32.add (local.get $most) (i32.const 1))))))
    (global.set $budget (i32.sub (global.get $budget) (local.get $n)))
    (if (i32.lt_s (global.get $budget) (i32.const 0)) (then (return (i32.const 0))))
    (local.get $n))

  ;; A pointer and a length are at `at`: leave them, or break them when evil.
  (func $spoil (export "spoil") (param $at i32) (local $p i32) (local $n i32)
    (local.set $p (i32.load (local.get $at)))
    (local.set $n (i32.load offset=4 (local.get $at)))
    (if (i32.eqz (call $evil)) (then (return)))
    (block $a (block $b (block $c (block $d (block $e (block $f (block $g (block $h
      (br_table $a $b $c $d $e $f $g $h (call $below (i32.const 8))))
      (i32.store (local.get $at) (i32.add (local.get $p) (i32.const 1))) (return))
      (i32.store (local.get $at) (i32.sub (call $size) (i32.and (call $rand) (i32.const 15)))) (return))
      (i32.store offset=4 (local.get $at) (i32.const 0x7fffffff)) (return))
      (i32.store offset=4 (local.get $at) (i32.const -1)) (return))
      (i32.store (local.get $at) (i32.sub (i32.const 0) (i32.and (call $rand) (i32.const 15)))) (return))
      (i32.store offset=4 (local.get $at) (i32.add (local.get $n) (i32.and (call $rand) (i32.const 63)))) (return))
      (i32.store offset=4 (local.get $at) (i32.const 0)) (i32.store (local.get $at) (call $rand)) (return))
    (i32.store offset=4 (local.get $at) (i32.xor (local.get $n) (i32.const 0x80000000))))

  ;; Strings, in three encodings: pointer and length at `at`.
  (func (export "utf8") (param $at i32) (local $n i32) (local $p i32) (local $q i32) (local $c i32)
    (local.set $n (call $count (i32.const 40)))
    (local.set $p (call $alloc (i32.mul (local.get $n) (i32.const 4)) (i32.const 1)))
    (local.set $q (local.get $p))
    (block $done (loop $more
      (br_if $done (i32.eqz (local.get $n)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (local.set $q (call $put8 (local.get $q) (call $scalar)))
      (br $more)))
    (i32.store (local.get $at) (local.get $p))
    (i32.store offset=4 (local.get $at) (local.tee $n (i32.sub (local.get $q) (local.get $p))))
    (if (i32.and (i32.ne (local.get $n) (i32.const 0)) (call $evil))
      (then (i32.store8 (i32.add (local.get $p) (call $below (local.get $n))) (call $rand))))
    (call $spoil (local.get $at)))
  (func $put8 (param $q i32) (param $c i32) (result i32)
    (if (i32.lt_u (local.get $c) (i32.const 0x80)) (then
      (i32.store8 (local.get $q) (local.get $c))
      (return (i32.add (local.get $q) (i32.const 1)))))
    (if (i32.lt_u (local.get $c) (i32.const 0x800)) (then
      (i32.store8 (local.get $q) (i32.or (i32.const 0xc0) (i32.shr_u (local.get $c) (i32.const 6))))
      (return (call $follow (i32.add (local.get $q) (i32.const 1)) (local.get $c)))))
    (if (i32.lt_u (local.get $c) (i32.const 0x10000)) (then
      (i32.store8 (local.get $q) (i32.or (i32.const 0xe0) (i32.shr_u (local.get $c) (i32.const 12))))
      (return (call $follow
        (call $follow (i32.add (local.get $q) (i32.const 1)) (i32.shr_u (local.get $c) (i32.const 6))) (local.get $c)))))
    (i32.store8 (local.get $q) (i32.or (i32.const 0xf0) (i32.shr_u (local.get $c) (i32.const 18))))
    (call $follow
      (call $follow
        (call $follow (i32.add (local.get $q) (i32.const 1)) (i32.shr_u (local.get $c) (i32.const 12)))
        (i32.shr_u (local.get $c) (i32.const 6)))
      (local.get $c)))
  (func $follow (param $q i32) (param $c i32) (result i32)
    (i32.store8 (local.get $q) (i32.or (i32.const 0x80) (i32.and (local.get $c) (i32.const 0x3f))))
    (i32.add (local.get $q) (i32.const 1)))
  (func $utf16 (export "utf16") (param $at i32) (local $n i32) (local $p i32) (local $q i32) (local $c i32)
    (local.set $n (call $count (i32.const 40)))
    (local.set $p (call $alloc (i32.mul (local.get $n) (i32.const 4)) (i32.const 2)))
    (local.set $q (local.get $p))
    (block $done (loop $more
      (br_if $done (i32.eqz (local.get $n)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (local.set $c (call $scalar))
      (if (i32.ge_u (local.get $c) (i32.const 0x10000)) (then
        (local.set $c (i32.sub (local.get $c) (i32.const 0x10000)))
        (i32.store16 (local.get $q) (i32.or (i32.const 0xd800) (i32.shr_u (local.get $c) (i32.const 10))))
        (local.set $q (i32.add (local.get $q) (i32.const 2)))
        (local.set $c (i32.or (i32.const 0xdc00) (i32.and (local.get $c) (i32.const 0x3ff))))))
      (i32.store16 (local.get $q) (local.get $c))
      (local.set $q (i32.add (local.get $q) (i32.const 2)))
      (br $more)))
    (i32.store (local.get $at) (local.get $p))
    (i32.store offset=4 (local.get $at) (i32.shr_u (i32.sub (local.get $q) (local.get $p)) (i32.const 1)))
    (call $spoil (local.get $at)))
  (func (export "latin1+utf16") (param $at i32) (local $n i32) (local $p i32)
    (if (i32.and (call $rand) (i32.const 1)) (then
      (call $utf16 (local.get $at))
      (i32.store offset=4 (local.get $at) (i32.xor (i32.load offset=4 (local.get $at)) (i32.const 0x80000000)))
      (return)))
    (local.set $n (call $count (i32.const 40)))
    (local.set $p (call $alloc (local.get $n) (i32.const 2)))
    (i32.store (local.get $at) (local.get $p))
    (i32.store offset=4 (local.get $at) (local.get $n))
    (block $done (loop $more
      (br_if $done (i32.eqz (local.get $n)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (i32.store8 (i32.add (local.get $p) (local.get $n)) (call $rand))
      (br $more)))
    (call $spoil (local.get $at)))

  ;; The digest of all that the host has answered.
  (func $mix (export "mix") (param $x i64)
    (global.set $hash (i64.mul (i64.rotl (i64.xor (global.get $hash) (local.get $x)) (i64.const 29))
      (i64.const 0x100000001b3))))
  (func (export "hash") (result i64) (global.get $hash))
  (func $mix_bytes (param $p i32) (param $n i32)
    (call $mix (i64.extend_i32_u (local.get $n)))
    (block $done (loop $more
      (br_if $done (i32.eqz (local.get $n)))
      (call $mix (i64.load8_u (local.get $p)))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $more))))
  (func (export "mix_utf8") (param $at i32)
    (call $mix_bytes (i32.load (local.get $at)) (i32.load offset=4 (local.get $at))))
  (func $mix_utf16 (export "mix_utf16") (param $at i32)
    (call $mix_bytes (i32.load (local.get $at)) (i32.shl (i32.load offset=4 (local.get $at)) (i32.const 1))))
  (func (export "mix_latin1+utf16") (param $at i32) (local $n i32)
    (local.set $n (i32.load offset=4 (local.get $at)))
    (call $mix (i64.extend_i32_u (local.get $n)))
    (if (i32.lt_s (local.get $n) (i32.const 0))
      (then (call $mix_utf16 (local.get $at)))
      (else (call $mix_bytes (i32.load (local.get $at)) (local.get $n)))))

  (func (export "realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32) (local $at i32)
    (block $normal (block $out (block $mis (block $trap (block $call (block $wrap (block $partly (block $grow
      (br_table $normal $grow $out $mis $trap $call $wrap $partly (global.get $mode)))
      (global.set $mode (i32.const 0))
      (drop (memory.grow (i32.const 1)))
      (br $normal))
      (return (i32.and (i32.sub (call $size) (i32.const 1)) (i32.sub (i32.const 0) (local.get $align)))))
      (return (i32.sub (i32.const 0) (local.get $align))))
      (call_indirect (type $nothing) (i32.const 0))
      (br $normal))
      unreachable)
      (return (i32.const {_GIVEN + 1})))
      (return (call $size)))
    (local.set $at (call $up (global.get $given) (local.get $align)))
    (if (i32.gt_u (i32.add (local.get $at) (local.get $size)) (global.get $end)) (then unreachable))
    (memory.copy (local.get $at) (local.get $old)
      (select (local.get $had) (local.get $size) (i32.lt_u (local.get $had) (local.get $size))))
    (global.set $given (i32.add (local.get $at) (local.get $size)))
    (local.get $at)))
"""
"""Its core module, in the text format."""
