"""Which methods wake a VM: what docs/sleep.md says, for every method that there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runtime.client.errors import RpcError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.daemon import Vm

SESSION = {
    "authenticate": {"methodId": "x"},
    "cancelPrompt": {},
    "closeSession": {},
    "destroySession": {},
    "forkSession": {},
    "getConfigOptions": {},
    "getModes": {},
    "getSession": {},
    "getSessionEvents": {},
    "rawSend": {"method": "x/y", "params": {}},
    "respondElicitation": {"questionId": "x", "action": "decline"},
    "respondPermission": {"permissionId": "x", "reply": "once"},
    "resumeSession": {},
    "sendPrompt": {"prompt": "hello"},
    "serveFiles": {"paths": ["/w"]},
    "setConfigOption": {"configId": "x", "value": "y"},
    "setMode": {"modeId": "x"},
    "setModel": {"value": "x"},
    "setThoughtLevel": {"value": "x"},
}
"""Methods of a session, with params beside its id. Whether there is such a mode makes no difference."""
VM = {
    "createSession": {"agentType": "echo"},
    "exec": {"argv": ["none"]},
    "listAgents": {},
    "listPersistedSessions": {},
    "listSessions": {},
    "spawn": {"argv": ["none"]},
    "subscribe": {},
    "vm.configure": {"options": {"labels": {"a": "b"}}},
    "vm.get": {},
    "vm.getOrCreate": {},
    "vm.sleep": {},
    "vm.stats": {},
    "vm.wake": {},
    "closeProcessStdin": {"pid": 1},
    "getProcess": {"pid": 1},
    "killProcess": {"pid": 1},
    "listProcesses": {},
    "openShell": {"argv": ["none"]},
    "writeShell": {"shell": "shell-1", "data": "x"},
    "resizeShell": {"shell": "shell-1", "rows": 1, "columns": 1},
    "closeShell": {"shell": "shell-1"},
    "waitShell": {"shell": "shell-1"},
    "stopProcess": {"pid": 1},
    "waitProcess": {"pid": 1},
    "writeProcessStdin": {"pid": 1, "data": "x"},
}
FILES = {
    "chmod": {"path": "/f", "mode": 0o600},
    "deleteFile": {"path": "/f"},
    "deleteSnapshot": {"name": "s"},
    "diff": {"from": "s"},
    "exists": {"path": "/f"},
    "listSnapshots": {},
    "mkdir": {"path": "/d"},
    "move": {"from": "/f", "to": "/g"},
    "readFile": {"path": "/f"},
    "readFiles": {"paths": ["/f"]},
    "readdir": {"path": "/"},
    "readdirEntries": {"path": "/"},
    "readdirRecursive": {"path": "/"},
    "readlink": {"path": "/l"},
    "restore": {"to": "s"},
    "snapshot": {},
    "stat": {"path": "/f"},
    "symlink": {"target": "f", "path": "/new"},
    "truncate": {"path": "/f", "size": 1},
    "writeFile": {"path": "/f", "content": "x"},
    "writeFiles": {"files": [{"path": "/f", "content": "x"}]},
}
WAKES = {
    *("createSession", "sendPrompt", "resumeSession", "exec", "spawn", "openShell", "vm.wake"),
    *("authenticate", "closeSession", "destroySession", "rawSend", "respondElicitation", "respondPermission"),
    *("setConfigOption", "setMode", "setModel", "setThoughtLevel"),
}
ELSEWHERE = {"vm.destroy", "vm.export", "vm.fork", "vm.import"}
"""Of another VM, or the end of this one: see the tests of these."""


@pytest.fixture
def asleep(vm: Vm) -> tuple[Vm, str]:
    session = vm.session(env={"ECHO_LOAD": "1"})
    session.say("say hello")
    vm.write("/f", "x")
    vm.call("symlink", target="f", path="/l")
    vm.call("snapshot", name="s")
    vm.sleep()
    return vm, session.id


@pytest.mark.parametrize("method", sorted(SESSION | VM | FILES))
def test_what_wakes_a_vm(asleep: tuple[Vm, str], method: str) -> None:
    vm, session_id = asleep
    params: dict[str, Any] = dict((SESSION | VM | FILES)[method])
    if method in SESSION:
        params["sessionId"] = session_id
    answer = vm.start(method, **params)
    try:
        vm.api.result(answer)
    except RpcError as error:
        assert error.name not in {"invalid_params", "method_not_found"}, error  # noqa: PT017 - either outcome will do
    assert vm.state() == ("awake" if method in WAKES else "asleep")


def test_no_method_is_left_out(vm: Vm) -> None:
    methods = vm.api.call("rpc.discover")["methods"]
    named = {each["name"] for each in methods if any(param["name"] == "vm" for param in each["params"])}
    assert named == {*SESSION, *VM, *FILES, *ELSEWHERE}


def test_copies_wake_nothing(asleep: tuple[Vm, str], tmp_path: Path) -> None:
    vm, _ = asleep
    vm.call("vm.fork", to=f"{vm.name}-fork")
    vm.call("vm.export", path=str(tmp_path / "vm.torpor"))
    vm.api.call("vm.import", path=str(tmp_path / "vm.torpor"), vm=f"{vm.name}-import")
    for copy in ("fork", "import"):
        assert vm.api.call("vm.get", vm=f"{vm.name}-{copy}")["state"] == "asleep"
        vm.api.call("vm.destroy", vm=f"{vm.name}-{copy}")
    assert vm.state() == "asleep"
