from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runtime.acp.messages import PermissionOption
from runtime.api.errors import ErrorCode
from runtime.sessions.asking.permissions import choose
from tests.sessions.fakes import FakeAgent, FakeVm, failing, new, resume_options, start
from tests.settled import settled, until

if TYPE_CHECKING:
    import trio

OPTIONS = [
    {"optionId": "once", "name": "Allow", "kind": "allow_once"},
    {"optionId": "always", "name": "Always", "kind": "allow_always"},
    {"optionId": "no", "name": "No", "kind": "reject_once"},
    {"optionId": "odd", "name": "Odd", "kind": "allow_on_tuesdays"},
]
TOOL = {"toolCallId": "t1", "kind": "execute", "name": "bash", "title": "Run ls"}


def asking(outcomes: list[Any], options: Any = OPTIONS, tool: dict[str, Any] = TOOL) -> Any:
    async def prompt(agent: FakeAgent, params: dict[str, Any]) -> Any:
        answer = await agent.request("session/request_permission", toolCall=tool, options=options)
        outcomes.append(answer.get("result", answer)["outcome"])
        return {"stopReason": "end_turn"}

    return prompt


def pending(vm: FakeVm, session_id: str) -> str:
    (request,) = vm.sessions.get(session_id)["pendingPermissions"]
    permission_id: str = request["permissionId"]
    return permission_id


@pytest.mark.parametrize(
    ("answer", "option_id"),
    [
        ({"reply": "once"}, "once"),
        ({"reply": "always"}, "always"),
        ({"reply": "reject"}, "no"),
        ({"option_id": "odd"}, "odd"),
    ],
)
async def test_replies(vm: FakeVm, nursery: trio.Nursery, answer: dict[str, Any], option_id: str) -> None:
    outcomes: list[Any] = []
    vm.behaviour["session/prompt"] = asking(outcomes)
    id_, other = await new(vm), await new(vm)
    prompting = await start(vm, nursery, id_)
    await until(lambda: vm.notices[-1].method == "permissionRequest")
    notice = vm.notices[-1]
    permission_id = notice.params["request"]["permissionId"]
    assert notice.params["request"] == {
        "permissionId": permission_id,
        "toolCall": TOOL,
        "options": OPTIONS,
        "description": "Run ls",
    }
    assert notice.session_id == id_
    assert permission_id == pending(vm, id_)
    assert vm.sessions.busy
    with failing(ErrorCode.PERMISSION_NOT_PENDING):
        await vm.sessions.respond_permission(other, permission_id, "once")
    with failing(ErrorCode.INVALID_PERMISSION_OPTION):
        await vm.sessions.respond_permission(id_, permission_id, option_id="nothing")
    await vm.sessions.respond_permission(id_, permission_id, **answer)
    with failing(ErrorCode.PERMISSION_NOT_PENDING) as data:
        await vm.sessions.respond_permission(id_, permission_id, "once")
    assert data["reason"] == "answered"
    await prompting.done.wait()
    assert outcomes == [{"outcome": "selected", "optionId": option_id}]
    request, reply = (e["params"] for e in await vm.events(id_) if "permission" in e["method"])
    assert request["permissionId"] == reply["permissionId"] == permission_id
    assert (reply["by"], reply["optionId"]) == ("client", option_id)


async def test_always_is_remembered_for_the_session_even_over_a_restart(vm: FakeVm, nursery: trio.Nursery) -> None:
    outcomes: list[Any] = []
    vm.behaviour["session/prompt"] = asking(outcomes)
    id_ = await new(vm)
    prompting = await start(vm, nursery, id_)
    await vm.sessions.respond_permission(id_, pending(vm, id_), "always")
    await prompting.done.wait()
    await vm.sessions.prompt(id_, "again")
    await vm.sessions.close(id_)
    await vm.sessions.resume(id_)
    await vm.sessions.prompt(id_, "and again")
    assert outcomes == [{"outcome": "selected", "optionId": "always"}] * 3
    vm.behaviour["session/prompt"] = asking(outcomes, tool={**TOOL, "name": "python"})
    await start(vm, nursery, id_)
    assert pending(vm, id_), "another tool is another question"
    await vm.sessions.cancel(id_)


async def test_always_for_a_tool_does_not_outdo_a_rule_that_asks(vm: FakeVm, nursery: trio.Nursery) -> None:
    outcomes: list[Any] = []
    rules = [{"path": "/etc/**", "policy": "ask"}]

    def editing(path: str) -> Any:
        return asking(outcomes, tool={"toolCallId": path, "name": "edit", "locations": [{"path": path}]})

    id_ = await new(vm, permissionPolicy={"rules": rules})
    for path in ("/home/user/a", "/etc/passwd"):
        vm.behaviour["session/prompt"] = editing(path)
        prompting = await start(vm, nursery, id_)
        await vm.sessions.respond_permission(id_, pending(vm, id_), "always")
        await prompting.done.wait()
        await vm.sessions.prompt(id_, "again")
    vm.behaviour["session/prompt"] = editing("/home/user/b")
    await vm.sessions.prompt(id_, "covered by the first answer")
    assert len(outcomes) == 5
    assert vm.sessions.get(id_)["rememberedPermissions"] == [
        {"kind": "other", "tool": "edit"},
        {"kind": "other", "tool": "edit [/etc/passwd]"},
    ]
    vm.behaviour["session/prompt"] = editing("/etc/shadow")
    await start(vm, nursery, id_)
    assert pending(vm, id_)
    await vm.sessions.cancel(id_)


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [
        ("allow", {"outcome": "selected", "optionId": "once"}),
        ("deny", {"outcome": "selected", "optionId": "no"}),
        (
            {"default": "deny", "rules": [{"tool": "ba*", "kind": "execute", "policy": "allow"}]},
            {"outcome": "selected", "optionId": "once"},
        ),
    ],
)
async def test_policies(vm: FakeVm, policy: Any, outcome: Any) -> None:
    outcomes: list[Any] = []
    vm.behaviour["session/prompt"] = asking(outcomes)
    await vm.sessions.prompt(await new(vm, permissionPolicy=policy), "x")
    assert outcomes == [outcome]
    assert [notice for notice in vm.notices if notice.method == "permissionRequest"] == []


async def test_deny_without_an_option_to_reject_is_cancelled(vm: FakeVm) -> None:
    outcomes: list[Any] = []
    vm.behaviour["session/prompt"] = asking(outcomes, options=OPTIONS[:1])
    await vm.sessions.prompt(await new(vm, permissionPolicy="deny"), "x")
    assert outcomes == [{"outcome": "cancelled"}]


@pytest.mark.parametrize("by", ["close", "destroy", "crash", "agent"])
async def test_what_else_ends_the_wait(vm: FakeVm, nursery: trio.Nursery, by: str) -> None:
    outcomes: list[Any] = []
    vm.behaviour["session/prompt"] = asking(outcomes)
    id_ = await new(vm)
    prompting = await start(vm, nursery, id_)
    permission_id = pending(vm, id_)
    if by == "close":
        await vm.sessions.close(id_)
    elif by == "destroy":
        await vm.sessions.destroy(id_)
    elif by == "crash":
        vm.agent.process.kill()
    else:
        await vm.agent.write({"jsonrpc": "2.0", "method": "$/cancel_request", "params": {"requestId": "a0"}})
    await prompting.done.wait()
    assert not vm.sessions.busy
    code = ErrorCode.SESSION_NOT_FOUND if by == "destroy" else ErrorCode.PERMISSION_NOT_PENDING
    with failing(code):
        await vm.sessions.respond_permission(id_, permission_id, "once")


async def test_a_request_that_makes_no_sense_is_refused(vm: FakeVm) -> None:
    answers: list[Any] = []

    async def prompt(agent: FakeAgent, params: dict[str, Any]) -> Any:
        answers.append(await agent.request("session/request_permission", toolCall={}, options=["yes"]))
        answers.append(
            await agent.request("session/request_permission", toolCall={}, options=[], sessionId="somebody else's")
        )
        return {"stopReason": "end_turn"}

    vm.behaviour["session/prompt"] = prompt
    id_ = await new(vm)
    await vm.sessions.prompt(id_, "x")
    assert [answer["error"]["code"] for answer in answers] == [-32602, -32002]
    await settled()


@pytest.mark.parametrize("policy", ["ask", "allow", "deny"])
async def test_a_request_without_options_is_refused_at_once(vm: FakeVm, policy: str) -> None:
    answers: list[Any] = []

    async def prompt(agent: FakeAgent, params: dict[str, Any]) -> Any:
        answers.append(await agent.request("session/request_permission", toolCall={"toolCallId": "c"}, options=[]))
        return {"stopReason": "end_turn"}

    vm.behaviour["session/prompt"] = prompt
    id_ = await new(vm, permissionPolicy=policy)
    await vm.sessions.prompt(id_, "x")
    (answer,) = answers
    assert answer["error"] == {"code": -32602, "message": "Invalid params: options: at least one is expected"}
    recorded = await vm.events(id_)
    assert [e["params"]["kind"] for e in recorded if e["method"] == "_torpor/malformed"] == ["permission"]
    assert not {"session/request_permission", "_torpor/permission_reply"} & {e["method"] for e in recorded}


def test_choices_never_exceed_what_was_said() -> None:
    options = [PermissionOption(option_id=kind, kind=kind) for kind in ("allow_always", "reject_always")]
    assert choose(options, "once") is None
    assert choose(options, "always") is options[0]
    assert choose(options, "reject") is options[1]
    assert choose([], "reject") is None


async def test_a_policy_outlives_a_resume_with_another_environment(vm: FakeVm) -> None:
    outcomes: list[Any] = []
    vm.behaviour["session/prompt"] = asking(outcomes)
    id_ = await new(vm, permissionPolicy="deny", env={"A": "1"})
    await vm.sessions.resume(id_, resume_options({"env": {"A": "2"}}))
    await vm.sessions.prompt(id_, "go", timeout_ms=2000)
    assert outcomes == [{"outcome": "selected", "optionId": "no"}]
