"""Names at the edge of what is documented, from the socket to a file and back, and at the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.test_names import PARTS, SESSION_IDS
from tests.system.daemon import Vm
from tests.system.test_portable import other, torpor

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.daemon import Daemon

__all__ = ["other"]

TAKEN = [id_ for id_, taken in SESSION_IDS.items() if taken]


def test_session_ids_that_are_documented_work(own_daemon: Daemon, other: Daemon, tmp_path: Path) -> None:
    path = str(tmp_path / "one.torpor")
    with own_daemon.connect() as api, other.connect() as elsewhere:
        vm = Vm(api, "one")
        for id_ in TAKEN:
            assert vm.session(sessionId=id_).say("say hello")
        vm.sleep()
        vm.call("sendPrompt", sessionId="a:b", prompt="say that you are back")
        assert vm.call("forkSession", sessionId="a:b")["sessionId"] not in TAKEN
        for id_ in TAKEN:
            fork = torpor(own_daemon, "fork-session", "--vm", "one", id_)
            assert fork["agentType"] == "echo"
        vm.call("vm.export", path=path)
        elsewhere.call("vm.import", path=path)
        assert Vm(elsewhere, "one").rows().keys() >= set(TAKEN)


@pytest.mark.parametrize("id_", [id_ for id_, taken in SESSION_IDS.items() if not taken])
def test_session_ids_that_are_not_are_refused_with_a_pointer(vm: Vm, id_: str) -> None:
    error = vm.error("createSession", agentType="echo", options={"sessionId": id_})
    assert error.data["errors"][0]["pointer"] == "/options/sessionId"


def test_names_of_vms(own_daemon: Daemon, tmp_path: Path) -> None:
    with own_daemon.connect() as api:
        for number, (part, taken) in enumerate(PARTS.items()):
            if taken:
                assert Vm(api, part).state() == "asleep"
                path = str(tmp_path / f"{number}.torpor")
                assert torpor(own_daemon, "export", part, path)["path"] == path
            else:
                error = api.error("vm.getOrCreate", vm=part)
                assert error.data["errors"][0]["pointer"] == "/vm"
