"""How far transcripts grow: what reaches a limit ends with a reason, loses nothing, and goes on once there is room."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import attrs
import trio

from runtime.api.errors import ErrorCode
from runtime.api.events import LIMIT_REACHED
from runtime.sessions.transcript.growth import RESERVE_BYTES
from tests.sessions.fakes import FakeAgent, FakeVm, failing, never, new, start
from tests.settled import settled, until

if TYPE_CHECKING:
    import pytest
    from trio.testing import MockClock

TEXT = "x" * 1000
ENOUGH = 50
"""Of such texts, to go over the limits that these tests set."""


def limit(vm: FakeVm, **limits: int) -> None:
    """Change limits of the VM, as `vm.configure` does."""
    vm.transcript_limits = attrs.evolve(vm.transcript_limits, **limits)


async def stored_bytes(vm: FakeVm) -> int:
    """What the file has of events."""
    await vm.store.writer.barrier()
    row = vm.store.vms.get(vm.name)
    assert row is not None
    sessions = vm.store.sessions.list(row.row)
    return sum([len(event.body) for each in sessions for event in await vm.store.transcript.history(each.row)])


async def talkative(agent: FakeAgent, params: dict[str, Any]) -> Any:
    """Says much, and stops when it is asked to."""
    for _ in range(ENOUGH):
        await agent.say(TEXT)
    await agent.cancelled.wait()
    await agent.say("stopped")
    return {"stopReason": "cancelled"}


async def deaf(agent: FakeAgent, params: dict[str, Any]) -> Any:
    """Talks for as long as it lives."""
    with contextlib.suppress(trio.ClosedResourceError):
        while True:
            await agent.say(TEXT * 100)


async def test_a_turn_that_says_too_much_is_cancelled_and_told_why(vm: FakeVm) -> None:
    limit(vm, turn=20_000)
    id_ = await new(vm)
    vm.behaviour["session/prompt"] = talkative
    with failing(ErrorCode.LIMIT_EXCEEDED) as told:
        await vm.sessions.prompt(id_, "talk")
    assert (told["limit"], told["allowed"], told["stopReason"]) == ("turnBytes", 20_000, "cancelled")
    assert "limits.turnBytes" in told["message"]
    events = await vm.events(id_)
    (reached,) = [event["params"] for event in events if event["method"] == LIMIT_REACHED]
    assert 20_000 <= reached["used"] < 22_000
    assert (events[told["seq"]]["method"], events[told["seq"]]["params"]["limit"]) == (
        "_torpor/turn_ended",
        "turnBytes",
    )
    said = [event["params"]["update"] for event in events if event["method"] == "session/update"]
    assert [update["content"]["text"] for update in said][1:] == [TEXT] * ENOUGH + ["stopped"], "nothing is lost"
    del vm.behaviour["session/prompt"]
    vm.behaviour["session/prompt"] = quiet
    assert (await vm.sessions.prompt(id_, "and now?"))["text"] == "fine"
    assert len(vm.started) == 1, "an agent that does as it is told lives on"


async def quiet(agent: FakeAgent, params: dict[str, Any]) -> Any:
    await agent.say("fine")
    return {"stopReason": "end_turn"}


async def test_an_agent_that_goes_on_is_killed(vm: FakeVm) -> None:
    limit(vm, turn=20_000)
    id_ = await new(vm)
    vm.behaviour["session/prompt"] = deaf
    with failing(ErrorCode.LIMIT_EXCEEDED) as told:
        await vm.sessions.prompt(id_, "talk")
    assert told["stopReason"] == "cancelled"
    assert await stored_bytes(vm) < 20_000 + RESERVE_BYTES + 4 * len(TEXT) * 100
    assert (await vm.log(id_)).count("_torpor/agent_exit") == 1
    vm.behaviour["session/prompt"] = quiet
    assert (await vm.sessions.prompt(id_, "and now?"))["text"] == "fine"


async def test_an_agent_that_talks_between_turns_is_killed(vm: FakeVm, autojump_clock: MockClock) -> None:
    limit(vm, turn=20_000)
    id_ = await new(vm)
    vm.nursery.start_soon(deaf, vm.agent, {})
    await until(lambda: not vm.running)
    assert await stored_bytes(vm) < 20_000 + RESERVE_BYTES + 4 * len(TEXT) * 100
    await until(lambda: not vm.sessions.statuses())
    assert (await vm.log(id_))[-1] == "_torpor/agent_exit"
    vm.behaviour["session/prompt"] = quiet
    assert (await vm.sessions.prompt(id_, "and now?"))["text"] == "fine"


async def test_a_session_that_is_full_is_readable_and_goes_on_when_there_is_room(vm: FakeVm) -> None:
    limit(vm, session=20_000)
    id_, other = await new(vm), await new(vm)
    vm.behaviour["session/prompt"] = talkative
    with failing(ErrorCode.LIMIT_EXCEEDED) as told:
        await vm.sessions.prompt(id_, "talk")
    assert told["limit"] == "sessionBytes"
    before = await vm.log(id_)
    vm.behaviour["session/prompt"] = quiet
    for refused in (
        lambda: vm.sessions.prompt(id_, "more"),
        lambda: vm.sessions.resume(id_),
        lambda: vm.sessions.set_mode(id_, "ask"),
        lambda: vm.sessions.raw_send(id_, "_fake/more"),
    ):
        with failing(ErrorCode.LIMIT_EXCEEDED) as told:
            await refused()
        assert (told["limit"], told["allowed"]) == ("sessionBytes", 20_000)
        assert "limits.sessionBytes" in told["message"]
    assert await vm.log(id_) == before
    assert (await vm.sessions.prompt(other, "you?"))["text"] == "fine"
    await vm.sessions.close(id_)
    limit(vm, session=10_000_000)
    await vm.sessions.resume(id_)
    assert (await vm.sessions.prompt(id_, "and now?"))["text"] == "fine"


async def test_a_vm_that_is_full_gets_room_by_a_session_that_is_destroyed(vm: FakeVm) -> None:
    limit(vm, transcript=20_000)
    id_, other = await new(vm), await new(vm)
    vm.behaviour["session/prompt"] = talkative
    with failing(ErrorCode.LIMIT_EXCEEDED) as told:
        await vm.sessions.prompt(id_, "talk")
    assert told["limit"] == "transcriptBytes"
    vm.behaviour["session/prompt"] = quiet
    for refused in (lambda: vm.sessions.prompt(other, "you?"), lambda: vm.sessions.create("fake")):
        with failing(ErrorCode.LIMIT_EXCEEDED) as told:
            await refused()
        assert told["limit"] == "transcriptBytes"
        assert "destroySession" in told["message"]
    await vm.sessions.destroy(id_)
    assert (await vm.sessions.prompt(other, "you?"))["text"] == "fine"
    await new(vm)


async def test_a_vm_has_so_many_sessions(vm: FakeVm) -> None:
    limit(vm, sessions=2)
    id_ = await new(vm)
    await vm.sessions.close(await new(vm))
    with failing(ErrorCode.LIMIT_EXCEEDED) as told:
        await vm.sessions.create("fake")
    assert (told["limit"], told["used"], told["allowed"]) == ("sessions", 2, 2)
    vm.behaviour["session/new"] = quiet  # answers no session: the start fails
    await vm.sessions.destroy(id_)
    with failing(ErrorCode.AGENT_FAILED):
        await vm.sessions.create("fake")
    assert vm.sessions.tally.sessions == 1, "one that was not made does not count"


async def test_what_counts_is_what_is_in_the_file(asleep: FakeVm, monkeypatch: pytest.MonkeyPatch) -> None:
    """After turns, sleeps, forks, and ends that nobody could count."""
    async with asleep.awake() as sessions:
        id_ = await new(asleep)
        await sessions.prompt(id_, "one")
        gone = await new(asleep)
        await sessions.prompt(gone, "two")
        assert sessions.tally.bytes == await stored_bytes(asleep)
        await sessions.destroy(gone)
        assert sessions.tally.bytes == await stored_bytes(asleep)
        await asleep.started[0].say("between turns")
        await asleep.started[0].say("and again")
        await settled()
        await sessions.suspend_all()
    monkeypatch.setattr("runtime.store.sessions.UNCOUNTED_BYTES", 1)
    for _ in range(2):
        async with asleep.awake() as sessions:
            assert (sessions.tally.bytes, sessions.tally.sessions) == (await stored_bytes(asleep), 1)
            assert await sessions.prompt(id_, "three")
            assert sessions.tally.bytes == await stored_bytes(asleep)
            record = asleep.store.vms.get("vm")
            assert record is not None
            assert await asleep.store.sessions.count_events(record.row) == (sessions.tally.bytes, 1)


async def test_the_agent_that_makes_us_hold_the_most_is_killed(vm: FakeVm, nursery: trio.Nursery) -> None:
    """Here by a line that it does not end."""
    vm.agent_budget.limit = 280_000
    vm.behaviour["session/prompt"] = never
    modest, greedy = await new(vm), await new(vm)
    one, other = await start(vm, nursery, modest), await start(vm, nursery, greedy)
    await vm.started[0].raw(b" " * 100_000)
    await vm.started[1].raw(b" " * 150_000)
    await settled()
    assert vm.agent_budget.used >= 250_000
    await vm.started[0].raw(b" " * 40_000)
    await other.done.wait()
    assert other.error is not None
    assert (other.error.code, other.error.data["limit"]) == (ErrorCode.LIMIT_EXCEEDED, "agentBytes")
    assert (await vm.log(greedy)).count(LIMIT_REACHED) == 1
    assert not one.done.is_set()
    vm.behaviour["session/prompt"] = quiet
    assert (await vm.sessions.prompt(greedy, "and now?"))["text"] == "fine"
    await vm.sessions.cancel(modest, 0)
    await settled()
    assert vm.agent_budget.used == 0


async def test_what_is_held_for_an_agent_is_let_go(vm: FakeVm, nursery: trio.Nursery) -> None:
    """Texts of turns, requests that wait, answers that the agent has read."""
    id_ = await new(vm)

    async def asking(agent: FakeAgent, params: dict[str, Any]) -> Any:
        await agent.say(TEXT)
        options = [{"optionId": "a", "name": "Allow", "kind": "allow_once"}]
        await agent.request("session/request_permission", toolCall={"toolCallId": "t", "title": TEXT}, options=options)
        return {"stopReason": "end_turn"}

    vm.behaviour["session/prompt"] = asking
    prompting = await start(vm, nursery, id_)
    await until(lambda: bool(vm.sessions.get(id_)["pendingPermissions"]))
    assert vm.agent_budget.used > 2 * len(TEXT)
    (request,) = vm.sessions.get(id_)["pendingPermissions"]
    await vm.sessions.respond_permission(id_, request["permissionId"], option_id="a")
    await prompting.done.wait()
    await settled()
    assert vm.agent_budget.used == 0
