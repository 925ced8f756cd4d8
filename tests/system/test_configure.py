"""`vm.configure`: what counts at once, what is kept, and what it leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.testing.script import say
from tests.system.model import model

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.daemon import Daemon, Vm


def test_members_given_replace_and_null_removes(make_vm: Callable[..., Vm]) -> None:
    vm = make_vm(labels={"a": "1"}, limits={"files": 1000, "processes": 5}, idleTimeoutMs=60_000)
    info = vm.call("vm.configure", options={"limits": {"files": 50}, "labels": None})
    assert info == vm.call("vm.get")
    assert info["options"] == {"limits": {"files": 50}, "idleTimeoutMs": 60_000}
    assert info["state"] == "asleep"
    assert vm.call("vm.configure", options={})["options"] == info["options"]


def test_wrong_options_change_nothing(vm: Vm) -> None:
    assert vm.error("vm.configure", options={"network": {"allow": ["not a host"]}}).name == "invalid_argument"
    assert vm.error("vm.configure", options={"cpu": 1}).rpc_code == -32602
    assert vm.error("vm.configure", options={"limits": {"files": 0}}).rpc_code == -32602
    assert vm.call("vm.get")["options"] == {}
    assert vm.api.error("vm.configure", vm="nobody", options={}).name == "vm_not_found"


def test_quotas_count_at_once_asleep_and_awake(vm: Vm) -> None:
    vm.write("/home/user/a", "x" * 5000)
    vm.call("vm.configure", options={"limits": {"fileBytes": 6000}})
    assert vm.error("writeFile", path="/home/user/b", content="x" * 5000).name == "quota_exceeded"
    vm.call("vm.wake")
    vm.call("vm.configure", options={"limits": None})
    vm.write("/home/user/b", "x" * 5000)
    vm.call("vm.configure", options={"limits": {"fileBytes": 6000}})
    assert vm.error("writeFile", path="/home/user/c", content="x" * 5000).name == "quota_exceeded"
    assert len(vm.read("/home/user/b")) == 5000


def test_an_idle_timeout_counts_at_once(vm: Vm) -> None:
    vm.session().say("say hello")
    vm.call("subscribe")
    vm.call("vm.configure", options={"idleTimeoutMs": 50})
    vm.api.until(lambda n: n.method == "vmState" and n.params["state"] == "asleep")
    assert vm.state() == "asleep"


def test_network_grants_count_at_once_for_a_running_agent(vm: Vm) -> None:
    with model([say("One."), say("Two.")]) as served:
        session = vm.session("pi", env=served.env)
        assert session.error("sendPrompt", prompt="Talk").name == "agent_error"
        vm.call("vm.configure", options={"network": {"allow": [served.host]}})
        assert session.say("Talk") == "One."
        vm.call("vm.configure", options={"network": None})
        assert session.error("sendPrompt", prompt="Talk").name == "agent_error"
        assert session.types().count("_torpor/session_started") == 1
        assert "_torpor/session_resumed" not in session.types()


def test_what_was_configured_survives_a_kill(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        api.call("vm.getOrCreate", vm="kept", options={"labels": {"a": "1"}})
        api.call("vm.configure", vm="kept", options={"labels": {"b": "2"}})
        own_daemon.restart()
    with own_daemon.connect() as api:
        assert api.call("vm.get", vm="kept")["options"] == {"labels": {"b": "2"}}
