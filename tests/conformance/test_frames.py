"""What the runtime writes to the built-in agents, and what it records of them, against the official schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from runtime.testing.script import Thinking, ToolCall, Turn, say
from runtime.testing.scripted_model import scripted_model
from tests.conformance.conftest import Talk
from tests.conformance.test_agents import checked

if TYPE_CHECKING:
    from runtime.vms.host import Host
    from tests.conformance.conftest import Tap

UPDATES = ("say x", "thought y", "plan", "toolcall /a", "usage 1 2", "title News")


async def start(host: Host, tap: Tap, **env: str) -> Talk:
    talk = Talk(host, "echo", tap)
    await talk.start(env=env)
    return talk


async def test_a_session_from_its_start_to_its_end(host: Host, tap: Tap) -> None:
    talk = await start(host, tap, ECHO_UPDATES="1")
    sessions = await talk.sessions()
    await talk.ask(*UPDATES)
    await sessions.set_mode(talk.id, "code")
    await sessions.set_model(talk.id, "large")
    await sessions.set_thought_level(talk.id, "high")
    await talk.ask("write /home/user/a.txt hey", "read /home/user/a.txt", "stderr a line")
    await sessions.close(talk.id)
    await sessions.resume(talk.id)
    await talk.ask("say y")
    assert set(talk.tap.methods) == {
        "initialize",
        "session/new",
        "session/prompt",
        "session/set_mode",
        "session/set_config_option",
        "fs/write_text_file ->",
        "fs/read_text_file ->",
    }
    await checked(talk)


async def test_resume_and_load(host: Host, tap: Tap) -> None:
    for variable, method in (("ECHO_RESUME", "session/resume"), ("ECHO_LOAD", "session/load")):
        talk = await start(host, tap, **{variable: "1"})
        await talk.say("say x")
        await host.sleep("test", 0, False)
        await talk.say("say y")
        assert method in tap.methods
        await checked(talk)


async def test_permissions_policies_and_cancel(host: Host, tap: Tap) -> None:
    for policy, said in (("allow", "permission: allow-once"), ("deny", "permission: reject-once")):
        talk = Talk(host, "echo", tap)
        await talk.start(permissionPolicy=policy)
        assert await talk.say("permission Go") == said
        await checked(talk)
    talk = await start(host, tap)

    async def cancel() -> None:
        await talk.until("permissionRequest")
        await (await talk.sessions()).cancel(talk.id, 30_000)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(cancel)
        assert (await talk.ask("permission Go"))["stopReason"] == "cancelled"
    assert {"session/cancel", "session/request_permission ->"} <= set(tap.methods)
    await checked(talk)


async def test_answers_to_what_makes_no_sense(host: Host, tap: Tap) -> None:
    """The transcript of such an agent holds what it said; what the runtime answers is checked by the tap."""
    talk = await start(host, tap)
    await talk.ask("request elicitation/create {}", "request fs/read_text_file {}", "terminal none", "garbage")
    assert "elicitation/create ->" in tap.methods


async def test_pi_at_work(host: Host, tap: Tap) -> None:
    tools = (
        ToolCall("write", {"path": "a.txt", "content": "one\n"}),
        ToolCall("edit", {"path": "a.txt", "edits": [{"oldText": "one", "newText": "two"}]}),
        ToolCall("read", {"path": "none.txt"}),
    )
    async with scripted_model([Turn((Thinking("hm"), *tools)), say("done"), say("again")]) as model:
        await host.get_or_create("pi", {"network": {"allow": [model.url.removeprefix("http://")]}})
        talk = Talk(host, "pi", tap, "pi")
        await talk.start(env={"ANTHROPIC_API_KEY": "key", "ANTHROPIC_BASE_URL": model.url})
        assert await talk.say("go") == "done"
        await host.sleep("pi", 0, False)
        assert await talk.say("go on") == "again"
        await (await talk.sessions()).close(talk.id)
    assert {"session/resume", "session/close"} <= set(tap.methods)
    assert {"agent_thought_chunk", "tool_call", "tool_call_update", "session_info_update"} <= {
        event["params"]["update"]["sessionUpdate"] for event in await talk.events() if "update" in event["params"]
    }
    await checked(talk)
