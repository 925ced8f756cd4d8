"""What pi knows of a conversation that has become too long for its model, and of one that another session began."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from runtime.testing.script import say

if TYPE_CHECKING:
    from runtime.testing.scripted_model import ScriptedModel
    from tests.agents.conftest import Bench
    from tests.agents.pi import Pi

LONG = "word " * 20_000
"""As many tokens as compaction leaves as they are, and some more."""


async def start(bench: Bench, model: ScriptedModel, window: int) -> None:
    """Begin a session whose model is said to have a window of so many tokens, of which pi keeps 16,384 for an answer."""
    models = {"providers": {"anthropic": {"modelOverrides": {"claude-sonnet-4-6": {"contextWindow": window}}}}}
    await bench.write("/home/user/.pi/agent/models.json", msgspec.json.encode(models))
    await bench.start("pi", ANTHROPIC_API_KEY="key", ANTHROPIC_BASE_URL=model.url)


async def thoughts(bench: Bench) -> list[str]:
    return [update["content"]["text"] for update in await bench.updates("agent_thought_chunk")]


COMPACTED = "The context is full: the conversation is being compacted."


async def test_a_context_that_is_nearly_full_is_compacted_before_the_model_refuses_it(pi: Pi) -> None:
    async with pi.talking_to(say("one"), say("two"), say("SUMMARY"), say("three")) as (bench, model):
        await start(bench, model, 60_000)
        await bench.ask(f"first {LONG}")
        assert await thoughts(bench) == []
        assert (await bench.ask(f"second {LONG}"))["text"] == "two"
        assert await thoughts(bench) == [COMPACTED]
        assert "first word" in model.requests[-1].prompts()[-1]
        assert await bench.say("third") == "three"
        prompts = model.requests[-1].prompts()
        assert "SUMMARY" in prompts[0]
        assert not any(prompt.startswith("first") for prompt in prompts)
        assert [prompts[-2].startswith("second"), prompts[-1]] == [True, "third"]


async def test_a_turn_ends_that_was_answered_beyond_the_window(pi: Pi) -> None:
    """Its model's is larger than it is said to be, or it has left something out. There is nothing to be asked again."""
    async with pi.talking_to(say("one"), say("two"), say("SUMMARY"), say("three")) as (bench, model):
        await start(bench, model, 50_000)
        await bench.ask(f"first {LONG}")
        assert (await bench.ask(f"second {LONG}"))["text"] == "two"
        assert await thoughts(bench) == [COMPACTED]
        assert await bench.say("third") == "three"
        assert len(model.requests) == 4


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
