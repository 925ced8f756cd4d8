"""When an agent is asked to fork its own side of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from tests.sessions.fakes import FakeAgent, FakeVm, RpcFailError, never, new

if TYPE_CHECKING:
    from trio.testing import MockClock

ALL = {"fork": {}, "resume": {}, "close": {}}


async def idle(vm: FakeVm, **capabilities: Any) -> tuple[str, int]:
    """A session after a turn, and its last event."""

    async def fork(agent: FakeAgent, params: dict[str, Any]) -> Any:
        assert params == {"sessionId": agent.session_id, "cwd": "/home/user", "mcpServers": []}
        return {"sessionId": "forked"}

    vm.capabilities = {"sessionCapabilities": capabilities}
    vm.behaviour["session/fork"] = fork
    id_ = await new(vm)
    result = await vm.sessions.prompt(id_, "hello")
    return id_, result["seq"]


async def test_it_makes_a_session_and_lets_go_of_it(vm: FakeVm) -> None:
    id_, last = await idle(vm, **ALL)
    assert await vm.sessions.fork_at_agent(id_, last) == "forked"
    assert vm.agent.received[-1] == ("session/close", {"sessionId": "forked"})  # which it refuses: all the same


@pytest.mark.parametrize("missing", ["fork", "resume"])
async def test_it_is_not_asked_for_what_it_cannot_do(vm: FakeVm, missing: str) -> None:
    id_, last = await idle(vm, **{name: {} for name in ALL if name != missing})
    assert await vm.sessions.fork_at_agent(id_, last) is None
    assert "session/fork" not in dict(vm.agent.received)


async def test_it_must_be_where_the_transcript_is(vm: FakeVm, nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    id_, last = await idle(vm, **ALL)
    assert await vm.sessions.fork_at_agent(id_, last - 1) is None
    begun = trio.Event()

    async def stay(agent: FakeAgent, params: dict[str, Any]) -> Any:
        begun.set()
        await trio.sleep_forever()

    vm.behaviour["session/prompt"] = stay
    nursery.start_soon(vm.sessions.prompt, id_, "stay")
    await begun.wait()
    assert await vm.sessions.fork_at_agent(id_, vm.sessions.get(id_)["lastSeq"]) is None
    await vm.sessions.close(id_)
    assert await vm.sessions.fork_at_agent(id_, vm.sessions.get(id_)["lastSeq"]) is None
    assert "session/fork" not in dict(vm.agent.received)


async def refuse(agent: FakeAgent, params: dict[str, Any]) -> Any:
    raise RpcFailError(-32603, "no")


async def say_nothing(agent: FakeAgent, params: dict[str, Any]) -> Any:
    return {}


@pytest.mark.parametrize("answer", [never, refuse, say_nothing])
async def test_one_that_makes_none(vm: FakeVm, answer: Any, autojump_clock: MockClock) -> None:
    id_, last = await idle(vm, **ALL)
    vm.behaviour["session/fork"] = answer
    assert await vm.sessions.fork_at_agent(id_, last) is None
