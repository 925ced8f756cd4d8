"""How `torpor acp` passes on what agents want of people: to be authenticated, and to have their questions answered."""

from __future__ import annotations

from typing import Any

import pytest

from runtime import jsonrpc
from tests.cli.acp_stage import MADE, ROW, Stage

AUTH = [{"id": "login", "name": "Log in"}]
REFUSED = {"code": -32000, "message": "...", "data": {"code": "authentication_required", "authMethods": AUTH}}


def test_an_agent_that_wants_to_be_authenticated() -> None:
    stage = Stage()
    stage.editor("initialize", id_=1, protocolVersion=1)
    made = stage.expect("vm.getOrCreate", {})["params"]["vm"]
    about = {"capabilities": {"promptCapabilities": {"image": True}}, "agentInfo": {"name": "a", "version": "1"}}
    refused = {**REFUSED, "data": {**REFUSED["data"], **about}}
    stage.expect("createSession", error=refused, vm=made)
    stage.expect("vm.destroy", {}, vm=made)
    (answer,) = stage.told()
    assert answer["result"]["authMethods"] == AUTH
    assert answer["result"]["agentCapabilities"]["promptCapabilities"] == {"image": True}
    stage.editor("session/new", id_=2, cwd="/w", mcpServers=[])
    stage.expect("vm.get", {"vm": "v"})
    stage.expect("createSession", error=REFUSED)
    (answer,) = stage.told()
    assert (answer["error"]["code"], answer["error"]["data"]["authMethods"]) == (-32000, AUTH)
    stage.editor("authenticate", id_=3, methodId="other")
    (answer,) = stage.told()
    assert answer["error"]["code"] == jsonrpc.INVALID_PARAMS
    stage.editor("authenticate", id_=4, methodId="login")
    assert stage.told() == [{"jsonrpc": "2.0", "id": 4, "result": {}}]
    stage.editor("session/new", id_=5, cwd="/w", mcpServers=[])
    stage.expect("vm.get", {"vm": "v"})
    stage.expect("createSession", MADE, options={"cwd": "/w", "authMethod": "login"})
    stage.expect("subscribe", {"subscriptionId": "sub"})
    stage.expect("getSession", ROW)
    stage.editor("authenticate", id_=6, methodId="login")
    stage.expect("authenticate", {}, vm="v", sessionId="s", methodId="login")
    stage.editor("session/resume", id_=7, cwd="/w", sessionId="s", mcpServers=[])
    stage.expect("getSession", ROW)
    stage.expect("unsubscribe", {})
    stage.expect("resumeSession", MADE, options={"authMethod": "login"})


QUESTION = {"questionId": "q", "mode": "form", "message": "Who?", "requestedSchema": {"type": "object"}}


@pytest.fixture
def asked() -> Stage:
    """With the session s open for an editor that takes forms."""
    stage = Stage()
    capabilities = {"elicitation": {"form": {}, "url": None}}
    stage.editor("initialize", id_=0, protocolVersion=1, clientCapabilities=capabilities)
    stage.expect("vm.getOrCreate", {})
    stage.expect("createSession", {**MADE, "capabilities": {}, "agentInfo": None, "authMethods": []})
    stage.expect("vm.destroy", {})
    stage.editor("session/new", id_=1, cwd="/w", mcpServers=[])
    stage.expect("vm.get", {"vm": "v"})
    stage.expect("createSession", MADE, options={"cwd": "/w", "elicitation": ["form"]})
    stage.expect("subscribe", {"subscriptionId": "sub"})
    stage.expect("getSession", ROW)
    stage.told()
    return stage


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"action": "accept", "content": {"a": 1}}, {"action": "accept", "content": {"a": 1}}),
        ({"action": "decline", "content": {"a": 1}}, {"action": "decline"}),
        ({"action": "nonsense"}, {"action": "cancel"}),
        (None, {"action": "cancel"}),
    ],
)
def test_questions_are_the_editors(asked: Stage, answer: Any, said: dict[str, Any]) -> None:
    asked.daemon("elicitationRequest", request=QUESTION)
    (question,) = asked.told()
    assert question["method"] == "elicitation/create"
    assert question["params"] == {"sessionId": "s", **{k: v for k, v in QUESTION.items() if k != "questionId"}}
    asked.answer_daemon(answer)
    request = asked.expect("respondElicitation", {})
    assert request["params"] == {"vm": "v", "sessionId": "s", "questionId": "q", **said}


def test_an_answer_that_is_not_taken_is_a_no(asked: Stage) -> None:
    asked.daemon("elicitationRequest", request=QUESTION)
    asked.told()
    asked.answer_daemon({"action": "accept"})
    asked.expect("respondElicitation", error={"code": -32000, "message": "no", "data": {"code": "invalid_argument"}})
    asked.expect("respondElicitation", {}, questionId="q", action="decline")


def test_a_question_that_somebody_else_has_answered_is_withdrawn(asked: Stage) -> None:
    asked.daemon("elicitationRequest", request=QUESTION)
    asked.told()
    asked.event(0, "_torpor/elicitation_reply", questionId="q", action="accept")
    assert asked.kinds() == ["$/cancel_request"]
    asked.event(1, "elicitation/complete", elicitationId="theirs")
    assert [line["params"] for line in asked.told()] == [{"elicitationId": "theirs"}]


def test_what_the_editor_does_not_know_is_declined(asked: Stage) -> None:
    page = {"questionId": "q", "mode": "url", "message": "Go", "url": "https://example.com/", "elicitationId": "theirs"}
    asked.daemon("elicitationRequest", request=page)
    asked.expect("respondElicitation", {}, questionId="q", action="decline")
    assert asked.silent()
