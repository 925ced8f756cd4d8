"""The three ways in which an agent takes a session up again."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.api.errors import ErrorCode
from tests.sessions.fakes import MODES, FakeAgent, FakeVm, RpcFailError, failing, new, option
from tests.settled import until


async def take_up(agent: FakeAgent, params: dict[str, Any]) -> Any:
    agent.session_id = params["sessionId"]
    await agent.say("replayed")
    return {}


async def unknown(agent: FakeAgent, params: dict[str, Any]) -> Any:
    raise RpcFailError(-32002, "Resource not found", {"sessionId": params["sessionId"]})


async def refuse(agent: FakeAgent, params: dict[str, Any]) -> Any:
    raise RpcFailError(-32000, "Authentication required")


async def suspended(vm: FakeVm, **capabilities: Any) -> str:
    vm.capabilities = capabilities
    id_ = await new(vm)
    await vm.sessions.prompt(id_, "hello")
    await vm.sessions.close(id_)
    return id_


async def tier(vm: FakeVm, id_: str) -> str:
    (event,) = (event for event in await vm.events(id_) if event["method"] == "_torpor/session_resumed")
    result: str = event["params"]["tier"]
    return result


async def test_native_resume(vm: FakeVm) -> None:
    id_ = await suspended(vm, sessionCapabilities={"resume": {}}, loadSession=True)
    vm.behaviour["session/resume"] = take_up
    session = await vm.sessions.resume(id_)
    assert session["sessionId"] == id_
    assert await tier(vm, id_) == "resume"
    assert dict(vm.agent.received)["session/resume"] == {"sessionId": "agent-1", "cwd": "/home/user", "mcpServers": []}
    assert (await vm.sessions.prompt(id_, "on"))["text"] == "on"
    assert await vm.sessions.resume(id_) == session, "of a live session: as it is"
    assert len(vm.started) == 2


async def test_load_does_not_record_the_replay(vm: FakeVm) -> None:
    id_ = await suspended(vm, loadSession=True)
    vm.behaviour["session/load"] = take_up
    before = await vm.log(id_)
    await vm.sessions.resume(id_)
    assert await tier(vm, id_) == "load"
    assert await vm.log(id_) == [*before, "_torpor/session_resumed"]


async def test_an_unknown_session_falls_back_tier_by_tier(vm: FakeVm) -> None:
    id_ = await suspended(vm, sessionCapabilities={"resume": {}}, loadSession=True)
    vm.behaviour |= {"session/resume": unknown, "session/load": unknown}
    await vm.sessions.resume(id_)
    assert [method for method, _ in vm.agent.received] == [
        "initialize",
        "session/resume",
        "session/load",
        "session/new",
    ]
    assert await tier(vm, id_) == "continuation"
    path = f"/root/.torpor/threads/{id_}.md"
    thread = vm.files.files[path].decode()
    assert thread.index("## User") < thread.index("hello") < thread.index("## Agent")
    result = await vm.sessions.prompt(id_, "more")
    prompt = dict(vm.agent.received)["session/prompt"]["prompt"]
    assert len(prompt) == 2
    assert path in prompt[0]["text"]
    assert result["text"].endswith("more")
    messages = [
        e["params"]["update"]["content"]["text"] for e in await vm.events(id_) if "user_message_chunk" in str(e)
    ]
    assert messages == ["hello", "more"], "the line is for the agent only"
    await vm.sessions.prompt(id_, "again")
    assert len(vm.agent.received[-1][1]["prompt"]) == 1


async def test_there_is_no_line_before_the_first_prompt(vm: FakeVm) -> None:
    id_ = (await vm.sessions.create("fake"))["sessionId"]
    await vm.sessions.close(id_)
    await vm.sessions.resume(id_)
    assert await tier(vm, id_) == "continuation"
    assert f"/root/.torpor/threads/{id_}.md" not in vm.files.files
    await vm.sessions.prompt(id_, "hello")
    assert len(dict(vm.agent.received)["session/prompt"]["prompt"]) == 1


async def test_the_line_is_not_forgotten_over_a_sleep(asleep: FakeVm) -> None:
    vm = asleep
    async with vm.awake() as sessions:
        id_ = await suspended(vm)
        await sessions.resume(id_)
        await sessions.suspend_all()
    async with vm.awake() as sessions:
        await sessions.prompt(id_, "more")
        assert len(vm.agent.received[-1][1]["prompt"]) == 2


@pytest.mark.parametrize("method", ["session/resume", "session/load"])
async def test_any_other_error_is_reported(vm: FakeVm, method: str) -> None:
    id_ = await suspended(
        vm, sessionCapabilities={"resume": {}} if method == "session/resume" else {}, loadSession=True
    )
    vm.behaviour[method] = refuse
    with failing(ErrorCode.AGENT_FAILED) as data:
        await vm.sessions.resume(id_)
    assert data["phase"] == method
    assert data["agentError"]["code"] == -32000
    await until(lambda: not vm.running)
    assert vm.sessions.get(id_)["status"] == "closed"
    vm.behaviour[method] = take_up
    await vm.sessions.resume(id_)


async def test_mode_and_options_are_set_again(vm: FakeVm) -> None:
    async def new_session(agent: FakeAgent, params: dict[str, Any]) -> Any:
        options = [option("model", "a", "model"), option("fast", False), option("same", "x"), option("gone", "y")]
        return {"sessionId": agent.session_id, "modes": MODES, "configOptions": options}

    async def accept(agent: FakeAgent, params: dict[str, Any]) -> Any:
        if params.get("configId") == "gone":
            raise RpcFailError(-32602, "no such value")
        return {}

    vm.behaviour |= {
        "session/new": new_session,
        "session/set_mode": accept,
        "session/set_config_option": accept,
    }
    id_ = await new(vm)
    await vm.sessions.set_mode(id_, "code")
    await vm.sessions.set_model(id_, "b")
    await vm.sessions.set_config_option(id_, "fast", True)
    await vm.sessions.close(id_)
    session = await vm.sessions.resume(id_)
    assert session["modes"]["currentModeId"] == "code"
    assert [o["currentValue"] for o in session["configOptions"]] == ["b", True, "x", "y"]
    sent = [params for method, params in vm.agent.received if method.startswith("session/set")]
    assert sent == [
        {"sessionId": "agent-2", "modeId": "code"},
        {"sessionId": "agent-2", "configId": "model", "value": "b"},
        {"sessionId": "agent-2", "configId": "fast", "value": True, "type": "boolean"},
    ]
