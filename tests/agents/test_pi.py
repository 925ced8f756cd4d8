"""pi against a scripted model: tools, updates, cancellation, errors, and what it remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import trio

from runtime.api.errors import ApiError
from runtime.testing.script import Break, Failure, Text, Thinking, ToolCall, Turn, call, say
from runtime.vms import volume
from runtime.wasi.state import Ambient
from tests.agents.conftest import open_bench
from tests.agents.pi import results
from tests.sessions.fakes import create_options

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.engine import Engine
    from tests.agents.pi import Pi


async def test_tools_work_on_the_files_of_the_vm(pi: Pi) -> None:
    tools = (
        ToolCall("write", {"path": "src/a.py", "content": "x = 1\ny = 2\n"}),
        ToolCall("edit", {"path": "src/a.py", "edits": [{"oldText": "x = 1", "newText": "x = 10"}]}),
        ToolCall("read", {"path": "/home/user/src/a.py", "offset": 1, "limit": 1}),
        ToolCall("ls", {"path": "src"}),
        ToolCall("find", {"pattern": "**/*.py"}),
        ToolCall("grep", {"pattern": "y\\s*=", "context": 1}),
    )
    async with pi.talking_to(Turn(tools), say("done")) as (bench, model):
        assert await bench.say("go") == "done"
        assert await bench.read("/home/user/src/a.py") == b"x = 10\ny = 2\n"
        _, _, read, listed, found, grepped = results(model)
        assert read == "x = 10\n\n[2 more lines in file. Use offset=2 to continue.]"
        assert (listed, found) == ("a.py", "src/a.py")
        assert grepped == "src/a.py-1- x = 10\nsrc/a.py:2: y = 2"


async def test_its_engine_asks_for_the_time_rarely(pi: Pi, monkeypatch: pytest.MonkeyPatch) -> None:
    """SpiderMonkey would at every promise, nine hundred times in such a turn: see agents/sdk/build.mjs."""
    asked: list[int] = []

    class Counting(Ambient):
        def now_monotonic_ns(self) -> int:
            asked.append(super().now_monotonic_ns())
            return asked[-1]

    monkeypatch.setattr(volume, "Ambient", Counting)
    async with pi.talking_to(say("one"), say("two")) as (bench, _):
        assert await bench.say("first") == "one"
        before = len(asked)
        assert await bench.say("second") == "two"
        assert before < len(asked) < before + 100


async def test_mistakes_are_told_to_the_model(pi: Pi) -> None:
    tools = (
        ToolCall("read", {"path": "none"}),
        ToolCall("edit", {"path": "none", "edits": [{"oldText": "a", "newText": "b"}]}),
        ToolCall("grep", {"pattern": "x", "path": "nowhere"}),
        ToolCall("write", {"path": 5}),
        ToolCall("nosuch", {}),
    )
    async with pi.talking_to(Turn(tools), say("oh")) as (bench, model):
        assert await bench.say("go") == "oh"
        assert all(result.get("is_error") for result in model.requests[-1].tool_results())
        assert results(model)[0] == "ENOENT: no such file or directory, access '/home/user/none'"
        assert results(model)[2] == "Path not found: /home/user/nowhere"
        assert [update["status"] for update in await bench.updates("tool_call_update") if "status" in update].count(
            "failed"
        ) == len(tools)


async def test_edit_wants_its_text_exactly_once(pi: Pi) -> None:
    def change(old: str) -> Turn:
        return call("edit", path="a", edits=[{"oldText": old, "newText": "z"}])

    script = (call("write", path="a", content="b b\r\nc\r\n"), change("b"), change("d"), change("b\nc"), say("so"))
    async with pi.talking_to(*script) as (bench, model):
        await bench.ask("go")
        errors = [
            result.get("is_error", False) for request in model.requests[2:] for result in request.tool_results()[-1:]
        ]
        assert errors == [True, True, False]
        assert await bench.read("/home/user/a") == b"b z\r\n"


async def test_streams_thoughts_text_and_tool_calls(pi: Pi) -> None:
    first = Turn((Thinking("Let me see."), ToolCall("write", {"path": "a.txt", "content": "hi\n"})))
    async with pi.talking_to(first, say("All done.")) as (bench, _):
        response = (await bench.ask("write hi"))["response"]
        thoughts = await bench.updates("agent_thought_chunk")
        assert "".join(update["content"]["text"] for update in thoughts) == "Let me see."
        (started,) = await bench.updates("tool_call")
        assert (started["kind"], started["status"]) == ("edit", "pending")
        announced, running, ended = await bench.updates("tool_call_update")
        assert announced["title"] == "Write /home/user/a.txt"
        assert announced["locations"] == [{"path": "/home/user/a.txt"}]
        assert announced["rawInput"] == {"path": "a.txt", "content": "hi\n"}
        assert running["status"] == "in_progress"
        assert ended["status"] == "completed"
        assert ended["content"] == [{"type": "diff", "path": "/home/user/a.txt", "oldText": None, "newText": "hi\n"}]
        told = await bench.updates("usage_update")
        assert 0 < told[0]["cost"]["amount"] < told[1]["cost"]["amount"]
        tokens = response["usage"]
        assert tokens["totalTokens"] == tokens["inputTokens"] + tokens["outputTokens"] > 0
        assert (await bench.updates("session_info_update"))[0]["title"] == "write hi"


async def test_stops_in_mid_stream(pi: Pi) -> None:
    hanging = Turn((Text("never to be finished"),), break_=Break("hang", after=4))
    async with pi.talking_to(hanging, say("yes")) as (bench, model):
        outcome: list[Any] = []

        async def ask() -> None:
            outcome.append((await bench.ask("go"))["stopReason"])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await model.wait_for_requests(1)
            assert await bench.cancel() == "cancelled"
        assert outcome == ["cancelled"]
        assert await bench.say("still there?") == "yes"


async def test_errors_carry_the_words_of_the_api(pi: Pi) -> None:
    script = (Failure(400, "messages: roles must alternate"), Failure(401, "invalid x-api-key"), say("fine"))
    async with pi.talking_to(*script) as (bench, _):
        with pytest.raises(ApiError) as caught:
            await bench.ask("one")
        error = caught.value.data["agentError"]
        assert (error["message"], error["data"]["status"]) == ("messages: roles must alternate", 400)
        with pytest.raises(ApiError, match="invalid x-api-key"):
            await bench.ask("two")
        assert await bench.say("three") == "fine"


async def test_tries_again_when_the_api_is_overloaded(pi: Pi) -> None:
    async with pi.talking_to(Failure(529, retry_after=0.01), Failure(429, retry_after=0.01), say("at last")) as (
        bench,
        _,
    ):
        assert await bench.say("go") == "at last"


async def test_a_cancel_ends_the_wait_for_another_try(pi: Pi) -> None:
    async with pi.talking_to(Failure(529, retry_after=50), say("back")) as (bench, model):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bench.ask, "go")
            await model.wait_for_requests(1)
            assert await bench.cancel() == "cancelled"
        assert await bench.say("again") == "back"


async def test_says_what_keeps_it_from_the_api(engine: Engine, tmp_path: Path) -> None:
    async with open_bench(engine, tmp_path / "state.db") as bench:
        await bench.start("pi")
        with pytest.raises(ApiError, match="ANTHROPIC_API_KEY is not set"):
            await bench.ask("go")
        await bench.start("pi", ANTHROPIC_API_KEY="key", ANTHROPIC_BASE_URL="http://model.example")
        with pytest.raises(ApiError, match=r"request to model\.example failed: HTTP-request-denied: network\.allow"):
            await bench.ask("go")


async def test_remembers_over_sleep_and_restart(pi: Pi) -> None:
    async with pi.talking_to(say("noted"), say("blue"), say("still blue")) as (bench, model):
        await bench.ask("my colour is blue")
        await bench.sleep()
        assert await bench.say("which colour?") == "blue"
        assert model.requests[-1].prompts() == ["my colour is blue", "which colour?"]


async def test_a_line_that_was_not_finished_costs_no_other(pi: Pi) -> None:
    async with pi.talking_to(say("noted"), say("blue"), say("green")) as (bench, model):
        await bench.ask("my colour is blue")
        (name,) = await (await bench.host.vm("test")).files.readdir("/root/.torpor/pi")
        journal = f"/root/.torpor/pi/{name}"
        await bench.sleep()
        await bench.write(journal, await bench.read(journal) + b'{"message":{"role":"us')
        await bench.ask("which colour?")
        await bench.sleep()
        await bench.ask("and now?")
        assert model.requests[-1].prompts() == ["my colour is blue", "which colour?", "and now?"]


async def test_a_conversation_that_an_older_pi_has_kept_goes_on(pi: Pi) -> None:
    async with pi.talking_to(say("noted"), say("blue"), say("still")) as (bench, model):
        await bench.ask("my colour is blue")
        files = (await bench.host.vm("test")).files
        (name,) = await files.readdir("/root/.torpor/pi")
        kept = [msgspec.json.decode(line) for line in (await bench.read(f"/root/.torpor/pi/{name}")).splitlines()]
        older = [{"settings": {"model": "claude-opus-4-5", "thinking": "low", "title": "Colours"}}]
        older += [{"message": entry["message"]} for entry in kept if entry["type"] == "message"]
        await bench.sleep()
        await files.delete_file(f"/root/.torpor/pi/{name}")
        number = name.partition("_")[2]
        await bench.write(f"/root/.torpor/pi/{number}", b"".join(msgspec.json.encode(each) + b"\n" for each in older))
        assert await bench.say("which colour?") == "blue"
        assert model.requests[-1].prompts() == ["my colour is blue", "which colour?"]
        await bench.sleep()
        await bench.ask("and now?")
        assert model.requests[-1].prompts() == ["my colour is blue", "which colour?", "and now?"]
        (name,) = await files.readdir("/root/.torpor/pi")
        assert name.endswith(f"_{number}")


async def test_a_session_whose_file_was_never_written_begins_anew(pi: Pi) -> None:
    async with pi.talking_to(say("noted"), say("blue"), say("still")) as (bench, model):
        await bench.ask("my colour is blue")
        (name,) = await (await bench.host.vm("test")).files.readdir("/root/.torpor/pi")
        await bench.sleep()
        await bench.write(f"/root/.torpor/pi/{name}", b"")
        assert await bench.say("which colour?") == "blue"
        assert model.requests[-1].prompts()[0].startswith("[This conversation began earlier."), (
            "Torpor knows, and tells"
        )
        await bench.sleep()
        assert await bench.say("and now?") == "still"
        assert model.requests[-1].prompts()[-1] == "and now?"


async def test_models_and_thinking_are_options(pi: Pi) -> None:
    async with pi.talking_to(say("a"), say("b"), PI_MODEL="anthropic/claude-opus-4-5") as (bench, model):
        options = {option["category"]: option for option in bench.created["configOptions"]}
        assert options["model"]["currentValue"] == "claude-opus-4-5"
        assert options["thought_level"]["currentValue"] == "medium"
        await bench.ask("go")
        assert model.requests[-1].body["model"] == "claude-opus-4-5"
        assert model.requests[-1].body["thinking"]["type"] == "enabled"

        vm = await bench.host.vm("test")
        await vm.sessions.set_model(bench.session_id, "claude-haiku-4-5")
        await vm.sessions.set_thought_level(bench.session_id, "off")
        await bench.ask("again")
        assert model.requests[-1].body["model"] == "claude-haiku-4-5"
        assert model.requests[-1].body["thinking"]["type"] == "disabled"


async def test_knows_the_machine_and_the_project(pi: Pi) -> None:
    async with pi.talking_to(say("ok"), vm={"base": "none"}) as (bench, model):
        await bench.write("/home/user/AGENTS.md", b"Use tabs.")
        env = {"ANTHROPIC_API_KEY": "key", "ANTHROPIC_BASE_URL": model.url}
        vm = await bench.host.vm("test")
        created = await vm.sessions.create("pi", create_options({"env": env, "additionalInstructions": "Be brief."}))
        bench.session_id = created["sessionId"]
        await bench.ask("go")
        system = "".join(block["text"] for block in model.requests[-1].body["system"])
        assert "Use tabs." in system
        assert "Be brief." in system
        assert "Current working directory: /home/user" in system
        assert "There is no shell" in system
        assert "bash" not in model.requests[-1].tool_names


async def test_runs_commands_where_there_is_a_shell(pi: Pi, programs: Path) -> None:
    script = call("bash", command="echo hi"), say("it ran")
    async with pi.talking_to(*script, vm={"base": "none"}) as (bench, model):
        await bench.write("/bin/sh", (programs / "args_env.wasm").read_bytes())
        await bench.start("pi", ANTHROPIC_API_KEY="key", ANTHROPIC_BASE_URL=model.url)
        assert await bench.say("go") == "it ran"
        (output,) = results(model)
        assert output.startswith("arg 0 /bin/sh\narg 1 -c\narg 2 echo hi\n")
        assert (await bench.updates("tool_call_update"))[-1]["status"] == "completed"


async def test_a_cancel_stops_the_command(pi: Pi, programs: Path) -> None:
    script = call("bash", command="for ever"), say("back")
    async with pi.talking_to(*script, vm={"base": "none"}) as (bench, model):
        await bench.write("/bin/sh", (programs / "spin.wasm").read_bytes())
        await bench.start("pi", ANTHROPIC_API_KEY="key", ANTHROPIC_BASE_URL=model.url)
        outcome: list[Any] = []

        async def ask() -> None:
            outcome.append((await bench.ask("go"))["stopReason"])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            processes = (await bench.host.vm("test")).processes
            while not any(process.argv[0] == "/bin/sh" for process in processes.live()):
                await trio.lowlevel.checkpoint()
            assert await bench.cancel() == "cancelled"
        assert outcome == ["cancelled"]
        assert (await bench.updates("tool_call_update"))[-1]["status"] == "failed"
