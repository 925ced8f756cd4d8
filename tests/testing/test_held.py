"""Conversations that the scripted model holds, as the official packages use them: message threads, stored responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest
import trio

from runtime.testing import held
from runtime.testing.script import Break, Failure, Text, ToolCall, Turn, call, say
from runtime.testing.scripted_model import ScriptedModel, scripted_model
from tests.testing.test_scripted_model import WRITE_TOOL, ask, talking_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.testing.messages_api import ModelRequest


@anthropic.beta_async_tool
async def write(path: str, content: str) -> str:
    """Write a file.

    Args:
        path: Where.
        content: What.
    """
    return f"wrote {path}: {content}"


def members(*names: str) -> dict[str, Any]:
    return {"model": "claude-sonnet-5-5", "max_tokens": 1000, "tools": [write], "system": f"You are {names[0]}."}


async def run(client: anthropic.AsyncAnthropic, name: str, *, stream: bool = False) -> str:
    runner = client.beta.messages.tool_runner(
        **members(name), messages=[{"role": "user", "content": f"I am {name}."}], stream=stream
    )
    text = ""
    async for each in runner:
        message = await each.get_final_message() if stream else each
        text = "".join(block.text for block in message.content if block.type == "text")
    return text


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_runner_sends_only_what_is_new(stream: bool) -> None:
    turns = [call("write", path="a", content="1"), call("write", path="b", content="2"), say("Done.")]
    async with talking_to(turns) as (model, client):
        assert await run(client, "Ada", stream=stream) == "Done."
    assert len(model.requests) == 3
    assert len({request.thread for request in model.requests}) == 1
    last = model.requests[-1]
    assert last.prompts() == ["I am Ada."]
    assert (last.system, last.tool_names) == ("You are Ada.", ["write"])
    assert [message["role"] for message in last.messages] == ["user", "assistant"] * 2 + ["user"]
    assert last.tool_results()[0]["content"] in ("wrote b: 2", [{"type": "text", "text": "wrote b: 2"}])
    assert all(request.outcome == "answered" for request in model.requests)
    assert model.requests[1].body["thread"]["type"] == "continue"


async def test_several_threads_at_once_are_told_apart() -> None:
    seen: dict[str, list[int]] = {}

    def answer(request: ModelRequest) -> Turn:
        name = request.system.split()[-1].rstrip(".")
        seen.setdefault(str(request.thread), []).append(len(request.messages))
        assert request.prompts() == [f"I am {name}."]
        if len(request.messages) == 1:
            return call("write", path=name, content="x")
        assert name in str(request.tool_results()[0]["content"])
        return say(f"Done for {name}.")

    async with talking_to(answer) as (model, client):
        said: dict[str, str] = {}

        async def one(name: str) -> None:
            said[name] = await run(client, name)

        async with trio.open_nursery() as nursery:
            for number in range(6):
                nursery.start_soon(one, f"agent-{number}")
    assert said == {f"agent-{number}": f"Done for agent-{number}." for number in range(6)}
    assert list(seen.values()) == [[1, 3]] * 6
    assert len(model.requests) == 12


async def test_a_thread_goes_on_from_its_last_reply_alone() -> None:
    async with talking_to(lambda request: say(f"{len(request.messages)}")) as (_, client):
        create = client.beta.messages.create
        first = await create(**ask("one", system="S", tools=[WRITE_TOOL], thread={"type": "create"}))
        on = {"type": "continue", "previous_message_id": first.id}
        second = await create(**ask("two", thread=on))
        assert second.content[0].text == "3"
        assert second.usage.input_tokens > first.usage.input_tokens
        assert (await refused(create, "two again", on)) == "thread_already_continued"
        assert (await refused(create, "x", {**on, "previous_message_id": "msg_none"})) == "thread_not_found"
        later = {**on, "previous_message_id": second.id}
        for repeated in ({"system": "S"}, {"tools": [WRITE_TOOL]}, {"thread": {"type": "fork"}}):
            with pytest.raises(anthropic.BadRequestError):
                await create(**{**ask("three", thread=later), **repeated})
        third = await create(**ask("three", thread=later))
        assert third.content[0].text == "5"


async def refused(create: Callable[..., Any], text: str, thread: dict[str, Any]) -> str:
    with pytest.raises(anthropic.APIStatusError) as caught:
        await create(**ask(text, thread=thread))
    body = caught.value.body
    assert isinstance(body, dict)
    return str(body["error"]["details"]["error_code"])


async def test_a_reply_that_did_not_arrive_leaves_the_thread_as_it_was() -> None:
    turns = [say("one"), Failure(500), Turn((Text("cut"),), break_=Break("disconnect", 3)), say("two")]
    async with talking_to(turns) as (model, client):
        create = client.beta.messages.create
        first = await create(**ask("a", thread={"type": "create"}))
        on = {"type": "continue", "previous_message_id": first.id}
        with pytest.raises(anthropic.InternalServerError):
            await create(**ask("b", thread=on))
        with pytest.raises(anthropic.APIConnectionError):
            await create(**ask("b", thread=on))
        assert (await create(**ask("b", thread=on))).content[0].text == "two"
    assert [request.outcome for request in model.requests] == ["answered", "failed", "broken", "answered"]


async def test_one_continuation_at_a_time() -> None:
    async with talking_to([say("one"), say("two", delay=3600), say("three")]) as (model, client):
        create = client.beta.messages.create
        first = await create(**ask("a", thread={"type": "create"}))
        on = {"type": "continue", "previous_message_id": first.id}
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: create(**ask("b", thread=on)))
            await model.wait_for_requests(2)
            assert (await refused(create, "b", on)) == "thread_continue_in_flight"
            nursery.cancel_scope.cancel()
        while model.requests[1].outcome is None:
            await trio.lowlevel.checkpoint()
        assert (await create(**ask("b", thread=on))).content[0].text == "three"


async def test_a_lost_thread_is_begun_again_by_the_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "MAX_HELD", 0)
    async with talking_to([call("write", path="a", content="1"), say("Done.")]) as (model, client):
        assert await run(client, "Ada") == "Done."
    assert [request.outcome for request in model.requests] == ["answered", "failed", "answered"]


# OpenAI


async def openai_model(model: ScriptedModel) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key="test", base_url=f"{model.url}/v1", max_retries=0)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_stored_response_is_read_again(stream: bool) -> None:
    turn = Turn((Text("Writing."), ToolCall("write", {"path": "a"})))
    async with scripted_model([turn, say("two")]) as model, await openai_model(model) as client:
        if stream:
            async with client.responses.stream(model="m", input="Hello", instructions="Be brief.") as events:
                answered = await events.get_final_response()
        else:
            answered = await client.responses.create(model="m", input="Hello", instructions="Be brief.")
        found = await client.responses.retrieve(answered.id)
        assert (found.id, found.status, found.output_text) == (answered.id, "completed", "Writing.")
        assert [item.id for item in found.output] == [item.id for item in answered.output]
        assert found.instructions == "Be brief."
        unstored = await client.responses.create(model="m", input="Hello", store=False)
        for missing in (unstored.id, "resp_none"):
            with pytest.raises(openai.NotFoundError) as caught:
                await client.responses.retrieve(missing)
            assert missing in caught.value.message
        await client.responses.delete(answered.id)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(answered.id)


async def test_a_response_goes_on_from_another() -> None:
    async with (
        scripted_model([Turn((ToolCall("write", {"path": "a"}, id="call_1"),)), say("two"), say("other")]) as model,
        await openai_model(model) as client,
    ):
        first = await client.responses.create(model="m", input="Hello")
        result = {"type": "function_call_output", "call_id": "call_1", "output": "ok"}
        second = await client.responses.create(model="m", input=[result], previous_response_id=first.id)
        assert second.previous_response_id == first.id
        assert model.requests[1].prompts() == ["Hello"]
        assert model.requests[1].tool_results()[0]["content"] == "ok"
        assert second.usage is not None
        assert first.usage is not None
        assert second.usage.input_tokens > first.usage.input_tokens
        await client.responses.create(model="m", input=[result], previous_response_id=first.id)  # a branch
        with pytest.raises(openai.BadRequestError) as caught:
            await client.responses.create(model="m", input="x", previous_response_id="resp_none")
        assert caught.value.code == "previous_response_not_found"


async def test_input_tokens() -> None:
    async with scripted_model([say("Hello to you")]) as model, await openai_model(model) as client:
        count = client.responses.input_tokens.count
        few = await count(model="m", input="Hello")
        assert few.object == "response.input_tokens"
        more = await count(model="m", input="Hello " * 100, instructions="Be brief.")
        assert more.input_tokens > few.input_tokens > 0
        first = await client.responses.create(model="m", input="Hello " * 100)
        assert (await count(model="m", input="x", previous_response_id=first.id)).input_tokens > more.input_tokens // 2
        with pytest.raises(openai.BadRequestError):
            await count(input="Hello")
        with pytest.raises(openai.BadRequestError):
            await count(model="m")
        assert len(model.requests) == 1
