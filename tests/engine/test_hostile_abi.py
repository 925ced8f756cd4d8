"""Guests that break the canonical ABI, one for each of its rules: every one ends by a trap, and takes nothing with it.

Each is run by wasmtime's component API as well, and must end alike there, with the same calls seen by the host until then. Here
each runs four times over: with functions that answer at once, with functions that are instant, with functions that wait, and
with a turn that is over whenever the guest calls.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.engine import Engine, Exit, Limits, Wait
from runtime.engine import guest as guest_module
from tests.engine.abi_host import DROPS, FUNCTIONS, TYPES, State, host
from tests.engine.oracle import Oracle
from tests.engine.wat import BUMP, caller

FUEL = 3_000_000


class Engines(NamedTuple):
    """All that a case is run by."""

    at_once: Engine
    instant: Engine
    oracle: Oracle


@pytest.fixture(scope="module")
def engines() -> Engines:
    return Engines(Engine([host()]), Engine([host(instant=True)]), Oracle([host()]))


class Case(NamedTuple):
    name: str
    body: str
    message: str
    """A part of the trap's text; "" where the guest does nothing wrong."""
    options: dict[str, Any]
    """Of `wat.caller`."""
    reason: str


def store(at: int, *words: int) -> str:
    return " ".join(f"(i32.store (i32.const {at + 4 * n}) (i32.const {word:#x}))" for n, word in enumerate(words))


def bad(name: str, body: str, message: str, reason: str = "trap", **options: Any) -> Case:
    return Case(name, body, message, options, reason)


def good(name: str, body: str, **options: Any) -> Case:
    return Case(name, body, "", options, "exit")


OUTSIDE, UNALIGNED = "out of bounds", "not aligned"
MAKE = "(local.set $i (call $make))"
IT = "(local.get $i)"
HELD = f"(i32.store (i32.const 0) {IT})"
TWO = "(local.set $i (call $make)) (local.set $j (call $make))"
EVERYTHING = f"""
    {store(8, 0x44434241)} (call $text (i32.const 8) (i32.const 4)) (call $bytes (i32.const 65530) (i32.const 6))
    {store(16, 8, 3, 0, 0)} (call $texts (i32.const 16) (i32.const 2))
    (call $numbers (i32.const 16) (i32.const 2)) (call $longs (i32.const 16) (i32.const 1))
    (call $pick (i32.const 2)) (call $perhaps (i32.const 0) (i32.const 9)) (call $perhaps (i32.const 1) (i32.const 9))
    (call $either (i32.const 0) (i32.const 5) (i32.const 77)) (call $either (i32.const 1) (i32.const 8) (i32.const 2))
    (call $draw (i32.const 0) (i64.const 0) (i64.const 0))
    (call $draw (i32.const 1) (i64.const 0x4000000000000000) (i64.const 1))
    (call $draw (i32.const 2) (i64.const 8) (i64.const 4)) (call $draw (i32.const 3) (i64.const 0x101) (i64.const -1))
    {store(32, 1, 0, 0, 0x40000000, 0, 0)} (call $shapes (i32.const 32) (i32.const 1))
    {store(64, 0x41, 0x01070102)} (call $mix (i32.const 64) (i32.const 1))
    (call $letter (i32.const 0x10ffff)) {store(328, 8, 4)} (call $many (i32.const 200)) (call $ping)
    (call $give (i32.const 96)) (call $give-text (i32.const 96)) (call $give-texts (i32.const 96))
    (call $bytes (i32.load (i32.const 96)) (i32.const 8)) (call $give-pair (i32.const 96))
    (call $give-longs (i32.const 112)) (call $longs (i32.load (i32.const 112)) (i32.load (i32.const 116)))
    {TWO} (call $use (local.get $i)) (call $lend-and-eat (local.get $i) (local.get $j)) (call $eat (local.get $i))
    (call $make-all (i32.const 96)) (call $use-all (i32.load (i32.const 96)) (i32.load (i32.const 100)))
    (call $eat-all (i32.load (i32.const 96)) (i32.const 2)) (drop (call $make))
    (local.set $i (call $make-other)) (call $use-other (local.get $i)) (call $drop-other (local.get $i))
    (call $try-make (i32.const 0) (i32.const 96)) (call $try-make (i32.const 1) (i32.const 96))
    (call $eat-and-make (i32.load (i32.const 100)) (i32.const 96)) (call $eat-two (call $make) (call $make))"""

CASES = [
    good("a good call of each", EVERYTHING),
    good(
        "memory that has grown is seen",
        "(drop (memory.grow (i32.const 3))) (call $text (i32.const 250000) (i32.const 6))",
    ),
    good(
        "realloc grows the memory and gives the new page",
        "(call $give-texts (i32.const 8)) (call $text (i32.load (i32.load (i32.const 8))) (i32.const 6))",
        realloc="(i32.mul (memory.grow (i32.const 1)) (i32.const 65536))",
    ),
    good("nothing at the very end", "(call $bytes (i32.const 65536) (i32.const 0))"),
    good("numbers' upper bits", "(call $draw (i32.const 3) (i64.const 0x1ff) (i64.const 3))"),
    # Strings
    bad("string out of bounds", "(call $text (i32.const 65530) (i32.const 7))", OUTSIDE),
    bad("string of nothing out of bounds", "(call $text (i32.const 65537) (i32.const 0))", OUTSIDE),
    bad("string at the end of all addresses", "(call $text (i32.const -1) (i32.const 2))", OUTSIDE),
    bad("string of all addresses", "(call $text (i32.const -1) (i32.const -1))", "too large"),
    bad("string in a memory without pages", "(call $text (i32.const 0) (i32.const 1))", OUTSIDE, pages=0),
    bad("string that is not UTF-8", f"{store(0, 0xFF)} (call $text (i32.const 0) (i32.const 1))", "not UTF-8"),
    bad("string with a surrogate", f"{store(0, 0x80A0ED)} (call $text (i32.const 0) (i32.const 3))", "not UTF-8"),
    bad("string that is cut short", f"{store(0, 0xC3)} (call $text (i32.const 0) (i32.const 1))", "not UTF-8"),
    bad(
        "string that is too long for its text",
        f"{store(0, 0x80C0)} (call $text (i32.const 0) (i32.const 2))",
        "not UTF-8",
    ),
    good("UTF-16", f"{store(0, 0xD83D0041, 0xDE00)} (call $text (i32.const 0) (i32.const 3))", encoding="utf16"),
    bad("UTF-16 not aligned", "(call $text (i32.const 1) (i32.const 1))", UNALIGNED, encoding="utf16"),
    bad("UTF-16 out of bounds", "(call $text (i32.const 65534) (i32.const 2))", OUTSIDE, encoding="utf16"),
    bad(
        "UTF-16 whose size overflows",
        "(call $text (i32.const 0) (i32.const 0x80000001))",
        "too large",
        encoding="utf16",
    ),
    bad(
        "UTF-16 with half a pair",
        f"{store(0, 0xD83D)} (call $text (i32.const 0) (i32.const 1))",
        "UTF-16",
        encoding="utf16",
    ),
    bad(
        "UTF-16 with a late half",
        f"{store(0, 0xDE00)} (call $text (i32.const 0) (i32.const 2))",
        "UTF-16",
        encoding="utf16",
    ),
    good("Latin-1", f"{store(0, 0xE9)} (call $text (i32.const 0) (i32.const 1))", encoding="latin1+utf16"),
    good(
        "Latin-1 or UTF-16",
        f"{store(0, 0x20AC)} (call $text (i32.const 0) (i32.const 0x80000001))",
        encoding="latin1+utf16",
    ),
    bad("Latin-1 not aligned", "(call $text (i32.const 1) (i32.const 1))", UNALIGNED, encoding="latin1+utf16"),
    bad("Latin-1 out of bounds", "(call $text (i32.const 65534) (i32.const 3))", OUTSIDE, encoding="latin1+utf16"),
    bad(
        "tagged string out of bounds",
        "(call $text (i32.const 65534) (i32.const 0x80000002))",
        OUTSIDE,
        encoding="latin1+utf16",
    ),
    bad(
        "tagged string with half a pair",
        f"{store(0, 0xD83D)} (call $text (i32.const 0) (i32.const 0x80000001))",
        "UTF-16",
        encoding="latin1+utf16",
    ),
    bad(
        "tagged string of all addresses",
        "(call $text (i32.const 0) (i32.const -1))",
        "too large",
        encoding="latin1+utf16",
    ),
    # Lists
    bad("bytes out of bounds", "(call $bytes (i32.const 1) (i32.const 65536))", OUTSIDE),
    bad("bytes at the end of all addresses", "(call $bytes (i32.const -1) (i32.const 1))", OUTSIDE),
    bad("list not aligned", "(call $numbers (i32.const 2) (i32.const 1))", UNALIGNED),
    bad("list of nothing not aligned", "(call $longs (i32.const 4) (i32.const 0))", UNALIGNED),
    bad("list out of bounds", "(call $longs (i32.const 65528) (i32.const 2))", OUTSIDE),
    bad("list whose size overflows", "(call $numbers (i32.const 0) (i32.const 0x40000001))", "too large"),
    bad("list of lists whose size overflows", "(call $texts (i32.const 0) (i32.const 0x20000001))", "too large"),
    bad("list of strings not aligned", "(call $texts (i32.const 2) (i32.const 1))", UNALIGNED),
    bad("list of strings out of bounds", "(call $texts (i32.const 65532) (i32.const 1))", OUTSIDE),
    bad("string in a list out of bounds", f"{store(0, 65530, 7)} (call $texts (i32.const 0) (i32.const 1))", OUTSIDE),
    bad("string in a list not UTF-8", f"{store(0, 8, 1, 0xFF)} (call $texts (i32.const 0) (i32.const 1))", "not UTF-8"),
    # Parameters in memory
    bad("parameters out of bounds", "(call $many (i32.const 65408))", OUTSIDE),
    bad("parameters at the end of all addresses", "(call $many (i32.const -8))", OUTSIDE),
    bad("parameters not aligned", "(call $many (i32.const 4))", UNALIGNED),
    bad("string among parameters in memory", f"{store(128, 65530, 7)} (call $many (i32.const 0))", OUTSIDE),
    # Discriminants and chars
    bad("enum without such a case", "(call $pick (i32.const 3))", "discriminant"),
    bad("enum of -1", "(call $pick (i32.const -1))", "discriminant"),
    bad("option that is neither", "(call $perhaps (i32.const 2) (i32.const 0))", "discriminant"),
    bad("result that is neither", "(call $either (i32.const 2) (i32.const 0) (i32.const 0))", "discriminant"),
    bad("variant without such a case", "(call $draw (i32.const 4) (i64.const 0) (i64.const 0))", "discriminant"),
    bad("payload out of bounds", "(call $draw (i32.const 2) (i64.const 65530) (i64.const 7))", OUTSIDE),
    bad("payload of the other case", "(call $either (i32.const 1) (i32.const 65530) (i32.const 7))", OUTSIDE),
    bad(
        "variant in memory without such a case",
        f"{store(0, 4)} (call $shapes (i32.const 0) (i32.const 1))",
        "discriminant",
    ),
    bad(
        "enum in memory without such a case",
        f"{store(0, 0x41, 3)} (call $mix (i32.const 0) (i32.const 1))",
        "discriminant",
    ),
    bad(
        "option in memory that is neither",
        f"{store(0, 0x41, 0x200)} (call $mix (i32.const 0) (i32.const 1))",
        "discriminant",
    ),
    bad("char that is a surrogate", "(call $letter (i32.const 0xd800))", "char"),
    bad("char that is the last surrogate", "(call $letter (i32.const 0xdfff))", "char"),
    bad("char too large", "(call $letter (i32.const 0x110000))", "char"),
    bad("char of -1", "(call $letter (i32.const -1))", "char"),
    bad("char in memory too large", f"{store(0, 0x110000)} (call $mix (i32.const 0) (i32.const 1))", "char"),
    # Results
    bad("result out of bounds", "(call $give (i32.const 65532))", OUTSIDE),
    bad("result at the end of all addresses", "(call $give (i32.const -4))", OUTSIDE),
    bad("result not aligned", "(call $give (i32.const 9))", UNALIGNED),
    bad("pair out of bounds", "(call $give-pair (i32.const 65528))", OUTSIDE),
    bad("pair not aligned", "(call $give-pair (i32.const 12))", UNALIGNED),
    # cabi_realloc
    bad("realloc out of bounds", "(call $give (i32.const 8))", OUTSIDE, realloc="(i32.const 65530)"),
    bad("realloc at the end of all addresses", "(call $give (i32.const 8))", OUTSIDE, realloc="(i32.const -1)"),
    bad("realloc of a list not aligned", "(call $give-longs (i32.const 8))", UNALIGNED, realloc="(i32.const 4100)"),
    bad("realloc of strings not aligned", "(call $give-texts (i32.const 8))", UNALIGNED, realloc="(i32.const 4098)"),
    bad(
        "realloc of UTF-16 not aligned",
        "(call $give-text (i32.const 8))",
        UNALIGNED,
        encoding="utf16",
        realloc="(i32.const 1)",
    ),
    bad(
        "realloc of Latin-1 not aligned",
        "(call $give-text (i32.const 8))",
        UNALIGNED,
        realloc="(i32.const 1)",
        encoding="latin1+utf16",
    ),
    bad("realloc in a memory without pages", "(call $give (i32.const 0))", OUTSIDE, realloc="(i32.const 0)", pages=0),
    bad("realloc traps", "(call $give (i32.const 8))", "unreachable", realloc="unreachable"),
    bad("realloc throws", "(call $give (i32.const 8))", "exception", realloc="(throw $tag)"),
    bad("realloc spins", "(call $give (i32.const 8))", "", "out_of_fuel", realloc="(loop $l (br $l)) (i32.const 0)"),
    bad(
        "realloc recurses without end",
        "(call $give (i32.const 8))",
        "exhausted",
        realloc="(call $realloc (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))",
    ),
    *(
        bad(
            f"realloc calls {name}",
            f"(global.set $kept (call $make)) (call {give} (i32.const 8))",
            "cannot leave",
            realloc=f"(call_indirect (type $out) (i32.const 0)) {BUMP}",
            out=out,
        )
        for give in ("$give", "$give-texts")
        for name, out in (
            ("out", "(call $ping)"),
            ("out with arguments", "(call $text (i32.const 0) (i32.const 0))"),
            ("for memory", "(call $give (i32.const 16))"),
            ("for a resource", "(drop (call $make))"),
            ("resource.drop", "(call $drop-thing (global.get $kept))"),
        )
    ),
    # Handles
    bad("handle 0", "(call $use (i32.const 0))", "unknown handle"),
    bad("handle that was never given", "(call $use (i32.const 77))", "unknown handle"),
    bad("handle -1", "(call $use (i32.const -1))", "unknown handle"),
    bad("handle 0 given away", "(call $eat (i32.const 0))", "unknown handle"),
    bad("handle 0 dropped", "(call $drop-thing (i32.const 0))", "unknown handle"),
    bad("handle of another type used", "(call $use-other (call $make))", "wrong type"),
    bad("handle of another type given away", "(call $eat (call $make-other))", "wrong type"),
    bad("handle of another type dropped", "(call $drop-other (call $make))", "wrong type"),
    bad("handle used after it was given away", f"{MAKE} (call $eat {IT}) (call $use {IT})", "unknown handle"),
    bad("handle given away twice", f"{MAKE} (call $eat {IT}) (call $eat {IT})", "unknown handle"),
    bad("handle given away twice at once", f"{MAKE} (call $eat-two {IT} {IT})", "unknown handle"),
    bad("handle dropped twice", f"{MAKE} (call $drop-thing {IT}) (call $drop-thing {IT})", "unknown handle"),
    bad("handle used after it was dropped", f"{MAKE} (call $drop-thing {IT}) (call $use {IT})", "unknown handle"),
    bad("handle lent and given away at once", f"{MAKE} (call $lend-and-eat {IT} {IT})", "lent"),
    good("a handle's number is used again", f"{MAKE} (call $eat {IT}) (drop (call $make)) (call $use {IT})"),
    bad(
        "a list that gives one handle away twice",
        f"{MAKE} {HELD} (i32.store (i32.const 4) {IT}) (call $eat-all (i32.const 0) (i32.const 2))",
        "unknown handle",
    ),
    bad(
        "a list of handles, the last one wrong",
        f"{MAKE} {HELD} (call $eat-all (i32.const 0) (i32.const 2))",
        "unknown handle",
    ),
    bad(
        "a list of lent handles, the last one wrong",
        f"{MAKE} {HELD} (call $use-all (i32.const 0) (i32.const 2))",
        "unknown handle",
    ),
    # What fails half way
    bad("given away before a wrong argument", f"{MAKE} (call $eat-and-pick {IT} (i32.const 3))", "discriminant"),
    bad("given away before a wrong handle", f"{MAKE} (call $eat-two {IT} (i32.const 9))", "unknown handle"),
    bad("made, but not to be placed", "(call $make-all (i32.const 65534))", "o"),
    bad("made, but the memory is not there", "(call $make-all (i32.const 8))", OUTSIDE, realloc="(i32.const 65532)"),
    bad("made, but realloc traps", "(call $make-all (i32.const 8))", "unreachable", realloc="unreachable"),
    bad("made as a result, but not to be placed", "(call $try-make (i32.const 1) (i32.const 65532))", OUTSIDE),
    bad("given away and made, but not to be placed", f"{MAKE} (call $eat-and-make {IT} (i32.const 65532))", OUTSIDE),
    # Post-return
    good("a post-return", "(call $ping)", post="(drop (memory.grow (i32.const 1)))"),
    bad("post-return calls out", "(call $ping)", "cannot leave", post="(call $ping)"),
    bad("post-return calls for memory", "", "cannot leave", post="(call $give (i32.const 8))"),
    bad(
        "post-return drops",
        "(global.set $kept (call $make))",
        "cannot leave",
        post="(call $drop-thing (global.get $kept))",
    ),
    bad("post-return traps", "", "unreachable", post="unreachable"),
    bad("post-return throws", "", "exception", post="(throw $tag)"),
    bad("post-return spins", "", "", "out_of_fuel", post="(loop $l (br $l))"),
    # run
    bad("run returns 2", "(return (i32.const 2))", "discriminant"),
    bad("run returns -1", "(return (i32.const -1))", "discriminant"),
    bad("run throws", "(throw $tag)", "exception"),
]


def content(case: Case) -> bytes:
    """Its component, which imports what it calls."""
    called = set(re.findall(r"\$([\w-]+)", case.body + case.options.get("out", "") + case.options.get("post", "")))
    functions = {name: signature for name, signature in FUNCTIONS.items() if name in called}
    drops = tuple(name for name in DROPS if f"drop-{name}" in called)
    return caller(TYPES, functions, case.body, drops=drops, **case.options)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_it_ends_as_in_wasmtime_with_all_dropped_once(
    case: Case, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    component, expected = content(case), State()
    outcome = engines.oracle.run(component, expected, FUEL)
    assert outcome.reason == case.reason, outcome.message
    for mode in ("at once", "waiting", "turn over", "instant"):
        if mode == "turn over":
            monkeypatch.setattr(guest_module, "LOOP_TURN_SECONDS", -1.0)
        engine = engines.instant if mode == "instant" else engines.at_once
        state = State(waits=mode == "waiting")
        ended = await engine.guest(engine.load_bytes(component), state, Limits(fuel=FUEL)).run()
        monkeypatch.undo()
        assert ended.reason == case.reason, (mode, ended)
        assert case.message in ended.message, mode
        assert state.seen == expected.seen, mode
        assert state.drops() == [1] * len(state.things), mode
    assert expected.drops() == [1] * len(expected.things)


@pytest.mark.parametrize(
    "options",
    [{"realloc": "(loop $l (br $l)) (i32.const 0)"}, {"post": "(loop $l (br $l))"}],
    ids=["realloc", "post-return"],
)
async def test_what_the_host_runs_of_a_guest_can_be_killed_while_the_loop_goes_on(
    options: dict[str, str], engines: Engines
) -> None:
    case = good("", "(call $give (i32.const 8))", **options)
    engine = engines.at_once
    guest = engine.guest(engine.load_bytes(content(case)), State(), Limits())
    endings: list[Exit] = []
    async with trio.open_nursery() as nursery:

        async def run() -> None:
            endings.append(await guest.run())

        nursery.start_soon(run)
        for _ in range(20):  # turns of the loop that the guest lets by
            await trio.lowlevel.checkpoint()
        assert not endings
        guest.kill()
    assert endings == [Exit("killed", message="killed")]


async def test_a_killed_guest_drops_what_is_on_its_way() -> None:
    """Killed in a wait, with a handle that it has given away in the call and one that it holds."""
    interface = host()
    kept: list[Any] = []

    async def forever(thing: Any) -> None:
        kept.append(thing)
        await trio.sleep_forever()

    interface.functions["eat"] = lambda _state, x: Wait(forever, x)
    engine, state = Engine([interface]), State()
    component = content(good("", "(drop (call $make)) (call $eat (call $make))"))
    guest = engine.guest(engine.load_bytes(component), state, Limits())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(guest.run)
        await wait_all_tasks_blocked()
        guest.kill()
    assert state.drops() == [1, 0]
    assert kept == [state.things[1]]


async def test_a_host_function_that_fails_ends_its_guest_alone() -> None:
    interface = host()
    interface.functions["give"] = lambda _state: 5
    interface.functions["give-text"] = lambda _state: "\ud800"
    engine = Engine([interface])
    for name in ("give", "give-text"):
        state = State()
        program = engine.load_bytes(content(good("", f"(drop (call $make)) (call ${name} (i32.const 8))")))
        ended = await engine.guest(program, state, Limits()).run()
        assert ended.reason == "fault", name
        assert state.drops() == [1]
