"""Whatever an agent puts into the members of its messages costs it that message, and at most the turn or the start."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import trio

from runtime.api.errors import ApiError, ErrorCode
from tests.patience import WAIT
from tests.sessions.fakes import FakeAgent, FakeVm, new

if TYPE_CHECKING:
    from collections.abc import Iterator

GONE = object()
ODD: tuple[Any, ...] = (GONE, None, 5, 1.5, True, "\0", "\ud83d", [], {}, [5], {"a": []}, 10**30)
TOOL = {
    "toolCallId": "t",
    "title": "T",
    "kind": "edit",
    "locations": [{"path": "/a", "line": 3}],
    "rawInput": {"path": "/a", "command": "ls"},
    "content": [{"type": "diff", "path": "/a", "oldText": "a", "newText": "b"}],
}
MODES = {"currentModeId": "a", "availableModes": [{"id": "a", "name": "b"}]}
OPTION = {
    "id": "a",
    "name": "b",
    "type": "select",
    "currentValue": "c",
    "category": "model",
    "options": [{"value": "c"}],
}
UPDATES: list[dict[str, Any]] = [
    {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "a\ud83d"}, "messageId": "m"},
    {"sessionUpdate": "tool_call", **TOOL},
    {"sessionUpdate": "plan", "entries": [{"content": "a", "priority": "high", "status": "pending"}]},
    {"sessionUpdate": "current_mode_update", "currentModeId": "code"},
    {"sessionUpdate": "config_option_update", "configOptions": [OPTION]},
    {"sessionUpdate": "session_info_update", "title": "t"},
    {"sessionUpdate": "usage_update", "used": 1, "size": 2, "cost": {"amount": 1.5, "currency": "USD"}},
]
REQUESTS: list[tuple[str, dict[str, Any]]] = [
    (
        "session/request_permission",
        {"toolCall": TOOL, "options": [{"optionId": "a", "name": "A", "kind": "allow_once"}]},
    ),
    ("fs/read_text_file", {"path": "/a", "line": 1, "limit": 2}),
    ("fs/write_text_file", {"path": "/a", "content": "x"}),
    ("terminal/create", {"command": "c", "args": ["a"], "env": [{"name": "a", "value": "b"}], "cwd": "/"}),
    ("terminal/output", {"terminalId": "t"}),
]
CAPABILITIES = {"loadSession": True, "promptCapabilities": {"image": True}, "sessionCapabilities": {"close": {}}}
ANSWERS: list[tuple[str, dict[str, Any]]] = [
    ("initialize", {"protocolVersion": 1, "agentCapabilities": CAPABILITIES, "agentInfo": {"name": "a"}}),
    ("session/new", {"sessionId": "agent", "modes": MODES, "configOptions": [OPTION]}),
    ("session/prompt", {"stopReason": "end_turn", "usage": {"totalTokens": 1}}),
]


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield (key,)
        yield from ((key, *rest) for rest in places(each))


def mutants(value: Any) -> Iterator[Any]:
    """The value itself, others in its place, and all that come of one odd thing in it."""
    yield value
    yield from ODD[1:]
    for place in list(places(value)):
        for odd in ODD:
            copied = copy.deepcopy(value)
            holder = copied
            for key in place[:-1]:
                holder = holder[key]
            if odd is GONE:
                del holder[place[-1]]
            else:
                holder[place[-1]] = odd
            yield copied


@pytest.mark.slow
async def test_odd_updates_and_requests(vm: FakeVm, caplog: pytest.LogCaptureFixture) -> None:
    async def prompt(agent: FakeAgent, params: Any) -> Any:
        for update in UPDATES:
            for odd in mutants({"sessionId": agent.session_id, "update": update}):
                await agent.write({"jsonrpc": "2.0", "method": "session/update", "params": odd})
        asked = []
        for method, members in REQUESTS:
            for odd in mutants({"sessionId": agent.session_id, **members}):
                asked.append(f"q{len(asked)}")
                await agent.write({"jsonrpc": "2.0", "id": asked[-1], "method": method, "params": odd})
                withdrawn = {"requestId": asked[-1]}  # or it would wait for a client
                await agent.write({"jsonrpc": "2.0", "method": "$/cancel_request", "params": withdrawn})
        with trio.fail_after(WAIT):
            while not agent.results.keys() >= set(asked):
                await trio.lowlevel.checkpoint()
        return {"stopReason": "end_turn"}

    vm.behaviour["session/prompt"] = prompt
    id_ = await new(vm)
    assert (await vm.sessions.prompt(id_, "x"))["stopReason"] == "end_turn"
    assert vm.sessions.get(id_)
    assert not [record for record in caplog.records if record.levelname == "ERROR"], caplog.text


@pytest.mark.slow
@pytest.mark.parametrize(("method", "answer"), ANSWERS)
async def test_odd_answers(vm: FakeVm, caplog: pytest.LogCaptureFixture, method: str, answer: dict[str, Any]) -> None:
    expected = ErrorCode.AGENT_ERROR if method == "session/prompt" else ErrorCode.AGENT_FAILED
    codes = set()
    odd: Any = None

    async def handler(agent: FakeAgent, params: Any) -> Any:
        return odd

    vm.behaviour[method] = handler
    for mutant in mutants(answer):
        odd = mutant
        try:
            id_ = await new(vm)
            await vm.sessions.prompt(id_, "x")
        except ApiError as error:
            codes.add(error.code)
        else:
            assert vm.sessions.get(id_)
            await vm.sessions.destroy(id_)
    assert codes == {expected}
    assert not [record for record in caplog.records if record.levelname == "ERROR"], caplog.text
