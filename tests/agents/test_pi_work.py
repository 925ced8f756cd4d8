"""What pi is besides its tools: modes, instructions, skills and templates, compaction, and other models' servers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import trio

from runtime.api.errors import ApiError
from runtime.testing.loopback import http_server
from runtime.testing.script import Failure, ToolCall, Turn, call, say
from runtime.testing.scripted_model import scripted_model
from tests.agents.conftest import open_bench
from tests.agents.pi import Raw, RawModel, results

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.engine import Engine
    from tests.agents.conftest import Bench
    from tests.agents.pi import Pi


def system_of(model: Any) -> str:
    """The system prompt of the last request."""
    return "".join(block["text"] for block in model.requests[-1].body["system"])


async def question(bench: Bench, number: int) -> dict[str, Any]:
    """The one of this number that the session asks, whether a tool may run."""
    while True:
        found = [each["params"] for each in await bench.events() if each["method"] == "session/request_permission"]
        if len(found) > number:
            return found[number]
        await trio.lowlevel.checkpoint()


async def while_asked(bench: Bench, *replies: str) -> list[dict[str, Any]]:
    """Prompt, and answer each question whether a tool may run; the questions."""
    asked: list[dict[str, Any]] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.ask, "go")
        vm = await bench.host.vm("test")
        for number, reply in enumerate(replies):
            asked.append(await question(bench, number))
            await vm.sessions.respond_permission(bench.session_id, asked[-1]["permissionId"], reply)
    return asked


async def test_it_asks_before_it_changes_something_in_the_mode_ask(pi: Pi) -> None:
    calls = (
        ToolCall("read", {"path": "a"}),
        ToolCall("write", {"path": "a", "content": "x"}),
        ToolCall("bash", {"command": "echo b > b"}),
    )
    async with pi.talking_to(Turn(calls), say("so")) as (bench, model):
        vm = await bench.host.vm("test")
        await bench.write("/home/user/a", b"precious")
        assert bench.created["modes"]["currentModeId"] == "auto"
        await vm.sessions.set_mode(bench.session_id, "ask")
        asked = await while_asked(bench, "reject", "once")
        assert [each["toolCall"]["title"] for each in asked] == ["Write /home/user/a", "echo b > b"]
        assert [result["is_error"] for result in model.requests[-1].tool_results()] == [False, True, False]
        assert results(model)[1] == "The user did not allow it."
        assert (await bench.read("/home/user/a"), await bench.read("/home/user/b")) == (b"precious", b"b\n")


async def test_it_reads_and_plans_in_the_mode_plan(pi: Pi) -> None:
    steps = [{"content": "Look", "priority": "high"}, {"content": "Leap"}]
    script = (call("plan", steps=steps), call("write", path="a", content="x"), say("planned"), say("on"))
    async with pi.talking_to(*script) as (bench, model):
        vm = await bench.host.vm("test")
        await vm.sessions.set_mode(bench.session_id, "plan")
        assert await bench.say("make a plan") == "planned"
        assert "plan mode" in system_of(model)
        assert {"read", "plan"} <= set(model.requests[0].tool_names)
        assert not {"write", "edit", "bash"} & set(model.requests[0].tool_names)
        (plan,) = await bench.updates("plan")
        assert [(entry["content"], entry["priority"]) for entry in plan["entries"]] == [
            ("Look", "high"),
            ("Leap", "medium"),
        ]
        assert results(model)[-1] == "Tool write not found"
        await vm.sessions.set_mode(bench.session_id, "auto")
        await bench.ask("do it")
        assert "plan mode" not in system_of(model)
        assert "write" in model.requests[-1].tool_names
        with pytest.raises(ApiError):
            await vm.sessions.set_mode(bench.session_id, "dream")


async def test_a_turn_that_began_in_another_mode_changes_nothing_more_in_the_mode_plan(pi: Pi) -> None:
    calls = tuple(ToolCall("write", {"path": path, "content": path}) for path in ("a", "b"))
    async with pi.talking_to(Turn(calls), say("so")) as (bench, model):
        vm = await bench.host.vm("test")
        await vm.sessions.set_mode(bench.session_id, "ask")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bench.ask, "go")
            asked = await question(bench, 0)
            await vm.sessions.set_mode(bench.session_id, "plan")
            await vm.sessions.respond_permission(bench.session_id, asked["permissionId"], "once")
        assert [result["is_error"] for result in model.requests[-1].tool_results()] == [False, True]
        assert results(model)[1] == "You are in plan mode: change nothing."


async def test_it_knows_what_the_folders_above_and_the_user_say(pi: Pi) -> None:
    async with pi.talking_to(say("ok")) as (bench, model):
        await bench.write("/home/CLAUDE.md", b"From above.")
        await bench.write("/home/user/AGENTS.md", b"Of the project.")
        await bench.write("/home/user/.pi/agent/AGENTS.md", b"Of the user.")
        await start_anew(bench, model.url)
        await bench.ask("go")
        assert all(text in system_of(model) for text in ("From above.", "Of the project.", "Of the user."))


async def start_anew(bench: Bench, url: str, **env: str) -> None:
    """Start another session, which finds the files that there are by now."""
    await bench.start("pi", ANTHROPIC_API_KEY="key", ANTHROPIC_BASE_URL=url, **env)


async def test_skills_and_templates_are_commands(pi: Pi) -> None:
    skill = b"---\nname: greeting\ndescription: How to greet\n---\nSay hello in Latin.\n"
    template = b"---\ndescription: Look at a file\n---\nReview $1 with care.\n"
    async with pi.talking_to(say("ok"), say("salve"), say("done")) as (bench, model):
        await bench.write("/home/user/.pi/skills/greeting/SKILL.md", skill)
        await bench.write("/home/user/.pi/prompts/review.md", template)
        await start_anew(bench, model.url)
        await bench.ask("go")
        assert "How to greet" in system_of(model)
        commands = (await bench.updates("available_commands_update"))[-1]["availableCommands"]
        assert [(each["name"], each["description"]) for each in commands[1:]] == [
            ("review", "Look at a file"),
            ("skill:greeting", "How to greet"),
        ]
        await bench.ask("/skill:greeting me")
        assert "Say hello in Latin." in model.requests[-1].prompts()[-1]
        await bench.ask("/review main.py")
        assert model.requests[-1].prompts()[-1] == "Review main.py with care."


LONG = "word " * 25_000
"""More tokens than compaction leaves as they are."""


async def test_a_conversation_is_compacted_when_it_is_asked_for(pi: Pi) -> None:
    script = (say("one"), say("two"), say("SUMMARY"), say("three"), say("four"))
    async with pi.talking_to(*script) as (bench, model):
        await bench.ask(f"first {LONG}")
        await bench.ask(f"second {LONG}")
        assert await bench.say("/compact keep the colours") == "The conversation was compacted."
        assert "keep the colours" in model.requests[-1].prompts()[-1]
        assert "first word" in model.requests[-1].prompts()[-1]
        await bench.ask("third")
        prompts = model.requests[-1].prompts()
        assert "SUMMARY" in prompts[0]
        assert not any(prompt.startswith("first") for prompt in prompts)
        await bench.sleep()
        await bench.ask("fourth")
        assert "SUMMARY" in model.requests[-1].prompts()[0]


async def test_what_is_too_long_for_the_model_is_compacted_and_asked_again(pi: Pi) -> None:
    script = (
        say("one"),
        Failure(400, "prompt is too long: 210000 tokens > 200000 maximum"),
        say("SUMMARY"),
        say("two"),
    )
    async with pi.talking_to(*script) as (bench, model):
        await bench.ask(f"first {LONG}")
        result = await bench.ask("second")
        assert (result["stopReason"], result["text"]) == ("end_turn", "two")
        assert len(model.requests) == 4
        assert "SUMMARY" in model.requests[-1].prompts()[0]
        assert model.requests[-1].prompts()[-1] == "second"


async def test_a_compaction_that_fails_leaves_the_conversation(pi: Pi) -> None:
    async with pi.talking_to(say("one"), Failure(400, "not today"), say("two")) as (bench, model):
        await bench.ask("first")
        said = await bench.say("/compact")
        assert said.startswith("The conversation was not compacted: ")
        assert "not today" in said
        await bench.ask("second")
        assert model.requests[-1].prompts() == ["first", "second"]


PROVIDERS = {
    "chat": {"provider": "local", "api": "openai-completions", "model": "llama"},
    "responses": {"provider": "local", "api": "openai-responses", "model": "gpt-oss"},
}


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
async def test_servers_that_models_json_names_are_spoken_to(
    engine: Engine, tmp_path: Path, provider: dict[str, str]
) -> None:
    script = [call("write", path="a.txt", content="hi \U0001f600\n"), say("done"), Failure(400, "no such thing")]
    async with (
        scripted_model(script) as model,
        open_bench(engine, tmp_path / "state.db", {"network": {"allow": [model.url.removeprefix("http://")]}}) as bench,
    ):
        models = {
            provider["provider"]: {
                "baseUrl": f"{model.url}/v1",
                "api": provider["api"],
                "apiKey": "LOCAL_KEY",
                "models": [{"id": provider["model"], "contextWindow": 32_000, "maxTokens": 4_000}],
            }
        }
        await bench.write("/home/user/.pi/agent/models.json", json.dumps({"providers": models}).encode())
        created = await bench.start("pi", LOCAL_KEY="secret")
        (option,) = [each for each in created["configOptions"] if each["id"] == "model"]
        assert option["currentValue"] == f"local/{provider['model']}"
        assert await bench.say("write it") == "done"
        assert (await bench.read("/home/user/a.txt")).decode() == "hi \U0001f600\n"
        assert model.requests[-1].headers["authorization"] == "Bearer secret"
        assert model.requests[-1].body["model"] == provider["model"]
        with pytest.raises(ApiError, match="no such thing"):
            await bench.ask("again")


async def test_models_of_all_providers_with_a_key_are_options(pi: Pi) -> None:
    async with pi.talking_to(say("a"), OPENAI_API_KEY="k", GEMINI_API_KEY="k", OPENROUTER_API_KEY="k") as (bench, _):
        (option,) = [each for each in bench.created["configOptions"] if each["id"] == "model"]
        values = {each["value"] for each in option["options"]}
        assert {"claude-sonnet-4-6", "openai/gpt-5", "google/gemini-2.5-pro"} <= values
        assert any(value.startswith("openrouter/") for value in values)
        assert option["currentValue"] == "claude-sonnet-4-6"


async def test_openai_is_spoken_to(engine: Engine, tmp_path: Path) -> None:
    async with (
        scripted_model([say("hello"), say("again")]) as model,
        open_bench(engine, tmp_path / "state.db", {"network": {"allow": [model.url.removeprefix("http://")]}}) as bench,
    ):
        await bench.start("pi", OPENAI_API_KEY="key\n", OPENAI_BASE_URL=f"{model.url}/v1", PI_MODEL="openai/gpt-5")
        assert await bench.say("hi") == "hello"
        assert model.requests[-1].path == "/v1/responses"
        await bench.sleep()
        assert await bench.say("and now") == "again", "the model is kept with the session"
        assert model.requests[-1].body["model"] == "gpt-5"


def chunk(part: dict[str, Any], **more: Any) -> bytes:
    """An event of Google's stream."""
    return (
        b"data: "
        + json.dumps({"candidates": [{"content": {"role": "model", "parts": [part]}, **more}]}).encode()
        + b"\n\n"
    )


async def test_google_is_spoken_to(engine: Engine, tmp_path: Path) -> None:
    written = {"functionCall": {"name": "write", "args": {"path": "a.txt", "content": "hi\n"}}}
    answers = [
        Raw(chunk(written, finishReason="STOP")),
        Raw(chunk({"text": "do"}) + chunk({"text": "ne"}, finishReason="STOP")),
        Raw(
            b'{"error":{"code":400,"message":"not so","status":"INVALID_ARGUMENT"}}',
            400,
            {"content-type": "application/json"},
        ),
    ]
    model = RawModel(answers)
    async with (
        http_server(model.handle) as server,
        open_bench(
            engine, tmp_path / "state.db", {"network": {"allow": [server.url.removeprefix("http://")]}}
        ) as bench,
    ):
        await bench.start("pi", GEMINI_API_KEY="key", GEMINI_BASE_URL=server.url, PI_MODEL="google/gemini-2.5-pro")
        assert await bench.say("write it") == "done"
        assert await bench.read("/home/user/a.txt") == b"hi\n"
        first, second = model.requests
        assert first.path == "/models/gemini-2.5-pro:streamGenerateContent?alt=sse"
        assert first.headers["x-goog-api-key"] == "key"
        assert "expert coding assistant" in first.body["systemInstruction"]["parts"][0]["text"]
        assert second.body["contents"][-1]["parts"][0]["functionResponse"]["name"] == "write"
        with pytest.raises(ApiError, match="not so"):
            await bench.ask("again")
