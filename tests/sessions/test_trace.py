"""W3C trace context of a turn: to the agent with the prompt, and back with what the agent asks."""

from __future__ import annotations

import functools
from typing import Any

import trio

from tests.sessions.fakes import FakeAgent, FakeVm, new
from tests.settled import settled


async def test_a_trace_goes_to_the_agent_and_back(vm: FakeVm) -> None:
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "a=1"}

    async def prompt(agent: FakeAgent, params: dict[str, Any]) -> Any:
        assert params["_meta"] == trace
        options = [{"optionId": "yes", "kind": "allow_once", "name": "Yes"}]
        await agent.request("session/request_permission", toolCall={"toolCallId": "t"}, options=options, _meta=trace)
        return {"stopReason": "end_turn"}

    vm.behaviour["session/prompt"] = prompt
    id_ = await new(vm, permissionPolicy="ask")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(functools.partial(vm.sessions.prompt, id_, "x", trace=trace))
        await settled()
        (asked,) = [notice.params["request"] for notice in vm.notices if notice.method == "permissionRequest"]
        assert asked["_meta"] == trace
        await vm.sessions.respond_permission(id_, asked["permissionId"], "once", None)
    (started,) = [event for event in await vm.events(id_) if event["method"] == "_torpor/turn_started"]
    assert started["params"]["traceContext"] == trace
