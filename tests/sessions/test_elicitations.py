"""Questions of an agent to a person (ACP, "Elicitation")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runtime.api.errors import ErrorCode
from tests.sessions.fakes import FakeAgent, FakeVm, Prompting, failing, new
from tests.settled import until

if TYPE_CHECKING:
    import trio

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name"],
}
FORM = {"mode": "form", "message": "Who?", "requestedSchema": SCHEMA}
PAGE = {"mode": "url", "message": "Log in", "url": "https://example.com/", "elicitationId": "theirs"}


async def question(vm: FakeVm, id_: str, asked: dict[str, Any], nursery: trio.Nursery) -> tuple[Prompting, list[Any]]:
    """A turn in which the agent asks, and what it is answered, once a client has seen the question."""
    answers: list[Any] = []

    async def ask(agent: FakeAgent, params: dict[str, Any]) -> Any:
        answer = await agent.request("elicitation/create", **asked)
        answers.append(answer.get("result") or answer["error"])
        return {"stopReason": "end_turn"}

    vm.behaviour["session/prompt"] = ask
    prompting = Prompting(vm, id_)
    nursery.start_soon(prompting.run)
    await until(lambda: bool(vm.sessions.get(id_)["pendingElicitations"]) or prompting.done.is_set())
    return prompting, answers


@pytest.mark.parametrize("asked", [FORM, PAGE])
async def test_a_client_answers(vm: FakeVm, nursery: trio.Nursery, asked: dict[str, Any]) -> None:
    id_ = await new(vm, elicitation=["form", "url"])
    prompting, answers = await question(vm, id_, {**asked, "toolCallId": "call", "_meta": {"a": 1}}, nursery)
    assert vm.agent.received[0][1]["clientCapabilities"]["elicitation"] == {"form": {}, "url": {}}
    (pending,) = vm.sessions.get(id_)["pendingElicitations"]
    number = pending["questionId"]
    assert pending == {"questionId": number, **asked, "toolCallId": "call", "_meta": {"a": 1}}
    assert [each.params["request"] for each in vm.notices if each.method == "elicitationRequest"] == [pending]
    assert vm.sessions.busy
    content = {"name": "x"} if asked is FORM else None
    await vm.sessions.respond_elicitation(id_, number, "accept", content)
    await prompting.done.wait()
    assert answers == [{"action": "accept", **({"content": content} if content else {})}]
    asked_event, reply = (await vm.events(id_))[-3:-1]
    assert (asked_event["method"], asked_event["params"]["questionId"]) == ("elicitation/create", number)
    assert (reply["params"]["action"], reply["params"]["by"]) == ("accept", "client")
    with failing(ErrorCode.ELICITATION_NOT_PENDING) as error:
        await vm.sessions.respond_elicitation(id_, number, "decline")
    assert error["reason"] == "answered"


async def test_a_form_is_filled_in(vm: FakeVm, nursery: trio.Nursery) -> None:
    id_ = await new(vm, elicitation=["form"])
    prompting, answers = await question(vm, id_, FORM, nursery)
    number = vm.sessions.get(id_)["pendingElicitations"][0]["questionId"]
    with failing(ErrorCode.INVALID_ARGUMENT) as error:
        await vm.sessions.respond_elicitation(id_, number, "accept", {"age": 3})
    assert error["missing"] == ["name"]
    await vm.sessions.respond_elicitation(id_, number, "decline")
    await prompting.done.wait()
    assert answers == [{"action": "decline"}]


@pytest.mark.parametrize(
    ("modes", "asked"),
    [
        (None, FORM),
        (["form"], PAGE),
        (["form"], {**FORM, "requestedSchema": None}),
        (["url"], {**PAGE, "url": None}),
        (["form"], {**FORM, "sessionId": None, "requestId": 1}),
        (["form"], {**FORM, "message": 1}),
    ],
)
async def test_what_nobody_could_answer_is_refused(
    vm: FakeVm, nursery: trio.Nursery, modes: list[str] | None, asked: dict[str, Any]
) -> None:
    id_ = await new(vm, **({"elicitation": modes} if modes else {}))
    prompting, answers = await question(vm, id_, asked, nursery)
    await prompting.done.wait()
    assert answers[0]["code"] == -32602
    assert ("elicitation" in vm.agent.received[0][1]["clientCapabilities"]) is bool(modes)
    assert "elicitation/create" not in await vm.log(id_)


async def test_a_cancelled_turn_cancels_its_questions(vm: FakeVm, nursery: trio.Nursery) -> None:
    id_ = await new(vm, elicitation=["form"])
    prompting, answers = await question(vm, id_, FORM, nursery)
    assert (await vm.sessions.cancel(id_))["outcome"] == "cancelled"
    await prompting.done.wait()
    assert answers == [{"action": "cancel"}]
    assert vm.sessions.get(id_)["pendingElicitations"] == []


async def test_an_agent_that_ends_takes_its_questions_along(vm: FakeVm, nursery: trio.Nursery) -> None:
    id_ = await new(vm, elicitation=["form"])
    prompting, _ = await question(vm, id_, FORM, nursery)
    number = vm.sessions.get(id_)["pendingElicitations"][0]["questionId"]
    vm.agent.process.kill()
    await prompting.done.wait()
    with failing(ErrorCode.ELICITATION_NOT_PENDING) as error:
        await vm.sessions.respond_elicitation(id_, number, "accept", {"name": "x"})
    assert error["reason"] == "agent_exit"


async def test_a_question_can_be_taken_back(vm: FakeVm, nursery: trio.Nursery) -> None:
    id_ = await new(vm, elicitation=["form"])
    prompting, answers = await question(vm, id_, FORM, nursery)
    cancel = {"jsonrpc": "2.0", "method": "$/cancel_request", "params": {"requestId": "a0"}}
    await vm.agent.write(cancel)
    await prompting.done.wait()
    assert answers == [{"action": "cancel"}]


async def test_a_page_that_was_visited_is_told(vm: FakeVm) -> None:
    async def tell(agent: FakeAgent, params: dict[str, Any]) -> Any:
        notice = {"jsonrpc": "2.0", "method": "elicitation/complete", "params": {"elicitationId": "theirs"}}
        await agent.write(notice)
        return {"stopReason": "end_turn"}

    vm.behaviour["session/prompt"] = tell
    id_ = await new(vm, elicitation=["url"])
    await vm.sessions.prompt(id_, "x")
    assert (await vm.events(id_))[-2]["params"]["elicitationId"] == "theirs"


async def test_an_unknown_session_has_no_questions(vm: FakeVm) -> None:
    id_ = await new(vm)
    await vm.sessions.close(id_)
    with failing(ErrorCode.ELICITATION_NOT_PENDING) as error:
        await vm.sessions.respond_elicitation(id_, "question_1_1", "decline")
    assert error["reason"] == "unknown"
