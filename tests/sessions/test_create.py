"""What createSession does, and what it leaves when it cannot."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
import trio

from runtime.acp.messages import MAX_RECORD_BYTES
from runtime.acp.session_state import MAX_TITLE
from runtime.api.errors import ApiError, ErrorCode
from runtime.sessions.queries import persisted_sessions
from tests.sessions.fakes import (
    MODES,
    FakeAgent,
    FakeProcess,
    FakeVm,
    RpcFailError,
    create_options,
    failing,
    initialize,
    never,
    new,
    new_session,
    option,
)
from tests.settled import until

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
        create_options(
            {
                "env": {"KEY": "k"},
                "secrets": {"S": "s", "T": {"fromHostEnv": "FOR_AGENT"}},
                "mcpServers": [
                    {"type": "local", "command": "/bin/mcp", "args": ["-x"], "env": {"A": "1"}},
                    {"type": "remote", "url": "https://x", "headers": {"H": "v"}, "name": "web"},
                ],
                "additionalInstructions": "Be brief.",
            }
        ),
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
    first = await vm.sessions.create("fake", create_options({"sessionId": "mine", "env": {"A": "1"}}))
    assert await vm.sessions.create("fake", create_options({"sessionId": "mine", "env": {"A": "1"}})) == first
    assert len(vm.started) == 1
    with failing(ErrorCode.SESSION_CONFLICT):
        await vm.sessions.create("fake", create_options({"sessionId": "mine", "env": {"A": "2"}}))
    with failing(ErrorCode.AGENT_NOT_FOUND):
        await vm.sessions.create("nobody", create_options({"sessionId": "mine"}))


async def test_create_the_same_twice_at_once(vm: FakeVm) -> None:
    results: list[Any] = []

    async def create() -> None:
        results.append(await vm.sessions.create("fake", create_options({"sessionId": "mine"})))

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
    assert await persisted_sessions(vm.store, "vm") == []
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
    assert await persisted_sessions(vm.store, "vm") == []
    assert not vm.sessions.busy


async def test_only_what_the_agent_advertised(vm: FakeVm) -> None:
    for options in (
        {"mcpServers": [{"type": "remote", "url": "https://x"}]},
        {"additionalDirectories": ["/srv"]},
    ):
        with failing(ErrorCode.UNSUPPORTED_BY_AGENT):
            await vm.sessions.create("fake", create_options(options))
    await until(lambda: not vm.running)


async def test_options_that_have_the_right_types_and_make_no_sense(vm: FakeVm) -> None:
    for options in (
        {"cwd": "relative"},
        {"cwd": "/with\0nul"},
        {"additionalDirectories": ["/srv", "relative"]},
        {"additionalInstructions": "with\0nul"},
        {"secrets": {"A": {}}},
        {"mcpServers": [{"type": "carrier pigeon"}]},
    ):
        with pytest.raises(ApiError) as caught:
            await vm.sessions.create("fake", create_options(options))
        assert caught.value.code is ErrorCode.INVALID_ARGUMENT
    assert vm.started == []


async def test_what_an_agent_says_of_itself_is_of_a_size_to_be_kept(vm: FakeVm) -> None:
    async def boasting(agent: FakeAgent, params: dict[str, Any]) -> Any:
        return {**await initialize(agent, params), "agentInfo": {"name": "x" * MAX_RECORD_BYTES}}

    vm.behaviour["initialize"] = boasting
    with failing(ErrorCode.AGENT_FAILED) as told:
        await new(vm)
    assert told["phase"] == "initialize"
    assert str(MAX_RECORD_BYTES) in told["message"]
    vm.behaviour["initialize"] = initialize

    async def many(agent: FakeAgent, params: dict[str, Any]) -> Any:
        return {**await new_session(agent, params), "configOptions": [option("x" * MAX_RECORD_BYTES, "a")]}

    vm.behaviour["session/new"] = many
    id_ = await new(vm)
    assert vm.sessions.get(id_)["configOptions"] == [], "as for an agent that has none"
    await vm.agent.update("session_info_update", title="t" * (MAX_TITLE + 1))
    await until(lambda: vm.sessions.get(id_)["title"] is not None)
    assert vm.sessions.get(id_)["title"] == "t" * MAX_TITLE


async def test_an_agent_that_refuses_to_start_is_told_with_all_that_it_said(
    vm: FakeVm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stderr and its answer come on two pipes, and nothing says which is read first."""
    receive = FakeProcess.receive_stderr

    async def receive_late(process: FakeProcess) -> bytes:
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        return await receive(process)

    async def refuse(agent: FakeAgent, params: dict[str, Any]) -> Any:
        await agent.log("the reason\n")
        raise RpcFailError(-32000, "no")

    monkeypatch.setattr(FakeProcess, "receive_stderr", receive_late)
    vm.behaviour["initialize"] = refuse
    with failing(ErrorCode.AGENT_FAILED) as error:
        await new(vm)
    assert (error["stderr"], error["exitCode"], "reason" in error) == ("the reason", None, False)
