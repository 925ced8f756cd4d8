"""The base system through the socket: commands that are added are in /bin of all VMs, and stay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.system.daemon import Vm

if TYPE_CHECKING:
    from tests.system.daemon import Daemon

GUESTS = Path(__file__).parent.parent / "guests" / "dist"


def test_a_command_that_is_added_runs_in_every_vm(own_daemon: Daemon, tmp_path: Path) -> None:
    component = tmp_path / "code.wasm"
    component.write_bytes((GUESTS / "exit_code.wasm").read_bytes())
    with own_daemon.connect() as api:
        before, without = Vm(api, "before"), Vm(api, "without", base="none")
        assert before.error("exec", argv=["code", "3"]).name == "not_found"
        made = api.call("addCommand", path=str(component))
        assert made == next(each for each in api.call("listCommands") if each["name"] == "code")
        component.unlink()
        assert before.call("exec", argv=["code", "3"])["exitCode"] == 3
        assert Vm(api, "after").call("exec", argv=["/usr/bin/code", "4"])["exitCode"] == 4
        assert without.error("exec", argv=["code", "3"]).name == "not_found"
        assert without.call("vm.get")["options"] == {"base": "none"}
        assert api.error("vm.getOrCreate", vm="x", options={"base": "other"}).name == "invalid_params"
        session = before.session()
        assert session.say("fsread /etc/hostname") == "fsread: torpor\n"
        assert session.say("fswrite /etc/hostname mine").startswith("fswrite")
        assert before.read("/etc/hostname") == "mine"
        before.sleep()
    own_daemon.restart()
    with own_daemon.connect() as api:
        before = Vm(api, "before")
        assert before.read("/etc/hostname") == "mine"
        assert before.call("exec", argv=["code", "5"])["exitCode"] == 5
        before.call("deleteFile", path="/etc/hostname")
        assert before.read("/etc/hostname") == "torpor\n"
        error = before.error("deleteFile", path="/etc/hostname")
        assert (error.name, error.message) == ("read_only", "/etc/hostname: read-only (of the base system)")
        api.call("removeCommand", name="code")
        assert before.error("exec", argv=["code", "3"]).name == "not_found"
        assert "code" not in before.call("readdir", path="/bin")
