from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.large_json import PIECE_BYTES
from tests.sessions.fakes import FakeAgent, FakeVm, Prompting, RpcFailError, failing, never, new, start, until_cancelled
from tests.settled import settled, until

if TYPE_CHECKING:
    from trio.testing import MockClock


async def test_a_turn_from_prompt_to_result(vm: FakeVm) -> None:
    id_ = await new(vm)
    result = await vm.sessions.prompt(id_, "hello")
    assert result == {
        "text": "hello",
        "stopReason": "end_turn",
        "response": {"stopReason": "end_turn"},
        "seq": 4,
    }
    assert await vm.log(id_) == [
        "_torpor/session_started",
        "_torpor/turn_started",
        "user_message_chunk",
        "agent_message_chunk",
        "_torpor/turn_ended",
    ]
    assert vm.flushes == 1
    assert vm.sessions.get(id_)["status"] == "idle"
    assert [notice.seq for notice in vm.notices if notice.method == "sessionEvent"] == [0, 1, 2, 3, 4]
    assert "agent-1" not in str(await vm.events(id_)), "the agent's own id stays internal"


async def test_a_large_prompt_is_encoded_piece_by_piece(vm: FakeVm, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so are its event, what the agent says, and the answer that is kept: the longest text that is encoded at once."""
    encode, longest = msgspec.json.encode, 0

    def watched(value: Any, **options: Any) -> bytes:
        nonlocal longest
        longest = max(longest, longest_text(value))
        return encode(value, **options)

    id_ = await new(vm)
    monkeypatch.setattr(msgspec.json, "encode", watched)
    text = "x" * 1_000_000
    result = await vm.sessions.prompt(id_, text, "key")
    assert result["text"] == text
    assert await vm.sessions.prompt(id_, text, "key") == result
    with failing(ErrorCode.SESSION_CONFLICT):
        await vm.sessions.prompt(id_, text + "y", "key")
    assert longest == PIECE_BYTES
    updates = [event["params"]["update"] for event in await vm.events(id_) if "update" in event["params"]]
    assert [update["content"]["text"] for update in updates] == [text, text]
    assert result["seq"] == len(await vm.log(id_)) - 1


def longest_text(value: Any) -> int:
    """Characters of the longest string in a value."""
    if isinstance(value, str):
        return len(value)
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return max(map(longest_text, items), default=0)


async def test_the_prompt_is_committed_before_the_agent_sees_it(vm: FakeVm) -> None:
    seen: list[list[str]] = []

    async def prompt(agent: FakeAgent, params: dict[str, Any]) -> Any:
        seen.append(await vm.log(id_))
        return {"stopReason": "end_turn"}

    vm.behaviour["session/prompt"] = prompt
    id_ = await new(vm)
    await vm.sessions.prompt(id_, "hello")
    assert seen[0][-1] == "user_message_chunk"


async def test_content_blocks(vm: FakeVm) -> None:
    vm.capabilities = {"promptCapabilities": {"image": True}}
    id_ = await new(vm)
    image = {"type": "image", "data": "AA==", "mimeType": "image/png"}
    result = await vm.sessions.prompt(id_, [{"type": "text", "text": "a "}, image])
    assert result["text"] == "a image"
    assert (await vm.log(id_)).count("user_message_chunk") == 2
    with failing(ErrorCode.UNSUPPORTED_BY_AGENT):
        await vm.sessions.prompt(id_, [{"type": "audio", "data": "AA==", "mimeType": "audio/wav"}])
    for broken in ([], [{"type": "text"}], 5, None):
        with failing(ErrorCode.INVALID_ARGUMENT):
            await vm.sessions.prompt(id_, broken)
    assert len(await vm.log(id_)) == 7, "what was refused has left no trace"


async def test_one_turn_at_a_time(vm: FakeVm, nursery: trio.Nursery) -> None:
    vm.behaviour["session/prompt"] = until_cancelled
    id_ = await new(vm)
    other = await new(vm)
    first = await start(vm, nursery, id_)
    with failing(ErrorCode.PROMPT_IN_PROGRESS):
        await vm.sessions.prompt(id_, "again")
    assert vm.sessions.busy
    assert vm.sessions.statuses() == {id_: "running", other: "idle"}
    await vm.sessions.cancel(id_)
    await first.done.wait()
    assert not vm.sessions.busy


async def test_a_client_that_goes_away_leaves_the_turn_running(vm: FakeVm) -> None:
    go = trio.Event()

    async def prompt(agent: FakeAgent, params: dict[str, Any]) -> Any:
        await go.wait()
        await agent.say("done")
        return {"stopReason": "end_turn"}

    vm.behaviour["session/prompt"] = prompt
    id_ = await new(vm)
    async with trio.open_nursery() as nursery:
        await start(vm, nursery, id_)
        nursery.cancel_scope.cancel()
    assert vm.sessions.get(id_)["status"] == "running"
    go.set()
    await until(lambda: not vm.sessions.busy)
    assert (await vm.log(id_))[-2:] == ["agent_message_chunk", "_torpor/turn_ended"]


async def test_an_error_of_the_agent(vm: FakeVm) -> None:
    async def prompt(agent: FakeAgent, params: dict[str, Any]) -> Any:
        raise RpcFailError(-32000, "no key", {"why": 1})

    vm.behaviour["session/prompt"] = prompt
    id_ = await new(vm)
    with failing(ErrorCode.AGENT_ERROR) as caught:
        await vm.sessions.prompt(id_, "hello")
    assert caught["agentError"] == {"code": -32000, "message": "no key", "data": {"why": 1}}
    assert (await vm.events(id_))[-1]["params"]["end"] == "agent_error"
    assert vm.sessions.get(id_)["status"] == "idle"


async def test_a_prompt_answer_without_a_stop_reason_is_an_error(vm: FakeVm) -> None:
    async def prompt(agent: FakeAgent, params: dict[str, Any]) -> Any:
        return {}

    vm.behaviour["session/prompt"] = prompt
    id_ = await new(vm)
    with failing(ErrorCode.AGENT_ERROR) as caught:
        await vm.sessions.prompt(id_, "hello")
    assert "stopReason" in caught["message"]


async def test_files_that_could_not_be_saved_are_told(vm: FakeVm) -> None:
    id_ = await new(vm)
    vm.flush_error = ApiError(ErrorCode.IO_ERROR, "disk full")
    with failing(ErrorCode.IO_ERROR):
        await vm.sessions.prompt(id_, "hello")
    assert (await vm.events(id_))[-1]["params"]["filesError"]["code"] == "io_error"
    assert vm.sessions.get(id_)["status"] == "idle"


# Cancelling


async def test_cancel_without_a_turn(vm: FakeVm) -> None:
    id_ = await new(vm)
    assert await vm.sessions.cancel(id_) == {"outcome": "no_active_prompt"}
    await vm.sessions.close(id_)
    assert await vm.sessions.cancel(id_) == {"outcome": "no_active_prompt"}
    with failing(ErrorCode.SESSION_NOT_FOUND):
        await vm.sessions.cancel("nobody")


async def test_cancel_in_the_middle(vm: FakeVm, nursery: trio.Nursery) -> None:
    vm.behaviour["session/prompt"] = until_cancelled
    id_ = await new(vm)
    prompting = await start(vm, nursery, id_)
    assert await vm.sessions.cancel(id_) == {"outcome": "cancelled"}
    await prompting.done.wait()
    assert prompting.result is not None
    assert prompting.result["stopReason"] == "cancelled"
    assert prompting.result["text"] == "working stopped", "late updates count"
    result = await vm.sessions.cancel(id_)
    assert result == {"outcome": "no_active_prompt"}
    assert len(vm.started) == 1


async def test_cancel_an_agent_that_ignores_it(vm: FakeVm, nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    async def deaf(agent: FakeAgent, params: dict[str, Any]) -> Any:
        await agent.say("la la la")
        await trio.sleep_forever()

    vm.behaviour["session/prompt"] = deaf
    vm.capabilities = {"sessionCapabilities": {"resume": {}}}
    id_ = await new(vm)
    prompting = await start(vm, nursery, id_)
    before = trio.current_time()
    assert await vm.sessions.cancel(id_, 3000) == {"outcome": "killed"}
    assert trio.current_time() - before == pytest.approx(3)
    await prompting.done.wait()
    assert prompting.result is not None
    assert prompting.result["stopReason"] == "cancelled"
    assert vm.running == []
    assert (await vm.log(id_))[-2:] == ["_torpor/agent_exit", "_torpor/turn_ended"]

    async def resume(agent: FakeAgent, params: dict[str, Any]) -> Any:
        agent.session_id = params["sessionId"]
        return {}

    vm.behaviour["session/resume"] = resume
    vm.behaviour["session/prompt"] = until_cancelled
    prompting = await start(vm, nursery, id_)
    assert vm.agent.session_id == "agent-1"
    assert await vm.sessions.cancel(id_) == {"outcome": "cancelled"}


async def test_the_earliest_grace_counts(vm: FakeVm, nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    vm.behaviour["session/prompt"] = never
    id_ = await new(vm)
    await start(vm, nursery, id_)
    outcomes: list[dict[str, Any]] = []

    async def cancel(grace: int) -> None:
        outcomes.append(await vm.sessions.cancel(id_, grace))

    before = trio.current_time()
    async with trio.open_nursery() as cancels:
        for grace in (9000, 2000, 50_000):
            cancels.start_soon(cancel, grace)
    assert trio.current_time() - before == pytest.approx(2)
    assert outcomes == [{"outcome": "killed"}] * 3


async def test_a_canceller_that_goes_away_does_not_stop_the_grace(
    vm: FakeVm, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    vm.behaviour["session/prompt"] = never
    id_ = await new(vm)
    prompting = await start(vm, nursery, id_)
    with trio.move_on_after(1):
        await vm.sessions.cancel(id_, 5000)
    await prompting.done.wait()
    assert prompting.result is not None
    assert prompting.result["stopReason"] == "cancelled"


async def test_an_agent_whose_abort_is_an_error_was_cancelled(vm: FakeVm, nursery: trio.Nursery) -> None:
    async def prompt(agent: FakeAgent, params: dict[str, Any]) -> Any:
        await agent.cancelled.wait()
        raise RpcFailError(-32603, "AbortError")

    vm.behaviour["session/prompt"] = prompt
    id_ = await new(vm)
    prompting = await start(vm, nursery, id_)
    assert await vm.sessions.cancel(id_) == {"outcome": "cancelled"}
    await prompting.done.wait()
    assert prompting.result is not None
    assert prompting.result["stopReason"] == "cancelled"


async def test_an_agent_that_exits_on_cancel_was_cancelled(vm: FakeVm, nursery: trio.Nursery) -> None:
    async def prompt(agent: FakeAgent, params: dict[str, Any]) -> Any:
        await agent.cancelled.wait()
        await agent.exit(1)

    vm.behaviour["session/prompt"] = prompt
    id_ = await new(vm)
    prompting = await start(vm, nursery, id_)
    assert await vm.sessions.cancel(id_) == {"outcome": "cancelled"}
    await prompting.done.wait()
    assert prompting.result is not None
    assert prompting.result["stopReason"] == "cancelled"
    assert vm.sessions.get(id_)["status"] == "suspended"


async def test_cancel_with_a_permission_pending(vm: FakeVm, nursery: trio.Nursery) -> None:
    outcomes: list[Any] = []

    async def prompt(agent: FakeAgent, params: dict[str, Any]) -> Any:
        options = [{"optionId": "y", "name": "Yes", "kind": "allow_once"}]
        for _ in range(2):  # the second is asked after the cancel
            answer = await agent.request("session/request_permission", toolCall={"toolCallId": "t"}, options=options)
            outcomes.append(answer["result"]["outcome"])
        return {"stopReason": "cancelled"}

    vm.behaviour["session/prompt"] = prompt
    id_ = await new(vm)
    prompting = await start(vm, nursery, id_)
    (pending,) = vm.sessions.get(id_)["pendingPermissions"]
    assert await vm.sessions.cancel(id_) == {"outcome": "cancelled"}
    assert outcomes == [{"outcome": "cancelled"}] * 2
    await prompting.done.wait()
    with failing(ErrorCode.PERMISSION_NOT_PENDING) as caught:
        await vm.sessions.respond_permission(id_, pending["permissionId"], "once")
    assert caught["reason"] == "cancelled"


async def test_cancel_a_turn_whose_agent_is_being_restarted(vm: FakeVm, nursery: trio.Nursery) -> None:
    async def crash(agent: FakeAgent, params: dict[str, Any]) -> Any:
        await agent.exit(3)

    vm.behaviour["session/prompt"] = crash
    id_ = await new(vm)
    with failing(ErrorCode.AGENT_FAILED):
        await vm.sessions.prompt(id_, "x")
    vm.behaviour["initialize"] = never
    prompting = Prompting(vm, id_)
    nursery.start_soon(prompting.run)
    await until(lambda: len(vm.started) == 2)
    assert await vm.sessions.cancel(id_) == {"outcome": "cancelled"}
    await prompting.done.wait()
    assert prompting.result is not None
    assert prompting.result["stopReason"] == "cancelled"
    assert vm.running == []
    assert (await vm.log(id_))[-3:] == ["_torpor/turn_started", "user_message_chunk", "_torpor/turn_ended"]


async def test_a_timeout_cancels(vm: FakeVm, autojump_clock: MockClock) -> None:
    vm.behaviour["session/prompt"] = until_cancelled
    id_ = await new(vm)
    with failing(ErrorCode.TIMEOUT) as caught:
        await vm.sessions.prompt(id_, "x", timeout_ms=1500)
    assert caught["stopReason"] == "cancelled"
    assert ("session/cancel", {"sessionId": "agent-1"}) in vm.agent.received
    vm.behaviour["session/prompt"] = never
    before = trio.current_time()
    with failing(ErrorCode.TIMEOUT):
        await vm.sessions.prompt(id_, "x", timeout_ms=1000)
    assert trio.current_time() - before == pytest.approx(6), "the deadline and the usual grace"


# Crashes


async def test_a_crash_in_the_middle_of_a_turn(vm: FakeVm) -> None:
    async def crash(agent: FakeAgent, params: dict[str, Any]) -> Any:
        await agent.say("so far")
        await agent.log("Traceback:\n  boom\n")
        await agent.exit(7)

    echo = vm.behaviour["session/prompt"]
    vm.behaviour["session/prompt"] = crash
    id_ = await new(vm)
    with failing(ErrorCode.AGENT_FAILED) as caught:
        await vm.sessions.prompt(id_, "x")
    assert caught["exitCode"] == 7
    assert "boom" in caught["stderr"]
    assert caught["phase"] == "prompt"
    log = await vm.log(id_)
    assert sorted(log[3:5]) == ["_torpor/stderr", "agent_message_chunk"]
    assert log[5:] == ["_torpor/agent_exit", "_torpor/turn_ended"]
    (notice,) = (notice for notice in vm.notices if notice.method == "agentExit")
    assert (notice.params["exitCode"], notice.params["restart"]) == (7, True)
    vm.behaviour["session/prompt"] = echo
    result = await vm.sessions.prompt(id_, "again")
    assert result["text"].endswith("again")
    assert "_torpor/session_resumed" in await vm.log(id_)


async def test_restarts_are_counted(vm: FakeVm) -> None:
    async def crash(agent: FakeAgent, params: dict[str, Any]) -> Any:
        await agent.exit(None, "trap")

    echo = vm.behaviour["session/prompt"]
    vm.behaviour["session/prompt"] = crash
    id_ = await new(vm)
    for _ in range(4):
        with failing(ErrorCode.AGENT_FAILED) as caught:
            await vm.sessions.prompt(id_, "x")
        assert caught["phase"] == "prompt"
        assert caught["exitCode"] is None
    assert len(vm.started) == 4
    with failing(ErrorCode.AGENT_FAILED) as caught:
        await vm.sessions.prompt(id_, "x")
    assert caught["phase"] == "restart"
    assert len(vm.started) == 4
    assert [n.params["restart"] for n in vm.notices if n.method == "agentExit"] == [True, True, True, False]
    vm.behaviour["session/prompt"] = echo
    await vm.sessions.resume(id_)
    assert (await vm.sessions.prompt(id_, "x"))["stopReason"] == "end_turn"


async def test_an_agent_that_ends_between_turns(vm: FakeVm) -> None:
    id_ = await new(vm)
    vm.agent.process.kill()
    await until(lambda: vm.sessions.get(id_)["status"] == "suspended")
    assert (await vm.sessions.prompt(id_, "x"))["stopReason"] == "end_turn"
    assert len(vm.started) == 2


# Idempotency


async def test_the_same_key_gives_the_first_result(vm: FakeVm, nursery: trio.Nursery) -> None:
    id_ = await new(vm)
    first = await vm.sessions.prompt(id_, "hello", "key")
    assert await vm.sessions.prompt(id_, "hello", "key") == first
    assert len([m for m, _ in vm.agent.received if m == "session/prompt"]) == 1
    with failing(ErrorCode.SESSION_CONFLICT):
        await vm.sessions.prompt(id_, "other", "key")
    vm.behaviour["session/prompt"] = until_cancelled
    prompting = await start(vm, nursery, id_, text="wait", idempotency_key="second")
    joined = Prompting(vm, id_, "wait", idempotency_key="second")
    nursery.start_soon(joined.run)
    await settled()
    await vm.sessions.cancel(id_)
    await prompting.done.wait()
    await joined.done.wait()
    assert joined.result == prompting.result


async def test_a_failed_turn_is_no_result(vm: FakeVm) -> None:
    async def refuse(agent: FakeAgent, params: dict[str, Any]) -> Any:
        raise RpcFailError(-32603, "overloaded")

    echo = vm.behaviour["session/prompt"]
    vm.behaviour["session/prompt"] = refuse
    id_ = await new(vm)
    with failing(ErrorCode.AGENT_ERROR):
        await vm.sessions.prompt(id_, "hello", "key")
    vm.behaviour["session/prompt"] = echo
    assert (await vm.sessions.prompt(id_, "hello", "key"))["text"] == "hello"
