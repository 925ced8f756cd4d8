"""Running a fuzzing guest on both engines, and saying where they differ."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

import wasmtime

from runtime.engine import Engine, Limits
from runtime.engine.features import configuration
from tests.engine.fuzz.component import OWN_TYPES, component, composed
from tests.engine.fuzz.host import FUNCTIONS, Answers, Run, interface
from tests.engine.fuzz.reference import Reference
from tests.engine.fuzz.shapes import ENCODINGS, Function, functions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.engine import Program

FUEL: Final = 2_000_000_000
"""More than any run uses: where it ends is not the same for both."""
_PACE: Final = 16
"""The guest tells its digest every so many calls."""
_COMPOSED: Final = 4  # one component in so many has another one between the caller and the host
_EVIL: Final = (400, 1500, 5000)
_EVIL_CALLS: Final = 1000
"""A run in which things go wrong ends at the first that is noticed."""
_LINES: Final = 3
_WIDTH: Final = 600

PERMITTED: Final = {
    "the arguments of one call are too large": "abi.context.MAX_LIFT_BYTES bounds what one call may make the host convert; "
    "wasmtime has a bound of its own, 128 MiB, by another measure",
}
"""What ends a guest of ours that goes on in wasmtime, by a part of the message, and why."""


class Plan(NamedTuple):
    """How much is tried with one component."""

    calls: int = 3000
    """In the one run where nothing is wrong."""
    evil_runs: int = 30


class Found(NamedTuple):
    """One run on one engine."""

    run: Run
    reason: str
    code: int | None
    message: str


class Tally:
    """What has been compared so far."""

    def __init__(self) -> None:
        self.calls = 0
        self.runs = 0
        self.traps = 0
        self.permitted = 0


class Fuzzer:
    """Both engines."""

    def __init__(self) -> None:
        self._interface = interface()
        self._engine = Engine([self._interface])
        self._wasmtime = wasmtime.Engine(configuration(portable=False))
        self.tally = Tally()

    async def compare(self, seed: int, plan: Plan) -> list[str]:
        """Make the component of this seed, and run it; what differs, one text for each run."""
        random = Random(seed)  # noqa: S311 - seeded on purpose
        made = functions(random, FUNCTIONS)
        encodings = [random.choice(ENCODINGS) for _ in made]
        content = component(made) if random.randrange(_COMPOSED) else composed(made, encodings)
        return await self.compare_component(content, made, random, plan, f"seed {seed}")

    async def compare_component(
        self, content: bytes, made: tuple[Function, ...], random: Random, plan: Plan, what: str
    ) -> list[str]:
        """As `compare`, for a component that is there."""
        answers = Answers(made, random.getrandbits(64))
        program = self._engine.load_bytes(content)
        types = {**OWN_TYPES, **{function.name: function.type for function in made}}
        reference = Reference(self._wasmtime, self._interface, types, content)
        differences = []
        for calls, evil in self._runs(random, plan):
            difference = await self._compare(reference, program, answers, (random.getrandbits(64), calls, evil))
            if difference is not None:
                differences.append(f"{what}, evil {evil}: {difference}\n{_told(made)}")
        return differences

    @staticmethod
    def _runs(random: Random, plan: Plan) -> Iterator[tuple[int, int]]:
        """(calls, evil)"""
        yield plan.calls, 0
        for _ in range(plan.evil_runs):
            yield _EVIL_CALLS, random.choice(_EVIL)

    async def _compare(
        self, reference: Reference, program: Program, answers: Answers, settings: tuple[int, int, int]
    ) -> str | None:
        ours, theirs = await self._both(reference, program, answers, settings, notes=False)
        self.tally.runs += 1
        self.tally.calls += min(ours.run.calls, theirs.run.calls)
        self.tally.traps += theirs.reason == "trap"
        if _same(ours, theirs):
            if settings[2] == 0 and ours.reason != "exit":
                return f"the guest has ended early, by {ours.message} here and by {theirs.message} there"
            return None
        if any(part in ours.message for part in PERMITTED):
            self.tally.permitted += 1
            return None
        return _difference(*await self._both(reference, program, answers, settings, notes=True))

    async def _both(
        self, reference: Reference, program: Program, answers: Answers, settings: tuple[int, int, int], *, notes: bool
    ) -> tuple[Found, Found]:
        pace = 1 if notes else _PACE
        run = Run(answers, *settings, pace=pace, waits=True, notes=notes)
        ended = await self._engine.guest(program, run, Limits(fuel=FUEL)).run()
        ours = Found(run, ended.reason, ended.code, ended.message)
        run = Run(answers, *settings, pace=pace, waits=False, notes=notes)
        outcome = reference.run(run, FUEL)
        return ours, Found(run, outcome.reason, outcome.code, outcome.message)


def _same(ours: Found, theirs: Found) -> bool:
    return (ours.reason, ours.code, ours.run.digest, ours.run.calls, ours.run.made) == (
        theirs.reason, theirs.code, theirs.run.digest, theirs.run.calls, theirs.run.made,
    ) and sorted(ours.run.dropped) == sorted(theirs.run.dropped)  # fmt: skip


def _difference(ours: Found, theirs: Found) -> str:
    left, right = ours.run.notes or [], theirs.run.notes or []
    first = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    begin = max(0, first - _LINES)
    return "\n".join(
        [
            f"call {first} of {len(left)} here and {len(right)} there",
            *(f"  both:  {line[:_WIDTH]}" for line in left[begin:first]),
            f"  here:  {''.join(left[first : first + 1])[:_WIDTH] or '-'}",
            f"  there: {''.join(right[first : first + 1])[:_WIDTH] or '-'}",
            f"  here:  {ours.reason} {ours.code} {ours.message}",
            f"  there: {theirs.reason} {theirs.code} {theirs.message}",
            f"  made {ours.run.made} here, {theirs.run.made} there",
            f"  dropped here alone {sorted(set(ours.run.dropped) - set(theirs.run.dropped))[:20]}",
            f"  dropped there alone {sorted(set(theirs.run.dropped) - set(ours.run.dropped))[:20]}",
            f"  dropped {len(ours.run.dropped)} here, {len(theirs.run.dropped)} there",
        ]
    )


def _told(made: tuple[Function, ...]) -> str:
    return "\n".join(f"  {f.name} {f.encoding}: {f.type}"[:_WIDTH] for f in made)
