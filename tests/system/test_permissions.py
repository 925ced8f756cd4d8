"""Permission requests: asked of clients, answered once, remembered when told to, and never left hanging."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.daemon import Vm, type_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.daemon import Api, Daemon, Pending, Session


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
    assert session.error("respondPermission", permissionId=id_).rpc_code == -32602
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
    rules = [{"kind": "execute", "policy": "allow"}, {"kind": "execute", "tool": "Remove *", "policy": "deny"}]
    session = vm.session(permissionPolicy={"default": "ask", "rules": rules})
    assert session.say("permission Read notes") == "permission: allow-once"
    assert session.say("permission Remove notes") == "permission: reject-once"


OPTIONS = [{"optionId": kind, "name": kind, "kind": kind} for kind in ("allow_once", "allow_always", "reject_once")]
POLICY = {
    "default": "ask",
    "rules": [
        {"policy": "allow", "kind": "edit", "path": "/home/user/**"},
        {"policy": "ask", "path": "/home/user/.*"},
        {"policy": "deny", "path": "**/.ssh/**"},
        {"policy": "allow", "command": "git *"},
        {"policy": "deny", "command": "git push*"},
    ],
}


def wanting(**call: Any) -> str:
    """A prompt that makes echo ask for permission for this call, and say what it was answered."""
    params = {"toolCall": {"toolCallId": "1", **call}, "options": OPTIONS}
    return f"request session/request_permission {json.dumps(params)}"


@pytest.mark.parametrize(
    ("call", "chosen"),
    [
        ({"kind": "edit", "locations": [{"path": "/home/user/a/b"}]}, "allow_once"),
        ({"kind": "edit", "rawInput": {"path": "b"}}, "allow_once"),
        ({"kind": "edit", "locations": [{"path": "/home/user/.ssh/key"}]}, "reject_once"),
        ({"kind": "edit", "locations": [{"path": "/home/user/a"}, {"path": "/x/.ssh/y"}]}, "reject_once"),
        ({"kind": "edit", "rawInput": {"path": "/home/user/a/../../../etc/passwd"}}, None),
        ({"kind": "edit", "locations": [{"path": "/home/user/.bashrc"}]}, None),
        ({"kind": "read", "locations": [{"path": "/home/user/a"}]}, None),
        ({"kind": "execute", "rawInput": {"command": "git log"}}, "allow_once"),
        ({"kind": "execute", "rawInput": {"command": "git log && rm x"}}, None),
        ({"kind": "execute", "rawInput": {"command": "git log && git push"}}, "reject_once"),
        ({"kind": "execute", "title": "git log"}, None),
    ],
)
def test_a_policys_rules_decide_by_path_and_command(vm: Vm, call: dict[str, Any], chosen: str | None) -> None:
    session = vm.session(permissionPolicy=POLICY)
    session.subscribe()
    pending = session.start("sendPrompt", prompt=wanting(**call))
    if chosen is None:
        request = session.until_permission()
        session.call("respondPermission", permissionId=request["permissionId"], reply="reject")
    text = vm.api.result(pending)["text"]
    assert f'"optionId":"{chosen or "reject_once"}"' in text
    (reply,) = session.events(types=["_torpor/permission_reply"])
    assert reply["event"]["params"]["by"] == ("policy" if chosen else "client")


@pytest.mark.parametrize(
    ("policy", "pointer"),
    [
        ("sometimes", ""),
        ({"defaults": "ask"}, "/defaults"),
        ({"default": "never"}, "/default"),
        ({"rules": [{"policy": "deny"}, {"policy": "allow", "paths": "/x"}]}, "/rules/1/paths"),
        ({"rules": [{"kind": "edit"}]}, "/rules/0/policy"),
    ],
)
def test_what_is_no_policy_is_refused_with_a_pointer(vm: Vm, policy: Any, pointer: str) -> None:
    error = vm.error("createSession", agentType="echo", options={"permissionPolicy": policy})
    assert error.rpc_code == -32602
    assert [fault["pointer"] for fault in error.data["errors"]] == [f"/options/permissionPolicy{pointer}"]


def test_what_is_remembered_is_listed_also_asleep_and_closed(session: Session) -> None:
    assert session.call("getSession")["rememberedPermissions"] == []
    pending, request = ask(session)
    session.call("respondPermission", permissionId=request["permissionId"], reply="always")
    session.vm.api.result(pending)
    expected = [{"kind": "execute", "tool": "Delete it"}]
    assert session.call("getSession")["rememberedPermissions"] == expected
    session.vm.sleep()
    assert session.call("getSession")["rememberedPermissions"] == expected
    assert session.vm.state() == "asleep"
    session.call("resumeSession")
    session.call("closeSession")
    assert session.call("getSession")["rememberedPermissions"] == expected


def test_nobody_listens_and_the_request_waits(vm: Vm) -> None:
    session = vm.session()
    pending = session.start("sendPrompt", prompt="permission Delete it")
    while not (waiting := session.call("getSession")["pendingPermissions"]):
        assert not pending.done
    session.call("respondPermission", permissionId=waiting[0]["permissionId"], reply="once")
    assert vm.api.result(pending)["text"] == "permission: allow-once"


def test_a_request_that_waits_keeps_the_vm_awake(make_vm: Callable[..., Vm]) -> None:
    vm = make_vm(idleTimeoutMs=20)
    session = vm.session()
    session.subscribe()
    pending, request = ask(session)
    # Another VM falls asleep meanwhile: its timeout is twice as long.
    other = Vm(vm.api, f"{vm.name}-other", idleTimeoutMs=40)
    other.call("subscribe")
    other.session()
    vm.api.until(lambda n: n.method == "vmState" and n.params["state"] == "asleep")
    other.call("vm.destroy")
    assert vm.state() == "awake"
    session.call("respondPermission", permissionId=request["permissionId"], reply="once")
    assert vm.api.result(pending)["text"] == "permission: allow-once"


@pytest.mark.parametrize("end", ["closeSession", "destroySession"])
def test_a_request_does_not_outlive_its_session(session: Session, end: str) -> None:
    pending, request = ask(session)
    session.call(end)
    assert session.vm.api.result(pending)["stopReason"] == "cancelled"
    expected = "permission_not_pending" if end == "closeSession" else "session_not_found"
    assert session.error("respondPermission", permissionId=request["permissionId"], reply="once").name == expected


def outcome(session: Session) -> dict[str, Any]:
    """How the only request of the session was answered."""
    (reply,) = session.events(types=["_torpor/permission_reply"])
    return {name: reply["event"]["params"][name] for name in ("outcome", "by")}


def test_a_cancel_answers_what_waits_before_it_returns(session: Session) -> None:
    pending, request = ask(session)
    assert session.call("cancelPrompt") == {"outcome": "cancelled"}
    assert session.vm.api.result(pending)["stopReason"] == "cancelled"
    assert outcome(session) == {"outcome": "cancelled", "by": "cancelled"}
    error = session.error("respondPermission", permissionId=request["permissionId"], reply="once")
    assert (error.name, error.data["reason"]) == ("permission_not_pending", "cancelled")


def test_a_request_does_not_outlive_the_daemon(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        session = Vm(api, "asked").session()
        session.subscribe()
        _, request = ask(session)
        own_daemon.restart()
    with own_daemon.connect() as api:
        session = session.through(api)
        assert session.call("getSession")["pendingPermissions"] == []
        error = session.error("respondPermission", permissionId=request["permissionId"], reply="once")
        assert error.name == "permission_not_pending"
        assert session.types()[-1] == "_torpor/turn_interrupted"
        assert session.say("say on").endswith("on")


def test_a_sleep_with_patience_waits_for_the_answer(session: Session) -> None:
    pending, request = ask(session)
    sleeping = session.vm.start("vm.sleep", graceMs=60_000)
    session.call("respondPermission", permissionId=request["permissionId"], reply="once")
    assert session.vm.api.result(pending)["text"] == "permission: allow-once"
    session.vm.api.result(sleeping)
    assert session.vm.state() == "asleep"
    assert outcome(session) == {"outcome": "selected", "by": "client"}


def test_a_request_ends_with_the_agent_that_made_it(session: Session) -> None:
    _, request = ask(session)
    session.vm.call("vm.sleep", force=True)
    error = session.error("respondPermission", permissionId=request["permissionId"], reply="once")
    assert error.name == "permission_not_pending"
    kinds = [type_of(each["event"]) for each in session.events()]
    assert "_torpor/permission_reply" in kinds
    assert session.say("say on").endswith("on")


def test_the_shape_of_a_policy_is_in_the_document(api: Api) -> None:
    schemas = api.call("rpc.discover")["components"]["schemas"]
    options = schemas["SessionOptions"]["properties"]
    assert "#/components/schemas/PermissionPolicy" in json.dumps(options["permissionPolicy"])
    rule = schemas["PermissionRule"]
    assert set(rule["properties"]) == {"policy", "kind", "tool", "title", "path", "command"}
    assert rule["required"] == ["policy"]
    assert set(schemas["Secret"]["properties"]) == {"value", "fromHostEnv", "placeholder", "hosts"}
