"""
Takes out of a component of componentize-js what malloc has freed by the end of the build.

The component starts with the heap that the build's run of its modules has left, a third of which is freed memory that was
never cleared. `scrub` knows wasi-libc's allocator (dlmalloc with one segment), whose state it finds by what holds of it alone.
It walks all chunks, and all lists of free ones, and refuses a heap of which the two do not say the same: nothing is zeroed on
a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from image import core_modules, memory, with_memory, with_module
from toolchain import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Words of dlmalloc's `struct malloc_state`.
_SMALL_MAP, _TREE_MAP, _DV_SIZE, _TOP_SIZE, _LEAST, _DV, _TOP = range(7)
_SMALL, _TREES, _SEGMENT, _STATE_WORDS = 10, 76, 112, 116
_BINS = 32
# Bytes of a chunk, which begins with the size of the one before it if that is free, and its own size.
_ALIGNMENT = 16
_HEADER, _LINKS, _TREE_LINKS, _LEAST_TREE = 8, 16, 32, 256
_PREVIOUS_USED, _USED = 1, 2


@attrs.frozen
class Heap:
    """The heap in a memory, of which `words` are the 32-bit words, and where in these the allocator's state is."""

    words: memoryview
    state: int

    def of_state(self, word: int) -> int:
        """A word of the state."""
        return int(self.words[self.state + word])

    def word(self, address: int) -> int:
        """The word at an address."""
        if address % 4 or address // 4 >= len(self.words):
            msg = f"the heap has a link to {address:#x}, where nothing is"
            raise BuildError(msg)
        return int(self.words[address // 4])

    def chunks(self) -> Iterator[tuple[int, int, bool]]:
        """The address and size of each chunk below the top one, and whether it is used. Raises BuildError."""
        at = -(-(self.of_state(_LEAST) + _HEADER) // _ALIGNMENT) * _ALIGNMENT - _HEADER
        top = self.of_state(_TOP)
        before = (0, True)
        while at < top:
            head = self.word(at + 4)
            size = head & ~(_ALIGNMENT - 1)
            used = bool(head & _USED)
            fits = size >= _ALIGNMENT and at + size <= top and head & (_ALIGNMENT - 1) <= _PREVIOUS_USED | _USED
            joins = bool(head & _PREVIOUS_USED) == before[1] and (before[1] or (self.word(at) == before[0] and used))
            if not (fits and joins):
                msg = f"the heap's chunk at {at:#x} does not fit its neighbours"
                raise BuildError(msg)
            yield at, size, used
            before = (size, used)
            at += size
        if at != top or not before[1]:
            msg = "the heap's chunks do not end where its top one begins"
            raise BuildError(msg)

    def listed(self) -> dict[int, int]:
        """The address and size of the free chunks that malloc would find: those in its lists and trees. Raises BuildError."""
        found: dict[int, int] = {}
        if self.of_state(_DV_SIZE):
            found[self.of_state(_DV)] = self.of_state(_DV_SIZE)
        for number in range(_BINS):
            if self.of_state(_SMALL_MAP) >> number & 1:
                self._list(_bin(self.state, number), found)
            if self.of_state(_TREE_MAP) >> number & 1:
                self._tree(self.of_state(_TREES + number), found)
        return found

    def _list(self, head: int, found: dict[int, int]) -> None:
        """The ring of chunks that a `head` which is none of them is in."""
        at = self.word(head + 8)
        while at != head:
            self._take(at, found)
            at = self.word(at + 8)

    def _tree(self, root: int, found: dict[int, int]) -> None:
        """A tree of chunks, each with a ring of others of its size."""
        pending = [root]
        while pending:
            node = pending.pop()
            self._take(node, found)
            self._list(node, found)
            pending += [child for child in (self.word(node + 16), self.word(node + 20)) if child]

    def _take(self, at: int, found: dict[int, int]) -> None:
        if at in found:
            msg = f"the heap's free chunk at {at:#x} is in its lists twice"
            raise BuildError(msg)
        found[at] = self.word(at + 4) & ~(_ALIGNMENT - 1)


def scrub(component: bytes) -> bytes:
    """
    The component with freed memory zeroed, and left out as far as its memory still gets mapped. Raises BuildError if its heap
    is not one that is understood to the last chunk.
    """
    core = max(core_modules(component), key=lambda section: section.end - section.start)
    module = component[core.start : core.end]
    image = memory(module)
    image += bytes(-len(image) % 4)
    with memoryview(image).cast("I") as words:
        heap = find_heap(words)
        free = {at: size for at, size, used in heap.chunks() if not used}
        if free != heap.listed():
            msg = "the heap's lists of free chunks do not have the chunks that are free"
            raise BuildError(msg)
        top, top_size = heap.of_state(_TOP), heap.of_state(_TOP_SIZE)
    for at, size in free.items():
        kept = _LINKS if size < _LEAST_TREE else _TREE_LINKS
        image[at + kept : at + size] = bytes(max(0, size - kept))
    # What was used and given back to the top chunk, of which the image has what is before the last byte that is not zero.
    end = min(top + top_size, len(image))
    image[top + _HEADER : end] = bytes(max(0, end - top - _HEADER))
    return with_module(component, core, with_memory(module, bytes(image)))


def find_heap(words: memoryview) -> Heap:
    """The only place that can be the state of the allocator of a memory. Raises BuildError."""
    first = next(_heaps(words, 0, len(words)), None)
    if first is None:
        msg = "the memory has no place that may be the state of wasi-libc's malloc: is this another allocator?"
        raise BuildError(msg)
    # The state is below the heap, among what is static.
    second = next(_heaps(words, first.state + 1, first.of_state(_LEAST) // 4), None)
    if second is not None:
        msg = "the memory has two places that may be the state of wasi-libc's malloc"
        raise BuildError(msg)
    return first


def _heaps(words: memoryview, start: int, end: int) -> Iterator[Heap]:
    """Those of which the state may be at one of these words."""
    last = min(end, len(words) - _STATE_WORDS)
    pairs = zip(words[start + _LEAST : last + _LEAST], words[start + _SEGMENT : last + _SEGMENT], strict=True)
    alike = (Heap(words, at) for at, (least, base) in enumerate(pairs, start) if least == base != 0)
    return filter(_may_be, alike)


def _may_be(heap: Heap) -> bool:
    base, size, following = (heap.of_state(_SEGMENT + word) for word in range(3))
    if heap.of_state(_LEAST) != base or following or heap.state * 4 >= base:
        return False
    top, top_size = heap.of_state(_TOP), heap.of_state(_TOP_SIZE)
    if not base <= top < top + top_size <= base + size or heap.of_state(_TREE_MAP) >> _BINS:
        return False
    if (
        top % _ALIGNMENT != _HEADER
        or top // 4 + 1 >= len(heap.words)
        or heap.word(top + 4) != top_size | _PREVIOUS_USED
    ):
        return False
    for number in range(_BINS):  # the head of a list that has become empty says what it said before
        head = _bin(heap.state, number)
        if heap.of_state(_SMALL_MAP) >> number & 1:
            ends = heap.word(head + 8), heap.word(head + 12)
            if not all(base <= at < top and at % _ALIGNMENT == _HEADER for at in ends):
                return False
    return True


def _bin(state: int, number: int) -> int:
    """The address of a list of small chunks, which is laid out as if it were one of them."""
    return (state + _SMALL + 2 * number) * 4
