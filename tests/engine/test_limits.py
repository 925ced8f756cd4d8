"""What guests may have: however many memories and tables there are, and however they grow, all stay within one limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wasmtime import wat2wasm

from runtime.engine import Engine, Exit, HostInterface, Limits
from runtime.engine.limits import (
    ELEMENT,
    MAX_MEMORIES,
    MAX_TABLE_ELEMENTS,
    MAX_TABLES,
    PAGE,
    TooLargeError,
    share_out,
)
from runtime.engine.recipe import Extent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import SearchStrategy

MIB = 1024 * 1024


@st.composite
def extents(draw: st.DrawFn, most: int) -> Extent:
    minimum = draw(st.integers(0, most) | st.integers(0, 20))
    maximum = draw(st.none() | st.integers(minimum, 2 * most) | st.just(minimum))
    return Extent(minimum, maximum)


def several(most: int, count: int) -> SearchStrategy[list[Extent]]:
    return st.lists(extents(most), max_size=count)


def grown(of: Sequence[Extent], bound: int) -> int:
    """What they come to when each has grown as far as its own maximum and the bound let it."""
    return sum(bound if each.maximum is None else min(each.maximum, bound) for each in of)


MEMORIES = several(65536, MAX_MEMORIES)
TABLES = several(2 * MAX_TABLE_ELEMENTS, MAX_TABLES)
LIMITS = st.integers(0, 2**32) | st.integers(0, 40).map(lambda n: n * PAGE) | st.sampled_from([MIB, 512 * MIB])


@pytest.mark.slow
@given(MEMORIES, TABLES, LIMITS)
@example([], [Extent(100_000, None)], MIB)  # tables alone, and more than all
@example([], [Extent(100_000, 100_000)], MIB)
@example(
    [Extent(0, None)], [Extent(65_537, 65_537)], MIB
)  # tables take more than all, and no memory begins with anything
@example([Extent(16, None)], [], MIB)
@example([Extent(8, None), Extent(1, None)], [], MIB)
@example([Extent(0, 0)], [Extent(0, 0)], 0)
def test_all_together_stay_within_the_limit_or_are_refused(
    memories: list[Extent], tables: list[Extent], limit: int
) -> None:
    smallest = max((each.minimum for each in memories), default=0)
    fewest = max((each.minimum for each in tables), default=0)
    needed = grown(memories, smallest) * PAGE + grown(tables, fewest) * ELEMENT
    try:
        bounds = share_out(memories, tables, limit)
    except TooLargeError:
        assert needed > limit or fewest > MAX_TABLE_ELEMENTS, "refused, though there is room for it"
        return
    pages, rest = divmod(bounds.memory_bytes, PAGE)
    assert not rest
    assert grown(memories, pages) * PAGE + grown(tables, bounds.table_elements) * ELEMENT <= limit
    assert all(each.minimum <= pages for each in memories)
    assert all(each.minimum <= bounds.table_elements <= MAX_TABLE_ELEMENTS for each in tables)


@pytest.mark.slow
@given(MEMORIES.filter(bool), LIMITS)
def test_memories_get_all_that_there_is(memories: list[Extent], limit: int) -> None:
    try:
        pages = share_out(memories, [], limit).memory_bytes // PAGE
    except TooLargeError:
        return
    if any(each.maximum is None or each.maximum > pages for each in memories):
        assert grown(memories, pages + 1) * PAGE > limit, "each could have had a page more"


def test_how_a_limit_is_shared() -> None:
    assert share_out([Extent(1, None)], [], MIB).memory_bytes == MIB
    assert share_out([Extent(1, None)] * 16, [], MIB).memory_bytes == MIB // 16
    # One that cannot grow leaves the rest to the other.
    assert share_out([Extent(2, 2), Extent(1, None)], [], MIB).memory_bytes == MIB - 2 * PAGE
    # Tables that cannot grow take what they have, others a sixteenth of the limit together.
    assert share_out([Extent(1, None)], [Extent(4096, 4096)], MIB) == (MIB - PAGE, 4096)
    assert share_out([Extent(1, None)], [Extent(0, None)], 4 * MIB) == (4 * MIB - 4 * PAGE, 4 * MIB // 16 // ELEMENT)
    # That much is not kept from memory that the guest begins with.
    assert share_out([Extent(16, None)], [Extent(0, None)], MIB) == (MIB, 0)


@pytest.mark.parametrize(
    ("memories", "tables", "limit", "told"),
    [
        ([Extent(17, None)], [], MIB, f"it begins with {17 * PAGE} bytes of memory and tables, and limits.memoryBytes is "),
        ([Extent(9, None)] * 2, [Extent(2, 2)], MIB, f"it begins with {18 * PAGE + 2 * ELEMENT} bytes of memory and"),
        ([], [Extent(65_537, None)], MIB, f"it begins with {65_537 * ELEMENT} bytes of memory and tables, and limits"),
        # Both have one bound: the second could grow to what the first begins with.
        ([Extent(9, None), Extent(1, None)], [], MIB, f"{10 * PAGE} bytes of memory and tables, which can become {18 * PAGE} "),
        ([], [Extent(MAX_TABLE_ELEMENTS + 1, None)], 512 * MIB, f"a table begins with {MAX_TABLE_ELEMENTS + 1} elements"),
        ([Extent(0, 0)] * (MAX_MEMORIES + 1), [], MIB, "over the limit of 16 memories and 64 tables"),
        ([], [Extent(0, 0)] * (MAX_TABLES + 1), MIB, "over the limit of 16 memories and 64 tables"),
    ],
)  # fmt: skip
def test_a_refusal_says_by_what(memories: list[Extent], tables: list[Extent], limit: int, told: str) -> None:
    with pytest.raises(TooLargeError) as refused:
        share_out(memories, tables, limit)
    assert told in str(refused.value)


# Guests


def hog(memory: str, table: str | None, count: int, *, hidden: bool = False, beside: str = "") -> bytes:
    """A component of `count` modules, each with a memory and maybe a table, which all grow as far as they may.

    It tells the pages of each memory and then the elements of each table, through `test:host/calls#told`.
    """
    grow_table = "(loop $t (br_if $t (i32.ne (table.grow $t (ref.null func) (i32.const 100)) (i32.const -1))))"
    instances = "\n".join(
        f"(core instance $hog{n} (instantiate $hog))"
        f'(alias core export $hog{n} "grow" (core func $grow{n}))'
        f'(alias core export $hog{n} "elements" (core func $elements{n}))'
        for n in range(count)
    )
    parts = [f"{part}{n}" for part in ("grow", "elements") for n in range(count)]
    imports = "\n".join(f'(import "hog" "{part}" (func ${part} (result i32)))' for part in parts)
    exports = " ".join(f'(export "{part}" (func ${part}))' for part in parts)
    calls = " ".join(f"(call $told (call ${part}))" for part in parts)
    text = f"""
    (component
      (import "test:host/calls@0.2.0" (instance $h (export "told" (func (param "n" u32)))))
      (alias export $h "told" (func $told))
      (core func $told' (canon lower (func $told)))
      (core module $hog
        (memory {"" if hidden else '(export "memory")'} {memory})
        {"" if table is None else f"(table $t {table} funcref)"}
        (func (export "grow") (result i32)
          (loop $m (br_if $m (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
          {"" if table is None else grow_table}
          memory.size)
        (func (export "elements") (result i32) {"(i32.const 0)" if table is None else "(table.size $t)"}))
      {beside}
      {instances}
      (core module $main
        (import "h" "told" (func $told (param i32)))
        {imports}
        (func (export "run") (result i32) {calls} (i32.const 0)))
      (core instance $main (instantiate $main
        (with "h" (instance (export "told" (func $told'))))
        (with "hog" (instance {exports}))))
      (func $run (result (result)) (canon lift (core func $main "run")))
      (instance $r (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $r)))
    """
    return bytes(wat2wasm(text))


async def run(component: bytes, limit: int) -> tuple[Exit, int, list[int]]:
    """(how it ended, what the engine says that it had, what it has told)."""
    told: list[int] = []
    interface = HostInterface("test:host/calls")
    interface.functions["told"] = lambda _state, number: told.append(number)
    engine = Engine([interface])
    guest = engine.guest(engine.load_bytes(component), None, Limits(memory_bytes=limit))
    return await guest.run(), guest.memory_used, told


@pytest.mark.parametrize("limit", [MIB, 16 * MIB, 64 * MIB])
@pytest.mark.parametrize("table", [None, "0", "4000", "100 200"])
@pytest.mark.parametrize("count", [1, 3, 16])
async def test_a_guest_that_grows_all_it_has(count: int, table: str | None, limit: int) -> None:
    ended, used, told = await run(hog("0", table, count), limit)
    assert ended == Exit("exit", code=0)
    memory = sum(told[:count]) * PAGE
    tables = sum(told[count:]) * ELEMENT
    assert memory + tables <= limit
    assert memory + tables > limit * 3 // 4 - count * PAGE, "it has got what it may have"
    assert len(set(told[:count])) == len(set(told[count:])) == 1
    assert memory <= used <= limit


def many_memories(count: int, *, imported: bool) -> bytes:
    """One module with `count` memories, maybe a further one that it imports, each grown and written as far as it may."""
    own = range(count + imported)
    grow = "\n".join(
        f"(loop $m{n} (br_if $m{n} (i32.ne (memory.grow {n} (i32.const 1)) (i32.const -1))))"
        f"(i32.store8 {n} (i32.sub (i32.mul (memory.size {n}) (i32.const {PAGE})) (i32.const 1)) (i32.const 1))"
        f"(call $told (memory.size {n}))"
        for n in own
    )
    return bytes(
        wat2wasm(f"""
    (component
      (import "test:host/calls@0.2.0" (instance $h (export "told" (func (param "n" u32)))))
      (alias export $h "told" (func $told))
      (core func $told' (canon lower (func $told)))
      (core module $lender (memory (export "m") 1))
      (core instance $lender (instantiate $lender))
      (core module $main
        (import "h" "told" (func $told (param i32)))
        {'(import "lender" "m" (memory 1))' if imported else ""}
        {"(memory 1)" * count}
        (func (export "run") (result i32) {grow} (i32.const 0)))
      (core instance $main (instantiate $main
        (with "h" (instance (export "told" (func $told'))))
        (with "lender" (instance $lender))))
      (func $run (result (result)) (canon lift (core func $main "run")))
      (instance $r (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $r)))""")
    )


@pytest.mark.parametrize(("count", "imported"), [(2, False), (15, False), (1, True), (14, True)])
async def test_the_limit_is_for_all_memories_of_one_module(count: int, *, imported: bool) -> None:
    ended, used, told = await run(many_memories(count, imported=imported), 16 * MIB)
    assert ended == Exit("exit", code=0), ended.message
    assert len(told) == count + imported
    assert 16 * MIB * 3 // 4 - count * PAGE < sum(told) * PAGE <= used <= 16 * MIB


async def test_a_module_of_too_many_memories_does_not_start() -> None:
    ended, used, told = await run(many_memories(17, imported=False), 16 * MIB)
    assert (ended.reason, used, told) == ("trap", 0, [])
    assert "over the limit of 16 memories" in ended.message


async def test_a_memory_that_no_module_exports_is_told_like_any_other() -> None:
    ended, used, told = await run(hog("1", None, 2, hidden=True), 4 * MIB)
    assert ended == Exit("exit", code=0)
    assert (used, told[:2]) == (4 * MIB, [32, 32])


@pytest.mark.parametrize(("how", "share"), [("", 16), ("(func (drop (memory.grow (i32.const 1))))", 8)])
async def test_a_memory_that_nothing_grows_leaves_the_limit_to_the_others(how: str, share: int) -> None:
    stub = f'(core module $stub (memory (export "cm32p2_memory") 0) {how}) (core instance (instantiate $stub))'
    component = hog("1", None, 1, beside=stub)
    assert (await run(component, MIB))[1:] == (share * PAGE, [share, 0])


@pytest.mark.parametrize(
    ("component", "begins"),
    [
        (hog("17", None, 1), 17 * PAGE),
        (hog("2", None, 16), 32 * PAGE),
        (hog("0", "70000", 1), 70_000 * ELEMENT),
        (hog("1", "4000", 16), 16 * PAGE + 16 * 4000 * ELEMENT),
    ],
)
async def test_a_guest_that_begins_with_more_does_not_start(component: bytes, begins: int) -> None:
    ended, used, told = await run(component, MIB)
    assert ended.reason == "trap"
    assert f"it begins with {begins} bytes of memory and tables, and limits.memoryBytes is {MIB}" in ended.message
    assert (used, told) == (0, [])
    assert (await run(component, 8 * MIB))[0] == Exit("exit", code=0)


def throwing(memory: str) -> bytes:
    """A guest that throws an exception and catches it, a hundred thousand times."""
    return bytes(
        wat2wasm(f"""
    (component
      (core module $m
        (tag $e (param i64)) {memory}
        (func (export "run") (result i32) (local $i i32)
          (loop $again
            (block $caught (try_table (catch_all $caught) (throw $e (i64.const 1))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (i32.const 100000))))
          (i32.const 0)))
      (core instance $i (instantiate $m))
      (func $run (result (result)) (canon lift (core func $i "run")))
      (instance $r (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $r)))""")
    )


@pytest.mark.parametrize("memory", ["", "(memory 1)"], ids=["no memory", "a memory"])
async def test_the_heap_of_exceptions_is_counted_as_a_memory(memory: str) -> None:
    engine = Engine([])
    program = engine.load_bytes(throwing(memory))
    assert program.recipe.all_memories[-1] == Extent(0, None)
    ended = await engine.guest(program, None, Limits(memory_bytes=64 * MIB)).run()
    assert ended == Exit("exit", code=0)
