from __future__ import annotations

from typing import Any

import pytest

from runtime.api.errors import ErrorCode
from tests.sessions.fakes import MODES, FakeAgent, FakeVm, RpcFailError, failing, new, option
from tests.settled import until

OPTIONS = [
    option("llm", "a", "model"),
    option("thought_level", "low"),
    option("fixed", "x", readOnly=True),
    option("fast", False),
]


@pytest.fixture
def configurable(vm: FakeVm) -> FakeVm:
    async def new_session(agent: FakeAgent, params: dict[str, Any]) -> Any:
        return {"sessionId": agent.session_id, "modes": MODES, "configOptions": OPTIONS}

    async def set_option(agent: FakeAgent, params: dict[str, Any]) -> Any:
        changed = {o["id"]: o for o in OPTIONS} | {
            params["configId"]: {
                **next(o for o in OPTIONS if o["id"] == params["configId"]),
                "currentValue": params["value"],
            }
        }
        return {"configOptions": list(changed.values())}

    async def set_mode(agent: FakeAgent, params: dict[str, Any]) -> Any:
        if params["modeId"] == "loud":
            await agent.update("current_mode_update", currentModeId="code")
        if params["modeId"] == "bad":
            raise RpcFailError(-32602, "no such mode")
        return {}

    vm.behaviour |= {
        "session/new": new_session,
        "session/set_config_option": set_option,
        "session/set_mode": set_mode,
    }
    return vm


async def test_options_by_category_and_by_id(configurable: FakeVm) -> None:
    vm = configurable
    id_ = await new(vm)
    result = await vm.sessions.set_model(id_, "b")
    assert result["configOptions"][0]["currentValue"] == "b"
    await vm.sessions.set_thought_level(id_, "high")
    await vm.sessions.set_config_option(id_, "fast", True)
    assert [params["configId"] for method, params in vm.agent.received if method == "session/set_config_option"] == [
        "llm",
        "thought_level",
        "fast",
    ]
    assert vm.agent.received[-1][1] == {"sessionId": "agent-1", "configId": "fast", "value": True, "type": "boolean"}
    assert (await vm.log(id_)).count("config_option_update") == 3, "one of ours for each"
    assert vm.sessions.get(id_)["configOptions"][3]["currentValue"] is True


async def test_modes(configurable: FakeVm) -> None:
    vm = configurable
    id_ = await new(vm)
    assert (await vm.sessions.set_mode(id_, "code"))["modes"]["currentModeId"] == "code"
    assert (await vm.log(id_)).count("current_mode_update") == 1
    await vm.sessions.set_mode(id_, "loud")
    assert (await vm.log(id_)).count("current_mode_update") == 2, "the agent's own is enough"
    with failing(ErrorCode.AGENT_ERROR):
        await vm.sessions.set_mode(id_, "bad")
    modes = vm.sessions.get(id_)["modes"]
    assert modes is not None
    assert modes["currentModeId"] == "code"


async def test_what_cannot_be_set(configurable: FakeVm) -> None:
    vm = configurable
    id_ = await new(vm)
    with failing(ErrorCode.OPTION_READ_ONLY):
        await vm.sessions.set_config_option(id_, "fixed", "y")
    with failing(ErrorCode.UNSUPPORTED_BY_AGENT):
        await vm.sessions.set_config_option(id_, "nothing", "y")
    await vm.sessions.close(id_)
    with failing(ErrorCode.SESSION_CLOSED):
        await vm.sessions.set_mode(id_, "code")


async def test_an_agent_without_any(vm: FakeVm) -> None:
    id_ = await new(vm)
    assert vm.sessions.get(id_)["modes"] is None
    assert vm.sessions.get(id_)["configOptions"] == []
    for change in (vm.sessions.set_mode, vm.sessions.set_model, vm.sessions.set_thought_level):
        with failing(ErrorCode.UNSUPPORTED_BY_AGENT):
            await change(id_, "x")


async def test_raw_send(vm: FakeVm) -> None:
    async def extra(agent: FakeAgent, params: dict[str, Any]) -> Any:
        return {**params, "ok": True}

    vm.behaviour["_vendor/extra"] = extra
    id_ = await new(vm)
    assert await vm.sessions.raw_send(id_, "_vendor/extra", {"x": 1}) == {"x": 1, "sessionId": id_, "ok": True}
    with failing(ErrorCode.AGENT_ERROR) as data:
        await vm.sessions.raw_send(id_, "_vendor/other")
    assert data["agentError"]["code"] == -32601
    with failing(ErrorCode.INVALID_ARGUMENT):
        await vm.sessions.raw_send(id_, "session/prompt", {"prompt": []})


@pytest.mark.parametrize(
    ("choices", "fixed"),
    [
        ([], False),
        ([{"value": "a", "name": "A"}], True),
        ([{"value": "a", "name": "A"}, {"value": "b", "name": "B"}], False),
        ([{"group": "g", "name": "G", "options": [{"value": "a", "name": "A"}]}], True),
        ([{"group": n, "name": n, "options": [{"value": n, "name": n}]} for n in "ab"], False),
        ("nonsense", False),
        ([["value"]], False),
    ],
)
async def test_an_option_with_one_value_cannot_be_changed(configurable: FakeVm, choices: Any, fixed: bool) -> None:
    vm = configurable
    id_ = await new(vm)
    await vm.agent.update("config_option_update", configOptions=[{**OPTIONS[0], "options": choices}])
    await until(lambda: vm.sessions.get(id_)["configOptions"][0]["options"] == choices)
    if fixed:
        with failing(ErrorCode.OPTION_READ_ONLY):
            await vm.sessions.set_model(id_, "b")
        await vm.sessions.set_model(id_, "a")
    else:
        await vm.sessions.set_model(id_, "b")
