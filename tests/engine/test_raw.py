"""Interfaces whose functions take addresses, and guests that begin with another one's memory."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, cast

import pytest
import trio
from wasmtime import wat2wasm

from runtime.engine import (
    Engine,
    Exit,
    Guest,
    GuestTrap,
    HostInterface,
    Image,
    Limits,
    UnsupportedComponentError,
    Wait,
    WitError,
)
from runtime.engine import image as images

if TYPE_CHECKING:
    from runtime.engine.native import Memory

PAGE = 64 * 1024


def program(
    body: str, *, child: str = "(i32.const 0)", memory: str = '(memory (export "memory") 2)', more: str = ""
) -> bytes:
    """A component that imports `test:raw/calls`, whose functions take and return numbers; `$word` is 7 in the beginning."""
    names = {"note": "(param u32)", "fork": "(param u32) (param u32) (result s32)", "far": "(param u32) (result s64)"}
    core = {"note": "(param i32)", "fork": "(param i32 i32) (result i32)", "far": "(param i32) (result i64)"}
    named = {name: of.replace("(param ", '(param "x" ', 1) for name, of in names.items()}
    named["fork"] = '(param "start" u32) (param "end" u32) (result s32)'
    imported = " ".join(f'(export "{name}" (func {signature}))' for name, signature in named.items())
    lowered = "\n".join(
        f'(alias export $h "{name}" (func $c_{name})) (core func $l_{name} (canon lower (func $c_{name})))'
        for name in names
    )
    core_imports = "\n".join(f'(import "h" "{name}" (func ${name} {of}))' for name, of in core.items())
    exports = " ".join(f'(export "{name}" (func $l_{name}))' for name in names)
    return bytes(
        wat2wasm(f"""
    (component
      (import "test:raw/calls@1.4.0" (instance $h {imported}))
      {lowered}
      {more}
      (core module $m
        {core_imports}
        {memory}
        (data (i32.const 16) "\\07")
        (func (export "run") (result i32) (local $i i32) {body})
        (func (export "posix_child") (result i32) {child}))
      (core instance $i (instantiate $m (with "h" (instance {exports}))))
      (func $run (result (result)) (canon lift (core func $i "run")))
      (instance $r (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $r)))
    """)
    )


class World:
    """The host's side: what guests have noted, and their children."""

    def __init__(self) -> None:
        self.interface = HostInterface("test:raw/calls", version=r"1\.\d+\.\d+", raw=True)
        self.engine = Engine([self.interface])
        self.notes: list[int] = []
        self.ends: list[Exit] = []
        self.images: list[Image] = []
        self.interface.function("note")(self.note)
        self.interface.function("fork")(self.fork)
        self.interface.function("far")(lambda _state, memory, at: memory.reach(at + 1)[at] - 8)

    def note(self, _state: Any, memory: Any, at: int) -> None:
        self.notes.append(memory.reach(at + 1)[at])

    def fork(self, state: list[Guest], _memory: Any, start: int, end: int) -> Wait:
        return Wait(self._fork, state, start, end)

    async def _fork(self, state: list[Guest], start: int, end: int) -> int:
        image = state[0].image(start, end)
        self.images.append(image)
        self.nursery.start_soon(self.run, None, image)
        await image.done.wait()
        return 1 if image.made else -6

    async def run(self, content: bytes | None, image: Image | None = None) -> None:
        if content is not None:
            self.program = self.engine.load_bytes(content)
        state: list[Guest] = []
        state.append(self.engine.guest(self.program, state, Limits(memory_bytes=64 * PAGE), image=image))
        self.ends.append(await state[0].run())

    async def main(self, content: bytes) -> None:
        async with trio.open_nursery() as self.nursery:
            await self.run(content)


@pytest.fixture
def world() -> World:
    return World()


async def test_a_raw_function_gets_numbers_and_the_memory_that_they_mean(world: World) -> None:
    await world.main(
        program(
            "(call $note (i32.const 16)) (i32.store8 (i32.const 16) (i32.const 9)) (call $note (i32.const 16)) (i32.const 0)"
        )
    )
    assert world.notes == [7, 9]
    assert world.ends == [Exit("exit", code=0)]


async def test_a_raw_function_answers_with_numbers_below_zero(world: World) -> None:
    await world.main(program("(i64.eq (call $far (i32.const 16)) (i64.const -1)) (i32.eqz)"))
    assert world.ends == [Exit("exit", code=0)]


@pytest.mark.parametrize("address", ["131072", "-1"])
async def test_an_address_beyond_the_memory_ends_the_guest_alone(world: World, address: str) -> None:
    await world.main(program(f"(call $note (i32.const {address})) (i32.const 0)"))
    assert [(end.reason, "out of bounds" in end.message) for end in world.ends] == [("trap", True)]


@pytest.mark.parametrize(
    "memory",
    [
        "(memory 1)",
        '(memory (export "memory") 1) (memory (export "other") 1)',
        "",
    ],
)
def test_a_raw_interface_needs_one_memory_that_is_exported(world: World, memory: str) -> None:
    content = program("(i32.const 0)", memory=memory) if memory else None
    if content is None:
        content = program(
            "(i32.const 0)", more='(core module $n (memory (export "m") 1)) (core instance (instantiate $n))'
        )
    with pytest.raises(UnsupportedComponentError, match="one memory"):
        world.engine.load_bytes(content)


def test_only_a_version_that_the_interface_names_is_taken(world: World) -> None:
    content = program("(i32.const 0)").replace(b"test:raw/calls@1.4.0", b"test:raw/calls@2.4.0")
    with pytest.raises(UnsupportedComponentError, match="does not provide"):
        world.engine.load_bytes(content)


FORK = "(call $fork (i32.const 0) (i32.const 131072))"


async def test_a_child_begins_with_a_copy_of_its_parents_memory(world: World) -> None:
    await world.main(
        program(
            f"(i32.store8 (i32.const 70000) (i32.const 5)) (drop {FORK}) (i32.store8 (i32.const 70000) (i32.const 6))"
            " (call $note (i32.const 70000)) (i32.const 0)",
            child="(call $note (i32.const 16)) (call $note (i32.const 70000)) (i32.const 1)",
        )
    )
    assert sorted(world.notes) == [5, 6, 7], "the child sees what was there, and its own data"
    assert sorted(end.code or 0 for end in world.ends) == [0, 1]
    assert world.images[0].done.is_set()


async def test_a_child_has_as_much_memory_as_its_parent_has_grown_to(world: World) -> None:
    grown = "(drop (memory.grow (i32.const 3))) (i32.store8 (i32.const 300000) (i32.const 4))"
    fork = "(call $fork (i32.const 0) (i32.const 327680))"
    await world.main(
        program(
            f"{grown} (i32.eq {fork} (i32.const 1)) (i32.eqz)", child="(call $note (i32.const 300000)) (i32.const 0)"
        )
    )
    assert world.notes == [4]
    assert {end.code for end in world.ends} == {0}


async def test_a_large_memory_is_looked_at_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "LOOK", PAGE)
    parts: list[tuple[int, int]] = []
    monkeypatch.setattr(images, "own_runs", lambda start, end: parts.append((start, end)) or [(start, end - start)])
    first, last = 16, 2 * PAGE - 1
    note = f"(call $note (i32.const {first})) (call $note (i32.const {last})) (i32.const 0)"
    await world.main(program(f"(i32.store8 (i32.const {last}) (i32.const 5)) (drop {FORK}) (i32.const 0)", child=note))
    assert world.notes == [7, 5]
    assert len(parts) == 2


class Bytes:
    """As a guest's memory."""

    def __init__(self, content: bytes) -> None:
        self.buffer = ctypes.create_string_buffer(content, len(content))
        self.address = ctypes.addressof(self.buffer)

    def size(self) -> int:
        return len(self.buffer)

    def grow_to(self, _size: int) -> bool:
        return True


async def test_others_go_on_while_a_memory_is_copied_and_what_ends_meanwhile_is_not_touched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(images, "PIECE", PAGE)
    monkeypatch.setattr(images, "own_runs", lambda start, end: [(start, end - start)])
    content = b"".join(bytes([number]) * PAGE for number in (1, 2, 3, 4))
    for ends_in, copied in ((None, 4), (2, 2)):
        source, target, pauses = Bytes(content), Bytes(bytes(4 * PAGE)), 0
        image = Image(cast("Memory", source), 0, 4 * PAGE)

        async def pause(image: Image = image, ends_in: int | None = ends_in) -> None:
            nonlocal pauses
            pauses += 1
            if pauses == ends_in:
                image.forget()

        failed = await image.copy_to([cast("Memory", target)], pause)
        assert (pauses, failed is None, image.made) == (copied, ends_in is None, ends_in is None)
        assert target.buffer.raw == content[: copied * PAGE].ljust(4 * PAGE, b"\0")


@pytest.mark.parametrize(("start", "end"), [(0, 10 * PAGE), (PAGE, 0)])
async def test_what_is_not_memory_is_not_copied(world: World, start: int, end: int) -> None:
    await world.main(
        program(
            f"(i32.eq (call $fork (i32.const {start}) (i32.const {end})) (i32.const -6)) (i32.eqz)", child="unreachable"
        )
    )
    assert [end.reason for end in world.ends] == ["trap", "exit"]
    assert "not in memory" in world.ends[0].message
    assert world.ends[1].code == 0


async def test_a_child_of_a_parent_that_has_ended_does_not_begin(world: World) -> None:
    image = Image(None, 0, PAGE)
    world.program = world.engine.load_bytes(program("(i32.const 0)", child="(call $note (i32.const 16)) (i32.const 0)"))
    await world.run(None, image)
    assert world.notes == []
    assert "gone" in world.ends[0].message
    assert image.done.is_set()


async def test_memory_is_changed_from_outside_while_the_guest_stands_still(world: World) -> None:
    """A guest that computes is left alone until its turn on a worker is over."""
    done: list[str] = []
    state: list[Guest] = []

    def change() -> None:
        done.append("changed")
        state[0].kill()

    def note(_state: Any, memory: Any, at: int) -> None:
        del memory, at
        state[0].at_rest(lambda: done.append("at once"))

    world.interface.functions["note"] = note
    content = world.engine.load_bytes(program("(call $note (i32.const 0)) (loop $l (br $l)) (i32.const 0)"))
    state.append(world.engine.guest(content, state, Limits()))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(state[0].run)
        while not state[0]._on_worker:
            await trio.lowlevel.checkpoint()
        state[0].at_rest(change)
    assert done == ["at once", "changed"]
    state[0].at_rest(change)
    assert done == ["at once", "changed"], "a guest that has ended is not touched"


async def test_errors_that_the_interface_cannot_tell_end_the_guest(world: World) -> None:
    def note(_state: Any, _memory: Any, _at: int) -> None:
        raise GuestTrap("not like this")

    world.interface.functions["note"] = note
    await world.main(program("(call $note (i32.const 0)) (i32.const 0)"))
    assert [(end.reason, "not like this" in end.message) for end in world.ends] == [("trap", True)]

    def refuse(_state: Any, _memory: Any, _at: int) -> None:
        raise WitError("no error case")

    other = World()
    other.interface.functions["note"] = refuse
    await other.main(program("(call $note (i32.const 0)) (i32.const 0)"))
    assert [end.reason for end in other.ends] == ["fault"]
