"""Permission requests: asked of clients, answered once, remembered when told to, and never left hanging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.system.daemon import type_of

if TYPE_CHECKING:
    from tests.system.daemon import Pending, Session, Vm


@pytest.fixture
def session(vm: Vm) -> Session:
    session = vm.session()
    session.subscribe()
    return session


def ask(session: Session, title: str = "Delete it") -> tuple[Pending, dict[str, Any]]:
    pending = session.start("sendPrompt", prompt=f"permission {title}")
    return pending, session.until_permission()


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ({"reply": "once"}, "allow-once"),
        ({"reply": "always"}, "allow-always"),
        ({"reply": "reject"}, "reject-once"),
        ({"optionId": "reject-always"}, "reject-always"),
    ],
    ids=["once", "always", "reject", "option"],
)
def test_the_answer_reaches_the_agent(session: Session, answer: dict[str, str], chosen: str) -> None:
    pending, request = ask(session)
    assert request["toolCall"]["title"] == "Delete it"
    assert [option["kind"] for option in request["options"]][:2] == ["allow_once", "allow_always"]
    assert session.call("getSession")["pendingPermissions"] == [request]
    session.call("respondPermission", permissionId=request["permissionId"], **answer)
    assert session.vm.api.result(pending)["text"] == f"permission: {chosen}"
    assert session.call("getSession")["pendingPermissions"] == []
    kinds = session.types()
    assert kinds.index("session/request_permission") < kinds.index("_torpor/permission_reply")


def test_always_is_remembered_for_the_session_alone_and_over_a_sleep(session: Session) -> None:
    pending, request = ask(session)
    session.call("respondPermission", permissionId=request["permissionId"], reply="always")
    session.vm.api.result(pending)
    assert session.say("permission Delete it") == "permission: allow-always"
    session.vm.sleep()
    assert session.say("permission Delete it").endswith("permission: allow-always")
    other = session.vm.session()
    other.subscribe()
    pending, request = ask(other)
    other.call("respondPermission", permissionId=request["permissionId"], reply="reject")
    assert session.vm.api.result(pending)["text"] == "permission: reject-once"


def test_once_is_asked_again(session: Session) -> None:
    for _ in range(2):
        pending, request = ask(session)
        session.call("respondPermission", permissionId=request["permissionId"], reply="once")
        session.vm.api.result(pending)


def test_only_the_session_that_asked_takes_the_answer_and_only_once(session: Session) -> None:
    other = session.vm.session()
    pending, request = ask(session)
    id_ = request["permissionId"]
    error = other.error("respondPermission", permissionId=id_, reply="once")
    assert (error.name, error.data["reason"]) == ("permission_not_pending", "unknown")
    assert session.error("respondPermission", permissionId="perm_0", reply="once").name == "permission_not_pending"
    assert session.error("respondPermission", permissionId=id_, optionId="?").name == "invalid_permission_option"
    assert session.error("respondPermission", permissionId=id_).code == -32602
    session.call("respondPermission", permissionId=id_, reply="reject")
    error = session.error("respondPermission", permissionId=id_, reply="once")
    assert (error.name, error.data["reason"]) == ("permission_not_pending", "answered")
    assert session.vm.api.result(pending)["text"] == "permission: reject-once"


@pytest.mark.parametrize(("policy", "said"), [("allow", "allow-once"), ("deny", "reject-once")])
def test_a_policy_answers_without_asking(vm: Vm, policy: str, said: str) -> None:
    session = vm.session(permissionPolicy=policy)
    session.subscribe()
    pending = session.start("sendPrompt", prompt="permission")
    heard = vm.api.drain(pending)
    assert pending.result()["text"] == f"permission: {said}"
    assert not [n for n in heard if n.method == "permissionRequest"]


def test_a_policys_rules_decide_by_kind_and_tool(vm: Vm) -> None:
    rules = [{"kind": "execute", "tool": "Read *", "policy": "allow"}, {"kind": "execute", "policy": "deny"}]
    session = vm.session(permissionPolicy={"default": "ask", "rules": rules})
    assert session.say("permission Read notes") == "permission: allow-once"
    assert session.say("permission Remove notes") == "permission: reject-once"


@pytest.mark.parametrize("end", ["closeSession", "destroySession"])
def test_a_request_does_not_outlive_its_session(session: Session, end: str) -> None:
    pending, request = ask(session)
    session.call(end)
    assert session.vm.api.result(pending)["stopReason"] == "cancelled"
    expected = "permission_not_pending" if end == "closeSession" else "session_not_found"
    assert session.error("respondPermission", permissionId=request["permissionId"], reply="once").name == expected


def test_a_request_ends_with_the_agent_that_made_it(session: Session) -> None:
    _, request = ask(session)
    session.vm.call("vm.sleep", force=True)
    error = session.error("respondPermission", permissionId=request["permissionId"], reply="once")
    assert error.name == "permission_not_pending"
    kinds = [type_of(each["event"]) for each in session.events()]
    assert "_torpor/permission_reply" in kinds
    assert session.say("say on").endswith("on")
