"""A daemon that has used up its file descriptors says so, goes on with what needs none, and recovers."""

from __future__ import annotations

import base64
import os
import resource
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.patience import WAIT
from tests.system.daemon import Vm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.daemon import Daemon, RpcError

PROGRAM = (Path(__file__).parents[1] / "guests" / "dist" / "exit_code.wasm").read_bytes()
ROOM = 8  # descriptors that are left: what serves a request for a moment does not count among what is held


def held(daemon: Daemon) -> int:
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))  # noqa: PTH208 - a count


@pytest.fixture
def crowd(own_daemon: Daemon) -> Iterator[list[socket.socket]]:
    """Sockets that are closed in the end; `fill` makes them."""
    made: list[socket.socket] = []
    yield made
    for each in made:
        each.close()


def let_have(daemon: Daemon, descriptors: int) -> None:
    _, most = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (descriptors, most))


def fill(daemon: Daemon, crowd: list[socket.socket]) -> None:
    """Connect until nobody is let in any more."""
    limit = held(daemon) + ROOM
    let_have(daemon, limit)
    for _ in range(ROOM + 2):  # the last two wait for being let in
        peer = socket.socket(socket.AF_UNIX)
        crowd.append(peer)
        peer.connect(str(daemon.socket))
    for peer in crowd[:ROOM]:
        peer.settimeout(WAIT)
        peer.sendall(b'{"jsonrpc": "2.0", "id": 1, "method": "hello"}\n')
        assert peer.recv(1)
    assert held(daemon) == limit


def is_told(error: RpcError) -> bool:
    return (error.name, error.data["retryable"], error.data["resource"]) == ("resource_exhausted", True, "descriptors")


def test_who_needs_a_descriptor_is_told_and_all_goes_on_when_there_is_one(
    own_daemon: Daemon, crowd: list[socket.socket], tmp_path: Path
) -> None:
    with own_daemon.connect() as api:
        vm = Vm(api, "vm")
        session = vm.session()
        content = {
            "base64": base64.b64encode(PROGRAM + b"\0\x02\x01x").decode()
        }  # not the one that others have compiled
        vm.call("writeFile", path="/bin/tool", content=content)
        fill(own_daemon, crowd)
        assert is_told(vm.error("createSession", agentType="echo"))
        assert is_told(vm.error("exec", argv=["/bin/tool"]))
        assert is_told(vm.error("vm.export", path=str(tmp_path / "export")))
        assert is_told(api.error("vm.getOrCreate", vm="x", options={"mounts": [{"path": "/m", "host": str(tmp_path)}]}))
        assert session.say("say still here") == "still here"
        vm.write("/home/user/file", "text")
        assert vm.read("/home/user/file") == "text"
        assert not (tmp_path / "export").exists()
        for peer in crowd[:ROOM]:
            peer.close()
        for peer in crowd[ROOM:]:  # who had to wait is let in
            peer.settimeout(WAIT)
            peer.sendall(b'{"jsonrpc": "2.0", "id": 1, "method": "hello"}\n')
            assert peer.recv(1)
            peer.close()
        assert vm.session().say("say works") == "works"
        assert vm.call("exec", argv=["/bin/tool"])["exitCode"] == 0
        vm.call("vm.export", path=str(tmp_path / "export"))
    assert own_daemon.log.read_text().count("accept returned") == 1


def test_who_wakes_a_vm_is_told_why_it_does_not_wake(own_daemon: Daemon, crowd: list[socket.socket]) -> None:
    with own_daemon.connect() as api:
        api.call("vm.getOrCreate", vm="vm")
        fill(own_daemon, crowd)
        for method, params in (("createSession", {"agentType": "echo"}), ("vm.wake", {}), ("exec", {"argv": ["tool"]})):
            assert is_told(api.error(method, vm="vm", **params)), method
        let_have(own_daemon, held(own_daemon) + 100)
        assert Vm(api, "vm").session().say("say works") == "works"
