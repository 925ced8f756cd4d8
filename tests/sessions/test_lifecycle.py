from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import trio

from runtime.errors import ApiError, ErrorCode
from runtime.sessions.queries import persisted_sessions, session_events
from tests.sessions.fakes import (
    MODES,
    FakeAgent,
    FakeVm,
    Prompting,
    RpcFailError,
    failing,
    never,
    new,
    option,
    start,
    until,
    until_cancelled,
)

if TYPE_CHECKING:
    from trio.testing import MockClock


async def test_create(vm: FakeVm, monkeypatch: pytest.MonkeyPatch) -> None:
    async def new_session(agent: FakeAgent, params: dict[str, Any]) -> Any:
        return {"sessionId": "theirs", "modes": MODES, "configOptions": [option("model", "a", "model")]}

    monkeypatch.setenv("HOST_ONLY", "secret")
    monkeypatch.setenv("FOR_AGENT", "from-host")
    vm.behaviour["session/new"] = new_session
    vm.capabilities = {"promptCapabilities": {"image": True}, "mcpCapabilities": {"http": True}}
    session = await vm.sessions.create(
        "fake",
        {
            "env": {"KEY": "k"},
            "secrets": {"S": "s", "T": {"fromHostEnv": "FOR_AGENT"}},
            "mcpServers": [
                {"type": "local", "command": "/bin/mcp", "args": ["-x"], "env": {"A": "1"}},
                {"type": "remote", "url": "https://x", "headers": {"H": "v"}, "name": "web"},
            ],
            "additionalInstructions": "Be brief.",
        },
    )
    assert uuid.UUID(session["sessionId"]).version == 7
    assert session["cwd"] == "/home/user"
    assert "/home/user" in vm.files.directories
    assert session["capabilities"] == vm.capabilities
    assert session["agentInfo"] == {"name": "fake", "version": "1"}
    assert session["modes"] == MODES
    assert session["configOptions"][0]["currentValue"] == "a"
    assert session["createdAt"] > 0
    process = vm.agent.process
    instructions = process.env.pop("TORPOR_INSTRUCTIONS")
    assert instructions.endswith("Be brief.")
    assert process.env == {"FROM_MANIFEST": "1", "KEY": "k", "S": "s", "T": "from-host"}
    assert process.argv == ["fake", "--acp"]
    sent = dict(vm.agent.received)
    assert sent["initialize"]["protocolVersion"] == 1
    assert sent["initialize"]["clientCapabilities"]["fs"] == {"readTextFile": True, "writeTextFile": True}
    assert sent["session/new"] == {
        "cwd": "/home/user",
        "mcpServers": [
            {"type": "http", "name": "mcp-1", "url": "http://mcp.torpor.internal/mcp-1", "headers": []},
            {"type": "http", "name": "web", "url": "https://x", "headers": [{"name": "H", "value": "v"}]},
        ],
    }
    with vm.store.path.open("rb") as state:
        content = state.read() + vm.store.path.with_name(vm.store.path.name + "-wal").read_bytes()
    assert b"https://x" not in content, "mcpServers are sealed: they hold keys"


async def test_create_what_exists(vm: FakeVm) -> None:
    first = await vm.sessions.create("fake", {"sessionId": "mine", "env": {"A": "1"}})
    assert await vm.sessions.create("fake", {"sessionId": "mine", "env": {"A": "1"}}) == first
    assert len(vm.started) == 1
    with failing(ErrorCode.SESSION_CONFLICT):
        await vm.sessions.create("fake", {"sessionId": "mine", "env": {"A": "2"}})
    with failing(ErrorCode.AGENT_NOT_FOUND):
        await vm.sessions.create("nobody", {"sessionId": "mine"})


async def test_create_the_same_twice_at_once(vm: FakeVm) -> None:
    results: list[Any] = []

    async def create() -> None:
        results.append(await vm.sessions.create("fake", {"sessionId": "mine"}))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(create)
        nursery.start_soon(create)
    assert results[0] == results[1]
    assert len(vm.started) == 1


async def exit_3(agent: FakeAgent, params: dict[str, Any]) -> Any:
    await agent.log("cannot start\n")
    await agent.exit(3)


async def refuse(agent: FakeAgent, params: dict[str, Any]) -> Any:
    raise RpcFailError(-32000, "Authentication required")


async def version_2(agent: FakeAgent, params: dict[str, Any]) -> Any:
    return {"protocolVersion": 2}


async def nonsense(agent: FakeAgent, params: dict[str, Any]) -> Any:
    return {"nothing": "useful"}


@pytest.mark.parametrize("phase", ["initialize", "session/new"])
@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (exit_3, {"exitCode": 3, "stderr": "cannot start"}),
        (refuse, {"exitCode": None, "agentError": {"code": -32000, "message": "Authentication required"}}),
        (nonsense, {"exitCode": None}),
        (never, {"exitCode": None}),
    ],
)
async def test_an_agent_that_does_not_start(
    vm: FakeVm, phase: str, behaviour: Any, said: dict[str, Any], autojump_clock: MockClock
) -> None:
    vm.behaviour[phase] = behaviour
    with failing(ErrorCode.AGENT_FAILED) as data:
        await vm.sessions.create("fake")
    assert data["phase"] == phase
    assert said.items() <= data.items()
    await until(lambda: not vm.running)
    assert persisted_sessions(vm.store, "vm") == []
    assert not vm.sessions.busy
    assert len(vm.notices) == 0


async def test_another_version_of_the_protocol_is_refused(vm: FakeVm) -> None:
    vm.behaviour["initialize"] = version_2
    with failing(ErrorCode.AGENT_FAILED) as data:
        await vm.sessions.create("fake")
    assert data["phase"] == "initialize"
    assert "version 2" in data["message"]
    await until(lambda: not vm.running)


async def test_a_cancelled_create_leaves_nothing(vm: FakeVm) -> None:
    vm.behaviour["session/new"] = never
    async with trio.open_nursery() as nursery:
        nursery.start_soon(vm.sessions.create, "fake")
        await until(lambda: bool(vm.running))
        nursery.cancel_scope.cancel()
    await until(lambda: not vm.running)
    assert persisted_sessions(vm.store, "vm") == []
    assert not vm.sessions.busy


async def test_only_what_the_agent_advertised(vm: FakeVm) -> None:
    for options in (
        {"mcpServers": [{"type": "remote", "url": "https://x"}]},
        {"additionalDirectories": ["/srv"]},
    ):
        with failing(ErrorCode.UNSUPPORTED_BY_AGENT):
            await vm.sessions.create("fake", options)
    await until(lambda: not vm.running)


async def test_close_keeps_everything_and_is_idempotent(vm: FakeVm) -> None:
    vm.capabilities = {"sessionCapabilities": {"close": {}}}
    id_ = await new(vm)
    await vm.sessions.prompt(id_, "hello")

    async def close(agent: FakeAgent, params: dict[str, Any]) -> Any:
        return {}

    vm.behaviour["session/close"] = close
    await vm.sessions.close(id_)
    await vm.sessions.close(id_)
    assert vm.agent.received[-1][0] == "session/close"
    await until(lambda: not vm.running)
    assert (await vm.log(id_)).count("_torpor/session_closed") == 1
    (row,) = persisted_sessions(vm.store, "vm", vm.sessions.statuses())
    assert row["status"] == "closed"
    assert vm.sessions.live() == []
    with failing(ErrorCode.SESSION_CLOSED):
        await vm.sessions.prompt(id_, "x")
    events = await session_events(vm.store, "vm", id_, types=["user_message_chunk"])
    assert [event["seq"] for event in events] == [2]
    with failing(ErrorCode.SESSION_NOT_FOUND):
        await vm.sessions.close("nobody")


async def test_close_ends_a_turn(vm: FakeVm, nursery: trio.Nursery) -> None:
    vm.behaviour["session/prompt"] = until_cancelled
    id_ = await new(vm)
    prompting = await start(vm, nursery, id_)
    await vm.sessions.close(id_)
    await prompting.done.wait()
    assert prompting.result is not None
    assert prompting.result["stopReason"] == "cancelled"


async def test_destroy(vm: FakeVm, nursery: trio.Nursery) -> None:
    vm.behaviour["session/prompt"] = until_cancelled
    id_, other = await new(vm), await new(vm)
    prompting = await start(vm, nursery, id_)
    await vm.sessions.destroy(id_)
    await prompting.done.wait()
    assert prompting.result is not None
    assert prompting.result["stopReason"] == "cancelled"
    assert [row["sessionId"] for row in persisted_sessions(vm.store, "vm")] == [other]
    with failing(ErrorCode.SESSION_NOT_FOUND):
        await vm.sessions.destroy(id_)
    assert len(vm.running) == 1


async def test_lists(vm: FakeVm) -> None:
    async def titled(agent: FakeAgent, params: dict[str, Any]) -> Any:
        await agent.update("session_info_update", title="About it")
        return {"stopReason": "end_turn"}

    vm.behaviour["session/prompt"] = titled
    first, second = await new(vm), await new(vm)
    await vm.sessions.prompt(second, "x")
    await vm.sessions.close(first)
    rows = persisted_sessions(vm.store, "vm", vm.sessions.statuses())
    assert [(row["sessionId"], row["status"], row["title"]) for row in rows] == [
        (first, "closed", None),
        (second, "idle", "About it"),
    ]
    assert rows[1]["lastSeq"] == len(await vm.log(second)) - 1
    assert [row["sessionId"] for row in vm.sessions.live()] == [second]
    assert vm.sessions.get(first)["status"] == "closed"


# Sleep, wake and crashes of the daemon


async def test_sleep_and_wake(asleep: FakeVm) -> None:
    vm = asleep
    async with vm.awake() as sessions:
        id_ = await new(vm, secrets={"S": "s"})
        await sessions.prompt(id_, "hello")
        await sessions.suspend_all()
        assert vm.running == []
        with failing(ErrorCode.BUSY):
            await sessions.prompt(id_, "x")
    (row,) = persisted_sessions(vm.store, "vm")
    assert row["status"] == "suspended"
    assert (await vm.log(id_))[-1] == "_torpor/session_suspended"
    async with vm.awake() as sessions:
        assert vm.sessions.get(id_)["status"] == "suspended"
        assert (await sessions.prompt(id_, "more"))["stopReason"] == "end_turn"
        assert vm.agent.process.env["S"] == "s", "secrets outlive sleep"
        assert (await vm.log(id_)).count("_torpor/turn_interrupted") == 0


async def test_sleep_waits_for_turns_up_to_its_grace(
    asleep: FakeVm, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    vm = asleep

    async def slow(agent: FakeAgent, params: dict[str, Any]) -> Any:
        await trio.sleep(3)
        return {"stopReason": "end_turn"}

    async with vm.awake() as sessions:
        vm.behaviour["session/prompt"] = slow
        done, stuck = await new(vm), await new(vm)
        first = await start(vm, nursery, done)
        vm.behaviour["session/prompt"] = never
        second = await start(vm, nursery, stuck)
        await sessions.suspend_all(5000)
        assert first.result is not None
        assert first.result["stopReason"] == "end_turn"
        assert second.result is not None
        assert second.result["stopReason"] == "cancelled"
        assert vm.running == []


async def test_forced_sleep_does_not_wait(asleep: FakeVm, nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    vm = asleep
    async with vm.awake() as sessions:
        vm.behaviour["session/prompt"] = never
        prompting = await start(vm, nursery, await new(vm))
        before = trio.current_time()
        await sessions.suspend_all(60_000, force=True)
        assert trio.current_time() - before < 1
        await prompting.done.wait()
        assert prompting.result is not None
        assert prompting.result["stopReason"] == "cancelled"


async def test_a_sleep_that_is_called_off(asleep: FakeVm, nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    vm = asleep
    async with vm.awake() as sessions:
        vm.behaviour["session/prompt"] = until_cancelled
        id_ = await new(vm)
        await start(vm, nursery, id_)
        with trio.move_on_after(1):
            await sessions.suspend_all(60_000)
        assert sessions.get(id_)["status"] == "running"
        await sessions.cancel(id_)
        vm.behaviour["session/prompt"] = until_cancelled
        again = await start(vm, nursery, id_)
        assert again.error is None


async def test_a_turn_that_the_daemon_did_not_survive(asleep: FakeVm, nursery: trio.Nursery) -> None:
    vm = asleep
    async with vm.awake() as sessions:
        vm.behaviour["session/prompt"] = until_cancelled
        id_ = await new(vm)
        prompting = await start(vm, nursery, id_, idempotency_key="k")
        # What leaving without suspend_all does to the log is what kill -9 does.
        del sessions
    await prompting.done.wait()
    assert prompting.error is not None
    assert prompting.error.code is ErrorCode.SHUTTING_DOWN
    assert (await vm.log(id_))[-1] == "agent_message_chunk"
    assert persisted_sessions(vm.store, "vm")[0]["status"] == "suspended"
    async with vm.awake() as sessions:
        assert (await vm.log(id_))[-1] == "_torpor/turn_interrupted", "marked before anybody asks for the session"
        assert sessions.get(id_)["status"] == "suspended"
        prompting = await start(vm, nursery, id_, idempotency_key="k")
        await sessions.cancel(id_)
        await prompting.done.wait()
        assert prompting.result is not None
        assert (await vm.log(id_)).count("_torpor/turn_interrupted") == 1


async def test_secrets_are_asked_for_again(asleep: FakeVm) -> None:
    vm = asleep
    async with vm.awake() as sessions:
        id_ = await new(vm, secrets={"S": "s"})
        await sessions.suspend_all()
    vm.secrets.clear()  # the daemon was restarted
    async with vm.awake() as sessions:
        with failing(ErrorCode.SECRETS_REQUIRED) as data:
            await sessions.prompt(id_, "x")
        assert data["names"] == ["S"]
        await sessions.resume(id_, {"secrets": {"S": "again"}})
        assert vm.agent.process.env["S"] == "again"


async def test_a_lost_key_asks_for_the_environment(asleep: FakeVm) -> None:
    vm = asleep
    async with vm.awake() as sessions:
        id_ = await new(vm, env={"KEY": "k"})
        await sessions.suspend_all()
    vm.store.path.with_name("key").unlink()
    async with vm.awake() as sessions:
        with failing(ErrorCode.SECRETS_REQUIRED) as data:
            await sessions.resume(id_)
        assert data["names"] == ["KEY"]
        await sessions.resume(id_, {"env": {"KEY": "again"}})
        assert vm.agent.process.env["KEY"] == "again"


# Resume


async def take_up(agent: FakeAgent, params: dict[str, Any]) -> Any:
    agent.session_id = params["sessionId"]
    await agent.say("replayed")
    return {}


async def unknown(agent: FakeAgent, params: dict[str, Any]) -> Any:
    raise RpcFailError(-32002, "Resource not found", {"sessionId": params["sessionId"]})


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


async def test_nothing_is_left_in_memory_of_closed_sessions(vm: FakeVm) -> None:
    for _ in range(20):
        await vm.sessions.close(await new(vm))
    assert len(vm.sessions._registry) == 0
    await until(lambda: not vm.running)


async def test_a_transcript_that_cannot_be_written_ends_the_session_and_no_more(
    vm: FakeVm, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    vm.behaviour["session/prompt"] = until_cancelled
    id_, other = await new(vm), await new(vm)
    prompting = Prompting(vm, id_)
    append = vm.store.transcript.append

    def fail(*args: Any) -> None:
        vm.store.writer.submit(lambda _: 1 / 0, args[5])

    monkeypatch.setattr(vm.store.transcript, "append", fail)
    await prompting.run()
    assert prompting.error is not None
    assert prompting.error.code is ErrorCode.IO_ERROR
    monkeypatch.setattr(vm.store.transcript, "append", append)
    await until(lambda: len(vm.running) == 1)
    assert json.dumps(await vm.events(id_))
    vm.behaviour["session/prompt"] = until_cancelled
    again = await start(vm, nursery, id_)
    assert await vm.sessions.cancel(id_) == {"outcome": "cancelled"}
    assert again.error is None
    assert vm.sessions.get(other)["status"] == "idle"


async def test_invalid_ids_and_options(vm: FakeVm) -> None:
    for options in (
        {"sessionId": "../x"},
        {"sessionId": ".."},
        {"cwd": "relative"},
        {"env": {"A=B": "1"}},
        {"env": {"A": 1}},
        {"secrets": {"A": {"fromFile": "x"}}},
        {"mcpServers": [{"type": "carrier pigeon"}]},
        {"permissionPolicy": "maybe"},
        {"unknown": 1},
    ):
        with pytest.raises(ApiError) as caught:
            await vm.sessions.create("fake", options)
        assert caught.value.code is ErrorCode.INVALID_ARGUMENT
    assert vm.started == []
