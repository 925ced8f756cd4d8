"""What waits for a turn: fair between VMs, then between the guests of each. Counted in turns and fuel, not in seconds."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import assert_checkpoints, assert_no_checkpoints, wait_all_tasks_blocked

from runtime.engine import Engine, HostInterface, Limits, Share, Wait, lines
from runtime.engine.guest import SLICE_FUEL
from runtime.engine.lines import Account, Line, Member, paying, this_round
from runtime.engine.turns import LOOP_BURST, LOOP_LEAD, LOOP_SHARE, LOOP_TURN_SECONDS, LoopLine, Processors
from tests.engine.wat import SPIN, command
from tests.patience import WAIT

if TYPE_CHECKING:
    from runtime.engine import Program

CROWD = 16


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Clerk:
    """Serves a line, turn after turn, and notes who had each."""

    def __init__(self, line: Line | None = None) -> None:
        self.line = line or Line(1)
        self.served: list[str] = []

    async def keep_taking(self, name: str, member: Member, used: float = 1.0) -> None:
        while True:
            await member.take()
            self.served.append(name)
            member.give(used)

    async def until(self, count: int) -> None:
        while len(self.served) < count:
            await trio.lowlevel.checkpoint()

    def start(self, nursery: trio.Nursery, name: str, account: Account, guests: int, used: float = 1.0) -> None:
        for _ in range(guests):
            nursery.start_soon(self.keep_taking, name, Member(self.line, account), used)


async def test_many_guests_of_a_vm_have_the_weight_of_one() -> None:
    clerk = Clerk()
    async with trio.open_nursery() as nursery:
        clerk.start(nursery, "crowd", Account(), CROWD)
        clerk.start(nursery, "one", Account(), 1)
        await clerk.until(200)
        nursery.cancel_scope.cancel()
    assert 95 <= clerk.served.count("one") <= 105


async def test_who_uses_more_has_fewer_turns() -> None:
    clerk = Clerk()
    async with trio.open_nursery() as nursery:
        clerk.start(nursery, "long", Account(), 3, used=4)
        clerk.start(nursery, "short", Account(), 3, used=1)
        await clerk.until(500)
        nursery.cancel_scope.cancel()
    assert 95 <= clerk.served.count("long") <= 105


async def test_the_guests_of_a_vm_share_what_it_has() -> None:
    clerk, account = Clerk(), Account()
    async with trio.open_nursery() as nursery:
        for number in range(4):
            clerk.start(nursery, f"{number}", account, 1, used=1 + number % 2)
        await clerk.until(300)
        nursery.cancel_scope.cancel()
    counts = [clerk.served.count(f"{number}") for number in range(4)]
    assert counts == pytest.approx([100, 50, 100, 50], abs=3)


async def test_who_comes_waits_for_one_turn_at_most_and_nobody_saves_up_turns() -> None:
    clerk, idle = Clerk(), Account()
    async with trio.open_nursery() as nursery:
        clerk.start(nursery, "crowd", Account(), CROWD)
        for _ in range(20):
            await clerk.until(len(clerk.served) + 50)
            before = len(clerk.served)
            member = Member(clerk.line, idle)
            await member.take()
            assert len(clerk.served) <= before + 2
            member.give(1)
        before = len(clerk.served)
        clerk.start(nursery, "idle", idle, 1)  # it has had 20 turns where the crowd had 1000
        await clerk.until(before + 20)
        nursery.cancel_scope.cancel()
    assert 9 <= clerk.served[before:].count("idle") <= 11


async def test_a_short_burst_goes_before_the_guests_of_its_own_vm_that_spin() -> None:
    clerk, account = Clerk(), Account()
    async with trio.open_nursery() as nursery:
        clerk.start(nursery, "crowd", account, CROWD)
        await clerk.until(CROWD * 10)
        before = len(clerk.served)
        await Member(clerk.line, account).take()
        nursery.cancel_scope.cancel()
    assert len(clerk.served) <= before + CROWD  # it begins where the others are, not behind all that they will have


async def test_several_have_a_turn_at_once_and_no_more() -> None:
    line, account = Line(3), Account()
    having = 0

    async def take() -> None:
        nonlocal having
        await line.take(account, 0)
        having += 1

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(take)
        await wait_all_tasks_blocked()
        assert having == 3
        line.give(account, 1)
        await wait_all_tasks_blocked()
        assert having == 4
        nursery.cancel_scope.cancel()


async def test_who_gives_up_leaves_no_gap() -> None:
    line, account, other = Line(1), Account(), Account()

    async def take(whose: Account, order: int) -> None:
        await line.take(whose, order)
        line.give(whose, 1)

    await line.take(account, 0)
    async with trio.open_nursery() as nursery:
        for order, whose in itertools.product(range(5), (account, other)):
            nursery.start_soon(take, whose, order)
        await wait_all_tasks_blocked()
        line.give(account, 1)  # one of them has a turn, and is cancelled at once
        nursery.cancel_scope.cancel()
    await take(account, 0)
    with trio.CancelScope() as scope:
        scope.cancel()
        await line.take(account, 0)  # there is one in the next round, but this is cancelled before it can go on
    with trio.fail_after(WAIT):
        await take(other, 0)
        await take(account, 0)


async def test_who_comes_alone_goes_on_at_once_but_not_twice_in_a_round() -> None:
    line, account = Line(1), Account()
    for _ in range(3):
        await trio.lowlevel.checkpoint()
        with assert_no_checkpoints():
            await line.take(account, 0)
        line.give(account, 1)
        with assert_checkpoints():
            await line.take(account, 0)
        line.give(account, 1)


async def test_who_comes_in_the_round_in_which_a_turn_ends_goes_on_in_the_next() -> None:
    line, account = Line(1), Account()
    await line.take(account, 0)
    await trio.lowlevel.checkpoint()
    line.give(account, 1)
    with assert_checkpoints():
        await line.take(account, 0)


async def test_one_turn_in_a_round_of_the_loop() -> None:
    """Also when each is over before the next one comes: that is how a crowd leaves the others their rounds."""
    line, rounds = Line(1), [0]

    async def take(account: Account) -> None:
        await line.take(account, 0)
        rounds[-1] += 1
        line.give(account, 1)

    async with trio.open_nursery() as nursery:
        for _ in range(CROWD):
            nursery.start_soon(take, Account())
        while sum(rounds) < CROWD:
            await trio.lowlevel.checkpoint()
            rounds.append(0)
    assert max(rounds) <= 2  # of rounds that begin where this task happens to be


async def pass_by(line: LoopLine, account: Account, turns: int, used: float) -> None:
    """A guest that gets each of its answers in the next round, and never queues."""
    for _ in range(turns):
        line.pass_by(account, used)
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("guests", [1, CROWD])
async def test_short_turns_beside_the_line_come_to_as_much_as_long_ones_in_it(guests: int) -> None:
    line, one, other, short = LoopLine(Clock()), Account(), Account(), Account()
    clerk = Clerk(line)
    async with trio.open_nursery() as nursery:
        clerk.start(nursery, "one", one, guests, used=LOOP_TURN_SECONDS)
        clerk.start(nursery, "other", other, guests, used=LOOP_TURN_SECONDS)
        await clerk.until(20)
        clerk.served.clear()
        await pass_by(line, short, 1000, LOOP_TURN_SECONDS / 20)  # 50 long turns
        nursery.cancel_scope.cancel()
    assert clerk.served.count("one") == pytest.approx(50, abs=5)
    assert clerk.served.count("other") == pytest.approx(50, abs=5)


async def test_nobody_is_held_back_for_one_who_is_gone() -> None:
    line, account, short = LoopLine(Clock()), Account(), Account()
    clerk = Clerk(line)
    async with trio.open_nursery() as nursery:
        clerk.start(nursery, "long", account, 1, used=LOOP_TURN_SECONDS)
        await clerk.until(10)
        await pass_by(line, short, 10, 0)
        held = len(clerk.served)
        await pass_by(line, short, 10, 0)
        assert len(clerk.served) == held
        await clerk.until(held + 100)
        line.pass_by(short, 0)
        assert account.had - short.had <= 2 * LOOP_TURN_SECONDS  # and what he has not used is not saved up
        nursery.cancel_scope.cancel()


async def test_nobody_is_held_back_for_longer_than_the_others_have_had_less() -> None:
    """They are active, and use hardly anything."""
    clock = Clock()
    line, account, short = LoopLine(clock), Account(), Account()
    clerk = Clerk(line)
    async with trio.open_nursery() as nursery:
        clerk.start(nursery, "long", account, 1, used=LOOP_TURN_SECONDS)
        await clerk.until(10)
        await pass_by(line, short, 10, 0)
        held = len(clerk.served)
        clock.now += account.had - short.had
        await pass_by(line, short, 10, 0)
        nursery.cancel_scope.cancel()
    assert len(clerk.served) == held + 1
    assert account.had - short.had == pytest.approx(LOOP_LEAD + LOOP_TURN_SECONDS)


async def test_when_the_first_one_who_is_held_back_gives_up_the_next_one_is_first() -> None:
    line, account, other, short = LoopLine(Clock()), Account(), Account(), Account()
    line.pass_by(short, 0)
    for late in (account, other):
        line.pass_by(late, 2 * LOOP_LEAD)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(line.take, account, 0)
            await pass_by(line, short, 3, 0)
            nursery.start_soon(line.take, other, 0)
            await pass_by(line, short, 3, 0)
            scope.cancel()
    await wait_all_tasks_blocked()
    with trio.fail_after(WAIT):
        await line.take(other, 0)


async def test_a_vm_queues_when_another_one_that_is_active_has_had_less() -> None:
    line, account, other = LoopLine(Clock()), Account(), Account()
    line.pass_by(other, 0)
    line.pass_by(account, 2 * LOOP_LEAD)
    await trio.lowlevel.checkpoint()
    assert line.is_ahead(account)
    assert not line.is_ahead(other)
    for _ in range(2):
        line.pass_by(account, 0)
        await trio.lowlevel.checkpoint()
    assert not line.is_ahead(account)  # it is alone


async def test_a_vm_pays_for_the_host_s_steps_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of its tasks and of the tasks that they start, and not twice for the turns of its guests."""
    clock = Clock()
    monkeypatch.setattr(lines, "perf_counter", clock)
    paid: list[float] = []

    async def work(seconds: float, within: float = 0) -> None:
        for _ in range(2):
            await trio.lowlevel.checkpoint()
            clock.now += seconds
            this_round()[0].has_paid(within)

    async def pay() -> None:
        paying.set(lambda seconds, _: paid.append(seconds))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work, 10)
            nursery.start_soon(work, 4, 3)

    this_round()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pay)
        nursery.start_soon(work, 100)
    assert sorted(filter(None, paid)) == [1, 1, 10, 10]


async def test_whoever_runs_a_guest_pays() -> None:
    async def rest() -> int:
        await trio.lowlevel.checkpoint()
        return int(paying.get() is not None)

    interface = HostInterface("test:host/calls")
    interface.function("rest")(lambda _state: Wait(rest))
    engine = Engine([interface])
    program = engine.load_bytes(command("(i32.eqz (call $rest))", functions={"rest": "(result u32)"}))
    assert (await engine.guest(program, None, Limits()).run()).code == 0


def test_a_vm_queues_when_it_has_had_more_of_the_loop_than_its_share() -> None:
    share = Share()
    assert not share.is_ahead(100)
    share.charge_loop(LOOP_BURST, 100)
    assert not share.is_ahead(100)
    share.charge_loop(LOOP_BURST, 100)
    assert share.is_ahead(100)
    assert share.is_ahead(100 + 0.9 * LOOP_BURST / LOOP_SHARE)
    assert not share.is_ahead(100 + 1.1 * LOOP_BURST / LOOP_SHARE)
    share.charge_loop(LOOP_BURST, 200)  # what was not used is not saved up
    share.charge_loop(LOOP_BURST / 2, 200)
    assert share.is_ahead(200)


async def used_by_a_crowd(engine: Engine, program: Program, fuel: int) -> int:
    """The fuel that the many guests of a VM use until the only one of another has used so much."""
    share = Share()
    crowd = [engine.guest(program, None, Limits(), share) for _ in range(CROWD)]
    async with trio.open_nursery() as nursery:
        for guest in crowd:
            nursery.start_soon(guest.run)
        assert (await engine.guest(program, None, Limits(fuel=fuel), Share()).run()).reason == "out_of_fuel"
        nursery.cancel_scope.cancel()
    return sum(guest.fuel_used for guest in crowd)


@pytest.mark.slow
async def test_one_spinning_guest_computes_as_much_as_sixteen_of_another_vm() -> None:
    engine = Engine([HostInterface("test:host/calls")])
    engine._processors = Processors(workers=1)
    fuel = 200 * SLICE_FUEL
    assert await used_by_a_crowd(engine, engine.load_bytes(command(SPIN)), fuel) < 3 * fuel


@pytest.mark.slow
async def test_guests_that_wait_between_their_slices_share_the_loop_as_fairly() -> None:
    """They never get as far as a worker: all that they do is done on the loop's thread."""
    interface = HostInterface("test:host/calls")
    interface.function("rest")(lambda _state: Wait(rest))

    async def rest() -> int:
        await trio.lowlevel.checkpoint()
        return 0

    body = f"""
      (loop $forever
        (local.set $i (i32.const {SLICE_FUEL // 5}))
        (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
        (br_if $forever (i32.eqz (call $rest))))
      (i32.const 0)"""
    engine = Engine([interface])
    program = engine.load_bytes(command(body, functions={"rest": "(result u32)"}))
    fuel = 200 * SLICE_FUEL
    assert await used_by_a_crowd(engine, program, fuel) < 3 * fuel


async def test_where_no_thread_can_be_had_a_guest_goes_on_on_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = 0

    async def refuse(*_: object, **__: object) -> None:
        nonlocal refused
        refused += 1
        await trio.lowlevel.checkpoint()
        raise RuntimeError("can't start new thread")

    engine = Engine([HostInterface("test:host/calls")])
    program = engine.load_bytes(command(SPIN))
    monkeypatch.setattr(trio.to_thread, "run_sync", refuse)
    ended = await engine.guest(program, None, Limits(fuel=30 * SLICE_FUEL)).run()
    assert ended.reason == "out_of_fuel"
    assert refused == 2
