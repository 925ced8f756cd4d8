"""The scripted model through OpenAI's two APIs, seen by the official `openai` package."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import openai
import pytest
import trio

from runtime.testing.script import Break, Failure, Text, Thinking, ToolCall, Turn, say
from runtime.testing.scripted_model import ScriptedModel, scripted_model
from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.testing.scripted_model import Script

CHAT_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "write", "parameters": {"type": "object", "properties": {"path": {"type": "string"}}}},
}
RESPONSES_TOOL: dict[str, Any] = {"type": "function", **CHAT_TOOL["function"], "strict": False}
TOOLS = Turn(
    (Thinking("Two files."), Text("Writing."), ToolCall("write", {"path": "ä.txt"}), ToolCall("write", {"path": "b"}))
)


class Chat:
    """Chat Completions."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self.client = client

    async def whole(self) -> str:
        answer = await self.client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}])
        return answer.choices[0].message.content or ""

    def stream(self, client: openai.OpenAI, pieces: list[str]) -> None:
        with client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hello"}], stream=True
        ) as stream:
            pieces += (chunk.choices[0].delta.content for chunk in stream if chunk.choices[0].delta.content)


class Responses:
    """Responses."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self.client = client

    async def whole(self) -> str:
        return (await self.client.responses.create(model="m", input="Hello")).output_text

    def stream(self, client: openai.OpenAI, pieces: list[str]) -> None:
        with client.responses.create(model="m", input="Hello", stream=True) as stream:
            for event in stream:
                if event.type == "error":
                    raise BrokenError(event.message)
                if event.type == "response.output_text.delta":
                    pieces.append(event.delta)


class BrokenError(Exception):
    """An error event, which the package hands on as an event."""


@asynccontextmanager
async def talking_to(script: Script, **options: Any) -> AsyncIterator[tuple[ScriptedModel, openai.AsyncOpenAI]]:
    async with scripted_model(script) as model:
        settings = {"max_retries": 0, **options}
        async with openai.AsyncOpenAI(api_key="test", base_url=f"{model.url}/v1", **settings) as client:
            yield model, client


async def pieces_of(
    api: type[Chat | Responses], client: openai.AsyncOpenAI, seconds: float = WAIT
) -> tuple[list[str], Any]:
    """Return the pieces of a stream and what ended it; through the blocking client, whose generators end where they break."""

    def run() -> tuple[list[str], Any]:
        pieces: list[str] = []
        error = None
        with openai.OpenAI(api_key="test", base_url=client.base_url, max_retries=0, timeout=seconds) as blocking:
            try:
                api(client).stream(blocking, pieces)
            except Exception as raised:
                error = raised.with_traceback(None)
        return pieces, error

    return await trio.to_thread.run_sync(run)


either = pytest.mark.parametrize("api", [Chat, Responses])


@either
async def test_text_streamed_and_whole(api: type[Chat | Responses]) -> None:
    text = "It streams a longer answer, in several pieces: äöü 世界 🌍."
    async with talking_to([say(text, chunk=5), text]) as (model, client):
        pieces, error = await pieces_of(api, client)
        assert error is None
        assert len(pieces) > 5
        assert "".join(pieces) == await api(client).whole() == text
    assert [request.prompts() for request in model.requests] == [["Hello"], ["Hello"]]
    assert [request.outcome for request in model.requests] == ["answered", "answered"]


def streamed_chat(client: openai.AsyncOpenAI, said: list[Any]) -> Any:
    with (
        openai.OpenAI(api_key="test", base_url=client.base_url) as blocking,
        blocking.chat.completions.stream(
            model="m", messages=said, tools=[CHAT_TOOL], stream_options={"include_usage": True}
        ) as stream,
    ):
        return stream.get_final_completion()


def streamed_response(client: openai.AsyncOpenAI, said: list[Any]) -> Any:
    with (
        openai.OpenAI(api_key="test", base_url=client.base_url) as blocking,
        blocking.responses.stream(model="m", input=said, tools=[RESPONSES_TOOL]) as stream,
    ):
        return stream.get_final_response()


async def test_chat_calls_tools_and_takes_the_results() -> None:
    async with talking_to([TOOLS, TOOLS, "Done."]) as (model, client):
        said: list[Any] = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Write"}]
        whole = await client.chat.completions.create(model="m", messages=said, tools=[CHAT_TOOL])
        answer = await trio.to_thread.run_sync(streamed_chat, client, said)
        for each in (whole, answer):
            message = each.choices[0].message
            assert (message.content, each.choices[0].finish_reason) == ("Writing.", "tool_calls")
            assert [json.loads(call.function.arguments)["path"] for call in message.tool_calls or []] == ["ä.txt", "b"]
            assert each.usage is not None
            assert each.usage.completion_tokens > 0
        said.append(answer.choices[0].message.model_dump(include={"role", "content", "tool_calls"}))
        with pytest.raises(openai.BadRequestError, match="must be followed by tool messages"):
            await client.chat.completions.create(model="m", messages=[*said, {"role": "user", "content": "and?"}])
        said += [
            {"role": "tool", "tool_call_id": call.id, "content": "ok"} for call in answer.choices[0].message.tool_calls
        ]
        done = await client.chat.completions.create(model="m", messages=said, tools=[CHAT_TOOL])
    assert done.choices[0].message.content == "Done."
    assert [result["content"] for result in model.requests[-1].tool_results()] == ["ok", "ok"]
    assert model.requests[-1].tool_names == ["write"]
    assert model.requests[-1].system == "Be brief."


async def test_responses_call_tools_and_take_the_results() -> None:
    async with talking_to([TOOLS, TOOLS, "Done."]) as (model, client):
        said: list[Any] = [{"role": "user", "content": [{"type": "input_text", "text": "Write"}]}]
        whole = await client.responses.create(model="m", input=said, tools=[RESPONSES_TOOL])
        answer = await trio.to_thread.run_sync(streamed_response, client, said)
        for each in (whole, answer):
            assert [item.type for item in each.output] == ["reasoning", "message", "function_call", "function_call"]
            assert each.output_text == "Writing."
            calls = [item for item in each.output if item.type == "function_call"]
            assert [json.loads(call.arguments)["path"] for call in calls] == ["ä.txt", "b"]
            assert each.output[0].type == "reasoning"
            assert each.output[0].summary[0].text == "Two files."
            assert each.status == "completed"
        said += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in answer.output]
        with pytest.raises(openai.BadRequestError, match="No tool output found"):
            await client.responses.create(model="m", input=said)
        said += [{"type": "function_call_output", "call_id": call.call_id, "output": "ok"} for call in calls]
        done = await client.responses.create(model="m", input=said, tools=[RESPONSES_TOOL], instructions="Be brief.")
    assert done.output_text == "Done."
    assert [result["content"] for result in model.requests[-1].tool_results()] == ["ok", "ok"]
    assert model.requests[-1].tool_names == ["write"]
    assert model.requests[-1].system == "Be brief."


async def test_a_long_answer_is_cut_off() -> None:
    cut = Turn((Text("half"),), stop_reason="max_tokens")
    async with talking_to([cut, cut]) as (_, client):
        chat = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}])
        assert chat.choices[0].finish_reason == "length"
        response = await client.responses.create(model="m", input="Hello")
        assert response.status == "incomplete"
        assert response.incomplete_details is not None
        assert response.incomplete_details.reason == "max_output_tokens"


@either
@pytest.mark.parametrize(
    ("status", "error"),
    [(429, openai.RateLimitError), (500, openai.InternalServerError), (529, openai.InternalServerError)],
)
async def test_failures(api: type[Chat | Responses], status: int, error: type[openai.APIStatusError]) -> None:
    async with talking_to([Failure(status, "no luck", retry_after=2)]) as (model, client):
        with pytest.raises(error, match="no luck") as caught:
            await api(client).whole()
    assert caught.value.status_code == status
    assert caught.value.response.headers["retry-after"] == "2"
    assert model.requests[0].outcome == "failed"


@either
async def test_the_client_tries_again(api: type[Chat | Responses]) -> None:
    async with talking_to([Failure(429, retry_after=0.01), "at last"], max_retries=1) as (model, client):
        assert await api(client).whole() == "at last"
        with pytest.raises(openai.BadRequestError, match="only 2 steps"):
            await api(client).whole()
    assert len(model.requests) == 3


# Events before the first piece of text: one for Chat Completions, four for Responses.
@pytest.mark.parametrize(("api", "before"), [(Chat, 1), (Responses, 4)])
@pytest.mark.parametrize(
    ("kind", "error"),
    [("disconnect", Exception), ("malformed", json.JSONDecodeError), ("error", (openai.APIError, BrokenError))],
)
async def test_streams_that_break(api: type[Chat | Responses], before: int, kind: Any, error: Any) -> None:
    async with talking_to([Turn((Text("0123456789", chunk=2),), break_=Break(kind, before + 2))]) as (model, client):
        pieces, raised = await pieces_of(api, client)
    assert "".join(pieces) == "0123"
    assert isinstance(raised, error)
    assert model.requests[0].outcome == "broken"


@either
@pytest.mark.parametrize("kind", ["disconnect", "malformed", "error"])
async def test_answers_that_break(api: type[Chat | Responses], kind: Any) -> None:
    async with talking_to([Turn((Text("0123456789"),), break_=Break(kind, 1))]) as (model, client):
        with pytest.raises((openai.APIError, json.JSONDecodeError)):
            await api(client).whole()
    assert model.requests[0].outcome == "broken"


@either
async def test_a_hanging_stream_sees_the_client_leave(api: type[Chat | Responses]) -> None:
    async with talking_to([Turn((Text("never finished", chunk=2),), break_=Break("hang", 6))] * 4) as (model, client):
        for seconds in (0.1, 1, 10, WAIT):  # more where the first pieces took longer to come
            pieces, raised = await pieces_of(api, client, seconds)
            assert raised is not None
            if pieces:
                break
        assert pieces
        with trio.fail_after(WAIT):
            while model.requests[-1].outcome is None:
                await trio.testing.wait_all_tasks_blocked()
        assert model.requests[-1].outcome == "client_gone"


async def test_what_the_api_refuses() -> None:
    async with talking_to([]) as (_, client):
        with pytest.raises(openai.BadRequestError, match="messages"):
            await client.chat.completions.create(model="m", messages=[])
        with pytest.raises(openai.BadRequestError, match="role"):
            await client.chat.completions.create(model="m", messages=[{"role": "robot", "content": "x"}])  # type: ignore[list-item]
        with pytest.raises(openai.BadRequestError, match="input"):
            await client.responses.create(model="m", input=[])
        with pytest.raises(openai.NotFoundError):
            await client.embeddings.create(model="m", input="x")
        assert [found.id async for found in client.models.list()]
        assert (await client.models.retrieve("gpt-5.5")).id == "gpt-5.5"
