"""VMs that go on in another daemon."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.patience import WAIT
from tests.system.daemon import Daemon, Session, Vm, environment, fresh_name, running

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "sk-very-secret-0123456789"
CONTENT = "".join(f"line {number}\n" for number in range(20_000))


@pytest.fixture
def other(component_cache: Path, scratch: Path) -> Iterator[Daemon]:
    """A second daemon with a state directory of its own."""
    with running(Daemon(scratch / fresh_name("other"), environment(component_cache))) as daemon:
        yield daemon
    assert "Traceback" not in daemon.log.read_text(), daemon.log.read_text()


def torpor(daemon: Daemon, *arguments: str) -> Any:
    command = [sys.executable, "-P", "-m", "runtime.cli", *arguments, "--json", "--socket", str(daemon.socket)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.parametrize("awake", [True, False], ids=["awake", "asleep"])
def test_a_vm_goes_on_where_it_was(own_daemon: Daemon, other: Daemon, tmp_path: Path, awake: bool) -> None:
    path = str(tmp_path / "one.torpor")
    with own_daemon.connect() as api, other.connect() as elsewhere:
        vm = Vm(api, "one", labels={"team": "a"}, network={"allow": ["example.com"]})
        session = vm.session(env={"KEY": SECRET})
        session.say("say hello")
        vm.write("/home/user/deep/file", CONTENT)
        if not awake:
            vm.sleep()
        made = vm.call("vm.export", path=path)
        assert made == {"path": path, "bytes": Path(path).stat().st_size}
        assert vm.state() == ("awake" if awake else "asleep")
        before = session.events()
        session.say("say still here")
        assert SECRET.encode() not in Path(path).read_bytes()
        assert vm.error("vm.export", path=path).name == "exists"
        assert vm.error("vm.export", path="relative").name == "invalid_argument"

        info = elsewhere.call("vm.import", path=path)
        assert (info["vm"], info["created"], info["state"]) == ("one", True, "asleep")
        assert info["options"] == {"labels": {"team": "a"}}
        assert elsewhere.error("vm.import", path=path).name == "vm_conflict"
        moved = Vm(elsewhere, "one")
        assert moved.read("/home/user/deep/file") == CONTENT
        again = Session(moved, session.info)
        assert again.events() == before
        assert moved.rows()[again.id]["status"] == "suspended"
        needed = again.error("sendPrompt", prompt="say x")
        assert (needed.name, needed.data["names"]) == ("secrets_required", ["KEY"])
        again.call("resumeSession", options={"env": {"KEY": SECRET}})
        assert "hello again" in again.say("say hello again")
        assert again.events()[: len(before)] == before


def test_mcp_servers_are_asked_for_again(own_daemon: Daemon, other: Daemon, tmp_path: Path) -> None:
    path = str(tmp_path / "one.torpor")
    server = {"type": "remote", "name": "m", "url": "http://example.com/", "headers": {"Authorization": SECRET}}
    with own_daemon.connect() as api, other.connect() as elsewhere:
        vm = Vm(api, "one")
        both = vm.session(env={"KEY": SECRET, "TOKEN": SECRET}, mcpServers=[server])
        servers = vm.session(mcpServers=[server])
        vm.call("vm.export", path=path)
        elsewhere.call("vm.import", path=path)
        both, servers = both.through(elsewhere), servers.through(elsewhere)

        def lacks(session: Session, **options: Any) -> tuple[Any, Any]:
            error = session.error("resumeSession", options=options or None)
            assert error.name == "secrets_required"
            assert SECRET not in str(error)
            return error.data["options"], error.data["names"]

        assert lacks(servers) == (["mcpServers"], [])
        assert lacks(servers, env={"KEY": SECRET}) == (["mcpServers"], [])
        servers.call("resumeSession", options={"mcpServers": [server]})
        assert lacks(both) == (["env", "mcpServers"], ["KEY", "TOKEN"])
        assert lacks(both, env={"KEY": SECRET}) == (["env", "mcpServers"], ["TOKEN"])
        assert lacks(both, mcpServers=[]) == (["env"], ["KEY", "TOKEN"])
        assert lacks(both) == (["env", "mcpServers"], ["KEY", "TOKEN"]), "nothing is taken over in part"
        both.call("resumeSession", options={"env": {"KEY": SECRET, "TOKEN": ""}, "mcpServers": [server]})
        for session in (both, servers):
            (sent,) = json.loads(session.say("params").partition("\n\n")[2] or session.say("params"))["mcpServers"]
            assert sent["headers"] == [{"name": "Authorization", "value": SECRET}]


def test_how_an_agent_is_authenticated_does_not_leave_and_is_not_missed(
    own_daemon: Daemon, other: Daemon, tmp_path: Path
) -> None:
    path = str(tmp_path / "one.torpor")
    with own_daemon.connect() as api, other.connect() as elsewhere:
        vm = Vm(api, "one")
        alone, beside = vm.session(authMethod="login"), vm.session(authMethod="login", env={"KEY": SECRET})
        vm.call("vm.export", path=path)
        elsewhere.call("vm.import", path=path)
        assert alone.through(elsewhere).say("say on") == "on"
        error = beside.through(elsewhere).error("sendPrompt", prompt="say on")
        assert (error.name, error.data["names"]) == ("secrets_required", ["KEY"])


def test_a_variable_that_is_changed_leaves_the_servers(own_daemon: Daemon) -> None:
    server = {"type": "remote", "name": "m", "url": "http://example.com/"}
    with own_daemon.connect() as api:
        session = Vm(api, "one").session(env={"KEY": "old", "OTHER": "x"}, mcpServers=[server])
        session.call("closeSession")
        session.call("resumeSession", options={"env": {"KEY": "new"}})
        said = session.say("env; params")
        assert '"KEY":"new"' in said
        assert "OTHER" not in said
        assert '"name":"m"' in said


def test_a_turn_that_runs_is_interrupted_on_the_other_side(own_daemon: Daemon, other: Daemon, tmp_path: Path) -> None:
    path = str(tmp_path / "one.torpor")
    with own_daemon.connect() as api, other.connect() as elsewhere:
        session = Vm(api, "one").session()
        session.subscribe()
        pending = session.begin("say on; sleep 60000")
        session.vm.call("vm.export", path=path)
        elsewhere.call("vm.import", path=path, vm="two")
        moved = Session(Vm(elsewhere, "two"), session.info)
        assert "_torpor/turn_interrupted" in moved.types()
        assert moved.say("say next").endswith("next")  # after the line that tells of the transcript
        assert session.call("cancelPrompt") == {"outcome": "cancelled"}
        api.result(pending)


def test_from_the_command_line(own_daemon: Daemon, other: Daemon, tmp_path: Path) -> None:
    path = tmp_path / "one.torpor"
    with own_daemon.connect() as api:
        Vm(api, "one").write("/home/user/a", "text")
    assert torpor(own_daemon, "export", "one", str(path))["bytes"] == path.stat().st_size
    assert torpor(other, "import", str(path), "--vm", "x/y")["vm"] == ["x", "y"]
    other.restart()
    with other.connect() as api:
        assert api.call("readFile", vm=["x", "y"], path="/home/user/a") == {"content": "text"}
        assert [each["vm"] for each in api.call("vm.list")] == [["x", "y"]]


def test_a_kill_in_mid_export_leaves_nothing(own_daemon: Daemon, tmp_path: Path) -> None:
    with own_daemon.connect() as api:
        vm = Vm(api, "one")
        for number in range(4):
            vm.call("writeFile", path=f"/{number}", content={"base64": base64.b64encode(os.urandom(8 << 20)).decode()})
        vm.start("vm.export", path=str(tmp_path / "one.torpor"), progressToken="p")
        api.until(lambda notification: notification.method == "progress")
        own_daemon.restart()
    assert list(tmp_path.iterdir()) == []
    with own_daemon.connect() as api:
        Vm(api, "one").call("vm.export", path=str(tmp_path / "one.torpor"))
    assert [path.name for path in tmp_path.iterdir()] == ["one.torpor"]
