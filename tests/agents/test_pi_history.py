"""What pi knows of a conversation that another session began."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from runtime.testing.script import say

if TYPE_CHECKING:
    from tests.agents.conftest import Bench
    from tests.agents.pi import Pi


async def end_of_turn(bench: Bench, number: int) -> int:
    """The event with which the session's turn of this number has ended."""
    rows = await bench.host.queries.session_events("test", bench.session_id)
    ends = [row["seq"] for row in rows if msgspec.json.decode(row["event"])["method"] == "_torpor/turn_ended"]
    seq: int = ends[number]
    return seq


async def ask_fork(bench: Bench, to: str | None, prompt: str) -> dict[str, Any]:
    """Fork the session at the end of its first turn, and prompt the fork."""
    made = await bench.host.fork_session("test", bench.session_id, await end_of_turn(bench, 0), to)
    vm = await bench.host.vm(to or "test")
    return await vm.sessions.prompt(made["sessionId"], prompt)


async def test_a_fork_in_another_vm_knows_what_was_said_up_to_there(pi: Pi) -> None:
    async with pi.talking_to(say("one"), say("two"), say("three"), say("four")) as (bench, model):
        await bench.ask("first")
        await bench.ask("second")
        assert (await ask_fork(bench, "copy", "third"))["text"] == "three"
        assert model.requests[-1].prompts() == ["first", "third"]
        await bench.ask("fourth")
        assert model.requests[-1].prompts() == ["first", "second", "fourth"]


async def test_a_fork_beside_the_session_is_told_what_was_said_up_to_there(pi: Pi) -> None:
    async with pi.talking_to(say("one"), say("two"), say("three"), say("four")) as (bench, model):
        await bench.ask("first")
        await bench.ask("second")
        assert (await ask_fork(bench, None, "third"))["text"] == "three"
        await bench.ask("fourth")
        assert model.requests[-1].prompts() == ["first", "second", "fourth"]
