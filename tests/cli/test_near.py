"""Limits that are nearly reached, as a client, `torpor vm stats` and `torpor doctor` are told of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.cli.main import main
from runtime.vms.nearing import NEARLY
from tests.system.daemon import Vm, fresh_name

if TYPE_CHECKING:
    from tests.system.daemon import Api, Daemon

GUESTS = Path(__file__).parents[1] / "guests" / "dist"
MB = 1_000_000
MANY = [{"path": f"/home/user/{number}", "content": ""} for number in range(50)]


def warnings(api: Api, pending: Any) -> list[dict[str, Any]]:
    """What is warned of before a call is answered."""
    seen = [each for each in api.drain(pending) if each.method == "vmWarning"]
    return [{name: each.params.get(name) for name in ("limit", "used", "allowed", "sessionId")} for each in seen]


def test_a_limit_is_told_once_at_the_end_of_a_turn(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    with daemon.connect() as api:
        vm = Vm(api, fresh_name("near"), limits={"fileBytes": MB})
        session = vm.session()
        vm.call("subscribe")
        vm.write("/home/user/large", "x" * int(NEARLY * MB))
        begun = vm.call("vm.stats")["near"]
        (told,) = warnings(api, session.start("sendPrompt", prompt="hello"))
        assert begun == [{name: value for name, value in told.items() if value is not None}]
        assert (told["limit"], told["allowed"], told["used"] >= NEARLY * MB) == ("fileBytes", MB, True)
        assert warnings(api, session.start("sendPrompt", prompt="again")) == []
        vm.call("deleteFile", path="/home/user/large")
        assert warnings(api, session.start("sendPrompt", prompt="less")) == []
        assert vm.call("vm.stats")["near"] == []
        vm.write("/home/user/large", "x" * int(NEARLY * MB))
        assert len(warnings(api, session.start("sendPrompt", prompt="more"))) == 1

        assert main(["vm", "stats", vm.name, "--socket", str(daemon.socket)]) == 0
        assert f"VM {vm.name} has used 80 % of fileBytes (1,000,000)" in capsys.readouterr().err
        main(["doctor", "--socket", str(daemon.socket), "--state", str(daemon.state), "--json"])
        lines = map(json.loads, capsys.readouterr().out.splitlines())
        (found,) = (each for each in lines if each["check"] == "limits of VMs")
        assert found["verdict"] == "warn"
        assert f"VM {vm.name}: " in found["message"]
        assert found["remedy"].endswith(f"`torpor vm configure {vm.name} --limit fileBytes=N`")
        vm.call("vm.destroy")


def test_the_context_of_a_model_is_told_with_its_session(daemon: Daemon) -> None:
    with daemon.connect() as api:
        vm = Vm(api, fresh_name("near"))
        sessions = vm.session(), vm.session()
        vm.call("subscribe")
        for session in sessions:
            assert warnings(api, session.start("sendPrompt", prompt="usage 79 100")) == []
            (told,) = warnings(api, session.start("sendPrompt", prompt="usage 80 100"))
            assert told == {"limit": "context", "used": 80, "allowed": 100, "sessionId": session.id}
        assert warnings(api, sessions[0].start("sendPrompt", prompt="usage 90 100")) == []
        assert [each["sessionId"] for each in vm.call("vm.stats")["near"]] == [each.id for each in sessions]
        sessions[0].call("closeSession")
        assert [each["sessionId"] for each in vm.call("vm.stats")["near"]] == [sessions[1].id]
        vm.call("vm.destroy")


@pytest.mark.parametrize("limit", ["files", "transcriptBytes", "sessions", "processes", "memoryBytes"])
def test_other_limits(daemon: Daemon, limit: str) -> None:
    with daemon.connect() as api:
        vm = Vm(api, fresh_name("near"))
        session = vm.session()
        session.say("hello")
        assert vm.call("vm.stats")["near"] == []
        stats = vm.call("vm.stats")
        used = {
            "transcriptBytes": stats["eventBytes"],
            "sessions": 1,
            "processes": 1,
            "memoryBytes": stats["memoryBytes"],
            "files": len(MANY),
        }[limit]
        vm.call("vm.configure", options={"limits": {limit: used}})
        vm.call("writeFiles", files=MANY)
        near = {each["limit"]: each for each in vm.call("vm.stats")["near"]}
        assert near[limit]["allowed"] == used
        vm.call("vm.destroy")


def test_a_command_is_looked_at_when_it_has_ended(daemon: Daemon) -> None:
    with daemon.connect() as api:
        vm = Vm(api, fresh_name("near"), limits={"files": len(MANY)})
        vm.call("subscribe", types=["vmWarning"])
        content = (GUESTS / "copy_stdin.wasm").read_bytes()
        api.client.vm.get(vm.name).write_file("/home/user/cat", content)
        vm.call("writeFiles", files=MANY)
        pending = vm.start("exec", argv=["/home/user/cat"], stdin="")
        (told,) = warnings(api, pending)
        assert (told["limit"], told["allowed"]) == ("files", len(MANY))
        vm.call("vm.destroy")
