"""Damaged components: whatever becomes of the bytes, there is a plan or a reason, and nothing else.

Cuts and changes are outside of the core modules' bodies, but for a few: those are wasmtime's to read. STRIDE and MUTANTS are
such that all this takes some ten seconds.
"""

from __future__ import annotations

from functools import cache
from random import Random
from typing import TYPE_CHECKING

import pytest

from runtime.engine.component import parse, read_module, rename_imports
from runtime.engine.component.core_module import leb128
from runtime.engine.component.reader import Malformed
from runtime.engine.errors import UnsupportedComponentError
from tests.engine.component.samples import AGENTS, GUESTS, NOT_COMPONENTS, RICH, answer, component

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AGENT = next(path for path in AGENTS if path.stem == "echo")
BUILT = [AGENT, *[path for path in GUESTS if path.stem == "copy_stdin"]]
assert not {path.stem for path in BUILT} & NOT_COMPONENTS
STRIDE = {"echo": 211, "copy_stdin": 23}
MUTANTS = {"echo": 100, "copy_stdin": 400}
ANSWERS = {"plan", "invalid", "unsupported"}


def seeded(seed: int | str) -> Random:
    return Random(seed)  # noqa: S311 - changes that are the same in every run


@cache
def rich() -> bytes:
    return component(RICH)


@cache
def outside(path: Path) -> tuple[bytes, list[int]]:
    """A component, and where its bytes are that are not in the middle of a core module."""
    content = path.read_bytes()
    places: list[int] = []
    at = 0
    for start, length in sorted((content.index(module), len(module)) for module in parse(content).modules):
        places += range(at, start + 64)
        at = start + length - 8
    return content, [*places, *range(at, len(content))]


def mutant(content: bytes, places: Sequence[int], random: Random) -> bytes:
    """A few bytes are other ones, are gone, or have come in between."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8))):
        at = min(random.choice(places), len(changed) - 1)
        match random.randrange(6):
            case 0:
                changed[at] ^= 1 << random.randrange(8)
            case 1:
                changed[at] = random.randrange(256)
            case 2:
                changed[at] = (changed[at] + random.choice((-1, 1))) % 256
            case 3:
                del changed[at : at + random.randrange(1, 5)]
            case 4:
                changed[at:at] = leb128(random.choice((0, 1, 127, 128, 2**31, 2**32 - 1, 2**32, 2**40)))
            case _:
                other = random.choice(places)
                changed[at : at + 4] = content[other : other + 4]
    return bytes(changed)


@pytest.mark.slow
def test_cut_short_at_every_byte() -> None:
    content = rich()
    answers = [answer(content[:end]) for end in range(len(content))]
    assert set(answers) == {"plan", "invalid"}
    assert answers.count("plan") < 60  # between two sections


@pytest.mark.slow
@pytest.mark.parametrize("path", BUILT, ids=lambda path: path.stem)
def test_a_built_component_cut_short(path: Path) -> None:
    content, places = outside(path)
    ends = places[:: STRIDE[path.stem]]
    assert {answer(content[:end]) for end in ends} <= {"plan", "invalid"}
    random = seeded(path.stem)
    assert {answer(content[: random.randrange(len(content))]) for _ in range(20)} == {"invalid"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_mutants(seed: int) -> None:
    content, random = rich(), seeded(seed)
    answers = [answer(mutant(content, range(len(content)), random)) for _ in range(500)]
    assert set(answers) == ANSWERS


@pytest.mark.slow
@pytest.mark.parametrize("path", BUILT, ids=lambda path: path.stem)
def test_mutants_of_a_built_component(path: Path) -> None:
    content, places = outside(path)
    random = seeded(path.stem)
    assert {answer(mutant(content, places, random)) for _ in range(MUTANTS[path.stem])} <= ANSWERS


@pytest.mark.slow
def test_every_byte_is_another_one() -> None:
    content, random = rich(), seeded("another")
    for at in range(8, len(content)):
        assert answer(content[:at] + random.randbytes(1) + content[at + 1 :]) in ANSWERS


def test_mutants_of_core_modules() -> None:
    random = seeded(5)
    modules = [module[:400] for module in parse(rich()).modules + parse(outside(AGENT)[0]).modules]
    for module in modules:
        for _ in range(200):
            changed = mutant(module, range(len(module)), random)
            try:
                info = read_module(changed)
            except (Malformed, UnsupportedComponentError):
                continue
            names = [("m", str(i)) for i in range(len(info.imports))]
            again = read_module(rename_imports(changed, names))
            assert [(i.module, i.field) for i in again.imports] == names


def test_noise() -> None:
    random = seeded(2)
    for size in [*range(64)] * 10:
        assert answer(random.randbytes(size)) == "invalid"
        assert answer(rich()[:8] + random.randbytes(size)) in ANSWERS
