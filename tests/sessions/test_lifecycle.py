"""How sessions end, and what is left of them: in the lists, and in memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runtime.api.errors import ErrorCode
from runtime.sessions.queries import persisted_sessions, session_events
from tests.sessions.fakes import FakeAgent, FakeVm, Prompting, failing, new, start, until_cancelled
from tests.settled import until

if TYPE_CHECKING:
    import pytest
    import trio


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
    (row,) = await persisted_sessions(vm.store, "vm", vm.sessions.statuses())
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


async def test_an_agent_that_deletes_sessions_is_told_to(vm: FakeVm) -> None:
    async def delete(agent: FakeAgent, params: dict[str, Any]) -> Any:
        return {}

    vm.behaviour["session/delete"] = delete
    vm.capabilities = {"sessionCapabilities": {"close": {}, "delete": {}}}
    await vm.sessions.destroy(await new(vm))
    assert vm.agent.received[-1] == ("session/delete", {"sessionId": "agent-1"})
    vm.capabilities = {"sessionCapabilities": {"close": {}}}
    await vm.sessions.destroy(await new(vm))
    assert vm.agent.received[-1][0] == "session/new"


async def test_destroy(vm: FakeVm, nursery: trio.Nursery) -> None:
    vm.behaviour["session/prompt"] = until_cancelled
    id_, other = await new(vm), await new(vm)
    prompting = await start(vm, nursery, id_)
    await vm.sessions.destroy(id_)
    await prompting.done.wait()
    assert prompting.result is not None
    assert prompting.result["stopReason"] == "cancelled"
    assert [row["sessionId"] for row in await persisted_sessions(vm.store, "vm")] == [other]
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
    rows = await persisted_sessions(vm.store, "vm", vm.sessions.statuses())
    assert [(row["sessionId"], row["status"], row["title"]) for row in rows] == [
        (first, "closed", None),
        (second, "idle", "About it"),
    ]
    assert rows[1]["lastSeq"] == len(await vm.log(second)) - 1
    assert [row["sessionId"] for row in vm.sessions.live()] == [second]
    assert vm.sessions.get(first)["status"] == "closed"


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
