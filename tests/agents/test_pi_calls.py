"""Tool calls that are not whole: never executed, told to the model, and read in time that grows as their length does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runtime.testing.script import ToolCall, Turn, call, say
from tests.agents.pi import START, Raw, answer_to, calling, end, results, saying, tool_block

if TYPE_CHECKING:
    from tests.agents.conftest import Bench
    from tests.agents.pi import Pi, RawModel

PRECIOUS = b"precious\n" * 100
TARGET = "/home/user/a.txt"
HALF = '{"path":"a.txt","content":"first half'

MALFORMED = {
    "an unescaped quote": ['{"path":"a.txt","content":"say "hi" to all"}'],
    "an unfinished string": [HALF],
    "an unfinished object": ['{"path":"a.txt",', '"content":"all of it"'],
    "a line end in a string": ['{"path":"a.txt","content":"one\ntwo"}'],
    "an escape that is none": ['{"path":"a.txt","content":"C:\\dir"}'],
    "single quotes": ["{'path':'a.txt','content':'x'}"],
    "something behind it": ['{"path":"a.txt","content":"x"} and so on'],
    "a list": ['[{"path":"a.txt","content":"x"}]'],
    "a text": ['"a.txt"'],
    "nothing at all": ["null"],
    "null for the content": ['{"path":"a.txt","content":null}'],
    "a number for the content": ['{"path":"a.txt","content":5}'],
    "no content": ['{"path":"a.txt"}'],
}


def told(model: RawModel) -> tuple[list[bool], str]:
    """Which of the last results are errors, and what they say."""
    return [bool(result.get("is_error")) for result in model.requests[-1].tool_results()], "\n".join(results(model))


async def turns(bench: Bench) -> list[dict[str, Any]]:
    return [each["params"] for each in await bench.events() if each["method"] == "_torpor/turn_ended"]


async def test_arguments_that_are_not_json_are_told_and_not_guessed(pi: Pi) -> None:
    blocks = b"".join(tool_block("write", pieces, index) for index, pieces in enumerate(MALFORMED.values()))
    async with pi.hearing(Raw(START + blocks + end("tool_use")), saying("done")) as (bench, model):
        await bench.write(TARGET, PRECIOUS)
        assert await answer_to(bench) == ("end_turn", "done")
        assert await bench.read(TARGET) == PRECIOUS
        errors, words = told(model)
        assert dict(zip(MALFORMED, errors, strict=True)) == dict.fromkeys(MALFORMED, True)
        assert "not valid JSON" in words
        assert 'near "{\\"path\\":\\"a.txt\\",\\"content\\":\\"say \\"hi' in words, "the place is shown"
        assert "content must be text, not null" in words
        failed = [each for each in await bench.updates("tool_call_update") if each.get("status") == "failed"]
        assert len(failed) == len(MALFORMED), "the client is told as well"


@pytest.mark.parametrize("stop_reason", ["max_tokens", "model_context_window_exceeded"])
async def test_a_call_that_was_cut_off_is_not_made(pi: Pi, stop_reason: str) -> None:
    async with pi.hearing(calling("write", HALF, stop_reason=stop_reason), saying("in parts, then")) as (bench, model):
        await bench.write(TARGET, PRECIOUS)
        assert await answer_to(bench) == ("end_turn", "in parts, then")
        assert await bench.read(TARGET) == PRECIOUS
        errors, words = told(model)
        assert errors == [True]
        assert "reached its limit before the arguments were complete" in words


async def test_the_calls_before_the_one_that_was_cut_off_are_made(pi: Pi) -> None:
    whole = tool_block("write", ['{"path":"b.txt","content":"whole"}'])
    answer = Raw(START + whole + tool_block("write", [HALF], 1) + end("max_tokens"))
    async with pi.hearing(answer, saying("so")) as (bench, model):
        await bench.write(TARGET, PRECIOUS)
        await bench.ask("go")
        assert (await bench.read("/home/user/b.txt"), await bench.read(TARGET)) == (b"whole", PRECIOUS)
        assert told(model)[0] == [False, True]


async def test_a_call_cut_off_before_its_arguments_is_not_one_without_arguments(pi: Pi) -> None:
    async with pi.hearing(calling("ls", "", stop_reason="max_tokens"), calling("ls"), saying("so")) as (
        bench,
        model,
    ):
        await bench.ask("go")
        first, second = [request.tool_results()[-1] for request in model.requests[1:]]
        assert (first["is_error"], second["is_error"]) == (True, False)


async def test_a_model_that_is_cut_off_again_and_again_ends_the_turn(pi: Pi) -> None:
    async with pi.hearing(calling("write", HALF, stop_reason="max_tokens")) as (bench, model):
        assert await answer_to(bench) == ("max_tokens", "")
        assert len(model.requests) == 4
        assert await answer_to(bench) == ("max_tokens", ""), "the conversation goes on"
        assert len(model.requests) == 8


async def test_a_call_in_an_answer_that_breaks_off_is_not_made(pi: Pi) -> None:
    broken = Raw(START + tool_block("write", ['{"path":"a.txt","content":"x"}']), end="cut")
    async with pi.hearing(broken, saying("fine")) as (bench, model):
        await bench.write(TARGET, PRECIOUS)
        assert await answer_to(bench) == ("end_turn", "fine"), "it was asked again"
        assert await bench.read(TARGET) == PRECIOUS
        assert [len(request.messages) for request in model.requests] == [1, 1]
        assert [each["status"] for each in await bench.updates("tool_call_update") if "status" in each] == ["failed"]


async def test_calls_that_the_api_would_not_take_back_are_made_fit(pi: Pi) -> None:
    calls = (ToolCall("no such tool!", {}, id="an id"), ToolCall("ls", {}, id="x" * 100))
    async with pi.talking_to(Turn(calls), say("so")) as (bench, model):
        assert await bench.say("go") == "so"
        made = [block for block in model.requests[-1].messages[1]["content"] if block["type"] == "tool_use"]
        assert [block["name"] for block in made] == ["no_such_tool_", "ls"]
        assert [block["id"] for block in made] == ["an_id", "x" * 64]


async def test_ids_that_come_again_are_replaced(pi: Pi) -> None:
    """The API refuses a conversation in which a call's id is there twice."""
    twice = (ToolCall("ls", {}, id="call"), ToolCall("ls", {}, id="call"))
    async with pi.talking_to(Turn(twice), Turn(twice[:1]), say("so")) as (bench, model):
        assert await bench.say("go") == "so"
        blocks = [block for message in model.requests[-1].messages for block in message["content"]]
        made = [block["id"] for block in blocks if block["type"] == "tool_use"]
        assert (made[0], len(set(made))) == ("call", 3)


async def test_a_large_write_in_small_pieces_costs_little(pi: Pi) -> None:
    """Fuel grows as the text does, and not as its square, as it would if the arguments were read anew at each piece.

    It is the most where pi takes each of the 2,000 pieces alone, as it does where it has nothing to wait for.
    """
    sizes = (16 * 1024, 16 * 1024, 32 * 1024)
    script = [step for size in sizes for step in (call_in_pieces(size), say("ok"))]
    async with pi.talking_to(*script) as (bench, _):
        for _size in sizes:
            assert await bench.say("go") == "ok"
        assert await bench.read("/home/user/x") == b"w" * sizes[-1]
        _, half, whole = [turn["fuelUsed"] for turn in await turns(bench)]
        assert whole < 4_000_000_000
        assert whole / half < 2.2


def call_in_pieces(size: int) -> Turn:
    return Turn((ToolCall("write", {"path": "x", "content": "w" * size}, chunk=17),))


async def test_arguments_in_pieces_of_any_size_are_the_same(pi: Pi) -> None:
    content = 'quotes " and \\ and \U0001f600, and a line\n'
    text = json.dumps({"path": "a.txt", "content": content})
    answers = [calling("write", *pieces) for pieces in ([text], list(text), [text[:30], "", text[30:]])]
    async with pi.hearing(*[each for answer in answers for each in (answer, saying("ok"))]) as (bench, _):
        for _answer in answers:
            await bench.ask("go")
            assert (await bench.read(TARGET)).decode() == content
            await bench.write(TARGET, b"")


async def test_a_call_may_bring_its_arguments_at_once(pi: Pi) -> None:
    whole = {"content": [{"type": "tool_use", "id": "t", "name": "write", "input": {"path": "a.txt", "content": "x"}}]}
    async with pi.hearing(Raw(json.dumps({**whole, "stop_reason": "tool_use"}).encode()), saying("ok")) as (bench, _):
        assert await answer_to(bench) == ("end_turn", "ok")
        assert await bench.read(TARGET) == b"x"


async def test_a_script_may_leave_arguments_out(pi: Pi) -> None:
    async with pi.talking_to(call("ls"), say("ok")) as (bench, model):
        await bench.ask("go")
        assert results(model) == ["(empty directory)"]
