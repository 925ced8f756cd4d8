"""The scripted model, seen by the official `anthropic` package and, where that hides too much, by a bare connection."""

from __future__ import annotations

import json
import sys
from contextlib import asynccontextmanager
from functools import partial
from subprocess import PIPE
from typing import TYPE_CHECKING, Any

import anthropic
import httpcore
import msgspec
import pytest
import trio

from runtime.testing import loopback
from runtime.testing.demo_script import demo_script
from runtime.testing.messages_api import ModelRequest, check_request
from runtime.testing.script import Break, Failure, Text, Thinking, ToolCall, Turn, call, load_script, say
from runtime.testing.scripted_model import ScriptedModel, scripted_model
from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.testing.scripted_model import Script

WRITE_TOOL: dict[str, Any] = {
    "name": "write",
    "description": "Write a file",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}}},
}


@asynccontextmanager
async def talking_to(script: Script, **options: Any) -> AsyncIterator[tuple[ScriptedModel, anthropic.AsyncAnthropic]]:
    async with scripted_model(script) as model:
        settings = {"max_retries": 0, **options}
        async with anthropic.AsyncAnthropic(api_key="test", base_url=model.url, **settings) as client:
            yield model, client


def ask(*messages: dict[str, Any] | str, **members: Any) -> dict[str, Any]:
    listed = [{"role": "user", "content": item} if isinstance(item, str) else item for item in messages]
    return {"model": "claude-sonnet-5-5", "max_tokens": 1000, "messages": listed, **members}


async def test_streams_text() -> None:
    text = "It streams a longer answer, in several pieces: äöü 世界 🌍."
    async with talking_to([say(text, chunk=5)]) as (model, client), client.messages.stream(**ask("Hello")) as stream:
        pieces = [piece async for piece in stream.text_stream]
        message = await stream.get_final_message()
    assert len(pieces) > 5
    assert "".join(pieces) == text
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 0
    assert model.requests[0].prompts() == ["Hello"]
    assert model.requests[0].outcome == "answered"


async def test_a_character_may_be_cut_between_two_deltas_and_travels_as_escapes() -> None:
    (step,) = load_script(rb'[{"type": "turn", "blocks": [{"type": "text", "text": "a\ud83d", "chunk": 2}]}]')
    script = [step, Turn((Text("a\ud83d\ude00b", chunk=2),)), Failure(400, message="bad \ud83d input")]
    async with talking_to(script) as (_, client):
        assert (await client.messages.create(**ask("Hello"))).content[0].text == "a\ud83d"  # type: ignore[union-attr]
        async with client.messages.stream(**ask("Hello")) as stream:
            assert [piece async for piece in stream.text_stream] == ["a\ud83d", "\ude00b"]
        with pytest.raises(anthropic.BadRequestError) as caught:
            await client.messages.create(**ask("Hello"))
        assert caught.value.body["error"]["message"] == "bad \ud83d input"  # type: ignore[index,call-overload]


@pytest.mark.parametrize("body", [b'{"model": "\\ud83d"}', b'{"model": "\xff"}', b"[" * 9999, b"{"])
async def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    keys = {"x-api-key": "k", "anthropic-version": "2023-06-01", "authorization": "Bearer k"}
    async with scripted_model(["never"]) as model, httpcore.AsyncConnectionPool() as client:
        for path in ("/v1/messages", "/v1/messages/count_tokens", "/v1/responses", "/v1/chat/completions"):
            answer = await client.request("POST", model.url + path, headers=keys, content=body)
            assert (answer.status, json.loads(answer.content)["error"]["type"]) == (400, "invalid_request_error"), path


async def test_streams_thinking_and_tool_calls_and_takes_the_results() -> None:
    first = Turn(
        (
            Thinking("I should write a file.", signature="sig"),
            Text("Writing."),
            ToolCall("write", {"path": "a.txt", "content": 'quotes " and \n lines'}),
            ToolCall("write", {"path": "b.txt", "content": ""}, id="toolu_mine"),
        )
    )
    async with talking_to([first, "Done."]) as (model, client):
        async with client.messages.stream(**ask("Write", tools=[WRITE_TOOL])) as stream:
            message = await stream.get_final_message()
        assert [block.type for block in message.content] == ["thinking", "text", "tool_use", "tool_use"]
        thinking, _, one, two = message.content
        assert thinking.type == "thinking"
        assert (thinking.thinking, thinking.signature) == ("I should write a file.", "sig")
        assert one.type == two.type == "tool_use"
        assert one.input == {"path": "a.txt", "content": 'quotes " and \n lines'}
        assert two.id == "toolu_mine"
        assert one.id != two.id
        assert message.stop_reason == "tool_use"
        results = [{"type": "tool_result", "tool_use_id": block.id, "content": "ok"} for block in (one, two)]
        said = [block.model_dump(exclude_none=True) for block in message.content]
        again = ask("Write", {"role": "assistant", "content": said}, {"role": "user", "content": results})
        answer = await client.messages.create(**again, tools=[WRITE_TOOL])
    assert answer.content[0].type == "text"
    assert answer.content[0].text == "Done."
    assert [result["content"] for result in model.requests[1].tool_results()] == ["ok", "ok"]
    assert model.requests[1].tool_names == ["write"]


async def test_tool_call_without_its_result_is_refused() -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "write", "input": {}}
    async with talking_to([]) as (_, client):
        with pytest.raises(anthropic.BadRequestError, match="toolu_1"):
            await client.messages.create(**ask("Write", {"role": "assistant", "content": [use]}, "and?"))


@pytest.mark.parametrize(
    "content",
    [[], [1], [{"type": "text"}], [{"type": "tool_use"}], [{"type": "tool_result"}], [{"text": "x"}], 5, None],
)
def test_malformed_contents_are_refused(content: Any) -> None:
    failure = check_request(
        ask({"role": "user", "content": content}), {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    )
    assert failure is not None
    assert failure.status == 400


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.OverloadedError if hasattr(anthropic, "OverloadedError") else anthropic.InternalServerError),
    ],
)
async def test_failures_have_their_status(status: int, error: type[anthropic.APIStatusError]) -> None:
    async with talking_to([Failure(status, "no luck", retry_after=2)]) as (model, client):
        with pytest.raises(error, match="no luck") as caught:
            await client.messages.create(**ask("Hello"))
    assert caught.value.status_code == status
    assert caught.value.response.headers["retry-after"] == "2"
    assert model.requests[0].outcome == "failed"


async def test_client_retries_after_a_failure() -> None:
    script = [Failure(529), Failure(429, retry_after=0.01), say("at last")]
    async with talking_to(script, max_retries=2) as (model, client):
        message = await client.messages.create(**ask("Hello"))
    assert message.content[0].type == "text"
    assert message.content[0].text == "at last"
    assert len(model.requests) == 3


async def test_a_script_that_is_over_is_an_error_without_retry() -> None:
    async with talking_to(["only one"], max_retries=2) as (model, client):
        await client.messages.create(**ask("Hello"))
        with pytest.raises(anthropic.BadRequestError, match="only 1 steps"):
            await client.messages.create(**ask("Hello"))
    assert len(model.requests) == 2


def test_missing_credentials_and_version_are_refused() -> None:
    body = ask("Hello")
    version = {"anthropic-version": "2023-06-01"}
    assert check_request(body, version) == Failure(401, "x-api-key header is required")
    assert check_request(body, {"x-api-key": "k"}) == Failure(400, "anthropic-version: header is required")
    assert check_request(body, {"authorization": "Bearer t", **version}) is None


async def test_missing_members_are_refused() -> None:
    async with talking_to([]) as (_, client):
        with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
            await client.messages.create(**{**ask("Hello"), "max_tokens": 0})
        with pytest.raises(anthropic.BadRequestError, match="non-empty"):
            await client.messages.create(**ask({"role": "user", "content": [{"type": "text", "text": ""}]}))
        with pytest.raises(anthropic.NotFoundError):
            await client.get("/v1/nothing", cast_to=object)


async def stream_of(script: Script) -> tuple[ScriptedModel, str, BaseException | None]:
    """Return the model, the text that came through, and what ended the stream."""
    text = ""
    error: BaseException | None = None
    async with talking_to(script) as (model, client):
        try:
            async with client.messages.stream(**ask("Hello")) as stream:
                async for piece in stream.text_stream:
                    text += piece
        except (anthropic.APIError, ValueError, AssertionError, OSError) as raised:
            error = raised
        except Exception as raised:
            error = raised
    return model, text, error


async def test_disconnect_in_mid_stream() -> None:
    model, text, error = await stream_of([Turn((Text("0123456789", chunk=2),), break_=Break("disconnect", 5))])
    assert text == "0123"
    assert error is not None
    assert model.requests[0].outcome == "broken"


async def test_malformed_event() -> None:
    model, text, error = await stream_of([Turn((Text("0123456789", chunk=2),), break_=Break("malformed", 4))])
    assert text == "01"
    assert isinstance(error, ValueError)
    assert model.requests[0].outcome == "broken"


async def test_error_event_in_mid_stream() -> None:
    _, text, error = await stream_of([Turn((Text("0123456789", chunk=2),), break_=Break("error", 4))])
    assert text == "01"
    assert isinstance(error, anthropic.APIStatusError)
    assert "Overloaded" in str(error)


@pytest.mark.parametrize("kind", ["disconnect", "malformed", "error"])
async def test_answers_that_break(kind: Any) -> None:
    async with talking_to([Turn((Text("0123456789"),), break_=Break(kind, 1))]) as (model, client):
        with pytest.raises((anthropic.APIError, ValueError)):
            await client.messages.create(**ask("Hello"))
    assert model.requests[0].outcome == "broken"


async def test_tool_arguments_that_are_no_json() -> None:
    async with talking_to([Turn((ToolCall("write", raw_input='{"path": "a'),))]) as (_, client):
        stream = await client.messages.create(**ask("Hello", tools=[WRITE_TOOL]), stream=True)
        pieces = [
            event.delta.partial_json
            async for event in stream
            if getattr(event, "delta", None) and event.type == "content_block_delta"
        ]
    assert "".join(pieces) == '{"path": "a'


async def test_a_hanging_stream_sees_the_client_leave() -> None:
    with trio.fail_after(WAIT):
        async with talking_to([Turn((Text("never finished"),), break_=Break("hang", 4))]) as (model, client):
            async with client.messages.stream(**ask("Hello")) as stream:
                async for _ in stream.text_stream:
                    break
            while model.requests[0].outcome is None:
                await trio.testing.wait_all_tasks_blocked()
            assert model.requests[0].outcome == "client_gone"


@pytest.mark.parametrize(
    ("path", "member", "last", "events"),
    [
        ("messages", "messages", b"message_stop", 9),  # message_start, ping, block start, 3 deltas, stop, delta, stop
        ("chat/completions", "messages", b"[DONE]", 6),  # the role, 3 deltas, the reason, [DONE]
        ("responses", "input", b"response.completed", 11),  # 2 of the response, 2 begin the text, 3 deltas, 4 ends
    ],
)
@pytest.mark.parametrize("streamed", [True, False])
async def test_slow_answers(
    path: str, member: str, last: bytes, events: int, streamed: bool, autojump_clock: trio.testing.MockClock
) -> None:
    async with scripted_model([say("abcdef", chunk=2, delay=1.0)]) as model:
        stream = await trio.open_tcp_stream("127.0.0.1", int(model.url.rpartition(":")[2]))
        sent = {"model": "m", "max_tokens": 9, member: [{"role": "user", "content": "Hello"}], "stream": streamed}
        body = msgspec.json.encode(sent)
        lines = [f"POST /v1/{path} HTTP/1.1", "host: x", "authorization: Bearer k", "anthropic-version: 1"]
        head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""])
        began = trio.current_time()
        async with stream:
            await stream.send_all(head.encode() + body)
            received = b""
            while (last if streamed else b"abcdef") not in received:
                received += await stream.receive_some()
    assert trio.current_time() - began == pytest.approx(events if streamed else 1)


async def test_counts_tokens_and_lists_models() -> None:
    async with talking_to([]) as (model, client):
        listed = await client.messages.count_tokens(
            model="m", messages=[{"role": "user", "content": "four words are here"}]
        )
        assert listed.input_tokens > 0
        models = [found.id async for found in client.models.list()]
        assert "claude-sonnet-5-5" in models
        assert (await client.models.retrieve("claude-opus-5-5")).id == "claude-opus-5-5"
    assert model.requests == []


async def test_waits_for_requests() -> None:
    async with talking_to(["a", "b"]) as (model, client), trio.open_nursery() as nursery:
        nursery.start_soon(lambda: client.messages.create(**ask("one")))
        nursery.start_soon(lambda: client.messages.create(**ask("two")))
        await model.wait_for_requests(2)
    assert len(model.requests) == 2


def test_script_file_has_every_kind_of_step() -> None:
    steps = load_script(
        b"""[{"type": "turn", "delay": 0.5, "blocks": [
               {"type": "thinking", "text": "hm"}, {"type": "text", "text": "x"}, {"type": "tool_use", "name": "write",
               "input": {"path": "a"}, "rawInput": "{"}]},
             {"type": "failure", "status": 429, "retryAfter": 1.5},
             {"type": "turn", "blocks": [], "stopReason": "max_tokens", "break": {"kind": "hang", "after": 3}}]"""
    )
    assert steps == [
        Turn((Thinking("hm"), Text("x"), ToolCall("write", {"path": "a"}, raw_input="{")), delay=0.5),
        Failure(429, retry_after=1.5),
        Turn((), stop_reason="max_tokens", break_=Break("hang", 3)),
    ]
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        load_script(b'[{"type": "turn", "blocks": [], "speed": 1}]')


async def test_demo_writes_a_file_and_remembers() -> None:
    async with talking_to(demo_script()) as (_, client):
        conversation: list[Any] = ['Create /home/user/notes.txt saying "Good morning"']
        message = await client.messages.create(**ask(*conversation, tools=[WRITE_TOOL]))
        use = message.content[0]
        assert use.type == "tool_use"
        assert use.input == {"path": "/home/user/notes.txt", "content": "Good morning\n"}
        result = {"type": "tool_result", "tool_use_id": use.id, "content": "ok"}
        conversation += [
            {"role": "assistant", "content": [use.model_dump(exclude_none=True)]},
            {"role": "user", "content": [result]},
        ]
        message = await client.messages.create(**ask(*conversation, tools=[WRITE_TOOL]))
        assert message.content[0].type == "text"
        assert "/home/user/notes.txt" in message.content[0].text
        conversation += [{"role": "assistant", "content": message.content[0].text}, "What did I ask you to do?"]
        message = await client.messages.create(**ask(*conversation, tools=[WRITE_TOOL]))
        assert message.content[0].type == "text"
        assert "notes.txt" in message.content[0].text
        message = await client.messages.create(**ask("What did I ask you?"))
        assert message.content[0].type == "text"
        assert "first prompt" in message.content[0].text


@pytest.mark.parametrize(
    ("prompt", "path", "content"),
    [
        ("Write a haiku about sleep to haiku.txt", "haiku.txt", "Hello from an agent in a VM.\n"),
        ("Please create a file /home/user/a/b.md containing one line", "/home/user/a/b.md", "one line\n"),
        ("Save 'it works' in Anna's file out.log, don't ask", "out.log", "it works\n"),
        ("Write a file that says what I asked", "hello.txt", "what I asked\n"),
        ('Could you make `notes.txt` with the text "two\nlines"?', "notes.txt", "two\nlines\n"),
    ],
)
def test_demo_reads_path_and_content_from_the_prompt(prompt: str, path: str, content: str) -> None:
    step = demo_script()(ModelRequest("/v1/messages", {}, ask(prompt, tools=[WRITE_TOOL])))
    assert step == call("write", path=path, content=content)


async def test_demo_mends_a_script_once_and_gives_up_where_a_tool_fails() -> None:
    def answered(*results: tuple[str, bool], also: str = "") -> Any:
        asked = f"Write a script and its test{also}"
        conversation: list[Any] = ["earlier", {"role": "assistant", "content": "yes"}, asked]
        for text, is_error in results:
            block = demo_script()(request(conversation)).blocks[-1]  # type: ignore[union-attr]  # it is a turn
            use = {"type": "tool_use", "id": "t", "name": block.name, "input": block.input}
            result = {"type": "tool_result", "tool_use_id": "t", "content": text, "is_error": is_error}
            conversation += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
        return demo_script()(request(conversation)).blocks[-1]  # type: ignore[union-attr]  # it is a turn

    def request(conversation: list[Any]) -> ModelRequest:
        tools = [{"name": name, "input_schema": {}} for name in ("write", "edit", "bash")]
        return ModelRequest("/v1/messages", {}, ask(*conversation, tools=tools))

    done, failure = ("done", False), ("no\nroom", True)
    assert answered(done, failure) == Text("The tool failed: no room")
    assert answered(done, done, done) == Text("The test has passed: done")
    assert answered(done, done, failure).name == "edit"
    assert answered(done, done, failure, done, failure) == Text("It still fails: no room")
    commits = ", and commit them"
    assert "git commit" in answered(done, done, done, also=commits).input["command"]
    assert answered(done, done, done, done, also=commits) == Text("Tested and committed.")
    assert answered(done, done, done, failure, also=commits) == Text("It could not be committed: no room")


async def test_demo_thinks_when_asked_and_has_an_answer_for_everything() -> None:
    async with talking_to(demo_script()) as (_, client):
        thinking = {"type": "enabled", "budget_tokens": 1024}
        message = await client.messages.create(**ask("write a file", tools=[WRITE_TOOL], thinking=thinking))
        assert [block.type for block in message.content] == ["thinking", "tool_use"]
        message = await client.messages.create(**ask("write a file", tools=[WRITE_TOOL], thinking={"type": "disabled"}))
        assert [block.type for block in message.content] == ["tool_use"]
        notice = {"role": "system", "content": "The user has changed the mode."}
        message = await client.messages.create(**ask("write a file", notice, tools=[WRITE_TOOL]))
        assert [block.type for block in message.content] == ["tool_use"]
        message = await client.messages.create(**ask("How are you?"))
        assert message.content[0].type == "text"
        assert "How are you?" in message.content[0].text


async def test_runs_from_the_command_line(tmp_path: Any) -> None:
    script = tmp_path / "script.json"
    script.write_bytes(msgspec.json.encode([say("from a file"), call("write", path="x")]))
    command = [sys.executable, "-m", "runtime.testing.scripted_model", "--script", str(script)]
    with trio.fail_after(WAIT):
        async with trio.open_nursery() as nursery:
            process = await nursery.start(partial(trio.run_process, command, stdout=PIPE, check=False))
            url = (await process.stdout.receive_some()).decode().strip()
            async with anthropic.AsyncAnthropic(api_key="test", base_url=url) as client:
                message = await client.messages.create(**ask("Hello"))
            process.terminate()
    assert message.content[0].type == "text"
    assert message.content[0].text == "from a file"


async def test_a_body_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "MAX_REQUEST_BODY", 1000)
    keys = {"x-api-key": "k", "anthropic-version": "2023-06-01", "authorization": "Bearer k"}
    async with scripted_model(["never"]) as model, httpcore.AsyncConnectionPool() as client:
        for path in ("/v1/messages", "/v1/messages/count_tokens", "/v1/responses", "/v1/chat/completions"):
            for size, status in ((1000, 400), (1001, 413), (1_000_000, 413)):
                answer = await client.request("POST", model.url + path, headers=keys, content=b"[" * size)
                assert answer.status == status, path
                assert json.loads(answer.content)["error"]["message"], path
