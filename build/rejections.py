"""
Lets a component of componentize-js know of promises that were rejected while nobody had asked for what comes of them.

SpiderMonkey's embedding keeps them in a set, but tells the program nothing. agents/sdk/web/rejections.mjs has a place for that
set, beside a number that is found in the memory which the component starts with; there, too, are a set and a rejected promise
of known content. By these the layout of sets is checked, and the engine's own is known: it is the one that has the promise in
it.
"""

from __future__ import annotations

import re
from pathlib import Path
from struct import pack, unpack_from
from typing import TYPE_CHECKING, Final

from image import core_modules, memory, with_memory, with_module
from toolchain import AGENTS, BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE: Final = AGENTS / "sdk" / "web" / "rejections.mjs"
_NUMBER: Final = re.compile(r"\d\.\d+e-\d+")
# Values are 8 bytes: a payload and a tag.
_OBJECT, _NULL = 0xFFFFFF8C, 0xFFFFFF84
# An object's header, before its first value: its shape, and two words that are the same for all plain objects.
_HEADER: Final = 16
# A set's: where its entries are, of 16 bytes each with the value first, and how many.
_ENTRIES, _COUNT, _ENTRY = 24, 32, 16
# A promise's first value are its flags; the second is what it was rejected with.
_REASON: Final = 24


def share_rejections(component: bytes) -> bytes:
    """The component, in which rejections.mjs has the engine's set if it is in it at all. Raises BuildError."""
    core = max(core_modules(component), key=lambda section: section.end - section.start)
    module = component[core.start : core.end]
    image = memory(module)
    mark, sample_mark, content, reason = (
        pack("<d", float(number)) for number in _NUMBER.findall(Path(SOURCE).read_text())
    )
    if mark not in image:
        return component
    place = _only(
        [at for at in _find(image, mark) if _value(image, at + 8) == (0, _NULL) and _is_cell(image, at)], "place"
    )
    samples = [at for at in _find(image, sample_mark) if _is_cell(image, at) and _value(image, at + 8)[1] == _OBJECT]
    sample = _only(samples, "sample")
    (known, _), (promise, _) = _value(image, sample + 8), _value(image, sample + 16)
    if image[promise + _REASON : promise + _REASON + 8] != reason or _entries(image, known) != [
        unpack_from("<II", content)
    ]:
        msg = "sets and promises in the component's memory are not laid out as they are known: is this another engine?"
        raise BuildError(msg)
    sets = [at for at in _find(image, image[known : known + 4]) if (promise, _OBJECT) in _entries(image, at)]
    image[place + 8 : place + 16] = pack("<II", _only(sets, "set of rejected promises"), _OBJECT)
    return with_module(component, core, with_memory(module, bytes(image)))


def _only(found: list[int], what: str) -> int:
    if len(found) != 1:
        msg = f"the component's memory has {len(found)} places that may be the {what}: is this another engine?"
        raise BuildError(msg)
    return found[0]


def _find(image: bytes | bytearray, pattern: bytes | bytearray) -> Iterator[int]:
    """Where a pattern is, of those places that values and cells begin at."""
    at = image.find(pattern)
    while at >= 0:
        if at % 8 == 0:
            yield at
        at = image.find(pattern, at + 1)


def _is_cell(image: bytes | bytearray, first: int) -> bool:
    """Whether a value may be the first of an object, which has not been moved to elsewhere."""
    shape, _, slots, elements = map(int, unpack_from("<4I", image, first - _HEADER))
    return shape % 8 == 0 and 0 < slots < len(image) and 0 < elements < len(image)


def _value(image: bytes | bytearray, at: int) -> tuple[int, int]:
    payload, tag = unpack_from("<II", image, at)
    return payload, tag


def _entries(image: bytes | bytearray, at: int) -> list[tuple[int, int]]:
    """What is in a set, or in what may be one: the values' payloads and tags."""
    start, count = unpack_from("<I", image, at + _ENTRIES)[0], unpack_from("<I", image, at + _COUNT)[0]
    if not 0 < start <= len(image) - count * _ENTRY or start % 8:
        return []
    return [_value(image, start + number * _ENTRY) for number in range(count)]
