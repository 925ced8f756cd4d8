"""The memory that agents start with: mapped for each session, and free of what the build has left in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.agents.conftest import AGENTS
from tests.build.conftest import module

if TYPE_CHECKING:
    from collections.abc import Callable

PI = AGENTS / "dist" / "pi.wasm"
MIB = 1 << 20


@pytest.fixture(scope="module")
def image() -> Any:
    return module("image")


@pytest.fixture(scope="module")
def scrub() -> Any:
    return module("scrub")


@pytest.fixture(scope="module")
def build_error() -> type[Exception]:
    error: type[Exception] = module("toolchain").BuildError
    return error


@pytest.fixture(scope="module")
def pi(built: str, image: Any, scrub: Any) -> Callable[[Callable[[bytearray, Any], None]], bytes]:
    """Makes the component of pi with another memory, to which a test does what it likes."""
    component = PI.read_bytes()
    core = max(image.core_modules(component), key=lambda section: section.end - section.start)
    code = component[core.start : core.end]

    def changed(change: Callable[[bytearray, Any], None]) -> bytes:
        memory = image.memory(code)
        memory += bytes(-len(memory) % 4)
        with memoryview(memory).cast("I") as words:
            change(memory, scrub.find_heap(words))
        return bytes(image.with_module(component, core, image.with_memory(code, bytes(memory))))

    return changed


def free_chunks(heap: Any) -> list[tuple[int, int]]:
    return [(at, size) for at, size, used in heap.chunks() if not used]


def contents(image: Any, component: bytes) -> bytes:
    core = max(image.core_modules(component), key=lambda section: section.end - section.start)
    return bytes(image.memory(component[core.start : core.end])).rstrip(b"\0")


def test_agents_are_mapped(built: str, image: Any) -> None:
    for path in [*(AGENTS / "dist").glob("*.wasm"), *(AGENTS / "examples" / "dist").glob("*.wasm")]:
        image.check_mapped(path.read_bytes())


@pytest.mark.parametrize(("extent", "length", "mapped"), [(40, 21, True), (40, 19, False), (15, 1, True)])
def test_an_image_is_mapped_if_half_of_it_is_data(
    image: Any, build_error: type[Exception], extent: int, length: int, mapped: bool
) -> None:
    def number(value: int) -> bytes:
        return bytes([value >> shift & 0x7F | 0x80 for shift in (0, 7, 14, 21)] + [value >> 28])

    def section(kind: int, content: bytes) -> bytes:
        return bytes([kind]) + number(len(content)) + content

    def segment(address: int, size: int) -> bytes:
        return b"\0\x41" + number(address) + b"\x0b" + number(size) + bytes(size)

    data = section(11, b"\x02" + segment(0, (length - 1) * MIB) + segment((extent - 1) * MIB, MIB))
    component = b"\0asm\x0d\0\x01\0" + section(1, b"\0asm\x01\0\0\0" + data)
    if mapped:
        image.check_mapped(component)
    else:
        with pytest.raises(build_error, match="19,922,944 of the 41,943,040 bytes of a memory, under half"):
            image.check_mapped(component)


def test_what_malloc_has_freed_is_taken_out(pi: Any, image: Any, scrub: Any) -> None:
    def litter(memory: bytearray, heap: Any) -> None:
        dirty = 0
        for at, size in free_chunks(heap):
            kept = 32 if size >= 256 else 16
            assert not any(memory[at + kept : at + size])
            memory[at + kept : at + size] = b"\xaa" * (size - kept)
            dirty += size - kept
        assert dirty > 5 * MIB

    littered = pi(litter)
    assert littered.count(b"\xaa" * 16) > MIB // 16
    clean = scrub.scrub(littered)
    assert contents(image, clean) == contents(image, PI.read_bytes())
    image.check_mapped(clean)


def test_lists_that_have_become_empty_say_what_they_said_before(pi: Any, image: Any, scrub: Any) -> None:
    def leave(memory: bytearray, heap: Any) -> None:
        listed = heap.of_state(0)
        empty = [number for number in range(32) if not listed >> number & 1]
        assert empty
        for number in empty:
            links = heap.state * 4 + 40 + 8 * number + 8
            memory[links : links + 4] = free_chunks(heap)[0][0].to_bytes(4, "little")

    assert scrub.scrub(pi(leave))


def test_a_heap_that_is_not_understood_is_left_alone(pi: Any, scrub: Any, build_error: type[Exception]) -> None:
    def grow(memory: bytearray, heap: Any) -> None:
        at, size = free_chunks(heap)[0]
        memory[at + 4 : at + 8] = (size + 16 | 1).to_bytes(4, "little")

    def unlist(memory: bytearray, heap: Any) -> None:
        at = next(at for at, size in free_chunks(heap) if size < 256)
        following = memory[at + 8 : at + 12]
        before = int.from_bytes(memory[at + 12 : at + 16], "little")
        memory[before + 8 : before + 12] = following

    def forget(memory: bytearray, heap: Any) -> None:
        memory[heap.state * 4 : heap.state * 4 + 464] = bytes(464)

    for change, complaint in ((grow, "does not fit its neighbours"), (unlist, "do not have"), (forget, "has no place")):
        with pytest.raises(build_error, match=complaint):
            scrub.scrub(pi(change))
