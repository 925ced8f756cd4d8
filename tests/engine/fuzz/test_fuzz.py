"""The engine and wasmtime's own component API agree on what components do, right and wrong."""

from __future__ import annotations

import os
from random import Random
from typing import Any, Final

import pytest

from runtime.engine.abi import strings
from runtime.engine.abi.context import Context
from runtime.engine.abi.handles import HandleTable
from runtime.engine.boundary import Boundary
from runtime.engine.component.types import MAX_FLAT_PARAMS, MAX_TYPE_DEPTH, MAX_TYPE_NODES, FuncType
from tests.engine.fuzz.compare import Fuzzer, Plan
from tests.engine.fuzz.component import component, composed
from tests.engine.fuzz.shapes import ENCODINGS, Function

CALLS: Final = int(os.environ.get("TORPOR_FUZZ_CALLS", "20000"))  # `make soak` asks for ten million
SEED: Final = int(os.environ.get("TORPOR_FUZZ_SEED", "8"))
"""Of the first component; each one after it has the next."""
_MANY: Final = 1_000_000
PLAN: Final = Plan(20_000, 150) if CALLS >= _MANY else Plan(4000, 40)


@pytest.mark.slow
async def test_random_components_do_the_same_on_both() -> None:
    fuzzer, seed = Fuzzer(), SEED
    while fuzzer.tally.calls < CALLS:
        differences = await fuzzer.compare(seed, PLAN)
        assert not differences, differences[0]
        seed += 1
        if CALLS >= _MANY:
            print(f"{fuzzer.tally.calls} calls have agreed, up to seed {seed - 1}", flush=True)  # noqa: T201 - it takes long
    tally = fuzzer.tally
    print(  # noqa: T201 - `make soak` shows it
        f"\n{tally.calls} calls of {seed - SEED} components compared, seeds from {SEED} on: "
        f"{tally.traps} of {tally.runs} runs ended by a trap, {tally.permitted} differed as they may"
    )
    assert tally.traps > tally.runs // 2, "nearly all runs but one of each component are made to"
    assert tally.permitted < tally.runs // 100, "a guest is seldom ended for what the other engine allows"


def _reach(context: Context, end: int) -> memoryview:
    """As Context.reach, but for the check."""
    context.view = context.memory.view()
    return context.view


def _look(table: Any, index: int, resource: Any) -> Any:
    """As HandleTable.look, but for the type."""
    entry = table._entries[index] if index < len(table._entries) else None
    return table._entry(index, resource)[0] if entry is None else entry[0]


FAULTS: Final = {
    "pointers": (Context, "reach", _reach),
    "text": (strings, "_decoded", lambda data, encoding: str(data, encoding, "replace")),
    "types of handles": (HandleTable, "look", _look),
    "may_leave": (Boundary, "check_leave", lambda _boundary: None),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_check_that_is_left_out_is_noticed(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    where, name, instead = FAULTS[fault]
    monkeypatch.setattr(where, name, instead)
    fuzzer = Fuzzer()
    for seed in range(SEED, SEED + 40):
        if await fuzzer.compare(seed, Plan(500, 40)):
            return
    pytest.fail("nothing was noticed")


def _nested(wrap: Any, innermost: Any, depth: int) -> Any:
    for _ in range(depth):
        innermost = wrap(innermost)
    return innermost


MORE: Final = tuple((f"m{n}", "u8") for n in range(MAX_FLAT_PARAMS))
"""With these, parameters are in memory."""
DEEP: Final = MAX_TYPE_DEPTH - 4
EXTREMES: Final = {
    "enum": ("enum", tuple(f"e{n}" for n in range(MAX_TYPE_NODES - 100))),
    "variant": ("variant", tuple((f"c{n}", ("u8", "f64", None, "string")[n % 4]) for n in range(MAX_TYPE_NODES // 3))),
    "record": ("record", tuple((f"f{n}", ("u8", "u64")[n % 2]) for n in range(MAX_TYPE_NODES // 5))),
    "options": _nested(lambda t: ("option", t), "u32", DEEP),
    "tuples": _nested(lambda t: ("tuple", (t,)), "u32", DEEP),
    "results": _nested(lambda t: ("result", t, "u64"), "f32", DEEP),
    "optional tuples": _nested(lambda t: ("option", ("tuple", (t, "u8"))), "f32", DEEP // 2),
    "lists": _nested(lambda t: ("list", t), "string", DEEP),
}


@pytest.mark.slow
async def test_the_largest_and_deepest_types_do_the_same_on_both() -> None:
    """What becomes code of Python's, whose expressions may be nested only so deep."""
    fuzzer = Fuzzer()
    for name, t in EXTREMES.items():
        types = FuncType((("a", t),), None), FuncType((), t), FuncType((("a", t), *MORE), None)
        made = tuple(Function(f"f{n}", type_, ENCODINGS[n]) for n, type_ in enumerate(types))
        random = Random(SEED)  # noqa: S311 - seeded on purpose
        for content in (component(made), composed(made, ENCODINGS[::-1])):
            differences = await fuzzer.compare_component(content, made, random, Plan(200, 5), name)
            assert not differences, differences[0]
